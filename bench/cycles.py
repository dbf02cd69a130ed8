"""Cycles per step in simulation, beside the formula, the ideal and other cores.

    python -m bench.cycles [--seed N] [--json PATH]
    python -m bench.cycles --count               # the formula alone, in seconds

Each core is generated, Verilated and given dense random input without stalls: one sequence, then
one that is longer by ``STEPS`` steps. Every output word is compared with the golden model, every
transfer with the cycle count. Cycles per step come from the difference between the two runs' last
output words. The exit status is 1 if a comparison fails or a bar is missed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console, RenderableType

from golden.interface import Interface
from golden.layers import dense
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from hdl import cycles, verilog
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm import outputs
from litelstm.architectures import Architecture
from litelstm.console import progress, table
from litelstm.options import json_option
from sim.compiled.bench import CompiledBench
from sim.core_job.job import CoreJob
from sim.core_job.result import CoreResult

WARM_UP, STEPS = 6, 16
"""Steps of the shorter run, and additional steps of the longer one."""

ELASTIC = "elastic-ai.creator 0.68"
TITLES = {
    "rnn": "RNN",
    "lstm": "LSTM",
    "plstm": "pLSTM",
    "gru": "GRU reset-before",
    "litelstm": "LiteLSTM",
}


@dataclass(frozen=True, kw_only=True)
class Spotter(Architecture):
    """A recurrent layer, or several, behind a convolution over time with ReLU.

    Args:
        features: length of the input vector; ``inputs`` is the number of filters.
        kernel: steps that a filter reads.
    """

    features: int
    kernel: int

    def __str__(self) -> str:
        front = f"{self.features} in, Conv1D of {self.kernel} steps and {self.inputs} filters"
        return f"{self.cell}, {front}, {self.units} units"

    def floats(self, seed: int = 0) -> Network:
        """Make a float network as :meth:`litelstm.architectures.Architecture.floats` does."""
        rng = np.random.default_rng([seed, 2])
        shape, scale = (self.inputs, self.features), (self.features * self.kernel) ** -0.5
        weights = [rng.normal(scale=scale, size=shape) for _ in range(self.kernel)]
        lags = tuple(range(self.kernel))
        front = dense(
            weights, rng.normal(scale=0.5, size=self.inputs), "relu", (0,) * len(lags), lags
        )
        return Network(layers=(front, *super().floats(seed).layers))

    def quantized(self, settings: Settings | None = None, *, seed: int = 0) -> QuantizedNetwork:
        """Make the network in integers."""
        samples = np.random.default_rng([seed, 1]).uniform(-1, 1, size=(4, 12, self.features))
        return quantize(self.floats(seed), samples, settings or Settings())[0]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes:
        work: the network.
        lanes: multipliers in the array.
        bar: most cycles per step that it may take.
        streams: sequences that share the core in turns.
        others: measured cycles of other cores with as many multipliers.
    """

    work: Architecture
    lanes: int
    bar: int
    streams: int = 1
    others: str = "-"

    @property
    def title(self) -> str:
        """Title of the row, e.g. ``GRU reset-before, 8 in, 2 x 16 units, 8 lanes``."""
        sizes = str(self.work).removeprefix(self.work.cell)
        streams = f", {self.streams} interleaved streams" if self.streams > 1 else ""
        return f"{TITLES[self.work.cell]}{sizes}, {self.lanes} lanes{streams}"


def _row(
    cell: str, inputs: int, units: int, lanes: int, bar: int, others: str = "-", layers: int = 1
) -> Row:
    work = Architecture(cell=cell, inputs=inputs, units=units, layers=layers)
    return Row(work=work, lanes=lanes, bar=bar, others=others)


ROWS = (
    _row("lstm", 1, 20, 4, 422, "507 published, 891 open RTL"),
    _row("gru", 32, 32, 8, 770, "797.2"),
    _row("gru", 64, 64, 8, 3074, "3,111.8"),
    _row("gru", 8, 16, 8, 340, "382.9", layers=2),
    _row("litelstm", 28, 64, 16, 994),
    _row("plstm", 28, 64, 16, 1474),
    _row("rnn", 28, 64, 16, 370),
    _row("lstm", 28, 64, 32, 738, f"1,565 ({ELASTIC}, unroll 8, pipelined)"),
    _row("lstm", 28, 64, 4, 5890, f"8,252 ({ELASTIC}, unroll 1)"),
    _row("litelstm", 16, 16, 16, 82),
    _row("litelstm", 1, 16, 16, 65),
    Row(work=Architecture(cell="litelstm", inputs=1, units=16), lanes=16, bar=51, streams=2),
    Row(work=Spotter(cell="gru", features=40, kernel=5, inputs=64, units=64), lanes=16, bar=2338),
)
"""The project's bars for cycles per step."""


