"""Options of the bus or line through which a host reaches a core."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from golden.errors import InputError
from hdl.board.board_top import Line
from hdl.bus.options import Bus
from hdl.packaging.constraints import CLOCK
from litelstm import options
from litelstm.extras import require_for

if TYPE_CHECKING:
    from hdl.packaging.system import Host

NAMES = ("axi", "bus_width", "packing", "window", "spi", "uart", "clock", "target")

_BUS = [
    click.option("--axi", is_flag=True, help="Add AXI4-Lite registers and AXI4-Stream buses."),
    click.option("--bus-width", type=int, help="Bits of an AXI stream, 8 to 128.  [default: 32]"),
    click.option(
        "--packing",
        type=click.Choice(Bus.PACKINGS),
        help="Elements on an AXI stream: extended gives each 8, 16 or 32 bits; tight leaves no "
        "gaps.  [default: extended]",
    ),
    click.option(
        "--window",
        is_flag=True,
        help="Move data through registers instead of AXI streams, for hosts without DMA.",
    ),
    click.option("--spi", is_flag=True, help="Add registers that a host reaches over SPI."),
    click.option(
        "--uart",
        type=int,
        metavar="BAUD",
        help="Add registers that a host reaches over a serial line of this rate.",
    ),
    click.option(
        "--clock",
        type=float,
        metavar="MHZ",
        help="Clock of the core, for the constraints. --uart needs it.  [default: 100 with a bus]",
    ),
    options.target_option(
        "Part: decides --pack auto, and adds constraints for its tools with a bus or --clock."
    ),
]

bus_options = options.several(_BUS)
"""Options of a :class:`hdl.packaging.system.Host`, and of its constraints."""


def host_of(chosen: Mapping[str, Any]) -> Host | None:
    """Make the host that the options of ``NAMES`` ask for; ``None`` for plain streams.

    Raises:
        InputError: options do not go together, or a value is out of range.
    """
    # A rate of 0 equals False, and is still a rate.
    kinds = [kind for kind in ("axi", "spi") if chosen[kind]]
    kinds += [] if chosen["uart"] is None else ["uart"]
    if len(kinds) > 1:
        typed = " and ".join(f"--{kind}" for kind in kinds)
        raise InputError(f"{typed} are for one core, expected one of them")
    for option in ("bus_width", "packing", "window"):
        if chosen[option] not in (None, False) and not chosen["axi"]:
            raise InputError(f"--{option.replace('_', '-')} needs --axi")
    if chosen["uart"] is not None and chosen["clock"] is None:
        raise InputError("--uart needs --clock")
    if not kinds:
        return None
    require_for("registers")
    from hdl.packaging.system import Host  # needs the extra

    clock = CLOCK if chosen["clock"] is None else hertz(chosen["clock"])
    if chosen["uart"] is not None:
        return Host(kind="uart", line=Line(clock=clock, baud=chosen["uart"]))
    bus = Bus(
        width=chosen["bus_width"] or 32,
        packing=chosen["packing"] or "extended",
        window=chosen["window"],
    )
    return Host(kind=kinds[0], bus=bus, clock=clock)


def hertz(megahertz: float) -> int:
    """Convert a clock as it is typed.

    Raises:
        InputError: it is NaN or infinite.
    """
    if not isfinite(megahertz):
        raise InputError(f"--clock is {megahertz}, expected a number of MHz")
    return round(megahertz * 1e6)
