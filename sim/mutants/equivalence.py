"""Proofs that a mutant makes no difference.

Two copies of a core, one of them mutated, get the same inputs; their outputs must be equal in every
cycle, and words only while valid is high. Memories stand outside, but for those with constants:
what both copies do to them must be equal, and then what they read is equal, too. The shadow gives
sums that weights and operands in range can reach (:mod:`sim.mutants.ranges`). A proof is sound; a
difference that abc finds need not be real.

Attempts are made one after the other, cheap ones first:

- nothing is shared, and induction alone (``scorr``) has to show it: with all memories outside, then
  with constants and ranges;
- every state that the core's control can reach is enumerated (:mod:`sim.mutants.states`);
- the copies share registers, and ``pdr`` has to show that both compute equal next values for those:
  all registers, or those with reset: data may differ while nobody looks;
- nothing is shared, all memories are inside: induction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from hdl.plan import Plan
from sim.mutants.netlist import read_netlist, select_bits
from sim.mutants.ranges import limited
from sim.mutants.states import undisturbed
from sim.tools.aiger import Graph, Netlist
from sim.tools.yosys import find_abc, run_tool

_INDUCTION = "scorr; print_stats"
_REACHED = "scorr; dc2; pdr -a -H {each} -T {all}"
_BIT = re.compile(r"(?P<port>.*?)(?:\[(?P<bit>\d+)\])?$")

INDUCTION, RANGES, STATES, REACHED = "induction", "range of sums", "all states", "pdr"
"""Ways to a proof."""


class Prover:
    """Proves that mutants of a core make no difference.

    Args:
        folder: what `sim.mutants.netlist.mutated` left; also for intermediate files.
        plan: the core's.
        cpu_seconds: CPU time of each attempt.

    Raises:
        MissingToolError: pyosys is missing.
    """

    def __init__(self, folder: Path, plan: Plan, *, cpu_seconds: int) -> None:
        self._abc = find_abc()
        self._folder, self._plan, self._seconds = folder, plan, cpu_seconds

    @cached_property
    def _bare(self) -> Netlist:
        return read_netlist(self._folder, "all")

    @cached_property
    def _limited(self) -> Netlist:
        return read_netlist(self._folder, "array")

    @cached_property
    def _whole(self) -> Netlist:
        return read_netlist(self._folder, "none")

    def proofs(self, mutants: Sequence[int]) -> dict[int, str]:
        """Return the way to the proof for each mutant that is proved, by number; see the module."""
        found: dict[int, str] = {}

        def left() -> list[int]:
            return [mutant for mutant in mutants if mutant not in found]

        found |= self._induced(self._bare, left(), INDUCTION)
        found |= self._induced(self._limited, left(), RANGES)
        if left():
            same = undisturbed(self._whole, left(), cpu_seconds=3 * self._seconds)
            found |= dict.fromkeys(same, STATES)
        found |= self._reached(left(), [True] * len(self._limited.registers))
        found |= self._reached(left(), self._limited.has_reset())
        return found | self._induced(self._whole, left(), INDUCTION)

    def _induced(self, netlist: Netlist, mutants: Sequence[int], way: str) -> dict[int, str]:
        """Attempt a proof of each mutant by induction; all registers are its own."""
        found: dict[int, str] = {}
        for mutant in mutants:
            log = self._run(netlist, [mutant], [False] * len(netlist.registers), _INDUCTION)
            if re.search(r"and *= *0 ", log):
                found[mutant] = way
        return found

    def _reached(self, mutants: Sequence[int], shared: Sequence[bool]) -> dict[int, str]:
        """Attempt proofs of all mutants at once: what is found for one helps the others."""
        if not mutants:
            return {}
        script = _REACHED.format(each=1000 * self._seconds, all=self._seconds * len(mutants))
        log = self._run(self._limited, mutants, shared, script)
        proved = map(int, re.findall(r"[Pp]roved output\s+(\d+)", log))
        return {mutants[number]: REACHED for number in proved}

    def _run(
        self, netlist: Netlist, mutants: Sequence[int], shared: Sequence[bool], script: str
    ) -> str:
        """Run abc on a graph of mutants; return what it prints."""
        miter(netlist, mutants, shared, self._folder / "miter.aig", plan=self._plan)
        seconds = 2 * self._seconds * len(mutants)
        command = [self._abc, "-c", f"read_aiger miter.aig; strash; {script}"]
        log = run_tool(command, self._folder, "abc.log", cpu_seconds=seconds)
        return re.sub(r"\x1b\[[\d;]*m", "", log)


def miter(
    netlist: Netlist,
    mutants: Sequence[int],
    shared: Sequence[bool],
    path: Path,
    *,
    plan: Plan,
) -> None:
    """Write a graph with an output for each mutant that is high where it differs from the core.

    Args:
        netlist: the core with its mutants.
        mutants: their numbers.
        shared: for each register, whether the mutants use the core's.
        path: the AIGER file.
        plan: the core's, for the ranges of sums.
    """
    graph = Graph()
    select = select_bits(netlist)
    leaves = {literal: graph.leaf() for literal in netlist.inputs.values() if literal not in select}
    graph.inputs = list(leaves.values())
    own = leaves | {register: graph.leaf() for register, _ in netlist.registers}
    none = dict.fromkeys(select, 0)
    core = graph.copy(netlist, own | none)
    if limits := limited(graph, netlist, core, leaves, plan):
        own |= limits
        core = graph.copy(netlist, own | none)
    graph.registers = [
        (own[register], core[following]) for register, following in netlist.registers
    ]
    outputs: list[int] = []
    for mutant in mutants:
        other = own | {
            register: graph.leaf()
            for (register, _), common in zip(netlist.registers, shared, strict=True)
            if not common
        }
        chosen = {literal: mutant >> bit & 1 for literal, bit in select.items()}
        changed = _reading(graph, netlist, core, own, other | chosen)
        different = _seen(graph, netlist, core, changed)
        for (register, following), common in zip(netlist.registers, shared, strict=True):
            if common:
                different.append(graph.differ(core[following], changed[following]))
            else:
                graph.registers.append((other[register], changed[following]))
        equal = 1
        for difference in different:
            equal = graph.both(equal, difference ^ 1)
        outputs.append(equal ^ 1)
    graph.write(path, *outputs)


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


def _reading(
    graph: Graph, netlist: Netlist, core: list[int], own: dict[int, int], other: dict[int, int]
) -> list[int]:
    """Copy the mutant; it reads any word where its address is not the core's.

    Args:
        graph: gets the gates and the words.
        netlist: the core with its mutants.
        core: the core's literals.
        own, other: literals of inputs and registers of the core, and of its mutant.
    """
    reads = _reads(netlist)
    any_word: dict[int, int] = {}
    changed = graph.copy(netlist, other)
    while True:  # an address may come from another memory
        given = dict(other)
        for address, word in reads:
            equal = 1
            for literal in address:
                differs = graph.differ(core[literal], changed[literal])
                equal = graph.both(equal, differs ^ 1)
            for literal in word if equal != 1 else ():
                if literal not in any_word:
                    any_word[literal] = graph.leaf()
                    graph.inputs.append(any_word[literal])
                given[literal] = graph.choose(equal, own[literal], any_word[literal])
        again = graph.copy(netlist, given)
        if again == changed:
            return changed
        changed = again


def _reads(netlist: Netlist) -> list[tuple[list[int], list[int]]]:
    """Literals of the address and of the word at each port that reads a memory."""
    ports: dict[str, list[int]] = {}
    for name, literal in (*netlist.outputs.items(), *netlist.inputs.items()):
        ports.setdefault(_BIT.fullmatch(name)["port"], []).append(literal)  # pyright: ignore
    found: list[tuple[list[int], list[int]]] = []
    for port, words in ports.items():
        memory, _, kind = port.rpartition(".")
        if kind == "RD_DATA":
            addresses, count = ports[f"{memory}.RD_ADDR"], len(ports[f"{memory}.RD_CLK"])
            each, width = len(addresses) // count, len(words) // count
            found += [
                (addresses[n * each : (n + 1) * each], words[n * width : (n + 1) * width])
                for n in range(count)
            ]
    return found


def _enable(graph: Graph, ports: dict[str, list[int]], port: str, bit: int) -> int:
    """Return the literal that tells whether a bit of an output matters."""
    memory, _, kind = port.rpartition(".")
    if kind == "WR_DATA":
        return ports[f"{memory}.WR_EN"][bit]
    if kind == "RD_ADDR":  # what is read differs instead
        return 0
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
