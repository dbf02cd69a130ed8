"""Moves registers into an ECP5's hard blocks, in the mapped netlist; the open flow does not."""

from __future__ import annotations

from typing import Any

from litelstm.fpga import multiplier_registers, netlist_cells, ram_registers

SOURCES = (multiplier_registers, netlist_cells, ram_registers)
"""Modules whose source is part of the cache key."""


def refine(module: dict[str, Any]) -> None:
    """Move registers into the block RAMs and multipliers of a netlist's module, in place."""
    ram_registers.retime(module)
    ram_registers.absorb(module)
    multiplier_registers.absorb(module)
