"""What the open ECP5 flow leaves undone with registers, done in the mapped netlist."""

from __future__ import annotations

from typing import Any

from litelstm.fpga import multiplier_registers, netlist_cells, ram_registers

SOURCES = (multiplier_registers, netlist_cells, ram_registers)
"""The modules that decide what becomes of a netlist."""


def refine(module: dict[str, Any]) -> None:
    """Put registers into block RAMs and multipliers of a netlist's module, in place."""
    ram_registers.retime(module)
    ram_registers.absorb(module)
    multiplier_registers.absorb(module)
