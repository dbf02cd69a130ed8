"""Registers behind an ECP5's block RAMs become the block RAMs' own.

A DP16KD gives its word 5.8 ns after the clock edge (speed grade 6), and much sooner from its output
register. Yosys leaves that unused; a core has registers for it in its generic Verilog, which are
taken into the block RAM here, in the mapped netlist.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

Cells = dict[str, dict[str, Any]]

_WIDEST = 18
"""Beyond, one port's word comes out of both ports."""


def absorb(module: dict[str, Any]) -> int:
    """Take output registers into the block RAMs of a netlist's module, in place.

    A port's register is taken if each of its bits that is used goes to one register and nowhere
    else, with the port's clock, always enabled and never reset.

    Returns:
        The number of ports that have got their register.
    """
    cells: Cells = module["cells"]
    uses = _uses(module)
    registers = {
        cell["connections"]["DI"][0]: name
        for name, cell in cells.items()
        if cell["type"] == "TRELLIS_FF" and _plain(cell)
    }
    absorbed = 0
    for ram in [cell for cell in cells.values() if cell["type"] == "DP16KD"]:
        for port in ("A", "B"):
            taken = _registers_of(ram, port, cells, registers, uses)
            for output, name in taken.items():
                ram["connections"][output] = cells.pop(name)["connections"]["Q"]
            if taken:
                ram["parameters"][f"REGMODE_{port}"] = "OUTREG"
                ram["connections"][f"OCE{port}"] = ["1"]
                absorbed += 1
    return absorbed


def _uses(module: dict[str, Any]) -> Counter[Any]:
    """How many inputs and ports read each net."""
    uses: Counter[Any] = Counter()
    for cell in module["cells"].values():
        for name, bits in cell["connections"].items():
            if cell["port_directions"][name] == "input":
                uses.update(bits)
    for port in module["ports"].values():
        uses.update(port["bits"])
    return uses


def _plain(register: dict[str, Any]) -> bool:
    """Whether a register takes its input at every clock edge."""
    parameters = register["parameters"]
    reset = register["connections"].get("LSR", ["0"])
    return (
        parameters["CEMUX"].strip() == "1"
        and parameters["CLKMUX"] == "CLK"
        and reset == ["0"]
        and parameters["LSRMUX"] == "LSR"
    )


def _registers_of(
    ram: dict[str, Any], port: str, cells: Cells, registers: dict[Any, str], uses: Counter[Any]
) -> dict[str, str]:
    """The register of each used output of a port; nothing unless all have one."""
    taken: dict[str, str] = {}
    widths = [int(ram["parameters"][f"DATA_WIDTH_{name}"], 2) for name in ("A", "B")]
    if ram["parameters"][f"REGMODE_{port}"] != "NOREG" or max(widths) > _WIDEST:
        return {}
    for output, (net,) in ram["connections"].items():
        if not output.startswith(f"DO{port}") or not uses[net]:
            continue
        name = registers.get(net)
        if name is None or uses[net] > 1:
            return {}
        if cells[name]["connections"]["CLK"] != ram["connections"][f"CLK{port}"]:
            return {}
        taken[output] = name
    return taken