def count(row: Row) -> dict[str, Any]:
    """Compute one row by the formula alone."""
    interface = Interface(streams=row.streams)
    plan = Plan(
        network=row.work.quantized(), options=CoreOptions(lanes=row.lanes, interface=interface)
    )
    steady = cycles.steady_state(plan)
    return {
        "work": row.title,
        "formula": steady.cycles_per_step,
        "ideal": steady.ideal_cycles_per_step,
        "bar": row.bar,
        "others": row.others,
        "waited": steady.waited,
        "words_compared": 0,
        "wrong": "",
        "holds": steady.cycles_per_step <= row.bar,
    }


def measure(row: Row, seed: int) -> dict[str, Any]:
    """Run one row's core in the compiled bench.

    Raises:
        sim.tools.errors.SimulationError: the bench cannot be built, or the core hangs.
    """
    counted, network = count(row), row.work.quantized(seed=seed)
    core = verilog.generate(network, lanes=row.lanes, interface=Interface(streams=row.streams))
    rng = np.random.default_rng([seed, 2])
    ends, compared, wrong = [], 0, ""
    with CompiledBench.of(core) as bench:
        for steps in (WARM_UP, WARM_UP + STEPS):
            x = _dense(rng, (row.streams, steps, network.inputs), network.x.max)
            job = CoreJob.make(core.plan, list(x), IntegerModel(network).forward(x))
            run = bench.run(job.request())
            result = CoreResult.judge(job, run, stalled=False)
            ends.append(int(result.taken[-1]))
            compared += result.compared
            wrong = wrong or result.first_mismatch or result.wrong_cycle
    measured = (ends[1] - ends[0]) / (STEPS * row.streams)
    return {
        **counted,
        "measured": measured,
        "words_compared": compared,
        "wrong": wrong,
        "holds": not wrong and measured == counted["formula"] and counted["holds"],
    }


def _dense(rng: np.random.Generator, shape: tuple[int, ...], largest: int) -> NDArray[np.int64]:
    """Draw random input words of both signs, none of them 0."""
    return rng.integers(1, largest, size=shape, endpoint=True) * rng.choice([-1, 1], size=shape)


@click.command()
@click.option("--seed", default=0, show_default=True, help="Seed of weights and inputs.")
@click.option("--count", "only_count", is_flag=True, help="Compute the formula only.")
@json_option
def main(seed: int, only_count: bool, json_path: Path | None) -> None:
    """Measure every row and print the table."""
    with progress("cores", len(ROWS)) as done:
        results = []
        for row in ROWS:
            results.append(count(row) if only_count else measure(row, seed))
            done(len(results))
    # A file or pipe has no width, so set one that wraps no row.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    outputs.give({"rows": results}, json_path, _lines(results), console)
    sys.exit(0 if all(result["holds"] for result in results) else 1)


def _lines(results: list[dict[str, Any]]) -> Iterator[RenderableType]:
    made = table(
        *("work", "measured", "formula", "ideal", "at most", "other cores, measured", "holds"),
        texts=("other cores, measured", "holds"),
        title="Cycles per step, steady state, dense input",
    )
    for result in results:
        keys = ("measured", "formula", "ideal", "bar")
        numbers = [f"{result[key]:,g}" if key in result else "-" for key in keys]
        verdict = "yes" if result["holds"] else f"NO {result['wrong']}"
        made.add_row(result["work"], *numbers, result["others"], verdict)
    yield made
    for result in results:
        for reason, waited in result["waited"].items():
            yield f"{result['work']}: the array waits {waited} cycles per step for {reason}"
    words = sum(result["words_compared"] for result in results)
    yield f"{words:,} output words compared with the golden model"


if __name__ == "__main__":
    main()
