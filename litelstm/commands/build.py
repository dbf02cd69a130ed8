"""``litelstm build``: a board's bitstream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import RenderableType

from golden import files
from golden.link.messages import DEFAULT_CAPACITY
from golden.quantized import QuantizedNetwork
from hdl.export.verilog_header import waivers
from hdl.plan import Plan
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.extras import require_boards
from litelstm.fpga.report import area
from litelstm.options import core_of, core_options, json_option

if TYPE_CHECKING:
    from litelstm.fpga.board_build import BoardBuild


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--board", required=True, help="The board, for example ulx3s-85f.")
@core_options("lanes", "tail_multipliers", "classes")
@click.option(
    "--baud", type=int, help="Bits per second of the serial line.  [default: the board's]"
)
@click.option(
    "--buffer",
    default=DEFAULT_CAPACITY,
    show_default=True,
    help="Bytes of input that a request can have; longer sequences take several.",
)
@click.option("--seeds", default=1, show_default=True, help="Runs of the router, at most.")
@click.option("--fresh", is_flag=True, help="Make everything anew, whatever the cache has.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder.")
@json_option
def build(
    network: Path,
    board: str,
    baud: int | None,
    buffer: int,
    seeds: int,
    fresh: bool,
    output: Path,
    json_path: Path | None,
    **chosen: Any,
) -> None:
    """Make a bitstream that runs the quantized NETWORK on a board, for ``litelstm host``.

    \b
    litelstm build net.q.npz --board ulx3s-85f --lanes 16 -o build/board

    Everything runs at the board's oscillator; a design that is slower is refused.
    """
    require_boards()
    from litelstm.fpga import board_build, boards

    if seeds < 1:
        raise click.BadParameter(f"{seeds} is not 1 or more", param_hint="--seeds")
    place = boards.find(board)
    quantized = QuantizedNetwork.load(network)
    outputs.check_folder(output)
    plan = Plan(network=quantized, options=core_of(chosen, quantized))
    built = board_build.build(
        plan,
        place,
        network_name=network.name.removesuffix(".npz"),
        baud=baud,
        capacity=buffer,
        seeds=seeds,
        fresh=fresh,
        progress=progress,
    )
    report = {"network": network.name, **built.as_json()}
    made = _write(files.make_folder(output), built, report)

    def show() -> None:
        for line in _lines(report):
            out.print(line)
        out.print(f"bitstream: {made}")

    outputs.give(report, json_path, show)


def _write(folder: Path, built: BoardBuild, report: dict[str, Any]) -> Path:
    """Bitstream, Verilog, constraints and report, all or none of them; where the bitstream is."""
    bitstream = folder / f"board{built.bitstream.suffix}"
    _, constraints = built.target.family.constraints
    report["bitstream"] = str(bitstream)
    files.replace_all(
        {
            bitstream: files.content(built.bitstream.read_bytes()),
            folder / "board.v": files.content(built.verilog),
            folder / "board.vlt": files.content(waivers("board.v")),
            folder / constraints: files.content(built.board.constraints()),
            folder / "board.json": files.content(json.dumps(report, indent=2) + "\n"),
        }
    )
    return bitstream


def _lines(report: dict[str, Any]) -> list[RenderableType]:
    """The report as text."""
    identity = report["identity"]
    return [
        f"{report['network']}, {report['lanes']} lanes on {report['part']}",
        *area(report),
        f"{report['mhz']:.1f} MHz, the board's clock is {report['clock_hz'] / 1e6:g} MHz",
        f"worst path: {report['worst_path']}",
        f"{report['cycles_per_step']:,} cycles per step, {report['microseconds_per_step']:.2f} us",
        f"{report['baud']:,} baud; up to {identity['capacity']} bytes of input per request",
        f"network {identity['network']}",
    ]
