"""Rows that the array completed become units, which enter the state update one by one."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.layout.pass_table import row_layout
from hdl.parts.component import delayed, port
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.update.row_queue import RowQueue


def _of_row(plan: Plan) -> tuple[str, ...]:
    """Fields of a unit that its row decides."""
    names = ("job", "row", "stream", "zero", "emit", "final")
    names = (*names, "slot") if plan.work.packed else names
    names = (*names, "turn") if plan.work.windows.past_layers else names
    return (*names, "layer") if plan.options.storage.loadable else names


def unit_layout(plan: Plan) -> data.StructLayout:
    """A unit that enters the state update.

    Fields: ``valid``; ``bank`` and ``group`` of its lane; ``index`` in the memories of biases, h
    and c; ``begin``, it is its job's first; ``ends_job``, it is in its job's last row; ``last``, it
    is its job's last; and its row's, see :func:`hdl.layout.pass_table.row_layout`.
    """
    row = row_layout(plan)
    return data.StructLayout(
        {
            "valid": 1,
            "bank": span(plan.array.banks),
            "group": span(plan.array.groups),
            "index": span(plan.sizes.unit_words),
            "begin": 1,
            "ends_job": 1,
            "last": 1,
            **{name: row[name].shape for name in _of_row(plan)},
        }
    )


class UnitDispatch(wiring.Component):
    """Lets a unit enter every ``plan.update_cost.interval`` cycles, rows in order.

        row ─► queue ─► next row ─► unit

    A row takes a multiple of the shadow's banks. One that emits words enters only when the output
    buffer has room for all of them.

    Latency: ``LATENCY`` cycles from ``row_done`` until the row's first unit enters, if the rows
    before it are through.
    Throughput: a unit per ``plan.update_cost.interval`` cycles, a row per ``ROW_SPACING`` at most.

    Attributes:
        row_done, row: a row is complete.
        given: a word leaves the output buffer.
        unit: the unit, see :func:`unit_layout`.
        alive: the stages of the state update that have a unit in them.
        in_flight: any of them has.
        phase: see :class:`hdl.update.pipeline.Pipeline`.
    """

    row_done = given = alive = in_flight = phase = port(Signal)
    row = unit = port(data.View)

    LATENCY = 3
    """Cycles from a complete row until its first unit enters the state update."""

    ROW_SPACING = 2
    """Least number of cycles between the first units of two rows."""

    ROOM = 3
    """Cycles from a word leaving the output buffer until a row that waited for room enters."""

    REST = 4
    """Cycles, beside the update's depth, after which a unit no longer fixes the phase of the next.

    ``in_flight`` falls in the first of them, ``rested`` rises, ``enters`` rises, the unit is there.
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
        m.submodules.queue = queue = RowQueue(plan=self.plan)
        row = queue.next
        phase = Signal.like(self.phase, init=self._last_phase)
        may_enter, may_enter_next = Signal(), Signal()
        over_next = Signal()
        enters = Signal()
        m.d.comb += [
            self.in_flight.eq(self._in_flight(m)),
            self.phase.eq(phase),
            may_enter.eq(phase == self._last_phase),
            queue.write.eq(self.row_done),
            queue.row.eq(self.row),
            queue.taken.eq(enters),
        ]
        # Without a unit in flight any cycle will do for the next one.
        with m.If(enters | (may_enter & self.in_flight)):
            m.d.sync += phase.eq(0)
        with m.Elif(self.in_flight):
            m.d.sync += phase.eq(phase + 1)
        with m.Else():
            m.d.sync += phase.eq(self._last_phase)
        # Decided a cycle ahead; two rows never enter in neighbouring cycles.
        if self._last_phase:
            rested = Signal()  # a cycle ago
            m.d.sync += rested.eq(~self.in_flight)
            is_free = rested & ~self.unit.valid
            m.d.comb += may_enter_next.eq(is_free | (phase == self._last_phase - 1))
        else:
            m.d.comb += may_enter_next.eq(1)
        fits = self._room(m, row, enters)
        m.d.sync += enters.eq(row.valid & fits & may_enter_next & over_next & ~enters)
        self._walk(m, row, enters=enters, may_enter=may_enter, over_next=over_next)
        return m

    @property
    def _last_phase(self) -> int:
        return self.plan.update_cost.interval - 1

    def _in_flight(self, m: Module) -> Value:
        """Tell whether any unit is in the state update."""
        alive = delayed(m, self.unit.valid, self.plan.update_cost.depth, name="alive", resets=True)
        later = Signal()
        m.d.comb += self.alive.eq(Cat(alive))
        m.d.sync += later.eq(self.alive[:-1].any())
        return self.unit.valid | later

    def _room(self, m: Module, row: data.View, enters: Value) -> Value:
        """Tell whether the next row's words fit the output buffer."""
        places = self.plan.sizes.output_places
        taken = Signal(span(places + 1))
        given_before = Signal()
        m.d.sync += [
            given_before.eq(self.given),
            taken.eq(taken + Mux(enters & row.row.emit, row.words, 0) - given_before),
        ]
        if self.plan.options.interface.classes:
            return ~(row.row.emit & row.row.last & taken[-1])
        # A row has a word more than its units tell, and the places are a power of two.
        return ~(row.row.emit & (taken + row.row.units)[places.bit_length() - 1])

    def _walk(
        self, m: Module, row: data.View, *, enters: Value, may_enter: Value, over_next: Signal
    ) -> None:
        """The units of a row, bank by bank; tells whether the row will be over."""
        unit, banks = self.unit, self.plan.array.banks
        over = Signal(init=1)
        last_bank, will_be_last = Signal(), Signal()
        lanes_left = Signal(span(self.plan.options.lanes))
        at_last_lane = (
            lanes_left <= 1 if self.plan.options.lanes > 2 else Const(1)
        )  # a bit says no more
        more = Signal()  # lanes_left is not 0
        valid = Signal()
        entered = Signal(unit_layout(self.plan), reset_less=True)
        m.d.comb += [
            last_bank.eq(unit.bank == banks - 1),
            will_be_last.eq(unit.bank == banks - 2 if banks > 1 else 1),
            over_next.eq(over | (may_enter & at_last_lane & will_be_last)),
            unit.valid.eq(valid),
            unit.last.eq(unit.ends_job & ~more),
        ]
        for name in ("bank", "group", "index", "begin", "ends_job", *_of_row(self.plan)):
            m.d.comb += unit[name].eq(entered[name])
        m.d.sync += [valid.eq(enters | (may_enter & more)), over.eq(over_next)]
        with m.If(may_enter):
            m.d.sync += [
                entered.bank.eq(Mux(last_bank, 0, unit.bank + 1)),
                entered.group.eq(unit.group + last_bank),
                entered.begin.eq(0),
            ]
            with m.If(more):
                m.d.sync += [
                    entered.index.eq(unit.index + 1),
                    lanes_left.eq(lanes_left - 1),
                    more.eq(lanes_left != 1),
                ]
        with m.If(enters):
            m.d.sync += [
                over.eq((row.row.units == 0) & (banks == 1)),
                lanes_left.eq(row.row.units),
                more.eq(row.row.units != 0),
                entered.bank.eq(0),
                entered.group.eq(0),
                entered.index.eq(Mux(row.row.begin, row.start, unit.index + 1)),
                entered.begin.eq(row.row.begin),
                entered.ends_job.eq(row.row.last),
                *(entered[name].eq(row.row[name]) for name in _of_row(self.plan)),
            ]
