"""Decides when a column may start: its element is ready, and the sums it completes are drained.

An announced element passes four registers: a count in the operand store, the count of the vector
that is being read, the comparison with columns, and the decision. At the start of a pass there is
no comparison: flags of every vector tell whether its first two elements are ready.

    announced ─► count ─┬─► of the vector being read ─► ready: this column, the next two ─► goes
                        └─► some, several ──────────────┴─► long ───────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Array, Module, Mux, Signal, Value

from hdl.layout.pass_table import begins
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.sequencer.pass_source import PassSource
from hdl.sequencer.step import Step
from hdl.sequencer.walk import Walk


@dataclass(frozen=True, kw_only=True, eq=False)
class Announced:
    """Readiness of a vector that passes read.

    Attributes:
        name: of the vector.
        count: its elements that are ready.
        whole: all are, whatever ``count`` says.
        ends: from the next cycle on none is.
    """

    name: str
    count: Value
    whole: Value
    ends: Value


class Readiness:
    """Looks ahead by a cycle, so that the sequencer finds its decision in a register.

    Invariant: elements arrive in order and no column starts before its own element, so ``column <=
    count`` always holds. 'Ready' is ``column != count``, cheaper than ``<``.

    Latency: ``latency.ANNOUNCED`` cycles from an announcement to the decision.

    Args:
        m: module to build into.
        plan: the core's plan.
        passes, walk, step: where the sequencer is.
        go, passed: an operation is issued; it is its pass' last.
        vectors: what passes read, in the order of :func:`hdl.layout.pass_table.sources`.
        drained: whether a job's sums of the time before are not needed any more, in the order of
            ``drains``.
        restarted: for each of them that its sums are about to be overwritten.

    Attributes:
        goes: the operation that is next, of which only a column's first can wait, may be issued in
            the next cycle.
    """

    def __init__(
        self,
        m: Module,
        plan: Plan,
        *,
        passes: PassSource,
        walk: Walk,
        step: Step,
        go: Value,
        passed: Value,
        vectors: Sequence[Announced],
        drained: Sequence[Value],
        restarted: Sequence[Value],
    ) -> None:
        self._m, self._plan, self._passes, self._passed = m, plan, passes, passed
        self._drained = [
            self._kept(sums, restarts, name=f"drained{index}")
            for index, (sums, restarts) in enumerate(zip(drained, restarted, strict=True))
        ]
        now, place, at = passes.now, walk.place, walk.at
        some, several = (
            self._flags(vectors, [v.whole | v.count[bit:].any() for v in vectors], name=name)
            for bit, name in ((0, "some"), (1, "several"))
        )
        long = self._flags(vectors, some, name="long")
        first, second, starts = (
            (self._of_next(flags, name=name) | self._next_is_old(step)) & ~passes.hands_over
            for flags, name in ((some, "first"), (several, "second"), (long, "starts"))
        )
        count = self._count(vectors)
        whole = self._kept(vectors[0].whole, vectors[0].ends, name="known_whole")
        old = (now.recurrent & step.independent) | (now.is_input & whole)
        columns = (place.column, place.next_column, place.later_column)
        ready = [Signal(name=f"ready{ahead}") for ahead in range(len(columns))]
        for single, column in zip(ready, columns, strict=True):
            m.d.sync += single.eq((column != count) | old)
        with m.If(passed):
            m.d.sync += [ready[0].eq(first), ready[1].eq(second)]
        # They were compared with the column of the cycle before.
        advanced = Signal()
        m.d.sync += advanced.eq(go & at.ends_column & ~passed)
        here, there = (Mux(advanced, ready[n + 1], ready[n]) for n in range(2))
        drains = self._drains()
        here &= drains | ~at.last_column
        there &= drains | ~at.next_last
        self.goes: Value = Mux(
            passed,
            starts & self._drains_first(restarted),
            Mux(go, ~at.ends_column | there, here),
        )

    def _kept(self, value: Value, ends: Value, *, name: str) -> Signal:
        """A register that is low as soon as its vector, or its sums, begin anew."""
        kept = Signal(name=name)
        self._m.d.sync += kept.eq(value & ~ends)
        return kept

    def _flags(
        self, vectors: Sequence[Announced], values: Sequence[Value], *, name: str
    ) -> list[Value]:
        return [
            self._kept(value, vector.ends, name=f"{vector.name}_{name}")
            for value, vector in zip(values, vectors, strict=True)
        ]

    def _of_next(self, flags: Sequence[Value], *, name: str) -> Value:
        """The flag of the vector that the following pass reads."""
        flag = Signal(name=f"{name}_of_next")
        self._m.d.comb += flag.eq(Array(flags)[self._passes.next_source])
        return flag

    def _next_is_old(self, step: Step) -> Value:
        """High when the following pass reads h and c that have long been ready."""
        first = begins(self._plan, self._passes.now)
        independent = Mux(first, step.next_independent, step.independent)
        return self._passes.next_recurrent & independent

    def _count(self, vectors: Sequence[Announced]) -> Value:
        """Ready elements of the vector that is read in the next cycle."""
        m, now, passed = self._m, self._passes.now, self._passed
        count = Signal(span(self._plan.sizes.columns + 1), name="count")
        counts = Array(vector.count for vector in vectors)
        m.d.sync += count.eq(Mux(passed, counts[self._passes.next_source], counts[now.source]))
        with m.If(passed & self._passes.hands_over):
            m.d.sync += count.eq(0)
        return count

    def _drains(self) -> Value:
        """High when the sums that the pass completes are drained, or it completes none."""
        now, following = self._passes.now, self._passes.following
        here, there = (
            ~single.completes | Array(self._drained)[single.drains] for single in (now, following)
        )
        drains = Signal(name="drains")
        self._m.d.sync += drains.eq(Mux(self._passed, there, here))
        return drains

    def _drains_first(self, restarted: Sequence[Value]) -> Value:
        """High when the first column of the following pass may overwrite the sums it completes."""
        following = self._passes.following
        long = [
            self._kept(sums, restarts, name=f"drained_long{index}")
            for index, (sums, restarts) in enumerate(zip(self._drained, restarted, strict=True))
        ]
        completes = (following.last_column == 0) & following.completes
        return ~completes | Array(long)[following.drains]
