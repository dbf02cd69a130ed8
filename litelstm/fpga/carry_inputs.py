"""Opens the carry input of the first cell of each carry chain, as nextpnr requires on a Nexus.

Yosys starts a chain with a cell that makes the carry from an operand and ignores its carry input
(its upper LUT does not propagate). Yosys ties that input to 0, like all open inputs. nextpnr
accepts only a carry cell or nothing as the driver of a carry input.
"""

from __future__ import annotations

from typing import Any

_FEEDS_IN = "0x00AA"
"""Upper LUT of a chain's first cell: with D at 1 the carry is A, and the carry input is ignored."""


class CarryInputs:
    """Refinement of the Nexus; see :class:`litelstm.fpga.families.Refinement`."""

    version = 1

    def refine(self, module: dict[str, Any]) -> None:
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
