"""``litelstm simulate``: samples through the RTL, compared with the golden model."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden import files
from golden.interface import Interface
from golden.model import IntegerModel
from golden.quantized import Integers, QuantizedNetwork
from hdl import verilog
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from hdl.verilog import Generated
from litelstm import outputs, samples
from litelstm.console import out, progress
from litelstm.extras import require_fpga, require_sim
from litelstm.options import (
    lanes_for,
    lanes_option,
    stateless_interface_options,
    storage_options,
    tail_multipliers_option,
)
from sim.patterns import NO_STALLS, Stalls
from sim.tools.toolchain import check_simulator, require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sim.samples import SampleRun

MISMATCH = 1


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--samples", "file", type=click.Path(path_type=Path), required=True, help=samples.HELP
)
@click.option("--sim", default="verilator", show_default=True, help="icarus or verilator.")
@click.option("--batch", is_flag=True, help="Compiled bench for volume; no Python in the loop.")
@click.option("--netlist", help="Simulate the netlist for this FPGA, for example ecp5-25f.")
@click.option("--count", type=int, help="Number of samples, from the first.  [default: all]")
@lanes_option
@tail_multipliers_option
@storage_options
@stateless_interface_options
@click.option(
    "--jobs", default=1, show_default=True, help="Simulators at a time, or models with --batch."
)
@click.option("--stall", is_flag=True, help="Random stalls at both streams (with --batch).")
@click.option("--seed", type=int, help="Seed of random stalls and of cocotb's random numbers.")
@click.option("--waves", type=click.Path(path_type=Path), help="Record waves: .fst or .vcd.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the result here.")
@click.option("--logs", type=click.Path(path_type=Path), help="Folder for JUnit XML and logs.")
def simulate(
    network: Path,
    file: Path,
    sim: str,
    batch: bool,
    netlist: str | None,
    count: int | None,
    lanes: int | None,
    tail_multipliers: int,
    weights: str,
    sums: str,
    jobs: int,
    stall: bool,
    seed: int | None,
    waves: Path | None,
    json_path: Path | None,
    logs: Path | None,
    **chosen: Any,
) -> int:
    """Run samples through the RTL of the quantized NETWORK and compare every output word.

    The exit status is 1 if a word differs from the golden model, or is transferred in another cycle
    than counted.
    """
    require_sim()
    simulator = check_simulator(sim)
    _check(sim, batch=batch, stall=stall, jobs=jobs, waves=waves)
    quantized = QuantizedNetwork.load(network)
    data = samples.load(file, inputs=quantized.inputs, count=count)
    plan = Plan(
        network=quantized,
        options=CoreOptions(
            lanes=lanes_for(lanes, quantized),
            tail_multipliers=tail_multipliers,
            interface=Interface(**chosen),
            storage=Storage(weights=weights, sums=sums),
        ),
    )
    require(simulator)
    mapped = _mapper(netlist)
    for path in (json_path, waves):
        outputs.check_file(path)
    outputs.check_folder(logs)
    x = quantized.quantize_input(data.x)
    with progress("golden model"):
        expected = _expected(plan, x)
    with progress(f"synthesis for {netlist}" if netlist else "generate"):
        core = mapped(verilog.generated(plan))
    bench = _compiled(stall, seed) if batch else _cocotb(sim, seed, waves, logs)
    what = ("compiled bench" if batch else sim) + (f", netlist for {netlist}" if netlist else "")
    with progress(what, len(x)) as done:
        run = bench(core, list(x), expected, jobs=jobs, progress=done)
    accuracy = _accuracy(plan.options.interface, expected, run.words, data)
    report = {"bench": what, "lanes": plan.options.lanes, **_report(run), "accuracy": accuracy}
    if json_path:
        files.replace(json_path, files.content(json.dumps(report, indent=2) + "\n"))
    _show(report)
    return MISMATCH if run.mismatched or run.wrong_cycle else 0


def _mapper(target: str | None) -> Callable[[Generated], Generated]:
    """Make a function that maps a core to a target, or leaves it as it is without a target."""
    if target is None:
        return lambda core: core
    require_fpga()
    from litelstm.fpga import cell_models, targets
    from litelstm.fpga.flow import Flow

    return cell_models.mapper(Flow(target=targets.find(target)))


def _expected(plan: Plan, x: Integers) -> Integers:
    """Compute the golden model's words."""
    model = IntegerModel(plan.network)
    forward = model.forward_steps if plan.options.interface.every_step else model.forward
    return plan.options.interface.answer(forward(x))


def _accuracy(
    interface: Interface, expected: Integers, rtl: NDArray[np.int32], data: samples.Samples
) -> dict[str, float] | None:
    """Compute the accuracy of golden model and RTL; ``None`` without labels."""
    golden = expected[:, -1] if interface.every_step else expected
    words = {"golden": golden, "rtl": rtl}
    return samples.accuracies(words, data.y, classes=interface.classes)


def _compiled(stall: bool, seed: int | None) -> Callable[..., SampleRun]:
    """Make the function that runs the compiled bench."""
    from sim.samples import run_compiled

    stalls = Stalls.named("single", "single") if stall else NO_STALLS
    return partial(run_compiled, stalls=stalls, seed=seed or 0)


def _cocotb(
    sim: str, seed: int | None, waves: Path | None, logs: Path | None
) -> Callable[..., SampleRun]:
    """Make the function that runs cocotb's bench."""
    from sim.samples import run_cocotb

    results = files.make_folder(logs) if logs else None
    return partial(run_cocotb, simulator=sim, seed=seed, waves=waves, results=results)


def _check(sim: str, *, batch: bool, stall: bool, jobs: int, waves: Path | None) -> None:
    if batch and sim != "verilator":
        raise click.BadParameter(f"{sim} cannot; --batch needs verilator", param_hint="--batch")
    if batch and waves:
        raise click.BadParameter("--batch records none", param_hint="--waves")
    if stall and not batch:
        raise click.BadParameter("needs --batch", param_hint="--stall")
    if jobs < 1:
        raise click.BadParameter(f"{jobs} is not 1 or more", param_hint="--jobs")
    if waves and jobs > 1:
        raise click.BadParameter("needs --jobs 1", param_hint="--waves")
    if waves and waves.suffix not in (".fst", ".vcd"):
        raise click.BadParameter(f"{waves} does not end in .fst or .vcd", param_hint="--waves")


def _report(run: SampleRun) -> dict[str, Any]:
    return {
        "samples": len(run.words),
        "compared": run.compared,
        "mismatched": run.mismatched,
        "first_mismatch": run.first_mismatch,
        "wrong_cycle": run.wrong_cycle,
        "cycles": run.cycles,
        "cycles_per_step": run.cycles_per_step,
        "seconds": run.seconds,
        "cycles_per_second": run.cycles / run.seconds,
    }


def _show(report: dict[str, Any]) -> None:
    out.print(
        f"{report['bench']}: {report['samples']} samples, {report['compared']} output words "
        f"compared, {report['mismatched']} differ"
    )
    for key in ("first_mismatch", "wrong_cycle"):
        if report[key]:
            out.print(report[key])
    out.print(
        f"{report['cycles_per_step']:.1f} cycles a step; {report['cycles']:,} cycles in "
        f"{report['seconds']:.1f} s, {report['cycles_per_second']:,.0f} a second"
    )
    if accuracy := report["accuracy"]:
        out.print(f"accuracy: golden {accuracy['golden']:.2%}, RTL {accuracy['rtl']:.2%}")
