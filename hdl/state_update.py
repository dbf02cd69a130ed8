"""The state update: drains completed rows unit by unit into h, c, r * h and the output stream."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from golden.formats import Format
from hdl.component import Component
from hdl.latency import CLASS, HEAD
from hdl.numeric import constant_by, requantize, span
from hdl.operand_store import made_vectors, state_vectors, write_signature
from hdl.pipeline import Staged
from hdl.plan import Plan
from hdl.ports import output_layout
from hdl.sequencer import row_layout
from hdl.update_builder import UpdateBuilder


class StateUpdate(Component):
    """Takes completed rows in order and sends their units through the update of their cell.

        rows ─► queue ─► unit counter ─► shadow ─► + bias ─► requantize ─► σ, tanh ─► c ─► h
                                                      └─► logits (─► class) ─► output buffer ─► o

    A unit enters every ``plan.update_cost.interval`` cycles, so that the element-wise products of
    all updates share ``plan.tail_multipliers`` multipliers. The pipeline never stalls: a row that
    emits words enters only when the output buffer, which holds one whole result, has room for it.

    Latency: ``hdl.latency.QUEUE`` cycles from ``row_done`` until the row's first unit enters, if
    the rows before it are through; from there ``plan.update_cost``.
    Cost: the multipliers, tanh tables, a bias memory a gate, a buffer of one result.

    Attributes:
        row_done, row: a row is complete; from the next cycle on it can be read from the shadow.
        shadow_row, shadow_lane, shadow: the unit to read, and one cycle later its sum in every
            gate.
        state_address, state_stream, state_h, state_c: a unit and its h and c of step t-1, one
            cycle later.
        write_h, write_c, write_rh: see :class:`hdl.operand_store.OperandStore`.
        head_start, head_free: the head's sums are about to be overwritten; may they be?
        o: output stream, see :func:`hdl.ports.output_layout`.
    """

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        ports = {f"write_{name}": Out(write_signature(plan, name)) for name in made_vectors(plan)}
        ports |= {
            f"state_{name}": In(signed(plan.vector_width(name))) for name in state_vectors(plan)
        }
        super().__init__(
            {
                "row_done": In(1),
                "row": In(row_layout(plan)),
                "shadow_row": Out(span(plan.rows)),
                "shadow_lane": Out(span(plan.lanes)),
                "shadow": In(data.ArrayLayout(signed(plan.accumulator_width), plan.gates)),
                "state_address": Out(span(plan.state_units)),
                "state_stream": Out(span(plan.interface.streams)),
                "head_start": In(1),
                "head_free": Out(1),
                "o": Out(stream.Signature(output_layout(plan))),
                **ports,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        plan, cost = self.plan, self.plan.update_cost
        unit = Signal(_unit_layout(plan))
        phase = Signal(span(cost.interval), init=cost.interval - 1)
        room = Signal(span(plan.result_words + 1), init=plan.result_words)
        alive = _delay_line(m, unit.valid, cost.depth)
        taken = self._enter_units(m, unit, phase, room, in_flight=Cat(alive).any())
        builder = UpdateBuilder(
            m,
            plan=plan,
            entering=unit,
            phase=phase,
            shadow=self.shadow,
            state={name: getattr(self, f"state_{name}") for name in state_vectors(plan)},
        )
        for program, jobs in plan.programs:
            builder.run(program, jobs)
        for vector in made_vectors(plan):
            self._write(m, builder, vector, alive)
        result = self._result(builder)
        builder.finish()
        self._emit(m, result, unit, room, taken)
        m.d.comb += [
            self.shadow_row.eq(unit.row),
            self.shadow_lane.eq(unit.lane),
            self.state_address.eq(unit.index),
            self.state_stream.eq(unit.stream),
        ]
        return m

    def _enter_units(
        self, m: Module, unit: Any, phase: Signal, room: Signal, in_flight: Value
    ) -> Value:
        """Rows from the queue become units; returns how many words are reserved in this cycle."""
        plan, last_phase = self.plan, self.plan.update_cost.interval - 1
        m.submodules.queue = queue = SyncFIFO(width=len(Cat(self.row)), depth=self._queue_depth)
        row = data.View(row_layout(plan), queue.r_data)
        active = Signal()
        lanes_left = Signal(span(plan.lanes))
        row_ends = Signal()
        start = constant_by(m, row.job, [job.unit for job in plan.jobs], name="start")
        m.d.comb += [
            queue.w_data.eq(self.row),
            queue.w_en.eq(self.row_done),
            row_ends.eq(~active | (lanes_left == 0)),
        ]
        words = Signal(span(plan.lanes + 1))  # that the row emits, if it does
        m.d.comb += words.eq(row.last if plan.interface.classes else row.units + 1)
        taken = Signal.like(words)
        m.d.sync += [unit.valid.eq(0), phase.eq(Mux(in_flight, phase + 1, last_phase))]
        with m.If(phase == last_phase):
            m.d.comb += queue.r_en.eq(row_ends & (~row.emit | (room >= words)))
            m.d.sync += [phase.eq(Mux(in_flight, 0, last_phase)), active.eq(~row_ends)]
            with m.If(~row_ends):
                m.d.sync += [
                    unit.valid.eq(1),
                    unit.begin.eq(0),
                    unit.lane.eq(unit.lane + 1),
                    unit.index.eq(unit.index + 1),
                    lanes_left.eq(lanes_left - 1),
                ]
        with m.If(queue.r_rdy & queue.r_en):
            m.d.sync += [active.eq(1), unit.valid.eq(1), unit.lane.eq(0), phase.eq(0)]
            m.d.sync += lanes_left.eq(row.units)
            m.d.sync += [unit[name].eq(row[name]) for name in _OF_ROW]
            m.d.sync += unit.index.eq(Mux(row.begin, start, unit.index + 1))
            m.d.sync += [unit.begin.eq(row.begin), unit.ends_job.eq(row.last)]
            m.d.comb += taken.eq(Mux(row.emit, words, 0))
        m.d.comb += unit.last.eq(unit.ends_job & (lanes_left == 0))

        head_waits = Signal()
        m.d.comb += self.head_free.eq(~head_waits)
        with m.If(self.head_start):
            m.d.sync += head_waits.eq(1)
        with m.Elif(unit.valid & unit.last & (unit.job == len(plan.jobs) - 1)):
            m.d.sync += head_waits.eq(0)
        return taken

    @property
    def _queue_depth(self) -> int:
        """Rows of all jobs: no job is drained twice before its sums may be overwritten."""
        return max(2, sum(job.rows for job in self.plan.jobs))

    def _write(self, m: Module, builder: UpdateBuilder, vector: str, alive: list[Value]) -> None:
        """A vector's new elements to their memory, announced one stage before."""
        write = getattr(self, f"write_{vector}")
        stage, value, writes = builder.written(vector)
        layers = [min(job.layer, len(self.plan.network.layers) - 1) for job in self.plan.jobs]
        before = builder.pipe.job_at(stage - 1)
        m.d.comb += [
            write.valid.eq(alive[stage] & writes(builder.pipe.job_at(stage))),
            write.address.eq(builder.pipe.at(builder.index, stage)),
            write.stream.eq(builder.pipe.at(builder.stream, stage)),
            write.data.eq(value),
            write.announce.eq(alive[stage - 1] & writes(before)),
            write.layer.eq(constant_by(m, before, layers, name=f"{vector}_layer")),
        ]

    def _result(self, builder: UpdateBuilder) -> Staged:
        """What goes to the output: the head's sums, or h."""
        network = self.plan.network
        if network.head is None:
            stage, value, _ = builder.written("h")
            return Staged(value, stage, ())
        builder.pipe.active = [len(self.plan.jobs) - 1]
        formats: list[Format] = [network.out] * len(self.plan.jobs)
        result = builder.pipe.apply(
            lambda value, frac, to: requantize(value, frac=frac, to=to),
            builder.biased(0),
            formats,
            name="logit",
        )
        assert result.stage == HEAD
        return result

    def _emit(self, m: Module, result: Staged, unit: Any, room: Signal, taken: Value) -> None:
        """Results to the output buffer, and from there to ``o``."""
        plan = self.plan
        begins = _delay_line(m, unit.begin, result.stage)[-1]
        emits = _delay_line(m, unit.valid & unit.emit, result.stage)[-1]
        ends = _delay_line(m, unit.last, result.stage)[-1]
        final = _delay_line(m, unit.final, result.stage)[-1]
        streams = _delay_line(m, unit.stream, result.stage)[-1]
        value = result.value
        if plan.interface.classes:
            value = _class(m, value, emits, begins, outputs=plan.network.outputs)
            emits, ends, final, streams = (
                _delay_line(m, signal, CLASS)[-1] for signal in (emits & ends, ends, final, streams)
            )
        # The FIFO counts its output register, which a word only reaches later, as room.
        depth = max(3, plan.result_words + 1)
        width = len(Cat(self.o.payload))
        m.submodules.buffer = buffer = SyncFIFOBuffered(width=width, depth=depth)
        word = data.View(self.o.payload.shape(), buffer.w_data)
        m.d.comb += [
            buffer.w_en.eq(emits),
            word.data.eq(value),
            word.last.eq(ends & final),
            self.o.valid.eq(buffer.r_rdy),
            self.o.payload.eq(buffer.r_data),
            buffer.r_en.eq(self.o.ready),
        ]
        if plan.interface.streams > 1:
            m.d.comb += word.stream.eq(streams)
        m.d.sync += room.eq(room - taken + (self.o.valid & self.o.ready))


