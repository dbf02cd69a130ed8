"""Moves registers behind block RAMs into an ECP5's block RAMs, in the mapped netlist.

A DP16KD delivers its word 5.8 ns after the clock edge (speed grade 6), and much sooner from its
output register, which Yosys leaves unused. A core's Verilog has a register behind each memory. If
a memory is deep enough to take several block RAMs, a multiplexer lies before that register.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from litelstm.fpga.netlist_cells import OPEN, Cells, drivers_of, next_net, plain, registers, uses_of

_WIDEST = 18
"""Widest word of one port; a wider word uses the outputs of both ports."""

_INPUTS = {"LUT4": "ABCD", "PFUMX": ("BLUT", "ALUT", "C0")}
"""Cells that a register moves over, with their inputs; a PFUMX chooses the second if C0 is 1."""


@dataclass(kw_only=True)
class _Cone:
    """The LUTs before a register that nothing else reads, and the multiplexers that join two.

    Attributes:
        luts: names of these cells, the one next to the register first.
        leaves: nets that drive the LUTs.
        at_start: value of the register's input while all leaves are 0.
    """

    luts: list[str] = field(default_factory=list)
    leaves: set[int] = field(default_factory=set)
    at_start: int = 0


def retime(module: dict[str, Any]) -> int:
    """Move registers from behind the multiplexers of deep memories to the block RAMs, in place.

    Words, selects and the register start from 0. So a register moves only over LUTs whose result
    is 0 for zero inputs.

    Returns:
        The number of moved registers.
    """
    cells: Cells = module["cells"]
    uses = uses_of(module)
    drivers = drivers_of(module)
    net = next_net(module)
    moved: dict[tuple[int, Any], int] = {}
    count = 0
    for data, name in registers(module, "DI", plain).items():
        cone = _Cone()
        cone.at_start = _walk(data, cells, drivers, uses, cone)
        sources = [drivers.get(leaf, "") for leaf in cone.leaves]
        kinds = {cells[name]["type"] for name in sources if name in cells}  # others have moved
        if not cone.luts or cone.at_start or "DP16KD" not in kinds:
            continue
        register = cells.pop(name)
        (clock,) = register["connections"]["CLK"]
        for leaf in sorted(cone.leaves - {leaf for leaf, at in moved if at == clock}):
            copy = deepcopy(register)
            copy["connections"] |= {"DI": [leaf], "Q": [net]}
            cells[f"{drivers.get(leaf, name)}_moved{net}"] = copy
            moved[leaf, clock] = net
            net += 1
        for lut in cone.luts:
            for port, (bit,) in cells[lut]["connections"].items():
                if bit in cone.leaves:
                    cells[lut]["connections"][port] = [moved[bit, clock]]
        cells[cone.luts[0]]["connections"]["Z"] = register["connections"]["Q"]
        count += 1
    return count


def _walk(net: Any, cells: Cells, drivers: dict[Any, str], uses: Counter[Any], cone: _Cone) -> int:
    """Add a net's LUTs and leaves to the cone; return its value while all leaves are 0."""
    if isinstance(net, str):
        return int(net not in OPEN)
    lut = cells.get(drivers.get(net, ""))
    if lut is None or lut["type"] not in _INPUTS or uses[net] != 1:
        cone.leaves.add(net)
        return 0
    cone.luts.append(drivers[net])
    inputs = [
        _walk(lut["connections"][port][0], cells, drivers, uses, cone)
        for port in _INPUTS[lut["type"]]
    ]
    if lut["type"] == "PFUMX":
        no, yes, choice = inputs
        return yes if choice else no
    place = sum(value << bit for bit, value in enumerate(inputs))
    return int(lut["parameters"]["INIT"][-1 - place])


def absorb(module: dict[str, Any]) -> int:
    """Take output registers into the block RAMs of a netlist's module, in place.

    A port gets its register if each of its used bits goes to one register and nowhere else, and
    these registers have the port's clock, are always enabled and never reset. A word of 36 bits
    leaves through both ports, and has port B's clock.

    Returns:
        The number of words with a new output register.
    """
    cells: Cells = module["cells"]
    uses = uses_of(module)
    behind = registers(module, "DI", plain)
    absorbed = 0
    for ram in [cell for cell in cells.values() if cell["type"] == "DP16KD"]:
        wide = int(ram["parameters"]["DATA_WIDTH_B"], 2) > _WIDEST
        for ports in ("AB",) if wide else ("A", "B"):
            taken = _registers_of(ram, ports, cells, behind, uses)
            for output, name in taken.items():
                ram["connections"][output] = cells.pop(name)["connections"]["Q"]
            if taken:
                ram["parameters"] |= {f"REGMODE_{port}": "OUTREG" for port in ports}
                ram["connections"] |= {f"OCE{port}": ["1"] for port in ports}
                absorbed += 1
    return absorbed


def _registers_of(
    ram: dict[str, Any], ports: str, cells: Cells, behind: dict[Any, str], uses: Counter[Any]
) -> dict[str, str]:
    """Find the register of each used output of a word; empty unless all outputs have one."""
    taken: dict[str, str] = {}
    if any(ram["parameters"][f"REGMODE_{port}"] != "NOREG" for port in ports):
        return {}
    for output, (net,) in ram["connections"].items():
        if not output.startswith(tuple(f"DO{port}" for port in ports)) or not uses[net]:
            continue
        name = behind.get(net)
        if name is None or uses[net] > 1:
            return {}
        if cells[name]["connections"]["CLK"] != ram["connections"][f"CLK{ports[-1]}"]:
            return {}
        taken[output] = name
    return taken
