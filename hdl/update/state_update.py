"""The state update: drains completed rows unit by unit into h, c, r * h and the output stream."""

from __future__ import annotations

from dataclasses import replace

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hdl.array.shadow import read_layout
from hdl.layout.changes import AHEAD, element_layout
from hdl.layout.pass_table import row_layout
from hdl.layout.ports import output_layout
from hdl.layout.vectors import VectorWrite, made_vectors, state_vectors, write_signature
from hdl.loading.loader import write_layout
from hdl.parts.component import delayed, port
from hdl.parts.numeric import constant_by, largest, span
from hdl.parts.output_buffer import OutputBuffer
from hdl.plan import Plan
from hdl.timing.latency import ANNOUNCED, CLASS, READ, READ_STATE, SHADOW
from hdl.update.builder import UpdateBuilder
from hdl.update.cell_update import CellUpdate
from hdl.update.pipeline import Staged
from hdl.update.shadow_reader import ShadowReader
from hdl.update.unit_dispatch import UnitDispatch


class StateUpdate(wiring.Component):
    """Takes completed rows in order and sends their units through the update of their cell.

        rows ─► queue ─► unit counter ─► shadow ─► + bias ─► requantize ─► σ, tanh ─► c ─► h
                                                      └─► logits (─► class) ─► output buffer ─► o

    `UnitDispatch` lets a unit enter every ``plan.update_cost.interval`` cycles, so that the
    element-wise products of all updates share ``tail_multipliers`` multipliers. The pipeline never
    stalls: a row that emits words enters only when the output buffer, which holds at least one
    whole result, has room for it.

    Latency: ``UnitDispatch.LATENCY`` cycles from ``row_done`` until the row's first unit enters, if
    the rows before it are through; from there ``plan.update_cost``.
    Cost: the multipliers, tanh tables, one bias memory per gate, a buffer of one result.

    Attributes:
        row_done, row: a row is complete; ``latency.SHADOW`` cycles later it can be read from
            the shadow.
        read, sums: see :class:`hdl.array.shadow.Shadow`.
        state_address, state_stream, state_h, state_c: a unit and its h and c of step t-1, one
            cycle later.
        write_h, write_c, write_rh: see :class:`hdl.store.operand_store.OperandStore`.
        element_h, element_c, element_rh: in a delta core, see
            :class:`hdl.store.change_lists.ChangeLists`; the words are written.
        write, bank: where weights are loaded, see :class:`hdl.loading.loader.Loader`.
        head_start, head_free: for each job that makes no vector, its sums are about to be
            overwritten; may they be?
        o: output stream, see :func:`hdl.layout.ports.output_layout`.
        saturated: where ``watched``: a new element of c was cut to its format's range.
    """

    row_done = state_address = state_stream = state_h = state_c = port(Signal)
    bank = head_start = head_free = saturated = port(Signal)
    row = read = sums = write = element_h = element_c = element_rh = port(data.View)
    write_h = write_c = write_rh = port(VectorWrite)
    o = port(stream.Interface)

    def __init__(self, *, plan: Plan, watched: bool = False) -> None:
        self.plan = plan
        loads = plan.options.storage.loadable
        self._watched = watched
        self._listed = [name for name in plan.listed if name != "x"]
        ports = {f"write_{name}": Out(write_signature(plan, name)) for name in made_vectors(plan)}
        ports |= {
            f"state_{name}": In(signed(plan.sizes.vector_width(name)))
            for name in state_vectors(plan)
        }
        for name in self._listed:
            ports[f"element_{name}"] = Out(element_layout(plan, name))
        super().__init__(
            {
                "row_done": In(1),
                "row": In(row_layout(plan)),
                "read": Out(data.ArrayLayout(read_layout(plan.array), plan.array.banks)),
                "sums": In(
                    data.ArrayLayout(signed(plan.sizes.accumulator_width), plan.array.banks)
                ),
                "state_address": Out(span(plan.sizes.state_units)),
                "state_stream": Out(span(plan.options.interface.streams)),
                **({"write": In(write_layout(plan)), "bank": In(1)} if loads else {}),
                "head_start": In(plan.unread),
                "head_free": Out(plan.unread),
                "o": Out(stream.Signature(output_layout(plan))),
                **ports,
                **({"saturated": Out(1)} if watched else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        plan, cost = self.plan, self.plan.update_cost
        assert UnitDispatch.LATENCY + READ >= SHADOW
        m.submodules.entry = entry = UnitDispatch(plan=plan)
        unit = entry.unit
        m.d.comb += [
            entry.row_done.eq(self.row_done),
            entry.row.eq(self.row),
            entry.given.eq(self.o.valid & self.o.ready),
        ]
        builder = UpdateBuilder(
            m,
            plan=plan,
            entering=unit,
            phase=entry.phase,
            enable=entry.in_flight,
            sums=self.sums,
            state={name: getattr(self, f"state_{name}") for name in state_vectors(plan)},
            loads=(self.write, self.bank) if plan.options.storage.loadable else None,
            watched=self._watched,
        )
        updates = [
            (program.drain, CellUpdate(builder, program, kinds, order))
            for (program, kinds), order in zip(plan.programs, cost.orders, strict=True)
        ]
        for drain, update in updates:
            if drain.makes:
                drain.update(update)
        for vector in made_vectors(plan):
            self._write(m, builder, vector, entry.alive)
        for vector in self._listed:
            self._tell(m, builder, vector, entry.alive)
        if self._watched and "c" in made_vectors(plan):
            stage, cut = builder.cut()
            m.d.comb += self.saturated.eq(entry.alive[stage] & cut)
        for drain, update in updates:
            if not drain.makes:
                drain.update(update)
        result = self._result(m, builder)
        asked = cost.state - READ_STATE
        m.d.comb += [
            self.state_address.eq(builder.pipe.at(builder.index, asked)),
            self.state_stream.eq(builder.pipe.at(builder.stream, asked)),
        ]
        builder.pipe.finish()
        self._emit(m, result, unit)
        self._watch_unread(m, unit)
        m.submodules.reader = reader = ShadowReader(plan=plan)
        m.d.comb += [
            getattr(reader, name).eq(unit[name])
            for name in ("valid", "job", "row", "bank", "group", "slot")
            if name in reader.signature.members
        ]
        m.d.comb += self.read.eq(reader.read)
        return m

    def _watch_unread(self, m: Module, unit: data.View) -> None:
        """Tell whether sums that make no vector have been drained: their last unit has entered."""
        head_waits = Signal(self.plan.unread)
        m.d.comb += self.head_free.eq(~head_waits)
        for number, waits in enumerate(head_waits):
            with m.If(self.head_start[number]):
                m.d.sync += waits.eq(1)
            with m.Elif(unit.valid & unit.last & self._is_unread(unit.job, number)):
                m.d.sync += waits.eq(0)

    def _is_unread(self, kind: Value, number: int) -> Value:
        """Tell whether a unit is of such a job; without any nobody asks."""
        if not self.plan.options.storage.loadable:
            return kind == (*self.plan.work.unread, len(self.plan.kinds) - 1)[number]
        return kind.matches(*(n for n, one in enumerate(self.plan.kinds) if one.unread))

    def _write(self, m: Module, builder: UpdateBuilder, vector: str, alive: Value) -> None:
        """A vector's new elements to their memory, announced before."""
        write = getattr(self, f"write_{vector}")
        stage, value, writes = builder.written(vector)
        announced = stage - ANNOUNCED
        m.d.comb += [
            write.valid.eq(alive[stage] & writes(builder.pipe.job_at(stage))),
            write.address.eq(builder.pipe.at(builder.index, stage)),
            write.stream.eq(builder.pipe.at(builder.stream, stage)),
            write.data.eq(value),
            write.announce.eq(alive[announced] & writes(builder.pipe.job_at(announced))),
            write.layer.eq(self._layer(m, builder, vector, announced)),
        ]
        if self.plan.options.storage.loadable:
            m.d.comb += write.last.eq(builder.pipe.at(builder.last, announced))
        past = self.plan.work.windows.past_layers
        if vector == "h" and past:
            jobs = [n for n, job in enumerate(self.plan.work.jobs) if job.layer in past]
            m.d.comb += [
                write.kept.eq(builder.pipe.job_at(stage).matches(*jobs)),
                write.turn.eq(builder.pipe.at(builder.turn, stage)),
            ]

    def _tell(self, m: Module, builder: UpdateBuilder, vector: str, alive: Value) -> None:
        """Tell of a vector's new elements before they are written, if they belong to a list."""
        element, lists = getattr(self, f"element_{vector}"), self.plan.lists.layers(vector)
        written, _, _ = builder.written(vector)
        stage = written - AHEAD
        job = builder.pipe.job_at(stage)
        layers = [one.layer if vector in one.makes else -1 for one in self.plan.work.jobs]
        found = [lists.index(layer) if layer in lists else 0 for layer in layers]
        m.d.comb += [
            element.valid.eq(
                alive[stage] & job.matches(*(n for n, one in enumerate(layers) if one in lists))
            ),
            element.list.eq(constant_by(m, job, found, name=f"{vector}_list")),
            element.unit.eq(builder.pipe.at(builder.index, stage)),
            element.begin.eq(builder.pipe.at(builder.begin, stage)),
            element.last.eq(builder.pipe.at(builder.last, stage)),
            element.fresh.eq(builder.pipe.at(builder.zero, stage)),
        ]

    def _layer(self, m: Module, builder: UpdateBuilder, vector: str, stage: int) -> Value:
        """The layer of the unit in a stage."""
        if self.plan.options.storage.loadable:
            return builder.pipe.at(builder.layer, stage)
        last = self.plan.work.state_layers - 1
        layers = [min(job.layer, last) for job in self.plan.work.jobs]
        return constant_by(m, builder.pipe.job_at(stage), layers, name=f"{vector}_layer")

    def _result(self, m: Module, builder: UpdateBuilder) -> Staged:
        """The result for the output: h, written as a vector or not."""
        emitting = [job for job in self.plan.work.jobs if job.emits]
        made: list[Staged] = []
        for vector in ("h", "out"):
            if any(("h" if job.makes else "out") == vector for job in emitting):
                stage, value, _ = builder.written(vector)
                made.append(Staged(value, stage))
        if len(made) == 1:
            return made[0]
        h, out = builder.pipe.meet(*made)
        kinds = [int(kind.unread) for kind in self.plan.kinds]
        unread = constant_by(m, builder.pipe.job_at(h.stage), kinds, name="result_is_out")
        value = Signal(signed(self.plan.sizes.out_width), name="result_word")
        m.d.comb += value.eq(Mux(unread, out.value, h.value))
        return replace(h, value=value)

    @property
    def _classes(self) -> int:
        """Logits of a head, at most."""
        plan = self.plan
        return (
            1 << (plan.sizes.out_width - 1)
            if plan.options.storage.loadable
            else plan.network.outputs
        )

    def _emit(self, m: Module, result: Staged, unit: data.View) -> None:
        """Results to the output buffer, and from there to ``o``."""
        plan = self.plan

        def at_result(signal: Value, cycles: int = result.stage) -> Value:
            return delayed(m, signal, cycles, name="emitted", resets=True)[-1]

        begins = at_result(unit.begin)
        emits = at_result(unit.valid & unit.emit)
        ends = at_result(unit.last)
        final = at_result(unit.final)
        streams = at_result(unit.stream)
        value = result.value
        if plan.options.interface.classes:
            value = largest(m, value, emits, begins, outputs=self._classes)
            emits, ends, final, streams = (
                at_result(signal, CLASS) for signal in (emits & ends, ends, final, streams)
            )
        m.submodules.buffer = buffer = OutputBuffer(
            shape=self.o.payload.shape(), places=plan.sizes.output_places
        )
        word = buffer.word
        m.d.comb += [
            buffer.write.eq(emits),
            word.data.eq(value),
            word.last.eq(ends & final),
        ]
        connect(m, buffer.o, flipped(self.o))
        if plan.options.interface.streams > 1:
            m.d.comb += word.stream.eq(streams)
