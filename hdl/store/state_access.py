"""Loading and saving a stream's state, word by word, while the state update rests."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hdl.layout.ports import state_shape
from hdl.layout.state_table import segment_layout, segments, state_segments
from hdl.layout.vectors import (
    VectorWrite,
    complete_layout,
    made_vectors,
    ready_layout,
    state_vectors,
    write_signature,
)
from hdl.loading.loaded_memory import LoadedMemory
from hdl.loading.loader import write_layout
from hdl.parts.component import port
from hdl.parts.numeric import constant_by, span
from hdl.plan import Plan
from hdl.store.operand_store import all_ready
from hdl.timing.latency import ANNOUNCED


class StateAccess(wiring.Component):
    """Stands between the state update and the operand store, and takes the store's ports over.

        i ─► words ──┐
                     ├─► write port ─► operand store ─► state port ─┬─► state update
        state update ┘                                              └─► words ─► o

    A request is served once all units that the array has completed are written. Words come in the
    order of :func:`golden.sessions.state_vectors`.

    Latency: ``ACCESS`` cycles beside the words. Throughput: a word per cycle to load, one
    in two cycles to save.

    Attributes:
        load, save, stream: what the sequencer asks for, until ``done``.
        ready: see `ready_layout`; where sizes are loaded ``complete`` of
            :class:`hdl.store.operand_store.OperandStore`.
        write, bank: where weights are loaded, see :class:`hdl.loading.loader.Loader`.
        done: high for one cycle, once the last word has moved.
        i, o: state words, each in the lower bits, signed.
        update_write_h, ..., update_address, update_stream: from the state update.
        write_h, ..., address, state_stream: to the operand store.
        state_h, state_c: what the store answers to ``address``, one cycle later.
    """

    i = o = port(stream.Interface)
    load = save = stream = done = bank = port(Signal)
    update_address = update_stream = address = state_stream = state_h = state_c = port(Signal)
    ready = write = port(data.View)
    update_write_h = update_write_c = update_write_rh = port(VectorWrite)
    write_h = write_c = write_rh = port(VectorWrite)

    ACCESS = 2
    """Cycles of loading or saving a state, beside those of its words."""

    SETTLED = 1
    """Cycles from the last unit being ready for the sequencer until an access may begin."""

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        streams = span(plan.options.interface.streams)
        loads = plan.options.storage.loadable
        ports: dict[str, Any] = {"write": In(write_layout(plan)), "bank": In(1)} if loads else {}
        for name in made_vectors(plan):
            ports[f"update_write_{name}"] = In(write_signature(plan, name))
            ports[f"write_{name}"] = Out(write_signature(plan, name))
        for name in state_vectors(plan):
            ports[f"state_{name}"] = In(signed(plan.sizes.vector_width(name)))
        super().__init__(
            {
                "load": In(1),
                "save": In(1),
                "stream": In(streams),
                "ready": In(complete_layout(plan) if loads else ready_layout(plan)),
                "done": Out(1),
                "i": In(stream.Signature(state_shape(plan))),
                "o": Out(stream.Signature(state_shape(plan))),
                "update_address": In(span(plan.sizes.state_units)),
                "update_stream": In(streams),
                "address": Out(span(plan.sizes.state_units)),
                "state_stream": Out(streams),
                **ports,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        loads = self.plan.options.storage.loadable
        found = [] if loads else state_segments(self.plan)
        segment = Signal(span(segments(self.plan) if loads else len(found)))
        unit = Signal(span(self.plan.sizes.state_units), init=0 if loads else found[0][1])
        settled, moves, loading, saving = Signal(), Signal(), Signal(), Signal()
        table: Any = self._table(m, segment) if loads else None
        if loads:
            last_unit, vector = table.last, table.vector
        else:
            last_unit = constant_by(m, segment, [end for _, _, end in found], name="last_unit")
            names = state_vectors(self.plan)
            vector = constant_by(m, segment, [names.index(n) for n, _, _ in found], name="vector")
        ends, is_last = Signal(), Signal()
        m.d.comb += [
            ends.eq(unit == last_unit),
            is_last.eq(ends & (table.ends if loads else segment == len(found) - 1)),
        ]
        self._settle(m, settled)
        self._take_over(m, unit, vector, loading=loading, saving=saving)

        with m.If(moves):
            m.d.sync += unit.eq(unit + 1)
            with m.If(ends):
                starts = [first for _, first, _ in found]
                following: Any = (
                    table.next
                    if loads
                    else constant_by(m, segment, starts[1:] + starts[:1], name="next_unit")
                )
                m.d.sync += [segment.eq(Mux(is_last, 0, segment + 1)), unit.eq(following)]
        with m.FSM():
            with m.State("IDLE"), m.If(settled):
                with m.If(self.load):
                    m.next = "LOAD"
                with m.Elif(self.save):
                    m.next = "READ"
            with m.State("LOAD"):
                m.d.comb += [loading.eq(1), self.i.ready.eq(1), moves.eq(self.i.valid)]
                with m.If(moves & is_last):
                    m.next = "DONE"
            with m.State("READ"):
                m.d.comb += saving.eq(1)
                m.next = "OFFER"
            with m.State("OFFER"):
                m.d.comb += [saving.eq(1), self.o.valid.eq(1), moves.eq(self.o.ready)]
                with m.If(moves):
                    m.next = "READ"
                    with m.If(is_last):
                        m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
        return m

    def _settle(self, m: Module, settled: Signal) -> None:
        """Wait until all units are written: ``ANNOUNCED`` cycles after the last announcement."""
        # A step that ends now is not announced yet.
        all_known = Signal(name="all_ready")
        known_for = Signal(ANNOUNCED, init=-1)
        m.d.comb += [
            all_known.eq(all_ready(self.plan, self.ready)),
            settled.eq(all_known & known_for.all()),
        ]
        m.d.sync += known_for.eq(Cat(all_known, known_for))

    def _table(self, m: Module, segment: Value) -> Any:
        """Read a segment's word from the loaded table."""
        m.submodules.table = table = LoadedMemory(plan=self.plan, section="state", table=True)
        m.d.comb += [
            table.write.eq(self.write),
            table.bank.eq(self.bank),
            table.address.eq(segment),
        ]
        return data.View(segment_layout(self.plan), table.data)

    def _take_over(
        self, m: Module, unit: Signal, vector: Value, *, loading: Signal, saving: Signal
    ) -> None:
        """The operand store's ports, for the state update or for the word that travels."""
        m.d.comb += [
            self.address.eq(Mux(saving, unit, self.update_address)),
            self.state_stream.eq(Mux(saving, self.stream, self.update_stream)),
        ]
        for index, name in enumerate(state_vectors(self.plan)):
            with m.If(vector == index):
                m.d.comb += self.o.payload.eq(getattr(self, f"state_{name}"))
        for name in made_vectors(self.plan):
            write = getattr(self, f"write_{name}")
            connect(m, flipped(getattr(self, f"update_write_{name}")), flipped(write))
            if name in state_vectors(self.plan):
                index = state_vectors(self.plan).index(name)
                with m.If(loading):
                    m.d.comb += [
                        write.valid.eq(self.i.valid & (vector == index)),
                        write.address.eq(unit),
                        write.stream.eq(self.stream),
                        write.data.eq(self.i.payload),
                    ]
