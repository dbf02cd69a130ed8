"""Columns of a delta core between being taken and being run, and the lists that they come from."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Mux, Signal, Value
from amaranth.lib import data

from hdl.core import Core
from hdl.layout.changes import AHEAD, column_layout
from hdl.layout.pass_table import OF_NEXT, constants_layout, pass_constants
from hdl.sequencer.column_source import ColumnSource
from hdl.sequencer.column_walk import ColumnWalk
from hdl.store.change_lists import ChangeLists
from hdl.timing.latency import ANNOUNCED
from sim.formal.claims import Claims
from sim.formal.observed import Observed
from sim.formal.probes import bits

_GATES, _ROWS = ("gate", "gates_left"), ("row", "rows_left")


class DeltaObserved(Observed):
    """A delta core under proof.

    Attributes:
        coming: columns between source and queue, as (valid, column), the oldest last.
        head, queued: the column that is next; it and those behind it, the oldest first.
        current: the column that the array runs.
        columns_stored, columns_taken: the core's count of columns in the queue's memory; and of
            all that are taken and not begun.
    """

    def __init__(self, core: Core, claims: Claims) -> None:
        super().__init__(core, claims)
        valid = self.inside("sequencer.valid_q", ColumnSource.TAKEN)
        stages = ["taken", *("taken_q",) * (ColumnSource.TAKEN - 2), "column"]
        self.coming = [(valid[n], self._column(name)) for n, name in enumerate(stages)]
        self.current = self.inside("sequencer.go"), self._column("current")
        places = ColumnWalk.PLACES
        self.columns_stored = self.inside("sequencer.level", bits(places))
        self.columns_taken = self.inside("sequencer.columns_taken", bits(places + 1))
        words = self.fifo(
            "sequencer.columns",
            self.coming[-1][1].as_value(),
            write=valid[-1],
            produce=self._pointer("produce", self.inside("sequencer.stores")),
            consume=self._pointer("consume", self.inside("sequencer.fetches")),
            depth=places,
        )
        layout = column_layout(self.plan)
        self.head = self.inside("sequencer.waiting"), self._column("head")
        self.queued = [self.head] + [
            (self.columns_stored > age, data.View(layout, word)) for age, word in enumerate(words)
        ]

    def _column(self, name: str) -> Any:
        layout = column_layout(self.plan)
        return data.View(layout, self.inside(f"sequencer.{name}", layout.size))

    def _pointer(self, name: str, moves: Value) -> Signal:
        pointer = Signal(range(ColumnWalk.PLACES), name=f"columns_{name}")
        self.m.d.sync += pointer.eq(pointer + moves)
        return pointer

    def completes(self, column: Any, number: int) -> Value:
        """Whether a column completes a job's sums."""
        passes = self.plan.work.passes
        position = next(at for at, one in enumerate(passes) if one.completes == number)
        return column.last & (column.position == position)

    def unfinished(self, number: int) -> Value:
        """Count a job's units whose final column was taken, and whose sums are not complete."""
        job, (goes, column) = self.plan.work.jobs[number], self.current
        rows = max(one.rows for one in self.plan.work.jobs)
        row = self.inside("sequencer.row", bits(rows))
        left = Signal(range(job.units + 1), name=f"unfinished{number}")
        with self.m.If(goes & self.completes(column, number)):
            self.m.d.comb += left.eq(job.units - row * self.plan.options.lanes)
        waiting = [valid & self.completes(one, number) for valid, one in self._waiting]
        return sum((Mux(one, job.units, 0) for one in waiting), start=Value.cast(left))

    @property
    def _waiting(self) -> list[tuple[Value, Any]]:
        """Columns that were taken more than a cycle ago: since then their job's lists are empty."""
        return [*self.coming[1:], *self.queued]


def claim_source(observed: DeltaObserved) -> None:
    """Claim that passes follow each other as planned, and that a column knows its own."""
    passes, layout = observed.plan.work.passes, constants_layout(observed.plan)
    now = data.View(layout, observed.inside("sequencer.now", layout.size))
    coming = observed.inside("sequencer.coming", bits(len(passes)))
    right = Const(0)
    for at, single in enumerate(passes):
        constants = pass_constants(observed.plan, at, single)
        known = Cat(*(now[name] == constants[name] for name in constants if name not in OF_NEXT))
        follows = coming == (at + 1) % len(passes)
        if at in observed.plan.work.ends:
            follows |= coming == 0
        right |= (observed.position == at) & known.all() & follows
    observed.claims.always("pass_is_the_plans", right)
    passed, (valid, column) = observed.inside("sequencer.passed"), observed.coming[0]
    of_pass = ~passed | (column.position == observed.position)
    observed.claims.always("column_is_of_its_pass", of_pass & (passed == (valid & column.last)))


