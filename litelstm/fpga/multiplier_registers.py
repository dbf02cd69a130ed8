"""Moves registers into an ECP5's multipliers, in the mapped netlist.

Multipliers lie in rows across the whole part, so a register outside is far away. Yosys leaves the
registers inside unused. nextpnr knows the delays of a multiplier with both input registers, or with
its output register, but not the delay between the two: :mod:`litelstm.fpga.hidden_delays` does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from litelstm.fpga.netlist_cells import (
    OPEN,
    Cell,
    Cells,
    drivers_of,
    enable_of,
    from_zero,
    plain,
    registers,
    reset_of,
    uses_of,
)

_SHALLOW = 2
"""Most cells before a factor's register that moves; with more logic, it stays near that logic."""

_STARTS = ("TRELLIS_FF", "DP16KD", "TRELLIS_DPR16X4", "MULT18X18D")


def absorb(module: dict[str, Any]) -> tuple[int, int]:
    """Take input or output registers into the multipliers of a netlist's module, in place.

    Returns:
        The numbers of multipliers with new input registers and with new output registers.
    """
    cells: Cells = module["cells"]
    uses, depth = uses_of(module), _depths(module)
    before = registers(module, "Q", from_zero)
    behind = registers(module, "DI", plain)
    inputs = outputs = 0
    for multiplier in [cell for cell in cells.values() if cell["type"] == "MULT18X18D"]:
        factors = [
            {port: before.get(bit, "") for port, bit in _bits(multiplier, name) if bit not in OPEN}
            for name in "AB"
        ]
        product = {port: behind.get(bit, "") for port, bit in _bits(multiplier, "P") if uses[bit]}
        if _alike(factors, cells, depth):
            _take_factors(multiplier, factors, cells)
            inputs += 1
        if _single(product, multiplier, cells, uses):
            _take_product(multiplier, product, cells)
            outputs += 1
    _drop_unread(module)
    return inputs, outputs


def _bits(multiplier: Cell, name: str) -> list[tuple[str, Any]]:
    """List the ports of a factor or of the product, with their nets."""
    return [
        (port, bit)
        for port, (bit,) in multiplier["connections"].items()
        if re.fullmatch(rf"{name}\d+", port)
    ]


def _alike(factors: list[dict[str, str]], cells: Cells, depth: Callable[[Any], int]) -> bool:
    """Whether both factors come from registers of one clock, alike in reset and enable."""
    clocks: set[Any] = set()
    for factor in factors:
        if not factor or "" in factor.values():
            return False
        sources = [cells[name] for name in factor.values()]
        clocks |= {source["connections"]["CLK"][0] for source in sources}
        controls = {(reset_of(source), enable_of(source)) for source in sources}
        if len(controls) > 1 or not {"0", "1"} & set(*controls):  # both: which of them wins?
            return False
        if max(depth(source["connections"]["DI"][0]) for source in sources) > _SHALLOW:
            return False
    return len(clocks) == 1


def _take_factors(multiplier: Cell, factors: list[dict[str, str]], cells: Cells) -> None:
    """Give a multiplier input registers; the registers outside stay: others may read them."""
    for number, (name, factor) in enumerate(zip("AB", factors, strict=True)):
        sources = {port: cells[source] for port, source in factor.items()}
        some = next(iter(sources.values()))
        _connect(
            multiplier,
            {port: source["connections"]["DI"][0] for port, source in sources.items()}
            | {
                "CLK0": some["connections"]["CLK"][0],
                f"CE{number}": enable_of(some),
                f"RST{number}": reset_of(some),
            },
        )
        multiplier["parameters"] |= {
            f"REG_INPUT{name}_CLK": "CLK0",
            f"REG_INPUT{name}_CE": f"CE{number}",
            f"REG_INPUT{name}_RST": f"RST{number}",
        }


def _single(product: dict[str, str], multiplier: Cell, cells: Cells, uses: Counter[Any]) -> bool:
    """Whether each used bit of a product goes to one register, and nowhere else."""
    if not product or "" in product.values():
        return False
    bits = multiplier["connections"]
    clocks = {cells[name]["connections"]["CLK"][0] for name in product.values()}
    return len(clocks) == 1 and all(uses[bits[port][0]] == 1 for port in product)


def _take_product(multiplier: Cell, product: dict[str, str], cells: Cells) -> None:
    """Replace the registers of a multiplier's product by its output register."""
    taken = {port: cells.pop(name) for port, name in product.items()}
    (clock,) = next(iter(taken.values()))["connections"]["CLK"]
    _connect(multiplier, {"CLK0": clock, "CE2": "1", "RST2": "0"})
    for port, register in taken.items():
        multiplier["connections"][port] = register["connections"]["Q"]
    multiplier["parameters"] |= {
        "REG_OUTPUT_CLK": "CLK0",
        "REG_OUTPUT_CE": "CE2",
        "REG_OUTPUT_RST": "RST2",
    }


def _connect(cell: Cell, inputs: dict[str, Any]) -> None:
    for port, net in inputs.items():
        cell["connections"][port] = [net]
        cell["port_directions"][port] = "input"


def _depths(module: dict[str, Any]) -> Callable[[Any], int]:
    """Make a function that counts the cells of logic before a net, up to ``_SHALLOW`` + 1."""
    cells: Cells = module["cells"]
    drivers = drivers_of(module)

    def depth(net: Any, limit: int = _SHALLOW) -> int:
        cell = cells.get(drivers.get(net, ""))
        if cell is None or cell["type"] in _STARTS:
            return 0
        if limit == 0:
            return 1
        sides = cell["port_directions"]
        bits = [
            bit
            for port, bits in cell["connections"].items()
            if sides[port] == "input" and port != "CIN"  # a chain of carries counts once
            for bit in bits
        ]
        return 1 + max((depth(bit, limit - 1) for bit in bits), default=0)

    return depth


def _drop_unread(module: dict[str, Any]) -> None:
    """Remove registers that nothing reads any more."""
    uses = uses_of(module)
    for net, name in registers(module, "Q", from_zero).items():
        if not uses[net]:
            del module["cells"][name]
