"""And-inverter graphs: netlists from Yosys, changed in Python, for abc."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """A netlist of AND gates and registers, all of which start at 0.

    A literal is twice a number of a node, plus 1 if inverted; 0 and 1 are the constants.

    Attributes:
        inputs, outputs: literals by name.
        registers: (literal, literal of the next value).
        gates: (literal, operand, operand), operands first.
    """

    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    registers: Sequence[tuple[int, int]]
    gates: Sequence[tuple[int, int, int]]

    @classmethod
    def read(cls, path: Path) -> Netlist:
        """Read what Yosys' ``write_aiger -ascii -zinit -symbols`` wrote."""
        lines = iter(path.read_text().splitlines())
        _, inputs, registers, outputs, gates = map(int, next(lines).split()[1:6])

        def take(count: int) -> list[list[int]]:
            return [[int(word) for word in next(lines).split()] for _ in range(count)]

        into, kept, out, ands = map(take, (inputs, registers, outputs, gates))
        names = dict(line.split(" ", 1) for line in lines if line[:1] in ("i", "o"))
        return cls(
            inputs={names[f"i{n}"]: literal for n, (literal,) in enumerate(into)},
            outputs={names[f"o{n}"]: literal for n, (literal,) in enumerate(out)},
            registers=[(own, following) for own, following, *_ in kept],
            gates=[(own, one, two) for own, one, two in ands],
        )

    def has_reset(self) -> list[bool]:
        """Tell for each register whether ``rst``, or a bus' ``aresetn``, decides its next value."""
        graph = Graph()
        leaves = {literal: graph.leaf() for literal in self.inputs.values()}
        leaves |= {own: graph.leaf() for own, _ in self.registers}
        resets = {"rst": 1, "aresetn": 0}
        given = {self.inputs[name]: resets[name] for name in resets.keys() & self.inputs}
        values = graph.copy(self, leaves | given)
        return [values[following] < 2 for _, following in self.registers]


@dataclass
class Graph:
    """A graph that grows: equal gates are one, and constants vanish."""

    inputs: list[int] = field(default_factory=list)
    registers: list[tuple[int, int]] = field(default_factory=list)
    gates: list[tuple[int, int, int]] = field(default_factory=list)
    _known: dict[tuple[int, int], int] = field(default_factory=dict)
    _nodes: int = 0

    def leaf(self) -> int:
        """Make a node for an input or a register."""
        self._nodes += 1
        return 2 * self._nodes

    def both(self, one: int, two: int) -> int:
        """Return the literal of an AND."""
        one, two = min(one, two), max(one, two)
        if one == 0 or one == two ^ 1:
            return 0
        if one == 1 or one == two:
            return two
        if (one, two) not in self._known:
            self._known[one, two] = own = self.leaf()
            self.gates.append((own, two, one))
        return self._known[one, two]

    def differ(self, one: int, two: int) -> int:
        """Return the literal of an exclusive OR."""
        either = self.both(one ^ 1, two ^ 1) ^ 1
        return self.both(either, self.both(one, two) ^ 1)

    def choose(self, which: int, one: int, two: int) -> int:
        """Return the literal of a multiplexer: ``one`` where ``which`` is high, else ``two``."""
        return self.both(self.both(which, one) ^ 1, self.both(which ^ 1, two) ^ 1) ^ 1

    def copy(self, netlist: Netlist, leaves: Mapping[int, int]) -> list[int]:
        """Add the gates of a netlist; return what each of its literals has become.

        Args:
            netlist: the netlist.
            leaves: what its inputs and registers are to be.
        """
        ends = [*leaves, *(own for own, *_ in netlist.gates), 0]
        values = [0] * (max(ends) + 2)
        values[1] = 1

        def put(literal: int, value: int) -> None:
            values[literal], values[literal ^ 1] = value, value ^ 1

        for literal, value in leaves.items():
            put(literal, value)
        for own, one, two in netlist.gates:
            put(own, self.both(values[one], values[two]))
        return values

    def write(self, path: Path, *outputs: int) -> None:
        """Write the graph with these outputs as a binary AIGER file."""
        order = {0: 0}
        nodes = chain(
            self.inputs, (own for own, _ in self.registers), (own for own, *_ in self.gates)
        )
        order |= {literal: 2 * n for n, literal in enumerate(nodes, 1)}

        def final(literal: int) -> int:
            return order[literal & ~1] | literal & 1

        parts = (self.inputs, self.registers, outputs, self.gates)
        counts = (len(order) - 1, *map(len, parts))
        head = ["aig", *counts]
        lines = [" ".join(map(str, head))]
        lines += [str(final(following)) for _, following in self.registers]
        lines += [*(str(final(output)) for output in outputs), ""]
        data = bytearray("\n".join(lines).encode())
        for gate in self.gates:
            own, one, two = (final(literal) for literal in gate)
            one, two = max(one, two), min(one, two)
            for delta in (own - one, one - two):
                while delta > 127:
                    data.append(delta & 127 | 128)
                    delta >>= 7
                data.append(delta)
        path.write_bytes(data)
