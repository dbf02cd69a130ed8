"""``litelstm build``: make a board's bitstream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import RenderableType

from golden import files
from golden.link.messages import DEFAULT_CAPACITY
from golden.quantized import QuantizedNetwork
from hdl.export.verilog_header import waivers
from hdl.plan import Plan
from litelstm import options, outputs
from litelstm.console import progress
from litelstm.extras import require_for
from litelstm.fpga.boards import BOARDS
from litelstm.fpga.report import area

if TYPE_CHECKING:
    from litelstm.fpga.board_build import BoardBuild


@click.command()
@options.network_argument
@click.option("--board", type=click.Choice(tuple(BOARDS)), required=True, help="Board.")
@options.core_options("lanes", "tail_multipliers", "pack", "max_steps", "classes")
@click.option(
    "--baud", type=int, help="Bits per second of the serial line.  [default: the board's]"
)
@click.option(
    "--buffer",
    default=DEFAULT_CAPACITY,
    help="Bytes of input that the board holds; longer sequences arrive in parts.",
)
@options.seeds_option
@options.fresh_option
@options.output_option("Folder for the bitstream, its Verilog, constraints and report.")
@options.json_option
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
    """Make a board's bitstream, for litelstm host.

    \b
    litelstm build net.q.npz --board ulx3s-85f --lanes 16 -o build/board

    The board holds the core of the quantized NETWORK and a serial link to a host. Both run at the
    clock of the board's oscillator; a design that is too slow for it with
    every seed is an error.
    """
    require_for("boards")
    from litelstm.fpga import board_build

    quantized = QuantizedNetwork.load(network)
    outputs.check_folder(output)
    plan = Plan(
        network=quantized, options=options.core_of(chosen, quantized, part=BOARDS[board].part)
    )
    built = board_build.build(
        plan,
        BOARDS[board],
        network_name=network.name.removesuffix(".npz"),
        baud=baud,
        capacity=buffer,
        seeds=seeds,
        fresh=fresh,
        progress=progress,
    )
    report = {"network": network.name, **built.as_json()}
    _write(files.make_folder(output), built, report)
    outputs.give(report, json_path, _lines(report))


def _write(folder: Path, built: BoardBuild, report: dict[str, Any]) -> None:
    """Write bitstream, Verilog, constraints and report, all or none of them.

    This adds the bitstream's path to ``report``.
    """
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


def _lines(report: dict[str, Any]) -> Iterator[RenderableType]:
    yield f"{report['network']}, {report['lanes']} lanes on {report['part']}"
    yield from area(report)
    yield f"{report['mhz']:.1f} MHz, the board's clock is {report['clock_hz'] / 1e6:g} MHz"
    yield f"worst path: {report['worst_path']}"
    yield f"{report['cycles_per_step']:,} cycles per step, {report['microseconds_per_step']:.2f} us"
    identity = report["identity"]
    yield f"{report['baud']:,} baud; up to {identity['capacity']} bytes of input per request"
    yield f"network {identity['network']}"
    yield f"bitstream: {report['bitstream']}"
