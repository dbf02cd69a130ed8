"""Rows reach the state update in the plan's order, whole, none left out and none twice."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Mux, Signal, Value

from sim.formal.observed import Observed


class Order:
    """Numbers the rows of all jobs in the order in which the array completes them.

    After a step's last row comes the step's first one again, or the first of a late layer.

    Attributes:
        starts: number of each job's first row.
        total: rows of all jobs.
        step: rows of a step's jobs.
        next: number of the row that the array completes next.
        popped: number of the row that entered the state update last.
        emits: that row's results go to the output.
    """

    def __init__(self, observed: Observed) -> None:
        self.observed = observed
        self.jobs = observed.plan.work.jobs
        rows = [job.rows for job in self.jobs]
        self.starts = [sum(rows[:number]) for number in range(len(rows))]
        self.total = sum(rows)
        late = observed.plan.work.late
        self.step = sum(job.rows for job in self.jobs if job.layer not in late)
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
        """Units of a job's row minus one, the encoding of a row's ``units``."""
        lanes = self.observed.plan.options.lanes
        return Mux(is_last, (self.jobs[job].units - 1) % lanes, lanes - 1)

    def follows(self, before: Value, after: Value) -> Value:
        """Whether row ``after`` comes right after row ``before``."""
        first = after == 0
        after_step = first | (after == self.step) if self.step < self.total else first
        otherwise = Mux(before == self.total - 1, first, after == before + 1)
        return Mux(before == self.step - 1, after_step, otherwise)

    def is_whole(self, row: Any) -> Value:
        """Whether all fields of a row agree with the plan."""
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
    """Claim that rows keep the plan's order all the way from sequencer to state update."""
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


def claim_entering(observed: Observed, order: Order) -> None:
    """Claim that the entering units are exactly those of the row that left the queue."""
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
