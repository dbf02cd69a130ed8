"""``litelstm simulate``: samples through the RTL, compared with the golden model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden import files
from golden.model import IntegerModel
from golden.quantized import Integers, QuantizedNetwork
from hdl import verilog
from hdl.plan import Plan
from hdl.verilog import Generated
from litelstm import outputs, samples
from litelstm.console import out, progress
from litelstm.extras import require_fpga, require_sim
from litelstm.options import core_of, core_options, json_option, sim_option, target_option
from sim.patterns import NO_STALLS, Stalls
from sim.tools.toolchain import check_simulator, require

if TYPE_CHECKING:
    from sim.samples import SampleRun

MISMATCH = 1


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--samples", "file", type=click.Path(path_type=Path), required=True, help=samples.HELP
)
@sim_option
@click.option("--batch", is_flag=True, help="Compiled bench for volume; no Python in the loop.")
@target_option("Simulate the netlist for this FPGA, for example ecp5-25f.", "--netlist")
@click.option("--count", type=int, help="Take the first so many samples.  [default: all]")
@core_options(but=("state",))
@click.option(
    "--jobs", default=1, show_default=True, help="Simulators at a time, or models with --batch."
)
@click.option("--stall", is_flag=True, help="Random stalls at both streams (with --batch).")
@click.option("--seed", type=int, help="Of random stalls and of cocotb's random numbers.")
@click.option("--waves", type=click.Path(path_type=Path), help="Record waves: .fst or .vcd.")
@json_option
@click.option("--logs", type=click.Path(path_type=Path), help="Folder for JUnit XML and logs.")
def simulate(
    network: Path,
    file: Path,
    sim: str,
    batch: bool,
    netlist: str | None,
    count: int | None,
    jobs: int,
    stall: bool,
    seed: int | None,
    waves: Path | None,
    json_path: Path | None,
    logs: Path | None,
    **chosen: Any,
) -> int:
    """Run samples through the RTL of the quantized NETWORK and compare every output word.

    The exit status is 1 if a word differs from the golden model, or moves in another cycle than
    the cycle count says.
    """
    require_sim()
    simulator = check_simulator(sim)
    _check(sim, batch=batch, stall=stall, jobs=jobs, waves=waves)
    quantized = QuantizedNetwork.load(network)
    data = samples.load(file, inputs=quantized.inputs, count=count)
    plan = Plan(network=quantized, options=core_of(chosen, quantized))
    require(simulator)
    mapped = _mapper(netlist)
    outputs.check_file(waves)
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
    words = {
        "golden": expected[:, -1] if plan.options.interface.every_step else expected,
        "rtl": run.words,
    }
    report = {
        "bench": what,
        "lanes": plan.options.lanes,
        **_report(run),
        "accuracy": samples.accuracies(words, data.y, classes=plan.options.interface.classes),
    }
    outputs.give(report, json_path, partial(_show, report))
    return MISMATCH if run.mismatched or run.wrong_cycle else 0


def _mapper(target: str | None) -> Callable[[Generated], Generated]:
    """Return what makes a core's netlist for a target, or leaves the core as it is for None."""
    if target is None:
        return lambda core: core
    require_fpga()
    from litelstm.fpga import cell_models, targets
    from litelstm.fpga.flow import Flow

    return cell_models.mapper(Flow(target=targets.find(target)))


def _expected(plan: Plan, x: Integers) -> Integers:
    """The golden model's words."""
    model = IntegerModel(plan.network)
    forward = model.forward_steps if plan.options.interface.every_step else model.forward
    return plan.options.interface.answer(forward(x))


def _compiled(stall: bool, seed: int | None) -> Callable[..., SampleRun]:
    """Return what runs the compiled bench."""
    from sim.samples import run_compiled

    stalls = Stalls.named("single", "single") if stall else NO_STALLS
    return partial(run_compiled, stalls=stalls, seed=seed or 0)


def _cocotb(
    sim: str, seed: int | None, waves: Path | None, logs: Path | None
) -> Callable[..., SampleRun]:
    """Return what runs cocotb's bench."""
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
        f"{report['cycles_per_step']:.1f} cycles per step; {report['cycles']:,} cycles in "
        f"{report['seconds']:.1f} s, {report['cycles_per_second']:,.0f} per second"
    )
    if accuracy := report["accuracy"]:
        out.print(f"accuracy: golden {accuracy['golden']:.2%}, RTL {accuracy['rtl']:.2%}")
