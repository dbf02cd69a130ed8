"""What a tool must be told of a core's clock, reset and lines: notes with lines to copy."""

from __future__ import annotations

_AXI = """\
Constraints of {name}

Everything runs with aclk; no path leaves or enters another clock domain, no register is clocked by
its falling edge, none is reset asynchronously. aresetn is synchronous to aclk and must be low for
one rising edge of aclk or more. There are no false paths and no paths of several cycles.

AMD Vivado (out of context; in a block design the clock comes from its source):
    create_clock -name aclk -period 10.000 [get_ports aclk]

Lattice nextpnr (--lpf for ECP5, or on the command line --freq 100):
    FREQUENCY PORT "aclk" 100 MHZ;
"""

_SERIAL = """\
Constraints of {name}

Everything runs with clk; no register is clocked by its falling edge, none is reset asynchronously.
rst is synchronous to clk and must be high for one rising edge of clk or more.{line}
{lines} come through two registers each, with no relation to clk.

AMD Vivado:
    create_clock -name clk -period 10.000 [get_ports clk]
    set_false_path -from [get_ports {{{ports}}}]
    set_property ASYNC_REG TRUE [get_cells -hierarchical *stage*]

Lattice nextpnr (--lpf for ECP5, or on the command line --freq 100); inputs that are not named in
the file are not timed:
    FREQUENCY PORT "clk" 100 MHZ;
"""


def constraints(*, name: str, kind: str) -> str:
    """The notes for a top module of a kind: ``axi``, ``spi`` or ``uart``."""
    if kind == "axi":
        return _AXI.format(name=name)
    ports = {"uart": "rx", "spi": "sck cs_n mosi"}[kind]
    line = {
        "uart": " The clock's rate is part of the core: see bus.line in its JSON.",
        "spi": " It must be 16 times as fast as sck, or more.",
    }[kind]
    return _SERIAL.format(name=name, lines=ports.replace(" ", ", "), ports=ports, line=line)
