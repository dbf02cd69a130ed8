"""The state update: drains completed rows unit by unit into c, h and the output stream."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from hdl import latency
from hdl.cells import CELLS
from hdl.component import Component
from hdl.numeric import constant_by
from hdl.operand_store import element_layout, write_signature
from hdl.pipeline import Staged
from hdl.plan import Plan
from hdl.sequencer import row_layout
from hdl.update_builder import UpdateBuilder


class StateUpdate(Component):
    """Takes completed rows in order and sends their units, one a cycle, through the cell's update.

        rows ─► queue ─► unit counter ─► shadow, bias ─► + ─► requantize ─► σ, tanh ─► c ─► h
                                                                  └─► logits ─► output buffer ─► o

    The pipeline never stalls: a row that emits words enters only when the output buffer, which
    holds one whole result, has room for them.

    Latency: ``hdl.latency.QUEUE`` cycles from ``row_done`` until the row's first unit enters, if
    the rows before it are through; from there ``hdl.latency.of_update``. Throughput: one unit a
    cycle.
    Cost: the multipliers of the cell's update (LiteLSTM: 2), a table for each tanh in it, a bias
    memory a gate, a buffer of one result.

    Attributes:
        row_done, row: a row is complete; from the next cycle on it can be read from the shadow.
        shadow_row, shadow_lane, shadow: the unit to read, and one cycle later its sum in every
            gate.
        c_address, c_data: c of step t-1 of a unit, one cycle later.
        write_h, write_c: see :class:`hdl.operand_store.OperandStore`.
        head_start, head_free: the head's sums are about to be overwritten; may they be?
        o: output stream, one word a beat; ``last`` with the last word of a sequence's result.
    """

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        layers = plan.network.layers
        h_width = max(layer.formats.h.width for layer in layers)
        c_width = max(layer.formats.c.width for layer in layers)
        units = plan.state_units
        super().__init__(
            {
                "row_done": In(1),
                "row": In(row_layout(plan)),
                "shadow_row": Out(range(plan.rows)),
                "shadow_lane": Out(range(plan.lanes)),
                "shadow": In(data.ArrayLayout(signed(plan.accumulator_width), plan.gates)),
                "c_address": Out(range(units)),
                "c_data": In(signed(c_width)),
                "write_h": Out(write_signature(h_width, len(layers), units)),
                "write_c": Out(write_signature(c_width, len(layers), units)),
                "head_start": In(1),
                "head_free": Out(1),
                "o": Out(stream.Signature(element_layout(plan.network.out.width))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = Signal(_unit_layout(self.plan))
        room = Signal(range(self.plan.network.outputs + 1), init=self.plan.network.outputs)
        taken = self._enter_units(m, unit, room)
        builder = self._build(m, unit)
        m.d.comb += [
            self.shadow_row.eq(unit.row),
            self.shadow_lane.eq(unit.lane),
            self.c_address.eq(builder.c_address),
        ]
        is_layer = unit.valid & ~_is_head(self.plan, unit)
        assert builder.c is not None
        assert builder.h is not None
        expected = latency.of_update(self.plan)
        assert (builder.c.stage, builder.h.stage) == (expected.c, expected.h)
        self._write(m, builder, is_layer, builder.c, self.write_c)
        self._write(m, builder, is_layer, builder.h, self.write_h)
        self._emit(m, builder, unit, room, taken)
        return m

    def _build(self, m: Module, unit: Any) -> UpdateBuilder:
        """The pipeline for a unit that enters; only one kind of cell so far."""
        builder = UpdateBuilder(
            m, plan=self.plan, shadow=self.shadow, c_data=self.c_data, entering=unit
        )
        CELLS[self.plan.network.layers[0].cell.kind].update(builder)
        return builder

    def _enter_units(self, m: Module, unit: Any, room: Signal) -> Value:
        """Rows from the queue become units; returns how many words are reserved in this cycle."""
        plan = self.plan
        m.submodules.queue = queue = SyncFIFO(width=len(Cat(self.row)), depth=plan.rows)
        row = data.View(row_layout(plan), queue.r_data)
        lanes_left = Signal(range(plan.lanes))
        row_ends = Signal()
        start = constant_by(m, row.job, [job.unit for job in plan.jobs], name="start")
        m.d.comb += [
            queue.w_data.eq(self.row),
            queue.w_en.eq(self.row_done),
            row_ends.eq(~unit.valid | (lanes_left == 0)),
            queue.r_en.eq(row_ends & (~row.emit | (room > row.units))),
        ]
        taken = Signal(range(plan.lanes + 1))
        m.d.sync += [unit.lane.eq(unit.lane + 1), unit.index.eq(unit.index + 1)]
        m.d.sync += lanes_left.eq(lanes_left - 1)
        with m.If(row_ends):
            m.d.sync += unit.valid.eq(0)
        with m.If(queue.r_rdy & queue.r_en):
            m.d.sync += [unit.valid.eq(1), unit.lane.eq(0), lanes_left.eq(row.units)]
            m.d.sync += [unit[name].eq(row[name]) for name in ("job", "row", "first_step", "emit")]
            m.d.sync += unit.index.eq(Mux(row.begin, start, unit.index + 1))
            m.d.sync += unit.ends_job.eq(row.last)
            m.d.comb += taken.eq(Mux(row.emit, row.units + 1, 0))
        head_waits = Signal()
        m.d.comb += self.head_free.eq(~head_waits)
        with m.If(self.head_start):
            m.d.sync += head_waits.eq(1)
        with m.Elif(unit.valid & row_ends & unit.ends_job & _is_head(plan, unit)):
            m.d.sync += head_waits.eq(0)
        m.d.comb += unit.last.eq(unit.ends_job & (lanes_left == 0))
        return taken

    def _write(
        self, m: Module, builder: UpdateBuilder, valid: Value, result: Staged, write: Any
    ) -> None:
        """A result to its memory, announced one stage before."""
        valids = _delay_line(m, valid, result.stage)
        m.d.comb += [
            write.valid.eq(valids[result.stage]),
            write.address.eq(builder.pipe.at(builder.index, result.stage)),
            write.data.eq(result.value),
            write.announce.eq(valids[result.stage - 1]),
            write.layer.eq(builder.pipe.job_at(result.stage - 1)),
        ]

    def _emit(
        self, m: Module, builder: UpdateBuilder, unit: Any, room: Signal, taken: Value
    ) -> None:
        """Results to the output buffer, and from there to ``o``."""
        # The FIFO counts its output register, which a word only reaches later, as room.
        depth = self.plan.network.outputs + 1
        width = len(Cat(self.o.payload))
        m.submodules.buffer = buffer = SyncFIFOBuffered(width=width, depth=depth)
        result = builder.pre(0) if self.plan.head_pass else builder.h
        assert result
        word = data.View(self.o.payload.shape(), buffer.w_data)
        m.d.comb += [
            buffer.w_en.eq(_delay_line(m, unit.valid & unit.emit, result.stage)[-1]),
            word.data.eq(result.value),
            word.last.eq(_delay_line(m, unit.last, result.stage)[-1]),
            self.o.valid.eq(buffer.r_rdy),
            self.o.payload.eq(buffer.r_data),
            buffer.r_en.eq(self.o.ready),
        ]
        m.d.sync += room.eq(room - taken + (self.o.valid & self.o.ready))


def _unit_layout(plan: Plan) -> data.StructLayout:
    """A unit that enters the pipeline.

    Fields: ``valid``; ``job``; ``row`` and ``lane`` of its sums; ``index`` in the memories of
    biases, h and c; ``first_step``; ``emit``, its result goes to the output; ``ends_job``, it is
    in its job's last row; ``last``, it is its job's last.
    """
    row = row_layout(plan)
    total = plan.jobs[-1].unit + plan.jobs[-1].units
    return data.StructLayout(
        {
            "valid": 1,
            "job": row["job"].shape,
            "row": row["row"].shape,
            "lane": range(plan.lanes),
            "index": range(total),
            "first_step": 1,
            "emit": 1,
            "ends_job": 1,
            "last": 1,
        }
    )


def _is_head(plan: Plan, unit: Any) -> Value:
    return unit.job == len(plan.network.layers)


def _delay_line(m: Module, signal: Value, cycles: int) -> list[Value]:
    """A control signal and its delayed versions, reset to 0."""
    line = [signal]
    for _ in range(cycles):
        delayed = Signal()
        m.d.sync += delayed.eq(line[-1])
        line.append(delayed)
    return line
