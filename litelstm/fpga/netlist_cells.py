"""Queries for the cells and nets of a mapped netlist in Yosys' JSON; registers are an ECP5's.

A net is a number; ``"0"``, ``"1"`` and ``"x"`` are constants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

Cell = dict[str, Any]
Cells = dict[str, Cell]

OPEN = ("0", "x")
"""Constants that are 0 in a bitstream."""


def uses_of(module: dict[str, Any]) -> Counter[Any]:
    """Count the inputs and ports that read each net."""
    uses: Counter[Any] = Counter()
    for cell in module["cells"].values():
        for name, bits in cell["connections"].items():
            if cell["port_directions"][name] == "input":
                uses.update(bits)
    for port in module["ports"].values():
        uses.update(port["bits"])
    return uses


def drivers_of(module: dict[str, Any]) -> dict[Any, str]:
    """Find the cell that drives each net."""
    return {
        bit: name
        for name, cell in module["cells"].items()
        for port, bits in cell["connections"].items()
        if cell["port_directions"][port] == "output"
        for bit in bits
    }


def next_net(module: dict[str, Any]) -> int:
    """Return the first unused net number."""
    nets = (
        bit
        for cell in module["cells"].values()
        for bits in cell["connections"].values()
        for bit in bits
        if isinstance(bit, int)
    )
    return 1 + max(nets, default=0)


def registers(
    module: dict[str, Any], port: str, wanted: Callable[[Cell], bool] = lambda _: True
) -> dict[Any, str]:
    """Find the registers that are ``wanted``: their names by the net at port ``DI`` or ``Q``."""
    return {
        cell["connections"][port][0]: name
        for name, cell in module["cells"].items()
        if cell["type"] == "TRELLIS_FF" and wanted(cell)
    }


def from_zero(register: dict[str, Any]) -> bool:
    """Whether a register starts from 0 and is reset to it at a clock edge, enabled or not."""
    parameters = register["parameters"]
    return (
        parameters["CEMUX"].strip() in ("1", "CE")
        and parameters["REGSET"] == "RESET"
        and parameters["CLKMUX"] == "CLK"
        and parameters["LSRMUX"] == "LSR"
        and parameters.get("SRMODE", "LSR_OVER_CE") == "LSR_OVER_CE"
    )


def enable_of(register: dict[str, Any]) -> Any:
    """Return the net that makes a register load its input, "1" if it always does."""
    enabled = register["parameters"]["CEMUX"].strip() == "CE"
    return register["connections"]["CE"][0] if enabled else "1"


def reset_of(register: dict[str, Any]) -> Any:
    """Return the net that resets a register at a clock edge, "0" if none does."""
    return register["connections"].get("LSR", ["0"])[0]


def plain(register: dict[str, Any]) -> bool:
    """Whether a register starts from 0 and loads its input at every clock edge."""
    return from_zero(register) and enable_of(register) == "1" and reset_of(register) == "0"
