"""Rows reach the state update in the plan's order, whole, none left out and none twice."""

from __future__ import annotations

from typing import Any, cast

from amaranth.hdl import Array, Cat, Const, Mux, Signal, Value
from amaranth.lib import data

from hdl.layout.pass_table import OF_NEXT, constants_layout, pass_constants, sources
from hdl.parts.numeric import span
from hdl.spec.passes import Pass
from sim.formal.observed import Observed


class Order:
    """Numbers the rows of all jobs in the order in which the array completes them.

    After a step's last row comes the step's first one again, or the head's.

    Attributes:
        starts: number of each job's first row.
        total: rows of all jobs.
        step: rows of a step's jobs.
        next: the row that the array completes next.
        popped: the row that entered the state update last.
        emits: its results go to the output.
    """

    def __init__(self, observed: Observed) -> None:
        self.observed = observed
        self.jobs = observed.plan.work.jobs
        rows = [job.rows for job in self.jobs]
        self.starts = [sum(rows[:number]) for number in range(len(rows))]
        self.total = sum(rows)
        self.step = self.total - (rows[-1] if self.jobs[-1].head else 0)
        self.next = self._next()
        self.popped = Signal(range(self.total + 1), init=self.step - 1, name="popped")
        self.emits = Signal(name="popped_emits")
        with observed.m.If(observed.enters):
            row = observed.next_row
            observed.m.d.sync += [self.popped.eq(self.number(row)), self.emits.eq(row.emit)]

    def number(self, row: Any) -> Value:
        """Number of a row."""
        offsets = [start - job.row for start, job in zip(self.starts, self.jobs, strict=True)]
        return Array(Const(offset, 8) for offset in offsets)[row.job] + row.row

    def is_of(self, number: Value, job: int) -> Value:
        """Whether a row, by its number, is a job's."""
        return (number >= self.starts[job]) & (number < self.starts[job] + self.jobs[job].rows)

    def units(self, job: int, is_last: Value) -> Value:
        """Units of a job's row less one, as rows tell it."""
        lanes = self.observed.plan.options.lanes
        return Mux(is_last, (self.jobs[job].units - 1) % lanes, lanes - 1)

    def follows(self, before: Value, after: Value) -> Value:
        """Whether a row comes right after another one, by their numbers."""
        first = after == 0
        after_step = first | (after == self.step) if self.step < self.total else first
        otherwise = Mux(before == self.total - 1, first, after == before + 1)
        return Mux(before == self.step - 1, after_step, otherwise)

    def is_whole(self, row: Any) -> Value:
        """Whether what a row says of itself is what the plan says."""
        right = Const(0)
        for number, job in enumerate(self.jobs):
            within = row.row - job.row
            is_last = within == job.rows - 1
            fits = (within >= 0) & (within < job.rows)
            fits &= (row.last == is_last) & (row.begin == (within == 0))
            fits &= row.units == self.units(number, is_last)
            if not self.observed.emits(number):
                fits &= ~row.emit
            elif not self.observed.plan.options.interface.every_step:
                fits &= row.emit == row.final
            right |= (row.job == number) & fits
        return right

    def next_begins(self) -> Value:
        """Whether the next row is its job's first."""
        return Cat(*(self.next == start for start in self.starts)).any()

    def next_emits(self) -> Value:
        """Whether the next row, in the middle of its job, sends its results to the output."""
        emitting = [
            self.is_of(self.next, n) for n in range(len(self.jobs)) if self.observed.emits(n)
        ]
        return Cat(*emitting).any() & self.observed.step.answers

    def _next(self) -> Signal:
        observed, passes = self.observed, self.observed.plan.work.passes
        number = Signal(range(self.total), name="next_number")
        with observed.m.Switch(observed.position):
            for position, single in enumerate(passes):
                with observed.m.Case(position):
                    ending = next(
                        later for later in passes[position:] if later.completes is not None
                    )
                    assert ending.completes is not None
                    in_final = (observed.column == ending.columns - 1) & (ending is single)
                    start = self.starts[ending.completes]
                    observed.m.d.comb += number.eq(start + Mux(in_final, observed.pass_row, 0))
        return number


def claim_order(observed: Observed, order: Order) -> None:
    """From the sequencer to the state update every row follows the one that it should."""
    claims = observed.claims
    before: Value = order.popped
    emit: Value = order.emits
    whole, follows, alike = Const(1), Const(1), Const(1)
    for place, (valid, row) in enumerate(observed.queue + observed.rows_on_the_way):
        number = claims.let(f"row_number{place}", order.number(row))
        whole &= ~valid | order.is_whole(row)
        follows &= ~valid | order.follows(before, number)
        alike &= ~valid | row.begin | (row.emit == emit)
        before = claims.let(f"row_before{place}", Mux(valid, number, before))
        emit = claims.let(f"emit_before{place}", Mux(valid, row.emit, emit))
    claims.always("rows_are_whole", whole)
    claims.always("rows_follow_each_other", follows)
    claims.always("rows_of_a_job_emit_alike", alike)
    claims.always("next_row_follows", order.follows(before, order.next))
    claims.always("next_row_emits_alike", order.next_begins() | (emit == order.next_emits()))


