"""Moves registers into an ECP5's hard blocks, in the mapped netlist; the open flow does not."""

from __future__ import annotations

from typing import Any

from litelstm.fpga import multiplier_registers, ram_registers


class Registers:
    """Refinement of the ECP5; see :class:`litelstm.fpga.families.Refinement`."""

    version = 2

    def refine(self, module: dict[str, Any]) -> None:
        """Move registers into the block RAMs and multipliers of a netlist's module, in place."""
        ram_registers.retime(module)
        ram_registers.absorb(module)
        multiplier_registers.absorb(module)
