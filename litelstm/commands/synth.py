"""``litelstm synth``: measure area and clock on an FPGA, and make a bitstream."""

from __future__ import annotations

import sys
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import click

from golden import files
from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from litelstm import core_options, options, outputs
from litelstm.console import progress
from litelstm.extras import require_for
from litelstm.fpga.targets import TARGETS, Target


@click.command()
@options.network_argument
@options.target_option("FPGA part.", required=True)
@core_options.options()
@options.seeds_option
@options.jobs_options("Seeds", default=1)
@core_options.steps_option("Steps per inference.")
@click.option(
    "--mhz", type=float, help="Clock that the router aims at; exit status 1 if no seed reaches it."
)
@click.option("--paths", type=options.POSITIVE, default=1, help="Number of longest paths to print.")
@click.option("--bare-array", is_flag=True, help="Also measure the clock of the MAC array alone.")
@options.fresh_option
@click.option("-o", "--output", type=options.PATH, help="Folder for the bitstream and the report.")
@options.json_option
@click.option("--markdown", is_flag=True, help="Print the result as a row of a Markdown table.")
def synth(
    network: Path,
    target: str,
    seeds: int,
    jobs: int,
    scheduler: str | None,
    steps: int | None,
    mhz: float | None,
    paths: int,
    bare_array: bool,
    fresh: bool,
    output: Path | None,
    json_path: Path | None,
    markdown: bool,
    **chosen: Any,
) -> None:
    """Measure area and clock on an FPGA.

    \b
    litelstm synth net.q.npz --target ecp5-25f --lanes 16 --seeds 5

    Synthesizes the core of the quantized NETWORK, places and routes it, and prints the area of each
    block, the clock (median of all seeds), the speed, and the longest register-to-register path.
    With -o it writes a bitstream, too; the router chooses its pins. Results are cached.
    """
    require_for("synthesis")
    from litelstm.fpga import report
    from litelstm.fpga.flow import Flow
    from litelstm.fpga.measure import measure

    part = _part(TARGETS[target], mhz)
    chosen["sums"] = chosen["sums"] or part.family.sums
    quantized = QuantizedNetwork.load(network)
    outputs.check_folder(output)
    core = core_options.core_of(chosen, quantized, part=part)
    measured = measure(
        quantized,
        Flow(target=part, fresh=fresh),
        options=core,
        seeds=seeds,
        steps=core_options.length_of(core, steps),
        bare_array=bare_array,
        bitstream=output is not None,
        progress=progress,
        paths=paths,
        wanted=mhz,
        where={"jobs": jobs, "scheduler": scheduler},
    )
    described = {"network": network.name, **measured.as_json()}
    if output is not None:
        report.write(files.make_folder(output), described)
    lines = [report.markdown(described)] if markdown else report.lines(described)
    outputs.give(described, json_path, lines)
    if described["wanted"] and not described["wanted"]["met"]:
        sys.exit(1)


def _part(part: Target, mhz: float | None) -> Target:
    """Make the router aim at a clock, if there is one."""
    if mhz is None:
        return part
    if not 0 < mhz < inf:
        raise click.BadParameter(f"{mhz:g} MHz is no clock", param_hint="--mhz")
    if not part.routes:
        raise InputError(f"--mhz: {part.name} is not routed, so its clock is not known")
    return replace(part, mhz=mhz)
