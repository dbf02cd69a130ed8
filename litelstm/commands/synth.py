"""``litelstm synth``: area, clock and bitstream on an FPGA."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden import files
from golden.errors import InputError
from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from hdl.spec.storage import Storage
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.extras import require_fpga
from litelstm.options import (
    interface_options,
    lanes_for,
    lanes_option,
    tail_multipliers_option,
    weights_option,
)

if TYPE_CHECKING:
    from litelstm.fpga.targets import Target


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="The part, for example ecp5-25f.")
@lanes_option
@tail_multipliers_option
@weights_option
@click.option(
    "--sums",
    help="Memories of sums: lanes or block.  [default: block where a part has no LUT RAM]",
)
@interface_options
@click.option("--seeds", default=1, show_default=True, help="Runs of the router, one per seed.")
@click.option("--steps", default=28, show_default=True, help="Steps per inference.")
@click.option("--clock", type=float, help="MHz to reach; exit status 1 if no seed does.")
@click.option("--paths", default=1, show_default=True, help="Number of longest paths to print.")
@click.option("--bare-array", is_flag=True, help="Also measure the clock of the MAC array alone.")
@click.option("--fresh", is_flag=True, help="Ignore the cache.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the bitstream.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print a row of a Markdown table.")
def synth(
    network: Path,
    target: str,
    lanes: int | None,
    tail_multipliers: int,
    weights: str,
    sums: str | None,
    seeds: int,
    steps: int,
    clock: float | None,
    paths: int,
    bare_array: bool,
    fresh: bool,
    output: Path | None,
    as_json: bool,
    markdown: bool,
    **interface: Any,
) -> None:
    """Synthesize a core of the quantized NETWORK for an FPGA, place and route it.

    \b
    litelstm synth net.q.npz --target ecp5-25f --lanes 16 --seeds 5

    Print the area of each part, clock, speed and the longest path from register to register, stage
    by stage. With --clock, ask the router for that clock, and print the slack.

    With -o, also write the bitstream and the report; the router chooses the bitstream's pins.
    Results are cached.
    """
    require_fpga()
    from litelstm.fpga import report
    from litelstm.fpga.flow import Flow
    from litelstm.fpga.measure import measure

    _check_counts({"--seeds": seeds, "--steps": steps, "--paths": paths})
    part = _part(target, clock)
    storage = Storage(weights=weights, sums=sums or part.family.sums)
    quantized = QuantizedNetwork.load(network)
    outputs.check_folder(output)
    measured = measure(
        quantized,
        Flow(target=part, fresh=fresh),
        lanes=lanes_for(lanes, quantized),
        tail_multipliers=tail_multipliers,
        seeds=seeds,
        steps=steps,
        bare_array=bare_array,
        bitstream=output is not None,
        progress=progress,
        interface=Interface(**interface),
        storage=storage,
        paths=paths,
        wanted=clock,
    )
    described = {"network": network.name, **measured.as_json()}
    if output is not None:
        report.write(files.make_folder(output), described)
    _show(described, as_json=as_json, markdown=markdown)
    if described["wanted"] and not described["wanted"]["met"]:
        sys.exit(1)


def _show(described: dict[str, Any], *, as_json: bool, markdown: bool) -> None:
    from litelstm.fpga import report

    if as_json:
        click.echo(json.dumps(described, indent=2))
        return
    for line in [report.markdown(described)] if markdown else report.lines(described):
        out.print(line)


def _check_counts(counts: dict[str, int]) -> None:
    for name, value in counts.items():
        if value < 1:
            raise click.BadParameter(f"{value} is not 1 or more", param_hint=name)


def _part(target: str, clock: float | None) -> Target:
    """Find a target by name; with ``clock`` (MHz), request this clock from its router."""
    from litelstm.fpga import targets

    part = targets.find(target)
    if clock is None:
        return part
    if not 0 < clock < inf:
        raise click.BadParameter(f"{clock:g} MHz is no clock", param_hint="--clock")
    if not part.routes:
        raise InputError(f"--clock: {part.name} is not routed, so its clock is not known")
    return replace(part, mhz=clock)
