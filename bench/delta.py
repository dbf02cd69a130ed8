"""Speed-up of delta cores over dense ones, with threshold 0 and with thresholds.

    python -m bench.delta --data-dir DIR [--count N] [--rtl] [--row NAME] [--json PATH]

Per row two networks are measured on test samples, each as a ratio to the dense core with as many
multipliers: the first is lossless, with thresholds 0; the second has thresholds, which training
samples decided (`bench.delta_choice`, or training itself). The ideal comes from the golden model
on all samples. Cycles come from the exact count, or with ``--rtl`` from the simulation, which
compares every word and cycle. Samples of zeros show the most that there is to gain: "still".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType

from bench import slow_signal
from golden.changes import watched
from golden.model import IntegerModel
from golden.quantized import Integers, QuantizedNetwork
from golden.savings import saving
from golden.store import load_arrays
from golden.thresholds import Thresholds
from hdl import cycles, verilog
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm import outputs
from litelstm.console import progress, table
from litelstm.delta import thresholds
from litelstm.options import json_option
from sim.samples import run_compiled

MODELS = Path(__file__).parents[1] / "models"

AT_ONCE = 1000
"""Samples that the golden model runs at once."""

LOST = 0.3
"""Points of the test samples' score that the second network may lose against the first."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes:
        name, title: for the option and for the table.
        lossless: file of the network of the lossless column.
        delta: file of that with thresholds; ``None`` for ``lossless`` with those of ``typed``.
        typed: thresholds as the option ``--delta`` takes them.
        lanes: multipliers of the array.
        data: file of the samples; ``None`` for the slow signal.
        bars: least speed-up of both columns.
    """

    name: str
    title: str
    lossless: str
    delta: str | None = None
    typed: str = ""
    lanes: int = 16
    data: str | None
    bars: tuple[float, float]

    def networks(self) -> tuple[QuantizedNetwork, QuantizedNetwork]:
        """Load the lossless network and the one with thresholds."""
        lossless = QuantizedNetwork.load(MODELS / self.lossless)
        if self.delta is not None:
            return lossless, QuantizedNetwork.load(MODELS / self.delta)
        return lossless, replace(lossless, thresholds=thresholds(self.typed, lossless))


ROWS = (
    Row(
        name="mnist",
        title="MNIST, 2 x 64",
        lossless="mnist_litelstm_w8a8.npz",
        typed="x=2,layer0.h=6,layer0.c=23,layer1.h=16,layer1.c=45",
        data="mnist.npz",
        bars=(1.45, 2.4),
    ),
    Row(
        name="speech",
        title="speech digits, 2 x 64, trained",
        lossless="speech2_w8a6.npz",
        delta="speech2_delta.npz",
        data="speech_digits.npz",
        bars=(1.5, 3.0),
    ),
    Row(
        name="emotion",
        title="emotion, 32, trained",
        lossless="emotion_litelstm_w8a8.npz",
        delta="emotion_delta.npz",
        data="emodb.npz",
        bars=(1.25, 2.0),
    ),
    Row(
        name="intrusion",
        title="intrusion, 32",
        lossless="intrusion_litelstm_w8a8.npz",
        typed="x=8,h=4,c=16",
        data="nsl_kdd.npz",
        bars=(1.25, 2.0),
    ),
    *(
        Row(
            name=f"slow{part}".replace("_", "-"),
            title=f"slow signal, GRU {which}",
            lossless=f"slow_gru{part}_w8a6.npz",
            delta=f"slow_gru{part}_delta.npz",
            lanes=8,
            data=None,
            bars=(1.8, 3.0),
        )
        for part, which in (("", "2 x 16, 8 lanes"), ("_after", "that resets behind the product"))
    ),
)


def samples(row: Row, folder: Path, split: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read a row's samples and labels, or make the signal and the vectors that follow."""
    if row.data is None:
        return slow_signal.signal(1000, slow_signal.STEPS, {"train": 11, "test": 13}[split])
    arrays = load_arrays(folder / row.data)
    return arrays[f"x_{split}"], arrays[f"y_{split}"]


def score(row: Row, network: QuantizedNetwork, words: Integers, right: NDArray[Any]) -> float:
    """Accuracy in percent; of the signal the share of its power that is explained."""
    if row.data is None:
        return slow_signal.explained(network.out.to_float(words), right)
    return 100 * float(np.mean(words.argmax(axis=1) == right))


