"""Moves registers and LUTs into an ECP5's hard blocks and adders, in the mapped netlist."""

from __future__ import annotations

from typing import Any

from litelstm.fpga import adder_inputs, multiplier_registers, ram_registers


class Registers:
    """Refinement of the ECP5; see :class:`litelstm.fpga.families.Refinement`."""

    version = 8

    def refine(self, module: dict[str, Any]) -> None:
        """Move registers into block RAMs and multipliers, LUTs into adders, all in place."""
        adder_inputs.absorb(module)
        ram_registers.retime(module)
        ram_registers.absorb(module)
        multiplier_registers.absorb(module)
