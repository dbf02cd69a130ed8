"""Rows that the array completed become units, which enter the state update one by one."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hdl.component import Component, delayed
from hdl.numeric import constant_by, span
from hdl.pass_table import row_layout
from hdl.plan import Plan
from hdl.shadow import read_layout


def _of_row(plan: Plan) -> tuple[str, ...]:
    """Fields of a unit that its row decides."""
    names = ("job", "row", "stream", "zero", "emit", "final")
    return (*names, "layer") if plan.storage.loadable else names


def unit_layout(plan: Plan) -> data.StructLayout:
    """A unit that enters the state update.

    Fields: ``valid``; ``bank`` and ``group`` of its lane; ``index`` in the memories of biases, h
    and c; ``begin``, it is its job's first; ``ends_job``, it is in its job's last row; ``last``, it
    is its job's last; and its row's, see :func:`hdl.sequencer.row_layout`.
    """
    row = row_layout(plan)
    return data.StructLayout(
        {
            "valid": 1,
            "bank": span(plan.array.banks),
            "group": read_layout(plan.array)["group"].shape,
            "index": span(plan.sizes.unit_words),
            "begin": 1,
            "ends_job": 1,
            "last": 1,
            **{name: row[name].shape for name in _of_row(plan)},
        }
    )


class UnitEntry(Component):
    """Lets a unit enter every ``plan.update_cost.interval`` cycles, rows in order.

        row ─► queue ─► next row ─► unit

    A row takes a multiple of the shadow's banks. One that emits words enters only when the output
    buffer has room for all of them.

    Latency: ``hdl.latency.QUEUE`` cycles from ``row_done`` until the row's first unit enters, if
    the rows before it are through; ``hdl.latency.ROW_SPACING`` between rows at least.

    Attributes:
        row_done, row: a row is complete.
        given: a word leaves the output buffer.
        unit: the unit, see :func:`unit_layout`.
        alive: the stages of the state update that have a unit in them.
        in_flight: any of them has.
        phase: see :class:`hdl.pipeline.Pipeline`.
    """

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        super().__init__(
            {
                "row_done": In(1),
                "row": In(row_layout(plan)),
                "given": In(1),
                "unit": Out(unit_layout(plan)),
                "alive": Out(plan.update_cost.depth + 1),
                "in_flight": Out(1),
                "phase": Out(span(plan.update_cost.interval)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        interval = self.plan.update_cost.interval
        phase = Signal.like(self.phase, init=interval - 1)
        may_enter, enters = Signal(), Signal()
        row = self._next_row(m, enters)
        fits = self._room(m, row, enters)
        m.d.comb += [
            self.in_flight.eq(self._in_flight(m)),
            self.phase.eq(phase),
            may_enter.eq(phase == interval - 1),
        ]
        # Without a unit in flight any cycle will do for the next one.
        with m.If(enters | (may_enter & self.in_flight)):
            m.d.sync += phase.eq(0)
        with m.Elif(self.in_flight):
            m.d.sync += phase.eq(phase + 1)
        with m.Else():
            m.d.sync += phase.eq(interval - 1)
        ends = self._walk(m, row, enters, may_enter)
        m.d.comb += enters.eq(may_enter & ends & fits)
        return m

    def _in_flight(self, m: Module) -> Value:
        """Whether any unit is in the state update."""
        alive = delayed(m, self.unit.valid, self.plan.update_cost.depth, name="alive", resets=True)
        later = Signal()
        m.d.comb += self.alive.eq(Cat(alive))
        m.d.sync += later.eq(self.alive[:-1].any())
        return self.unit.valid | later

    def _next_row(self, m: Module, enters: Value) -> Any:
        """The row that enters next: from the queue, or past it while that is empty."""
        plan, fixed = self.plan, not self.plan.storage.loadable
        layout = data.StructLayout(
            {
                "valid": 1,
                "row": self.row.shape(),
                "start": span(plan.jobs[-1].unit + 1) if fixed else self.row.start.shape(),
                "words": span(plan.lanes + 1),
            }
        )
        m.submodules.queue = queue = SyncFIFO(width=len(Cat(self.row)), depth=self._queue_depth)
        held: Any = Signal(layout)
        free = Signal()
        source: Any = Signal(self.row.shape())
        m.d.comb += [
            free.eq(~held.valid | enters),
            queue.w_data.eq(self.row),
            queue.w_en.eq(self.row_done & ~(free & ~queue.r_rdy)),
            queue.r_en.eq(free),
            source.eq(Mux(queue.r_rdy, queue.r_data, self.row.as_value())),
        ]
        with m.If(free):
            starts = [job.unit for job in plan.jobs]
            m.d.sync += [
                held.valid.eq(queue.r_rdy | self.row_done),
                held.row.eq(source),
                held.start.eq(
                    constant_by(m, source.job, starts, name="start") if fixed else source.start
                ),
                held.words.eq(source.last if plan.interface.classes else source.units + 1),
            ]
        return held

    @property
    def _queue_depth(self) -> int:
        """Rows of all jobs: no job is drained twice before its sums may be overwritten."""
        return max(2, self.plan.sizes.queued_rows)

    def _room(self, m: Module, row: Any, enters: Value) -> Value:
        """Whether the next row's words fit the output buffer."""
        words = self.plan.sizes.outputs
        room = Signal(span(words + 1), init=words)
        fits = Signal()
        m.d.sync += [
            room.eq(
                Mux(
                    enters & row.row.emit,
                    room - row.words + self.given,
                    room + self.given,
                )
            ),
            fits.eq(row.valid & ~enters & (~row.row.emit | (room >= row.words))),
        ]
        return fits

    def _walk(self, m: Module, row: Any, enters: Value, may_enter: Value) -> Value:
        """The units of a row, bank by bank; returns whether the row is over."""
        unit, banks = self.unit, self.plan.array.banks
        active = Signal()
        last_bank, ends = Signal(), Signal()
        lanes_left = Signal(span(self.plan.lanes))
        m.d.comb += [
            last_bank.eq(unit.bank == banks - 1),
            ends.eq(~active | ((lanes_left == 0) & last_bank)),
            unit.last.eq(unit.ends_job & (lanes_left == 0)),
        ]
        valid = Signal()
        entered: Any = Signal(unit.shape(), reset_less=True)
        m.d.sync += valid.eq(enters | (may_enter & active & (lanes_left != 0)))
        m.d.comb += unit.valid.eq(valid)
        for name in ("bank", "group", "index", "begin", "ends_job", *_of_row(self.plan)):
            m.d.comb += unit[name].eq(entered[name])
        with m.If(may_enter):
            m.d.sync += [
                active.eq(~ends),
                entered.bank.eq(Mux(last_bank, 0, unit.bank + 1)),
                entered.group.eq(unit.group + last_bank),
                entered.begin.eq(0),
            ]
            with m.If(active & (lanes_left != 0)):
                m.d.sync += [entered.index.eq(unit.index + 1), lanes_left.eq(lanes_left - 1)]
        with m.If(enters):
            m.d.sync += [
                active.eq(1),
                lanes_left.eq(row.row.units),
                entered.bank.eq(0),
                entered.group.eq(0),
                entered.index.eq(Mux(row.row.begin, row.start, unit.index + 1)),
                entered.begin.eq(row.row.begin),
                entered.ends_job.eq(row.row.last),
                *(entered[name].eq(row.row[name]) for name in _of_row(self.plan)),
            ]
        return ends
