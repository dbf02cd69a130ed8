"""``litelstm report``: one HTML page about a core."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden import files
from golden.errors import InputError
from golden.network import Network
from golden.quantized import QuantizedNetwork
from hdl.plan import Plan
from litelstm import core_options, options, outputs, samples
from litelstm.console import out, progress
from litelstm.extras import require_for
from litelstm.fpga.targets import TARGETS
from sim.tools.toolchain import check_simulator, require

if TYPE_CHECKING:
    from litelstm.report.contents import Contents

MISMATCH = 1


@click.command()
@options.network_argument
@click.option(
    "--float",
    "floats",
    type=options.PATH,
    help="Float network that NETWORK was made from, to show what each tensor lost.",
)
@options.samples_option_of(required=False)
@options.count_option
@click.option(
    "--rtl",
    type=options.SEED,
    help="Samples that also run through the RTL, 0 for none.  [default: 100]",
)
@options.target_option("FPGA part to measure area and clock on.")
@core_options.options()
@options.seeds_option
@click.option(
    "--steps",
    type=options.POSITIVE,
    help="Steps per inference.  [default: those of a sample, or 28]",
)
@options.output_option("The page, .html.")
def report(
    network: Path,
    floats: Path | None,
    file: Path | None,
    count: int | None,
    rtl: int | None,
    target: str | None,
    seeds: int,
    steps: int | None,
    output: Path,
    **chosen: Any,
) -> int:
    """Make one HTML page about a core.

    \b
    litelstm report net.q.npz -o report.html
    litelstm report net.q.npz --float net.npz --samples digits.npz --target ecp5-25f -o report.html

    Shows the quantized NETWORK, its accuracy and errors, schedule, cycles, memories, and area and
    clock on a part. The page needs no other file and no network. The exit status is 1 if a word of
    the RTL differs from the golden model.
    """
    require_for("reports")
    from litelstm.report.contents import Request, answers_of, energy_of, gather, through_rtl

    _check(file=file, floats=floats, count=count, rtl=rtl)
    outputs.check_file(output)
    quantized = QuantizedNetwork.load(network)
    real = _float_network(floats, quantized) if floats else None
    data = samples.load(file, network=quantized, count=count) if file else None
    if target and not chosen["sums"]:
        chosen["sums"] = TARGETS[target].family.sums
    typed = core_options.typed(chosen)
    plan = Plan(network=quantized, options=core_options.core_of(chosen, quantized))
    if used := 0 if data is None else min(100 if rtl is None else rtl, len(data.x)):
        require_for("benches")
        require(check_simulator("verilator"))
    length = core_options.length_of(
        plan.options, steps, data.x.shape[1] if data else core_options.STEPS
    )
    measured = _measured(plan, target, seeds, length) if target else None
    run = through_rtl(plan, data.x[:used], progress) if data and used else None
    checked = f"litelstm simulate {network} --samples {file} --batch --count {used} {typed}"
    energy = energy_of(plan, data.x[:used], progress) if data and used else None
    request = Request(
        path=network,
        plan=plan,
        floats=real,
        source=str(file),
        data=data,
        checked=checked.rstrip(),
        steps=length,
        chosen=typed,
    )
    answers = answers_of(request, progress)
    contents = gather(request, progress, answers=answers, run=run, measured=measured, energy=energy)
    _write(output, contents)
    return MISMATCH if run and (run.mismatched or run.wrong_cycle) else 0


def _check(*, file: Path | None, **needing: Any) -> None:
    """Check that options do not lack another one."""
    for name, value in needing.items():
        if value is not None and file is None:
            option = {"floats": "--float"}.get(name, f"--{name}")
            raise click.UsageError(f"{option} needs --samples")


def _float_network(path: Path, network: QuantizedNetwork) -> Network:
    """Load a float network; refuse one whose layers are not those of the quantized one."""
    floats = Network.load(path)
    shapes = [
        [(layer.cell.kind, layer.units, layer.inputs) for layer in one.layers]
        for one in (floats, network)
    ]
    if shapes[0] != shapes[1]:
        raise InputError(f"{path}: its layers are {shapes[0]}, expected NETWORK's, {shapes[1]}")
    return floats


def _measured(plan: Plan, target: str, seeds: int, steps: int) -> dict[str, Any]:
    """Measure area and clock, as ``litelstm synth`` does."""
    require_for("synthesis")
    from litelstm.fpga.flow import Flow
    from litelstm.fpga.measure import measure

    measured = measure(
        plan.network,
        Flow(target=TARGETS[target]),
        options=plan.options,
        seeds=seeds,
        steps=steps,
        bare_array=False,
        bitstream=False,
        progress=progress,
    )
    return measured.as_json()


def _write(path: Path, contents: Contents) -> None:
    """Write the page."""
    from litelstm.report.page import page

    with progress("page"):
        text = page(contents)
    files.replace(path, files.content(text))
    out.print(f"{path}: {len(text) / 1e6:.1f} MB")
