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
from litelstm import core_options, options, outputs
from litelstm.console import progress
from litelstm.extras import require_for
from litelstm.fpga.board_script import vivado_script
from litelstm.fpga.boards import BOARDS
from litelstm.fpga.report import area

if TYPE_CHECKING:
    from litelstm.fpga.board_build import BoardBuild


@click.command()
@options.network_argument
@click.option("--board", type=click.Choice(tuple(BOARDS)), required=True, help="Board.")
@core_options.options("lanes", "tail_multipliers", "pack", "max_steps", "classes")
@click.option(
    "--clock",
    type=float,
    metavar="MHZ",
    help="Clock of the design, made by a PLL; the fastest that the PLL can make up to this one.  "
    "[default: the oscillator's]",
)
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
    clock: float | None,
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
    litelstm build net.q.npz --board ulx3s-85f --lanes 16 --clock 80 -o build/board

    The board holds the core of the quantized NETWORK and a serial link to a host. Both run at one
    clock; a design that is too slow for it with every seed is an error. For an Arty A7 the command
    writes a script for Vivado instead of a bitstream.
    """
    require_for("boards")
    from litelstm.fpga import board_build

    quantized = QuantizedNetwork.load(network)
    outputs.check_folder(output)
    part = BOARDS[board].part
    chosen["sums"] = part.family.sums
    plan = Plan(network=quantized, options=core_options.core_of(chosen, quantized, part=part))
    built = board_build.build(
        plan,
        BOARDS[board],
        network_name=network.name.removesuffix(".npz"),
        mhz=clock,
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
    """Write bitstream or script, Verilog, constraints and report, all or none of them.

    This adds the path of bitstream or script to ``report``.
    """
    contents: dict[str, str | bytes] = {
        "board.v": built.verilog,
        "board.vlt": waivers("board.v"),
        built.target.family.pin_file: built.board.constraints(),
    }
    if built.bitstream:
        name = f"board{built.bitstream.suffix}"
        contents[name] = built.bitstream.read_bytes()
        report["bitstream"] = str(folder / name)
    else:
        contents["build.tcl"] = vivado_script(built.board, "board.v")
        report["script"] = str(folder / "build.tcl")
    contents["board.json"] = json.dumps(report, indent=2) + "\n"
    files.replace_all({folder / name: files.content(what) for name, what in contents.items()})


def _lines(report: dict[str, Any]) -> Iterator[RenderableType]:
    yield f"{report['network']}, {report['lanes']} lanes on {report['part']}"
    yield from area(report)
    yield from _clock(report)
    yield f"{report['cycles_per_step']:,} cycles per step, {report['microseconds_per_step']:.2f} us"
    identity = report["identity"]
    yield f"{report['baud']:,} baud; up to {identity['capacity']} bytes of input per request"
    yield f"network {identity['network']}"
    if "bitstream" in report:
        yield f"bitstream: {report['bitstream']}"
    else:
        yield f"script, not run here: vivado -mode batch -source {report['script']}"


def _clock(report: dict[str, Any]) -> Iterator[str]:
    clock, oscillator = report["clock_hz"] / 1e6, report["oscillator_hz"] / 1e6
    source = f", made from {oscillator:g} MHz" if report["pll"] else ", the oscillator's"
    if "mhz" in report:
        yield f"{report['mhz']:.1f} MHz, the board's clock is {clock:g} MHz{source}"
        yield f"worst path: {report['worst_path']}"
        if report["note"]:
            yield report["note"]
    else:
        yield f"the board's clock is {clock:g} MHz{source}; Vivado checks whether it is met"
