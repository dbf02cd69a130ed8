"""Proofs that a core can never get somewhere, whatever its inputs and its reset do.

Yosys makes gates and registers of the whole core, memories included, with every signal of the
Verilog as an output. abc's ``scorr`` finds by induction what is constant or equal in all states;
``pdr`` tries the rest for some seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sim.tools.aiger import Graph, Netlist
from sim.tools.yosys import TO_GATES, find_abc, run_script, run_tool

# Ports are in the file anyway.
_SCRIPT = (
    """\
read_verilog core.v
hierarchy -top {top}
proc -norom
flatten -noscopeinfo
memory_nordff
memory_map
expose w:* i:* %d o:* %d
opt -full
"""
    + TO_GATES
    + """\
setundef -undriven -init -zero
aigmap
opt_clean
write_aiger -ascii -zinit -symbols core.aag
"""
)

_PROOF = "read_aiger claims.aig; strash; scorr -C 100000 -F 2; dc2; pdr -a -T {seconds}"

# Amaranth repeats a register's first value at wires that only carry it; Yosys takes it amiss.
_REPEATED = re.compile(r"^ *\(\* init = .*\n", re.M)


@dataclass(frozen=True, kw_only=True)
class Never:
    """Event that must not happen: these bits now, while those were so one clock cycle before.

    Attributes:
        now, before: values of bits, by their name in the hierarchy, as ``core.array.sum[3]``.
    """

    now: Mapping[str, int]
    before: Mapping[str, int] = field(default_factory=dict)


def proved(
    verilog: str, top: str, claims: Sequence[Sequence[Never]], folder: Path, *, seconds: int
) -> list[bool]:
    """Tell for each claim whether it is proved.

    Args:
        verilog: text of the core.
        top: its top module.
        claims: each that none of some things ever happens; a claim about a bit that the netlist
            lacks is not proved.
        folder: for intermediate files.
        seconds: wall time for ``pdr``.

    Raises:
        MissingToolError: pyosys is missing.
        SimulationError: a tool failed.
    """
    abc = find_abc()
    (folder / "core.v").write_text(_REPEATED.sub("", verilog))
    (folder / "core.ys").write_text(_SCRIPT.format(top=top))
    run_script("core.ys", folder, "yosys.log")
    outputs = _write(Netlist.read(folder / "core.aag"), claims, folder / "claims.aig")
    log = run_tool([abc, "-c", _PROOF.format(seconds=seconds)], folder, "pdr.log")
    shown = {int(number) for number in re.findall(r"[Pp]roved output\s+(\d+)", log)}
    return [place is not None and (place < 0 or place in shown) for place in outputs]


def _write(netlist: Netlist, claims: Sequence[Sequence[Never]], path: Path) -> list[int | None]:
    """Write a graph with an output for each claim, high where it does not hold.

    Returns:
        The number of each claim's output; -1 where it is constantly low, None if a bit is unknown.
    """
    graph = Graph()
    leaves = {literal: graph.leaf() for literal in netlist.inputs.values()}
    graph.inputs = list(leaves.values())
    leaves |= {register: graph.leaf() for register, _ in netlist.registers}
    values = graph.copy(netlist, leaves)
    for register, following in netlist.registers:
        graph.registers.append((leaves[register], values[following]))
    known = {**netlist.outputs, **netlist.inputs}
    bits = {name: values[literal] for name, literal in known.items()}
    earlier: dict[int, int] = {}

    def was(literal: int) -> int:
        if literal < 2:
            return literal
        if literal not in earlier:
            earlier[literal] = graph.leaf()
            graph.registers.append((earlier[literal], literal))
        return earlier[literal]

    numbers: list[int | None] = []
    outputs: dict[int, int] = {}
    for claim in claims:
        if any(not bits.keys() >= {*never.now, *never.before} for never in claim):
            numbers.append(None)
            continue
        holds = 1
        for never in claim:
            happens = 1
            for name, value in never.now.items():
                happens = graph.both(happens, bits[name] ^ 1 ^ value)
            for name, value in never.before.items():
                happens = graph.both(happens, was(bits[name] ^ 1 ^ value))
            holds = graph.both(holds, happens ^ 1)
        numbers.append(-1 if holds == 1 else outputs.setdefault(holds ^ 1, len(outputs)))
    graph.write(path, *outputs)
    return numbers
