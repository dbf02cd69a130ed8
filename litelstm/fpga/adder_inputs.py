"""Puts logic before an adder into the adder's own LUTs, in an ECP5's mapped netlist.

A bit of a CCU2C adds A and B. Its LUT of four inputs says whether a carry passes, A ^ B; where none
does, the carry is what the lowest quarter of the LUT's table says of A and B. Yosys leaves C and D
unused, so a multiplexer before B costs one more LUT and wire. An operand of two inputs fits into
the half of the table in which D is 1. One of three inputs fits if it is 0 where C and D are: the
lowest quarter then says A, which is the right carry wherever A equals the operand.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import Any, NamedTuple

from litelstm.fpga.netlist_cells import Cell, Cells, drivers_of, uses_of

ADDS = "1001011010101010"
"""The table that Yosys makes: A ^ B ^ C where D is 1."""


class _Operand(NamedTuple):
    """A LUT before an adder: its table by its nets that are no constants, the first one lowest."""

    table: tuple[int, ...]
    nets: tuple[Any, ...]


def absorb(module: dict[str, Any]) -> int:
    """Take LUTs into the adders behind them, in place.

    Returns:
        The number of LUTs taken.
    """
    cells: Cells = module["cells"]
    uses, drivers = uses_of(module), drivers_of(module)
    taken = 0
    for adder in [cell for cell in cells.values() if cell["type"] == "CCU2C"]:
        for half in "01":
            taken += _absorb(adder, half, cells, uses, drivers)
    return taken


def _absorb(
    adder: Cell, half: str, cells: Cells, uses: Counter[Any], drivers: dict[Any, str]
) -> bool:
    """Take the LUT before one bit of an adder, if there is one that fits."""
    bits, parameters = adder["connections"], adder["parameters"]
    a, b, c, d = (bits[f"{port}{half}"][0] for port in "ABCD")
    adds = parameters[f"INIT{half}"] == ADDS and parameters[f"INJECT1_{half}"] == "NO"
    if not adds or c not in ("0", "1") or d != "1":
        return False
    subtracts = c == "1"
    for kept, logic in ((a, b),) if subtracts else ((a, b), (b, a)):
        lut = cells.get(drivers.get(logic, ""))
        if lut is None or lut["type"] != "LUT4" or uses[logic] != 1:
            continue
        fitted = _fitted(_operand(lut), subtracts)
        if fitted:
            parameters[f"INIT{half}"] = "".join(map(str, reversed(fitted.table)))
            for port, net in zip("ABCD", (kept, *fitted.nets), strict=True):
                bits[f"{port}{half}"] = [net]
            del cells[drivers[logic]]
            return True
    return False


def _operand(lut: Cell) -> _Operand:
    ports = [lut["connections"][port][0] for port in "ABCD"]
    places = [place for place, net in enumerate(ports) if isinstance(net, int)]
    fixed = sum((net == "1") << place for place, net in enumerate(ports))
    table = []
    for at in range(1 << len(places)):
        given = sum((at >> n & 1) << place for n, place in enumerate(places))
        table.append(int(lut["parameters"]["INIT"][-1 - (given | fixed)]))
    return _Operand(tuple(table), tuple(ports[place] for place in places))


def _fitted(operand: _Operand, subtracts: bool) -> _Operand | None:
    """Find table and nets of B, C and D that add an operand to A, or subtract it; none may fit."""
    count = len(operand.nets)
    if count > 3:
        return None
    for order in permutations(range(count)):
        of_adder = [
            operand.table[sum((at >> n & 1) << place for n, place in enumerate(order))] ^ subtracts
            for at in range(1 << count)
        ]
        if count == 3 and any(of_adder[:2]):
            continue
        nets = [operand.nets[place] for place in order]
        nets += ["0"] * (2 - count) + ["1"] * (count < 3)
        high = [of_adder[at & (1 << count) - 1] for at in range(8)]
        values = high if count == 3 else [0] * 4 + high[:4]
        table = [(at & 1) ^ int(values[at >> 1]) for at in range(16)]
        return _Operand(tuple(table), tuple(nets))
    return None
