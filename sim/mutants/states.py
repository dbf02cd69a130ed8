"""Search of every state that a core's control can reach, with all its inputs.

Control is closed: its registers follow from themselves and from the inputs alone. A small core's
control has some hundred thousand states, which are soon enumerated: a gate's values for 64 pairs of
a state and inputs are one word. If a mutant's signals equal the core's in all of them, wherever
control meets other logic, the mutant makes no difference.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.mutants.netlist import select_bits
from sim.tools.aiger import Graph, Netlist

MOST_REGISTERS, MOST_INPUTS, MOST_STATES = 256, 10, 1 << 21
"""Limits of a search; more is hardly control."""

_PAIRS = 1 << 17
"""Pairs of a state and inputs that are evaluated at once."""

Words = NDArray[np.uint64]


def undisturbed(netlist: Netlist, mutants: Sequence[int], *, cpu_seconds: int) -> set[int]:
    """Return the mutants whose control never differs from the core's.

    Args:
        netlist: the core with its mutants and its memories.
        mutants: their numbers.
        cpu_seconds: of each search; one does for all mutants of the same registers.
    """
    control = _Control(netlist)
    searches: dict[int, dict[int, list[int]]] = {}
    for mutant in mutants:
        closed, differ = control.site(mutant)
        searches.setdefault(closed, {})[mutant] = differ
    found: set[int] = set()
    for closed, claims in searches.items():
        found |= _Search(control, closed, claims).run(time.process_time() + cpu_seconds)
    return found


def _members(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


class _Control:
    """A core's netlist as a graph, with what each node depends on.

    Attributes:
        graph: the graph.
        following: literal of the next value, by a register's node.
        support: inputs and registers of each node, as a mask of nodes.
    """

    def __init__(self, netlist: Netlist) -> None:
        self.graph = Graph()
        self.support: dict[int, int] = {0: 0}
        self._netlist, self._select = netlist, select_bits(netlist)
        given = [literal for literal in netlist.inputs.values() if literal not in self._select]
        given += [own for own, _ in netlist.registers]
        self._leaves = {literal: self.graph.leaf() for literal in given}
        self.support |= {leaf // 2: 1 << leaf // 2 for leaf in self._leaves.values()}
        self._core = self._copy(0)
        self.following = {
            self._leaves[own] // 2: self._core[following] for own, following in netlist.registers
        }
        self._users: dict[int, list[int]] = {}
        for own, *operands in netlist.gates:
            for operand in operands:
                self._users.setdefault(operand & ~1, []).append(own)
        self._ends = {following & ~1 for _, following in netlist.registers}
        self._ends |= {literal & ~1 for literal in netlist.outputs.values()}

    def _copy(self, mutant: int) -> list[int]:
        chosen = {literal: mutant >> bit & 1 for literal, bit in self._select.items()}
        values = self.graph.copy(self._netlist, self._leaves | chosen)
        self._extend()
        return values

    def _extend(self) -> None:
        """Note what new gates depend on."""
        for own, one, two in self.graph.gates[len(self.support) - len(self._leaves) - 1 :]:
            self.support[own // 2] = self.support[one // 2] | self.support[two // 2]

    def site(self, mutant: int) -> tuple[int, list[int]]:
        """Return the control that a mutant's place depends on, and where it may differ.

        Returns:
            Mask of inputs and registers; literals that are high where a signal, which leaves
            control, differs from the core's.
        """
        core, changed = self._core, self._copy(mutant)
        gates = {own: (one & ~1, two & ~1) for own, one, two in self._netlist.gates}
        differ = {own for own in gates if core[own] != changed[own]}
        fixed = {own for own in differ if core[own] | changed[own] < 2}  # such as the selection
        differ -= fixed

        def support(own: int) -> int:
            return self.support[core[own] // 2] | self.support[changed[own] // 2]

        closed = 0
        for own in differ:
            if not any(operand in differ for operand in gates[own]):
                closed |= support(own)
        closed = self._closure(closed)
        inside = {own for own in differ if not support(own) & ~closed}
        if fixed & self._ends or any(fixed & {*gates[own]} for own in differ - inside):
            return closed, [1]
        leaving = [
            own
            for own in sorted(inside)
            if own in self._ends or any(u in differ - inside for u in self._users.get(own, ()))
        ]
        found = [self.graph.differ(core[own], changed[own]) for own in leaving]
        self._extend()
        return closed, found

    def _closure(self, mask: int) -> int:
        seen = 0
        while mask:
            seen |= mask
            needed = 0
            for node in _members(mask):
                needed |= self.support[self.following.get(node, 0) // 2]
            mask = needed & ~seen
        return seen


@dataclass
class _Search:
    """Search of the states of some registers.

    Attributes:
        control: the core's.
        closed: mask of the registers and their inputs.
        claims: literals that must be low, by mutant.
    """

    control: _Control
    closed: int
    claims: Mapping[int, Sequence[int]]
    _gates: list[tuple[int, int, int]] = field(init=False)

    def __post_init__(self) -> None:
        following = self.control.following
        literals = [literal for claim in self.claims.values() for literal in claim]
        mask = self.closed
        for literal in literals:
            mask |= self.control.support[literal // 2]
        self._registers = [node for node in _members(mask) if node in following]
        self._inputs = [node for node in _members(mask) if node not in following]
        needed = {literal // 2 for literal in literals}
        needed |= {following[node] // 2 for node in self._registers}
        gates: list[tuple[int, int, int]] = []
        for own, one, two in reversed(self.control.graph.gates):
            if own // 2 in needed:
                needed |= {one // 2, two // 2}
                gates.append((own // 2, one, two))
        self._gates = gates[::-1]
        self._row = -(-len(self._registers) // 64)

    def run(self, deadline: float) -> set[int]:
        """Return the mutants whose claims hold in every state; none if there is no end in sight."""
        if not 0 < len(self._registers) <= MOST_REGISTERS or len(self._inputs) > MOST_INPUTS:
            return set()
        fresh = np.zeros((1, self._row), np.uint64)
        known, left = {fresh.tobytes()}, set(self.claims)
        each = max(1, _PAIRS >> len(self._inputs))
        row = np.dtype([("", np.uint64)] * self._row)
        while len(fresh) and left:
            found = []
            for start in range(0, len(fresh), each):
                states, values = self._step(fresh[start : start + each])
                left -= {m for m in left if any(_value(values, c).any() for c in self.claims[m])}
                found.append(np.unique(states.view(row).ravel()))
            if time.process_time() > deadline or len(known) > MOST_STATES:
                return set()
            new = [
                state for state in np.unique(np.concatenate(found)) if state.tobytes() not in known
            ]
            known.update(state.tobytes() for state in new)
            fresh = np.array(new, row).view(np.uint64).reshape(-1, self._row)
        return left

    def _step(self, states: Words) -> tuple[Words, dict[int, Words]]:
        """Return the states that follow with all inputs, and the values of all nodes."""
        pairs = len(states) << len(self._inputs)
        # Surplus pairs repeat the last one.
        index = np.minimum(np.arange(-(-pairs // 64) * 64), pairs - 1)
        bits = np.unpackbits(np.ascontiguousarray(states).view(np.uint8), axis=1, bitorder="little")
        held = bits[index >> len(self._inputs)]
        values = {0: np.zeros(len(index) // 64, np.uint64)}
        for place, node in enumerate(self._registers):
            values[node] = _packed(held[:, place])
        for place, node in enumerate(self._inputs):
            values[node] = _packed(index >> place & 1)
        for own, one, two in self._gates:
            values[own] = _value(values, one) & _value(values, two)
        after = np.zeros((len(index), 64 * self._row), np.uint8)
        for place, node in enumerate(self._registers):
            word = _value(values, self.control.following[node])
            after[:, place] = np.unpackbits(word.view(np.uint8), bitorder="little")
        return np.packbits(after, axis=1, bitorder="little").view(np.uint64), values


def _packed(bits: NDArray[np.integer]) -> Words:
    return np.packbits(bits.astype(np.uint8), bitorder="little").view(np.uint64)


def _value(values: Mapping[int, Words], literal: int) -> Words:
    word = values[literal >> 1]
    return ~word if literal & 1 else word
