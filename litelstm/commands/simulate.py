"""``litelstm simulate``: run samples through the RTL and compare with the golden model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden import files
from golden.quantized import QuantizedNetwork
from hdl import verilog
from hdl.plan import Plan
from hdl.verilog import Generated
from litelstm import core_options, options, outputs, samples
from litelstm.console import progress
from litelstm.extras import require_for
from litelstm.fpga.targets import TARGETS
from sim.patterns import NO_STALLS, Stalls
from sim.tools.toolchain import check_simulator, require

if TYPE_CHECKING:
    from sim.samples import SampleRun

MISMATCH = 1


@click.command()
@options.network_argument
@options.samples_option
@options.sim_option
@click.option("--batch", is_flag=True, help="Use the compiled C++ bench, for many samples.")
@options.target_option("Simulate the mapped netlist for this part instead of the RTL.", "--netlist")
@options.count_option
@core_options.options(but=("state",))
@click.option("--jobs", type=options.POSITIVE, default=1, help="Simulations to run in parallel.")
@click.option("--stall", is_flag=True, help="Stall both streams at random (with --batch).")
@click.option("--seed", type=options.SEED, help="Seed of stalls and of cocotb's random numbers.")
@click.option("--waves", type=options.PATH, help="Record waves in this file, .fst or .vcd.")
@options.json_option
@click.option("--logs", type=options.PATH, help="Folder for the simulator's logs and JUnit XML.")
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
    """Run samples through the RTL and compare every word.

    \b
    litelstm simulate net.q.npz --samples digits.npz --count 20 --sim icarus
    litelstm simulate net.q.npz --samples digits.npz --batch

    The exit status is 1 if the core of the quantized NETWORK gives a word that differs from the
    golden model, or moves one in another cycle than the cycle count says.
    """
    require_for("benches")
    simulator = check_simulator(sim)
    _check(sim, batch=batch, stall=stall, jobs=jobs, waves=waves)
    quantized = QuantizedNetwork.load(network)
    data = samples.load(file, network=quantized, count=count)
    part = TARGETS[netlist] if netlist else None
    plan = Plan(network=quantized, options=core_options.core_of(chosen, quantized, part=part))
    plan.check_steps(data.x.shape[1])
    require(simulator)
    mapped = _mapper(netlist)
    outputs.check_file(waves)
    outputs.check_folder(logs)
    x = quantized.quantize_input(data.x)
    with progress("golden model"):
        expected = samples.expected(plan, x)
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
    outputs.give(report, json_path, _lines(report))
    return MISMATCH if run.mismatched or run.wrong_cycle else 0


def _mapper(target: str | None) -> Callable[[Generated], Generated]:
    """Make a function that replaces a core by its netlist; without a target it keeps the core."""
    if target is None:
        return lambda core: core
    require_for("synthesis")
    from litelstm.fpga import cell_models
    from litelstm.fpga.flow import Flow

    return cell_models.mapper(Flow(target=TARGETS[target]))


def _compiled(stall: bool, seed: int | None) -> Callable[..., SampleRun]:
    """Make a function that runs the compiled bench."""
    from sim.samples import run_compiled

    stalls = Stalls.named("single", "single") if stall else NO_STALLS
    return partial(run_compiled, stalls=stalls, seed=seed or 0)


def _cocotb(
    sim: str, seed: int | None, waves: Path | None, logs: Path | None
) -> Callable[..., SampleRun]:
    """Make a function that runs the cocotb bench."""
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


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{report['bench']}: {report['samples']} samples, {report['compared']} output words "
        f"compared, {report['mismatched']} differ"
    )
    yield from filter(None, (report["first_mismatch"], report["wrong_cycle"]))
    yield (
        f"{report['cycles_per_step']:.1f} cycles per step; {report['cycles']:,} cycles in "
        f"{report['seconds']:.1f} s, {report['cycles_per_second']:,.0f} per second"
    )
    if accuracy := report["accuracy"]:
        yield f"accuracy: golden {accuracy['golden']:.2%}, RTL {accuracy['rtl']:.2%}"
