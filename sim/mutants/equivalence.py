"""Proofs that a mutant makes no difference.

Two copies of a core, one of them mutated, get the same inputs; their outputs must be equal in every
cycle, and words only while valid is high. Memories stand outside: what both copies do to them must
be equal, and then what they read is equal, too. A proof is sound; a difference that abc finds need
not be real.

The copies may share registers. Then the proof is that both compute equal next values for those:
from an equal state they never part. So three attempts are made, cheap ones first:

- nothing is shared, and induction alone (``scorr``) has to show it;
- everything is shared: the mutant never changes a next value;
- the registers without reset, those of data, are not shared: data may differ while nobody looks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sim.mutants.netlist import SELECT
from sim.tools.aiger import Graph, Netlist
from sim.tools.yosys import find_abc, run_tool

_INDUCTION = "read_aiger miter.aig; strash; scorr; print_stats"
_PROOF = "read_aiger miter.aig; strash; scorr; dc2; pdr; print_status"
_BIT = re.compile(r"(?P<port>.*?)(?:\[(?P<bit>\d+)\])?$")


def is_equivalent(netlist: Netlist, mutant: int, folder: Path, *, cpu_seconds: int) -> bool:
    """Tell whether it is proved that a mutant does what the core does.

    Args:
        netlist: the core with its mutants, from `sim.mutants.netlist.read_netlist`.
        mutant: its number.
        folder: for intermediate files.
        cpu_seconds: CPU time of each attempt.

    Raises:
        MissingToolError: pyosys is missing.
    """
    abc, resets = find_abc(), netlist.has_reset()
    attempts = (
        ([False] * len(resets), _INDUCTION),
        ([True] * len(resets), _PROOF),
        (resets, _PROOF),
    )
    for shared, script in attempts:
        miter(netlist, mutant, shared, folder / "miter.aig")
        log = run_tool([abc, "-c", script], folder, "abc.log", cpu_seconds=cpu_seconds)
        if "Status = 1" in log or re.search(r"and *= *0 ", re.sub(r"\x1b\[[\d;]*m", "", log)):
            return True
    return False


def miter(netlist: Netlist, mutant: int, shared: Sequence[bool], path: Path) -> None:
    """Write a graph whose output is high where a mutant differs from the core.

    Args:
        netlist: the core with its mutants.
        mutant: its number.
        shared: for each register, whether both copies use the core's.
        path: the AIGER file.
    """
    graph = Graph()
    select, leaves = {}, {}
    for name, literal in netlist.inputs.items():
        if name.startswith(f"{SELECT}["):
            select[literal] = int(name[len(SELECT) + 1 : -1])
        else:
            leaves[literal] = graph.leaf()
    graph.inputs = list(leaves.values())
    own = leaves | {register: graph.leaf() for register, _ in netlist.registers}
    other = own | {
        register: graph.leaf()
        for (register, _), common in zip(netlist.registers, shared, strict=True)
        if not common
    }
    core = graph.copy(netlist, own | dict.fromkeys(select, 0))
    changed = graph.copy(netlist, other | {s: mutant >> bit & 1 for s, bit in select.items()})
    different = _seen(graph, netlist, core, changed)
    for (register, following), common in zip(netlist.registers, shared, strict=True):
        graph.registers.append((own[register], core[following]))
        if common:
            different.append(graph.differ(core[following], changed[following]))
        else:
            graph.registers.append((other[register], changed[following]))
    equal = 1
    for difference in different:
        equal = graph.both(equal, difference ^ 1)
    graph.write(path, equal ^ 1)


def _seen(graph: Graph, netlist: Netlist, core: list[int], changed: list[int]) -> list[int]:
    """Return the literals of differences at outputs, and at memories, that somebody sees."""
    ports: dict[str, list[int]] = {}
    found: list[int] = []
    for name, literal in netlist.outputs.items():
        ports.setdefault(_BIT.fullmatch(name)["port"], []).append(core[literal])  # pyright: ignore
    counts = dict.fromkeys(ports, 0)
    for name, literal in netlist.outputs.items():
        port = _BIT.fullmatch(name)["port"]  # pyright: ignore[reportOptionalSubscript]
        bit, counts[port] = counts[port], counts[port] + 1
        difference = graph.differ(core[literal], changed[literal])
        if difference:
            found.append(graph.both(difference, _enable(graph, ports, port, bit)))
    return found


def _enable(graph: Graph, ports: dict[str, list[int]], port: str, bit: int) -> int:
    """Return the literal that tells whether a bit of an output matters."""
    memory, _, kind = port.rpartition(".")
    if kind == "WR_DATA":
        return ports[f"{memory}.WR_EN"][bit]
    if kind == "RD_ADDR":
        enables = ports[f"{memory}.RD_EN"]
        return enables[bit * len(enables) // len(ports[port])]
    if kind == "WR_ADDR":
        enables, count = ports[f"{memory}.WR_EN"], len(ports[f"{memory}.WR_CLK"])
        each, number = len(enables) // count, bit * count // len(ports[port])
        none = 1
        for enable in enables[number * each : (number + 1) * each]:
            none = graph.both(none, enable ^ 1)
        return none ^ 1
    if memory or port.endswith(("valid", "ready")):
        return 1
    valids = (p for p in ports if p.endswith("valid") and port.startswith(p[: -len("valid")]))
    return next((ports[valid][0] for valid in valids), 1)