def claim_column_walk(observed: DeltaObserved) -> None:
    """Claim that the walk through a column stays inside its pass, and that its flags are right."""
    plan, layout = observed.plan, constants_layout(observed.plan)
    constants_now = data.View(layout, observed.inside("sequencer.of_current", layout.size))
    gate, gates_left = (
        observed.inside(f"sequencer.{name}", bits(plan.sizes.gates)) for name in _GATES
    )
    row, rows_left = (
        observed.inside(f"sequencer.{name}", bits(plan.sizes.job_rows)) for name in _ROWS
    )
    goes, column = observed.current
    right = Const(0)
    for at, single in enumerate(plan.work.passes):
        gates, rows = len(single.gates), plan.work.rows_of(single)
        constants = pass_constants(plan, at, single)
        fits = Cat(*(constants_now[name] == constants[name] for name in constants)).all()
        fits &= (gate + gates_left == gates - 1) & (row + rows_left == rows - 1)
        fits &= observed.inside("sequencer.last_gate") == (gates_left == 0)
        fits &= observed.inside("sequencer.last_row") == (rows_left == 0)
        right |= (column.position == at) & fits
    waiting = [*observed.coming, *observed.queued]
    known = Cat(*(~valid | (one.position < len(plan.work.passes)) for valid, one in waiting)).all()
    observed.claims.always("walk_stays_inside", ~goes | right)
    observed.claims.always("columns_are_of_passes", known)


def claim_columns(observed: DeltaObserved) -> None:
    """Claim that the queue of columns holds what was taken, and never more than its places."""
    coming = sum((valid for valid, _ in observed.coming), start=Value.cast(Const(0)))
    waiting, _ = observed.head
    fits = observed.columns_taken == observed.columns_stored + waiting + coming
    fits &= observed.columns_taken <= ColumnWalk.PLACES
    fits &= observed.inside("sequencer.waits") == (observed.columns_stored != 0)
    fits &= waiting | (observed.columns_stored == 0)
    observed.claims.always("columns_fit", fits)


def claim_lists(observed: DeltaObserved) -> None:
    """Claim that each unit of a job is in its list or on the way there, once.

    A pass' last column is taken when the list of what it makes is complete: then nothing of the
    job is on the way, and its lists may begin anew.
    """
    plan, claims, m = observed.plan, observed.claims, observed.m
    drained = observed.inside("sequencer.settled") & observed.inside("sequencer.is_drained")
    for name in dict.fromkeys(name for name, _ in plan.lists.made):
        _claim_elements(observed, name)
    for name, layer in plan.lists.made:
        number, index = plan.work.job_making(name, layer), plan.lists.layers(name).index(layer)
        job, vector = plan.work.jobs[number], f"{name}{layer}"
        written = plan.update_cost.written[name]
        counted = range(written - ANNOUNCED + 1, written + ChangeLists.COUNTED)
        between = [unit["valid"] & (unit["job"] == number) for unit in map(observed.stage, counted)]
        listed = Signal(range(job.units + 1), init=job.units, name=f"listed_{vector}")
        with m.If(observed.core.sequencer.restart[number]):
            m.d.sync += listed.eq(0)
        with m.Elif(between[-1]):
            m.d.sync += listed.eq(listed + 1)
        there = sum(between, start=Value.cast(listed))
        claims.always(f"credits_of_listed_{vector}", observed.core.store.ready[vector] == there)
        complete = getattr(observed.core.sequencer, name).complete[index]
        claims.always(f"{vector}_is_complete", ~complete | (listed == job.units))
        if name != job.makes[-1]:
            continue
        passes = [at for at, one in enumerate(plan.work.passes) if one.drains == number]
        known = drained & observed.position.matches(*passes)
        claims.always(f"{vector}_is_drained", ~known | complete)
        valid, column = observed.coming[0]
        overtakes = valid & observed.completes(column, number) & ~complete
        claims.never(f"{vector}_is_overtaken", overtakes)


def _claim_elements(observed: DeltaObserved, name: str) -> None:
    """Claim that the elements on their way through a name's lists are the units that make them."""
    plan, written = observed.plan, observed.plan.update_cost.written[name]
    jobs = [plan.work.job_making(name, layer) for layer in plan.lists.layers(name)]
    stages = range(written - AHEAD + 1, written + ChangeLists.COUNTED)
    units = Cat(
        *(unit["valid"] & unit["job"].matches(*jobs) for unit in map(observed.stage, stages))
    )
    elements = observed.inside(f"{name}_lists.valid_q", len(units))
    observed.claims.always(f"elements_of_{name}_are_units", elements == units)