def ideal(network: QuantizedNetwork, x: Integers) -> tuple[float, Integers, dict[str, float]]:
    """Run all samples: ideal speed-up, output words, and share of columns skipped by vector."""
    words, savings, weights = [], [], []
    for start in range(0, len(x), AT_ONCE):
        run, changes = watched(network, x[start : start + AT_ONCE])
        words.append(run.output)
        savings.append(saving(network, changes))
        weights.append(len(run.output))
    kept = float(np.average([one.kept for one in savings], weights=weights))
    skipped = {
        one.vector: float(np.average([s.vectors[n].skipped for s in savings], weights=weights))
        for n, one in enumerate(savings[0].vectors)
    }
    return savings[0].dense / kept, np.concatenate(words), skipped


def counted(network: QuantizedNetwork, x: Integers, lanes: int, *, delta: bool) -> int:
    """Count the cycles up to the last output of samples, one after the other."""
    plan = Plan(network=network, options=CoreOptions(lanes=lanes, delta=delta))
    controls = cycles.controls_of([x.shape[1]] * len(x))
    return cycles.count_inputs(plan, x.reshape(-1, x.shape[2]), controls).last_output


def simulated(network: QuantizedNetwork, x: Integers, lanes: int, *, delta: bool) -> int:
    """Simulate the same, and compare every word and cycle.

    Raises:
        SystemExit: a word or a cycle differs.
    """
    core = verilog.generate(network, lanes=lanes, delta=delta)
    run = run_compiled(core, list(x), IntegerModel(network).forward(x))
    if run.mismatched or run.wrong_cycle:
        raise SystemExit(f"{run.first_mismatch} {run.wrong_cycle}")
    return counted(network, x, lanes, delta=delta)


def measure(row: Row, folder: Path, count: int, *, rtl: bool) -> dict[str, Any]:
    """Measure one row."""
    x, right = samples(row, folder, "test")
    chosen = np.random.default_rng(0).permutation(len(x))[:count]
    lossless, far = row.networks()
    cycles_of = simulated if rtl else counted
    result: dict[str, Any] = {"name": row.name, "title": row.title, "samples": len(x)}
    names = "lossless", "thresholds"
    for name, network, bar in zip(names, (lossless, far), row.bars, strict=True):
        words = network.quantize_input(x)
        if name == "lossless":
            network = replace(network, thresholds=Thresholds.of(network))
        speedup, output, skipped = ideal(network, words)
        dense = replace(lossless, thresholds=None)
        x_dense = dense.quantize_input(x[chosen])
        before = cycles_of(dense, x_dense, row.lanes, delta=False)
        after = cycles_of(network, words[chosen], row.lanes, delta=True)
        still = counted(network, np.zeros_like(words[chosen]), row.lanes, delta=True)
        result[name] = {
            "ideal": speedup,
            "score": score(row, network, output, right),
            "skipped": skipped,
            "dense_cycles": before / count,
            "cycles": after / count,
            "speedup": before / after,
            "still": before / still,
            "bar": bar,
            "holds": before / after >= bar,
        }
    lost = result["lossless"]["score"] - result["thresholds"]["score"]
    result["thresholds"]["holds"] &= lost <= LOST
    return result


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), required=True, help="Data sets.")
@click.option("--row", "name", type=click.Choice([row.name for row in ROWS]), help="One row only.")
@click.option("--count", default=100, show_default=True, help="Samples to count or simulate.")
@click.option("--rtl", is_flag=True, help="Simulate the cores, too.")
@json_option
def main(data_dir: Path, name: str | None, count: int, rtl: bool, json_path: Path | None) -> None:
    """Print the table."""
    rows = [row for row in ROWS if name in (None, row.name)]
    results = []
    with progress("rows", len(rows)) as done:
        for row in rows:
            results.append(measure(row, data_dir, count, rtl=rtl))
            done(len(results))
    outputs.give({"rows": results}, json_path, _lines(results))


def _lines(results: list[dict[str, Any]]) -> Iterator[RenderableType]:
    made = table(
        *("network", "thresholds", "ideal", "cycles", "still", "at least", "score %", "holds"),
        texts=("thresholds", "holds"),
        title="Speed-up over the dense core",
    )
    for result in results:
        for part, told in (("lossless", "0"), ("thresholds", "above 0")):
            one = result[part]
            numbers = [f"{one[number]:.2f}" for number in ("ideal", "speedup", "still", "bar")]
            verdict = "yes" if one["holds"] else "NO"
            made.add_row(result["title"], told, *numbers, f"{one['score']:.2f}", verdict)
    yield made


if __name__ == "__main__":
    main()