def claim_walk(observed: Observed) -> None:
    """The sequencer stays inside the plan's passes, and what it looks up ahead is right."""
    inside, flags, counts = Const(0), Const(0), Const(0)
    column = observed.column
    for position, single in enumerate(observed.plan.work.passes):
        within = column < single.columns
        within &= observed.pass_row < observed.plan.work.rows_of(single)
        within &= observed.gate < len(single.gates)
        here = observed.position == position
        inside |= here & within
        flags |= here & _flags_are_right(observed, single)
        counts |= here & _counts_are_right(observed, single)
    observed.claims.always("walk_stays_inside", inside)
    observed.claims.always("walk_counts_down", counts)
    starts = (observed.pass_row == 0) & (observed.gate == 0)
    flags &= observed.inside("sequencer.at.column_start") == starts
    flags &= observed.next_column == column + 1
    flags &= observed.later_column == column + 2
    flags &= _coming_is_right(observed)
    observed.claims.always("walk_looks_ahead", flags)
    observed.claims.always("pass_is_the_plans", _is_plans(observed))


def _coming_is_right(observed: Observed) -> Value:
    """The following pass is the plan's; a step without answer has no head."""
    passes = observed.plan.work.passes
    coming = observed.inside("sequencer.coming", len(Signal(span(len(passes)))))
    right = Const(0)
    for position in range(len(passes)):
        following: Value = Const((position + 1) % len(passes))
        if position == len(observed.plan.work.step_passes) - 1:
            following = Mux(observed.step.answers, following, 0)
        right |= (observed.position == position) & (coming == following)
    return right


def _flags_are_right(observed: Observed, single: Pass) -> Value:
    """Check the sequencer's flags of the next operation, in one pass."""
    rows, gates = observed.plan.work.rows_of(single), len(single.gates)
    gate, row = observed.gate == gates - 1, observed.pass_row == rows - 1
    column = observed.column == single.columns - 1
    starts = (observed.pass_row == 0) & (observed.gate == 0)
    flags = {
        "one_gate": Const(gates == 1),
        "one_row": Const(rows == 1),
        "last_gate": gate,
        "last_row": row,
        "last_column": column,
        "next_last": observed.next_column == single.columns - 1,
        "ends_column": gate & row,
        "ends_pass": gate & row & column,
        "restarts": starts & column & (single.completes is not None),
    }
    return Cat(
        observed.inside(f"sequencer.at.{name}") == flag for name, flag in flags.items()
    ).all()


def _counts_are_right(observed: Observed, single: Pass) -> Value:
    """How much of a column and a row is left."""
    sizes = observed.plan.sizes
    counts = {
        "rows": (sizes.job_rows, observed.plan.work.rows_of(single) - 1 - observed.pass_row),
        "gates": (sizes.gates, len(single.gates) - 1 - observed.gate),
    }
    return Cat(
        observed.inside(f"sequencer.walk.{name}_left", len(Signal(span(count)))) == left
        for name, (count, left) in counts.items()
    ).all()


def _is_plans(observed: Observed) -> Value:
    """Check the sequencer's constants of the current pass against the plan's."""
    layout = constants_layout(observed.plan)
    now = data.View(layout, observed.inside("sequencer.now", layout.size))
    right = Const(0)
    for position, single in enumerate(observed.plan.work.passes):
        constants = pass_constants(observed.plan, position, single)
        after = [constants, constants | dict.fromkeys(OF_NEXT, 0)]
        known, alone = (layout.const(cast("Any", fields)).as_value() for fields in after)
        no_head = bool(constants["ends_step"]) & ~observed.step.answers
        told = Mux(no_head, alone, known)
        right |= (observed.position == position) & (now.as_value() == told)
    return right


def claim_ahead(observed: Observed) -> None:
    """A column starts only when its element is ready, and what it completes is drained."""
    plan, claims = observed.plan, observed.claims
    ready, undrained, reached = (Const(0),) * 3
    starts = observed.inside("sequencer.at.column_start")
    goes = starts & observed.inside("sequencer.at.goes")
    column = Mux(starts, observed.column, observed.next_column)
    for position, single in enumerate(plan.work.passes):
        here = observed.position == position
        needless, count = elements(observed, single)
        ready |= here & (needless | (observed.column < count))
        reached |= here & (needless | (column <= count) | (column == single.columns))
        if single.drains is not None:
            final = observed.column == single.columns - 1
            undrained |= here & final & ~observed.is_drained(single.drains)
    claims.always("no_column_overtakes_its_vector", reached)
    claims.always("element_is_ready", ~goes | ready)
    claims.never("drained_too_early", goes & undrained)
    if plan.work.head_pass:
        # The head's last unit is a stage further than when it freed the head's sums.
        unit = observed.units[1]
        at_head = (observed.position == len(plan.work.passes) - 1) & (
            observed.column == plan.work.head_pass.columns - 1
        )
        enters = unit["valid"] & (unit["job"] == len(plan.work.jobs) - 1)
        claims.never("head_drains", goes & at_head & enters)


