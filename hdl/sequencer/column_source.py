"""Finds the columns that the array has to run: entries of lists, or all of a dense layer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data

from hdl.layout.changes import column_layout, views
from hdl.layout.pass_table import begins
from hdl.parts.component import delayed
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.sequencer.pass_source import ConstantPasses
from hdl.sequencer.step import Step


@dataclass(frozen=True, kw_only=True, eq=False)
class Available:
    """Columns of a vector that can be taken: ``count``, and whether these are all, ``complete``."""

    count: Value
    complete: Value


class ColumnSource:
    """Takes one column per cycle at best, ahead of the array.

        pass, place ─► take ─► entry of the list ─► difference, offset ─► column

    A pass over a list takes its entries; in a sequence's first step one that reads h or c of the
    step before takes one column with the operand 0, because those are 0. The last column of a pass
    that completes sums waits until those of the step before are drained. Behind a pass' last
    column the next one follows ``NEXT`` cycles later: in between, lists begin anew, the next pass
    enters, and what it can take is looked up.

    Latency: ``TAKEN`` cycles from taking a column until ``column`` shows it.

    Args:
        m: module to build into.
        plan: the core's plan.
        x_step: see :class:`hdl.store.operand_store.OperandStore`.
        available: of each vector of :func:`hdl.layout.changes.reads`.
        drained: for each job, its sums of the step before are needed no more.
        entries: what the lists answer to ``place`` in the next cycle, by name.
        room: a column may be taken.
        blocked: none of x may.
        bank: gets the bank of x that is read.

    Attributes:
        take: a column is taken.
        place: entry or element that is next.
        lists: index of the list that is read of a name.
        restarted: for each job, its last column was taken a cycle ago: its vectors begin anew.
        releases: so was the last column of the last pass over x.
        valid, column: see :func:`hdl.layout.changes.column_layout`.
        waits: a column of x is next, and its element is not there.
    """

    TAKEN = 2

    NEXT = 3
    """Cycles from taking a pass' last column until the next pass' first."""

    def __init__(
        self,
        m: Module,
        plan: Plan,
        *,
        x_step: data.View,
        available: Sequence[Available],
        drained: Sequence[Value],
        entries: Mapping[str, data.View],
        room: Value,
        blocked: Value,
        bank: Signal,
    ) -> None:
        self._m, self._plan = m, plan
        self.take = Signal(name="take")
        self._passed = Signal(name="passed")  # the column before was its pass' last
        self._passes = passes = ConstantPasses(plan)
        now, following = passes.now, passes.following
        passes.read(m)
        self._step = step = Step(m, plan, x_step, begins=self._passed & begins(plan, now))
        answers = step.answers(now)
        self._position = Signal(span(plan.sizes.passes), name="position")
        self.releases = Signal(name="releases")
        last = self._walk(available, drained, room=room, blocked=blocked)
        releasing = step.releases(now, answers)
        m.d.comb += self.releases.eq(self._passed & releasing)
        ends = following.is_head | (following.ends_step & ~answers)
        with m.If(self._passed):
            m.d.sync += [
                self._position.eq(passes.coming),
                passes.coming.eq(Mux(ends, 0, passes.coming + 1)),
                now.eq(following),
            ]
        with m.If(self.releases):
            m.d.sync += bank.eq(~bank)
        self.lists = {name: bank if name == "x" else now.list for name in plan.lists.names}
        self.restarted = [self._passed & now.ends_job & completes for completes in passes.restarts]
        self._present(entries, last, releases=last & releasing)

    def _walk(
        self,
        available: Sequence[Available],
        drained: Sequence[Value],
        *,
        room: Value,
        blocked: Value,
    ) -> Value:
        """Take columns as they come; tells whether the one that is next is its pass' last."""
        m, now = self._m, self._passes.now
        columns = span(self._plan.sizes.columns + 1)
        self.place, after = Signal(columns, name="place"), Signal(columns, init=1, name="after")
        count = Signal(columns, name="available")
        complete, is_drained, settled = (
            Signal(name=name) for name in ("complete", "is_drained", "settled")
        )
        ends = Signal(name="ends")
        # In the two cycles behind a pass' last column these are still the pass' own.
        m.d.sync += [
            self._passed.eq(ends),
            count.eq(Array(one.count for one in available)[now.read]),
            complete.eq(Array(one.complete for one in available)[now.read]),
            is_drained.eq(Array(drained)[now.drains] | ~now.completes),
            settled.eq(~(ends | self._passed) & ~(now.is_input & blocked)),
        ]
        last, there = Signal(name="last"), Signal(name="there")
        m.d.comb += [
            there.eq(self._nothing | (self.place != count)),
            last.eq(self._nothing | (complete & (after == count))),
            self.take.eq(settled & room & there & (is_drained | ~last)),
            ends.eq(self.take & last),
        ]
        self.waits = settled & now.is_input & ~there
        self._at_first = Signal(init=1, name="at_first")
        with m.If(self.take):
            m.d.sync += [
                self.place.eq(Mux(last, 0, after)),
                after.eq(Mux(last, 1, after + 1)),
                self._at_first.eq(last),
            ]
        return last

    @property
    def _nothing(self) -> Value:
        """High while a pass reads what is 0 because a sequence begins."""
        return self._passes.now.recurrent & self._step.zero

    def _present(self, entries: Mapping[str, data.View], last: Value, *, releases: Value) -> None:
        """Complete the column that was taken with its list's entry."""
        m, plan, step, now = self._m, self._plan, self._step, self._passes.now
        early = begins(plan, now)
        taken = Signal(column_layout(plan), name="taken", reset_less=True)
        listed = Signal(name="listed", reset_less=True)
        view = Signal.like(now.view, name="view", reset_less=True)
        m.d.sync += [
            taken.position.eq(self._position),
            taken.jumps.eq(self._at_first | ~now.counted),
            taken.operand.eq(Mux(now.counted, now.base + self.place, 0)),
            taken.first.eq(self._at_first),
            taken.last.eq(last),
            taken.fresh.eq(Mux(early, step.next_zero, step.zero)),
            taken.ends.eq(Mux(early, step.next_last, step.last)),
            listed.eq(~(now.counted | self._nothing)),
            view.eq(now.view),
        ]
        if plan.lists.counts_x:
            m.d.sync += taken.releases.eq(releases)
        self.valid = delayed(m, self.take, self.TAKEN, name="valid", resets=True)[-1]
        found, listed, view = (
            delayed(m, value, 1, name=name)[-1]
            for value, name in ((taken, "taken"), (listed, "listed"), (view, "view"))
        )
        self.column = Signal(column_layout(plan), name="column")
        m.d.comb += self.column.eq(found)
        # Each memory has its register first: block RAM is slow without.
        words = {
            name: delayed(m, entry, 1, name=f"{name}_entry")[-1] for name, entry in entries.items()
        }
        with m.If(listed), m.Switch(view):
            for index, (name, factor, shift) in enumerate(views(plan)):
                with m.Case(index):
                    m.d.comb += [
                        self.column.operand.eq(words[name].difference),
                        self.column.offset.eq(words[name][f"times{factor}"] << shift),
                    ]
