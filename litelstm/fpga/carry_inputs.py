"""What nextpnr wants of a Nexus' carry chains: the first cell's carry input is left open.

Yosys starts a chain with a cell that makes the carry from an operand, whatever its carry input is
(its upper LUT does not propagate), and ties that input to 0 with all others that are open. nextpnr
takes a carry from a carry cell only, or none.
"""

from __future__ import annotations

import sys
from typing import Any

_FEEDS_IN = "0x00AA"
"""Upper LUT of a chain's first cell: with D at 1 the carry is A, and none is propagated."""


def refine(module: dict[str, Any]) -> None:
    """Open the carry inputs of cells that start a chain, in a netlist's module, in place."""
    cells = module["cells"].values()
    ones = {"1"} | {
        bit for cell in cells if cell["type"] == "VHI" for bit in cell["connections"]["Z"]
    }
    for cell in cells:
        if cell["type"] == "CCU2" and cell["parameters"]["INIT1"] == _FEEDS_IN:
            connections = cell["connections"]
            if set(connections["D1"]) <= ones:
                connections["CIN"] = []


SOURCES = (sys.modules[__name__],)
"""The modules that decide what becomes of a netlist."""
