"""``litelstm synth``: area, clock and bitstream on an FPGA."""

from __future__ import annotations

import sys
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden import files
from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.extras import require_fpga
from litelstm.options import core_of, core_options, json_option, target_option

if TYPE_CHECKING:
    from litelstm.fpga.targets import Target


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@target_option("The part, for example ecp5-25f.", required=True)
@core_options()
@click.option("--seeds", default=1, show_default=True, help="Runs of the router, of one seed each.")
@click.option("--steps", default=28, show_default=True, help="Steps of an inference.")
@click.option("--mhz", type=float, help="Clock to reach; exit status 1 if no seed does.")
@click.option("--paths", default=1, show_default=True, help="How many of the longest paths.")
@click.option("--bare-array", is_flag=True, help="Also the clock of the MAC array alone.")
@click.option("--fresh", is_flag=True, help="Make everything anew, whatever the cache has.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the bitstream.")
@json_option
@click.option("--markdown", is_flag=True, help="Print a row of a Markdown table.")
def synth(
    network: Path,
    target: str,
    seeds: int,
    steps: int,
    mhz: float | None,
    paths: int,
    bare_array: bool,
    fresh: bool,
    output: Path | None,
    json_path: Path | None,
    markdown: bool,
    **chosen: Any,
) -> None:
    """Synthesize a core of the quantized NETWORK for an FPGA, place and route it.

    \b
    litelstm synth net.q.npz --target ecp5-25f --lanes 16 --seeds 5

    Prints the area of each part, clock, speed and the longest path from register to register, stage
    by stage. With --mhz the router is asked for that clock, and slack is printed.

    With -o also writes the bitstream and the report; the bitstream's pins are where the router
    chose. Results are kept in a cache.
    """
    require_fpga()
    from litelstm.fpga import report
    from litelstm.fpga.flow import Flow
    from litelstm.fpga.measure import measure

    for name, value in (("--seeds", seeds), ("--steps", steps), ("--paths", paths)):
        if value < 1:
            raise click.BadParameter(f"{value} is not 1 or more", param_hint=name)
    part = _part(target, mhz)
    chosen["sums"] = chosen["sums"] or part.family.sums
    quantized = QuantizedNetwork.load(network)
    outputs.check_folder(output)
    measured = measure(
        quantized,
        Flow(target=part, fresh=fresh),
        options=core_of(chosen, quantized),
        seeds=seeds,
        steps=steps,
        bare_array=bare_array,
        bitstream=output is not None,
        progress=progress,
        paths=paths,
        wanted=mhz,
    )
    described = {"network": network.name, **measured.as_json()}
    if output is not None:
        report.write(files.make_folder(output), described)

    def show() -> None:
        for line in [report.markdown(described)] if markdown else report.lines(described):
            out.print(line)

    outputs.give(described, json_path, show)
    if described["wanted"] and not described["wanted"]["met"]:
        sys.exit(1)


def _part(target: str, mhz: float | None) -> Target:
    """The target of a name; its router is asked for the clock in MHz, if there is one."""
    from litelstm.fpga import targets

    part = targets.find(target)
    if mhz is None:
        return part
    if not 0 < mhz < inf:
        raise click.BadParameter(f"{mhz:g} MHz is no clock", param_hint="--mhz")
    if not part.routes:
        raise InputError(f"--mhz: {part.name} is not routed, so its clock is not known")
    return replace(part, mhz=mhz)
