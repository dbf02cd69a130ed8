"""Copies registers that drive many inputs, in an ECP5's mapped netlist.

All lanes read the same addresses and flags. One register for all of them is far from most; Yosys
merges equal registers, and nextpnr copies none.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from litelstm.fpga.netlist_cells import Cells, next_net, registers

MOST = 64
"""Inputs that a register may drive before it is copied."""

EACH = 48
"""Inputs that each copy drives at most."""


def copy(module: dict[str, Any]) -> int:
    """Copy registers in place, each for inputs of neighbours by name.

    Returns:
        The number of copies.
    """
    cells: Cells = module["cells"]
    found = registers(module, "Q")
    sinks: dict[Any, list[tuple[str, str, int]]] = {net: [] for net in found}
    for name, cell in sorted(cells.items()):
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for place, bit in enumerate(bits):
                    if bit in sinks:
                        sinks[bit].append((name, port, place))
    net, copies = next_net(module), 0
    for driven, name in found.items():
        if len(sinks[driven]) <= MOST:
            continue
        for start in range(EACH, len(sinks[driven]), EACH):
            made = deepcopy(cells[name])
            made["connections"]["Q"] = [net]
            cells[f"{name}_copy{start // EACH}"] = made
            for cell, port, place in sinks[driven][start : start + EACH]:
                cells[cell]["connections"][port][place] = net
            net += 1
            copies += 1
    return copies
