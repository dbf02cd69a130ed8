"""What the open ECP5 flow leaves undone with registers, done in the mapped netlist.

A DP16KD gives its word 5.8 ns after the clock edge (speed grade 6), and much sooner from its output
register; Yosys leaves that unused. A core's generic Verilog has a register behind each block RAM,
which is taken into it here. Multipliers lie in rows across the whole part, so a register that feeds
several of them is far from most; Yosys makes one register of equal ones, here each gets its own.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Any

Cells = dict[str, dict[str, Any]]

_WIDEST = 18
"""Beyond, one port's word comes out of both ports."""


def refine(module: dict[str, Any]) -> None:
    """Both on a netlist's module, in place."""
    absorb(module)
    duplicate(module)


def duplicate(module: dict[str, Any]) -> int:
    """Give each multiplier registers of its own, in place.

    Returns:
        The number of registers that were added.
    """
    cells: Cells = module["cells"]
    registers = {
        cell["connections"]["Q"][0]: name
        for name, cell in cells.items()
        if cell["type"] == "TRELLIS_FF"
    }
    net = 1 + max(
        (
            bit
            for cell in cells.values()
            for bits in cell["connections"].values()
            for bit in bits
            if isinstance(bit, int)
        ),
        default=0,
    )
    first_reader: dict[str, int] = {}
    copies: dict[tuple[str, int], int] = {}
    multipliers = [cell for cell in cells.values() if cell["type"] == "MULT18X18D"]
    for number, multiplier in enumerate(multipliers):
        for port, (bit,) in multiplier["connections"].items():
            name = registers.get(bit)
            if name is None or multiplier["port_directions"][port] != "input":
                continue
            if first_reader.setdefault(name, number) == number:
                continue
            if (name, number) not in copies:
                copies[name, number] = net
                copy = deepcopy(cells[name])
                copy["connections"]["Q"] = [net]
                cells[f"{name}_copy{number}"] = copy
                net += 1
            multiplier["connections"][port] = [copies[name, number]]
    return len(copies)


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