def claim_readiness(observed: Observed) -> None:
    """Claim that the sequencer's delayed view of elements and sums never runs ahead."""
    plan, claims = observed.plan, observed.claims
    starts = observed.inside("sequencer.at.column_start")
    issued = ~starts | observed.inside("sequencer.at.goes")
    advanced = observed.inside("sequencer.advanced")
    seen = observed.inside("sequencer.count", len(Signal(span(plan.sizes.columns + 1))))
    first, second, third = (observed.inside(f"sequencer.ready{ahead}") for ahead in range(3))
    known, counted, here_ready, there_ready, drains = (Const(0),) * 5
    for position, single in enumerate(plan.work.passes):
        here = observed.position == position
        needless, count = elements(observed, single)
        # Inside its final column a pass may begin anew what it reads, and what it drains.
        over = ~starts & (observed.column == single.columns - 1)
        known |= here & (needless | over | (seen <= count))
        counted |= here & (needless | over | (observed.column + issued <= seen))
        here_ready |= here & (needless | over | (observed.column < seen))
        there_ready |= here & (needless | over | (observed.next_column < seen))
        if single.drains is not None:
            drains |= here & (over | observed.is_drained(single.drains))
        else:
            drains |= here
    claims.always("count_is_never_ahead", known)
    claims.always("column_is_counted", counted)
    claims.always("column_is_ready", ~Mux(advanced, second, first) | here_ready)
    claims.always("next_column_is_ready", ~(issued & Mux(advanced, third, second)) | there_ready)
    claims.always("pass_drains", ~observed.inside("sequencer.drains") | drains)
    for operand, source in sources(plan):
        _claim_known(observed, operand, source)
    whole = observed.inside("sequencer.known_whole")
    claims.always("whole_is_true", ~whole | observed.core.store.x_whole)
    for number in range(len(plan.work.jobs)):
        for flag in (f"drained{number}", f"drained_long{number}"):
            told = observed.inside(f"sequencer.{flag}")
            claims.always(f"{flag}_is_true", ~told | observed.is_drained(number))


def elements(observed: Observed, single: Pass) -> tuple[Value, Value]:
    """Whether a pass need not look at its vector's count, and that count."""
    store = observed.core.store
    if single.source < 0:
        return store.x_whole, store.x_ready
    needless = observed.inside("sequencer.independent") & single.recurrent
    return needless, store.ready[f"{single.operand}{single.source}"]


def _claim_known(observed: Observed, operand: str, source: int) -> None:
    """Claim that each flag about a vector's first elements implies that they are there."""
    store = observed.core.store
    name = "x" if source < 0 else f"{operand}{source}"
    whole, count = (store.x_whole, store.x_ready) if source < 0 else (Const(0), store.ready[name])
    for flag, least in (("some", 1), ("several", 2), ("long", 1)):
        told = observed.inside(f"sequencer.{name}_{flag}")
        observed.claims.always(f"{name}_{flag}_is_true", ~told | whole | (count >= least))


def claim_entering(observed: Observed, order: Order) -> None:
    """The units that enter the state update are those of the row that left the queue."""
    plan, unit = observed.plan, observed.units[0]
    bank, group, index, begin = map(observed.unit, ("bank", "group", "index", "begin"))
    # Banks go on once the row's last unit has entered.
    over = ~unit["valid"] & (observed.lanes_left == 0)
    right = Const(0)
    for number, job in enumerate(order.jobs):
        within = order.popped - order.starts[number]
        is_last = within == job.rows - 1
        lane = order.units(number, is_last) - observed.lanes_left
        fits = (unit["job"] == number) & (unit["row"] == job.row + within)
        fits &= (observed.unit("ends_job") == is_last) & (unit["emit"] == order.emits)
        fits &= (lane >= 0) & (over | (group * plan.array.banks + bank == lane))
        fits &= index == job.unit + within * plan.options.lanes + lane
        fits &= ~unit["valid"] | (begin == (index == job.unit))
        if not observed.emits(number):
            fits &= ~unit["emit"]
        elif not plan.options.interface.every_step:
            fits &= unit["emit"] == unit["final"]
        right |= order.is_of(order.popped, number) & fits
    fresh = Signal(init=1, name="fresh")  # nothing has entered since reset
    with observed.m.If(observed.enters):
        observed.m.d.sync += fresh.eq(0)
    idle = ~unit["valid"] & ~order.emits & (observed.lanes_left == 0)
    nothing = idle & (order.popped == order.step - 1)
    observed.claims.always("entering_is_right", Mux(fresh, nothing, right))