def _class(m: Module, value: Value, valid: Value, begins: Value, *, outputs: int) -> Value:
    """Index of the largest of some words that come one by one; the first of equal ones.

    Args:
        m: module to build into.
        value, valid: the words.
        begins: with the first of them.
        outputs: their number.

    Returns:
        The index, ``CLASS`` cycles after the last word.
    """
    best = Signal(value.shape(), name="best_logit", reset_less=True)
    index = Signal(span(outputs), name="logit_index")
    found = Signal(span(outputs), name="best_class", reset_less=True)
    now = Mux(begins, 0, index)
    with m.If(valid):
        m.d.sync += index.eq(now + 1)
        with m.If(begins | (value > best)):
            m.d.sync += [best.eq(value), found.eq(now)]
    return found


_OF_ROW = ("job", "row", "stream", "zero", "emit", "final")
"""Fields of a unit that its row decides."""


def _unit_layout(plan: Plan) -> data.StructLayout:
    """A unit that enters the pipeline.

    Fields: ``valid``; ``lane`` of its sums; ``index`` in the memories of biases, h and c;
    ``begin``, it is its job's first; ``ends_job``, it is in its job's last row; ``last``, it is its
    job's last; and its row's, see :func:`hdl.sequencer.row_layout`.
    """
    row = row_layout(plan)
    total = plan.jobs[-1].unit + plan.jobs[-1].units
    return data.StructLayout(
        {
            "valid": 1,
            "lane": span(plan.lanes),
            "index": span(total),
            "begin": 1,
            "ends_job": 1,
            "last": 1,
            **{name: row[name].shape for name in _OF_ROW},
        }
    )


def _delay_line(m: Module, signal: Value, cycles: int) -> list[Value]:
    """A control signal and its delayed versions, reset to 0."""
    line = [signal]
    for _ in range(cycles):
        delayed = Signal(len(signal))
        m.d.sync += delayed.eq(line[-1])
        line.append(delayed)
    return line
