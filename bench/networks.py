"""Published networks as cores: imported, quantized, and their RTL against the golden model.

    python -m bench.networks [NAME...] [--dir DIR] [--synth ecp5-85f] [--markdown]

Each network is imported as a user would import it, quantized to W8 A8, generated and Verilated.
Eight sequences of random samples follow each other without stalls. Every output word is compared
with the golden model, every transfer with the cycle count.

DIR holds other people's files: dtln_1.onnx, pm_binary.h5, tflm_mnist_lstm.tflite and
tflm_mnist_lstm_int8.tflite (breizhn/DTLN, umbertogriffo/Predictive-Maintenance-using-LSTM and
tensorflow/tflite-micro on GitHub), and silero_vad_16k_sequence.onnx (in the package silero-vad
6.2.3). Networks whose file is not there are left out. The exit status is 1 if a comparison fails.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console, RenderableType
from rich.table import Table

from bench.published import PUBLISHED, Published, Unavailable
from golden.interface import Control, Interface
from golden.model import IntegerModel
from golden.quantize import quantize
from golden.sessions import serve
from hdl import cycles, verilog
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.verilog import Generated
from litelstm import outputs
from litelstm.console import progress
from litelstm.fpga.targets import TARGETS
from litelstm.importers.proof import probe
from litelstm.options import json_option
from sim.compiled.bench import CompiledBench
from sim.core_job.job import CoreJob
from sim.core_job.result import CoreResult

SEQUENCES = 8
"""Random sequences that choose the scales, and that the core reads."""


def measure(work: Published, folder: Path | None) -> tuple[dict[str, Any], Generated]:
    """Make one network's core and run it.

    Raises:
        Unavailable: its file is not there.
        sim.tools.errors.SimulationError: the bench cannot be built, or the core hangs.
    """
    made = work.make(folder)
    network = made.network
    fed = network.feed(probe(network, SEQUENCES, work.samples))
    quantized, _ = quantize(network, fed)
    interface = Interface(state=made.state, every_step=made.every_step)
    options = CoreOptions(lanes=work.lanes, interface=interface, max_steps=work.max_steps)
    core = verilog.generated(Plan(network=quantized, options=options))
    result = run_core(core, quantized.quantize_input(fed))
    steady = cycles.steady_state(core.plan)
    report = {
        "title": work.title,
        "source": work.source,
        "parameters": network.parameters,
        "difference": made.check() if made.check else None,
        "lanes": work.lanes,
        "interface": asdict(interface),
        "max_steps": work.max_steps,
        "cycles": steady.cycles_per_step,
        "ideal": steady.ideal_cycles_per_step,
        "words_compared": result.compared,
        "words_different": result.mismatched,
        "wrong": result.first_mismatch or result.wrong_cycle,
    }
    return report, core


def run_core(core: Generated, words: NDArray[Any]) -> CoreResult:
    """Run sequences of raw input words (sequences, steps, inputs), one behind the other.

    Raises:
        sim.tools.errors.SimulationError: the bench cannot be built, or the core hangs.
    """
    count, steps = words.shape[:2]
    plan = core.plan
    interface, most = plan.options.interface, plan.options.max_steps
    controls = [
        Control(last=step == steps - 1, keep=interface.state == "keep")
        for _ in range(count)
        for step in range(steps)
    ]
    x = words.reshape(count * steps, -1)
    service = serve(IntegerModel(plan.network), interface, x, controls, max_steps=most)
    job = CoreJob.of_steps(plan, x, controls, np.zeros((0, 0), np.int64), service)
    with CompiledBench.of(core) as bench:
        return CoreResult.judge(job, bench.run(job.request()), stalled=False)


def cells(core: Generated, part: str) -> dict[str, int]:
    """Count the cells of a core on a part, whether it has so many or not."""
    from litelstm.fpga.flow import Flow

    flow = Flow(target=TARGETS[part])
    return dict(flow.synthesize(core.verilog, top=verilog.NAME).netlist.used)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*PUBLISHED]), metavar="[NAME]...")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Folder of other people's files."
)
@click.option("--synth", "part", type=click.Choice([*TARGETS]), help="Also count cells on a part.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@json_option
def main(
    names: tuple[str, ...],
    folder: Path | None,
    part: str | None,
    markdown: bool,
    json_path: Path | None,
) -> None:
    """Import published networks and run their cores; all of them by default."""
    results: list[dict[str, Any]] = []
    missing: list[str] = []
    chosen = names or tuple(PUBLISHED)
    with progress("networks", len(chosen)) as done:
        for number, name in enumerate(chosen, 1):
            try:
                report, core = measure(PUBLISHED[name], folder)
            except Unavailable as error:
                missing.append(str(error))
            else:
                used = cells(core, part) if part else {}
                results.append({"name": name, **report, "cells": used})
            done(number)
    # A file or pipe has no width, so set one that wraps no row.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    report = {"networks": results, "missing": missing}
    outputs.give(report, json_path, _lines(results, missing, markdown=markdown), console)
    sys.exit(1 if any(result["wrong"] for result in results) or (names and missing) else 0)


def _lines(
    results: list[dict[str, Any]], missing: list[str], *, markdown: bool
) -> Iterator[RenderableType]:
    used = [*dict.fromkeys(kind for result in results for kind in result["cells"])]
    titles = ("network", "weights", "parameters", "framework", "lanes", "cycles", "ideal")
    made = Table(box=MARKDOWN if markdown else None, title=None if markdown else "Cycles per step")
    for title in (*titles, "words", "different", *used):
        text = title in ("network", "weights")
        made.add_column(title, justify="left" if text else "right", no_wrap=True)
    for result in results:
        difference = result["difference"]
        made.add_row(
            f"{result['title']} (`{result['name']}`)" if markdown else result["name"],
            result["source"],
            f"{result['parameters']:,}",
            "-" if difference is None else f"{difference:.0e}",
            str(result["lanes"]),
            f"{result['cycles']:,}",
            f"{result['ideal']:,.1f}".removesuffix(".0"),
            f"{result['words_compared']:,}",
            str(result["words_different"]),
            *(f"{result['cells'].get(kind, 0):,}" for kind in used),
        )
    yield made
    for result in results:
        if result["wrong"]:
            yield f"{result['name']}: {result['wrong']}"
    yield from missing
    words = sum(result["words_compared"] for result in results)
    yield f"{words:,} output words compared with the golden model"


if __name__ == "__main__":
    main()
