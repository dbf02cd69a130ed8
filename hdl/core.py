"""The core: sequencer, weight memory, operand store, MAC array and state update."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, ResetInserter, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hdl.array.mac_array import MacArray
from hdl.layout.ports import input_layout, output_layout, state_shape
from hdl.layout.vectors import made_vectors, state_vectors
from hdl.loading.input_gate import InputGate
from hdl.loading.loader import LOAD, WEIGHT_STREAM, Loader
from hdl.loading.weight_ram import WeightRam, weight_rom
from hdl.parts.component import delayed, port
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.sequencer.delta_sequencer import DeltaSequencer
from hdl.sequencer.sequencer import Sequencer
from hdl.store.list_wiring import array_operand, connect_lists, make_lists
from hdl.store.operand_store import OperandStore, all_ready
from hdl.store.state_access import StateAccess
from hdl.update.state_update import StateUpdate

RESTS = 8
"""Cycles, beside the depth of the state update, after which a core that stands still is empty."""


class Core(wiring.Component):
    """A whole network on one MAC array.

        i ─► operand store (x, h, c) ─► MAC array ─► state update ─► o
                   ▲                       ▲  weights      │
                   └──────── h, c ─────────┼───────────────┘
                                       sequencer

    Latency and cycles per step: :func:`hdl.cycles.count`.

    Args:
        plan: the network and the core's options, decided.
        watched: add the outputs that a bus counts.

    Attributes:
        i: one input element per beat, ``network.inputs`` beats per step, with the step's
            :class:`golden.interface.Control`: ``last`` and ``save`` are looked at in a step's last
            beat, ``stream``, ``keep`` and ``load`` in its first.
        o: one output word per beat, ``plan.result_words`` beats per result; ``last`` with the last
            word of a sequence's last result, ``stream`` with every word.
        i_state, o_state: state words in the order of :func:`golden.sessions.state_vectors`, where
            the interface can load and save. A step with ``load`` takes them once its first beat is
            there and what was begun before is done; after a step with ``save`` they are given
            before the next step starts. Meanwhile ``o`` must go on being taken.
        i_weights: words of `image`, where weights are loaded, the last one
            marked; see `Loader`. ``i`` takes nothing until a set is active, and
            the state of all streams is cleared when one becomes active.
        load: what became of them, see ``hdl.loading.loader.LOAD``.
        restart: where weights are loaded: forget all but them, as a reset does.
        idle: where weights are loaded: no step is begun, nothing is in flight or at the output.
        waits: where watched: the array waits for an element of x.
        saturated: where watched: an element of c is cut to its format's range, for one cycle.
        last_input: where watched and weights are loaded: index of a step's last element.
    """

    i = o = i_state = o_state = i_weights = port(stream.Interface)
    load = port(data.View)
    restart = idle = waits = saturated = last_input = port(Signal)

    def __init__(self, *, plan: Plan, watched: bool = False) -> None:
        self.plan = plan
        loadable = plan.options.storage.loadable
        self.array = MacArray(shape=plan.array)
        self.store = OperandStore(plan=plan)
        sequencer: Any = DeltaSequencer if plan.options.delta else Sequencer
        self.sequencer = sequencer(plan=plan, place=plan.array.place, watched=watched)
        self.lists = make_lists(plan)
        self.update = StateUpdate(plan=plan, watched=watched)
        self._watched = watched
        self.access = StateAccess(plan=plan) if plan.options.interface.state == "load" else None
        self.weights = WeightRam(plan=plan) if loadable else None
        self.loader = Loader(plan=plan) if loadable else None
        self.gate = InputGate(plan=plan) if loadable else None
        ports: dict[str, Any] = {
            "i": In(stream.Signature(input_layout(plan))),
            "o": Out(stream.Signature(output_layout(plan))),
        }
        if self.access:
            ports["i_state"] = In(stream.Signature(state_shape(plan)))
            ports["o_state"] = Out(stream.Signature(state_shape(plan)))
        if self.loader:
            ports |= {
                "i_weights": In(WEIGHT_STREAM),
                "load": Out(LOAD),
                "restart": In(1),
                "idle": Out(1),
            }
        if watched:
            ports |= {"waits": Out(1), "saturated": Out(1)}
            if self.loader:
                ports["last_input"] = Out(span(plan.sizes.inputs))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        clears = Signal()
        sequencer, store, array, update = self.sequencer, self.store, self.array, self.update
        m.submodules.sequencer = self._cleared(sequencer, clears)
        m.submodules.store = self._cleared(store, clears)
        m.submodules.array = self._cleared(array, clears)
        m.submodules.update = self._cleared(update, clears)
        weight_address, weight_word = self._weight_memory(m)
        operand = array_operand(m, sequencer, store) if self.lists else store.read_data

        # The sequencer's operation addresses the memories; the array takes it with their data.
        def at_array(name: str, *, resets: bool = False) -> Any:
            return delayed(m, getattr(sequencer, name), 1, name=name, resets=resets)[-1]

        valid = at_array("valid", resets=True)
        done, row = self._completed(m, clears)
        m.d.comb += [
            array.i_valid.eq(valid),
            array.i_place.eq(at_array("place")),
            array.i_first.eq(at_array("first")),
            array.i_final.eq(at_array("final")),
            update.row_done.eq(done),
            update.row.eq(row),
        ]
        m.d.comb += [
            weight_address.eq(sequencer.weight_address),
            array.i_weights.eq(weight_word),
            array.i_operand.eq(operand),
            store.read_operand.eq(sequencer.operand),
            store.read_address.eq(sequencer.address),
        ]
        if not self.lists:
            m.d.comb += [
                store.read_stream.eq(sequencer.stream),
                store.read_zero.eq(sequencer.zero),
            ]
        if self.plan.work.windows.used:
            m.d.comb += store.read_turn.eq(sequencer.turn)
        self._connect_readiness(m)
        connect_lists(m, self.lists, sequencer=sequencer, store=store, update=update)
        m.d.comb += [
            array.read.eq(update.read),
            update.sums.eq(array.sums),
        ]
        self._connect_state(m, clears)
        self._connect_input(m, clears)
        connect(m, update.o, flipped(self.o))
        if self.loader:
            self._connect_loader(m, self.loader, clears)
            with m.If(clears):
                m.d.sync += valid.eq(0)
        if self._watched:
            m.d.comb += [
                self.waits.eq(sequencer.waits),
                self.saturated.eq(update.saturated),
            ]
            if self.loader:
                m.d.comb += self.last_input.eq(sequencer.last_input)
        return m

    def _connect_readiness(self, m: Module) -> None:
        """Tell the sequencer what is ready, and the other blocks what is needed no more."""
        sequencer, store, update = self.sequencer, self.store, self.update
        m.d.comb += [
            sequencer.x_ready.eq(store.x_ready),
            sequencer.x_whole.eq(store.x_whole),
            sequencer.x_step.eq(store.x_step),
            *([sequencer.x_index.eq(store.x_index)] if self.plan.network.indexed else []),
            store.x_releasing.eq(sequencer.x_releasing),
            store.x_release.eq(sequencer.x_release),
            sequencer.ready.eq(store.ready),
            store.restart.eq(sequencer.restart),
            sequencer.head_free.eq(update.head_free),
            update.head_start.eq(self._unread_restarts()),
        ]

    def _unread_restarts(self) -> Value:
        """For each job that makes no vector, its sums are about to be overwritten."""
        restart = self.sequencer.restart
        if not self.plan.work.unread:
            return Const(0)
        if self.plan.options.storage.loadable:
            return restart[-1]
        return Cat(restart[number] for number in self.plan.work.unread)

    def _cleared(self, component: wiring.Component, clears: Value) -> Any:
        """A component that is reset without the loader; as it is where there is none."""
        return ResetInserter(clears)(component) if self.loader else component

    def _connect_loader(self, m: Module, loader: Loader, clears: Signal) -> None:
        """The loader's ports, and when the core is idle: nothing is to be seen for a while."""
        plan, store, sequencer = self.plan, self.store, self.sequencer
        m.submodules.loader = loader
        for component in (sequencer, self.update, self.weights, self.access):
            if component:
                m.d.comb += [component.write.eq(loader.write), component.bank.eq(loader.bank)]
        m.d.comb += [
            store.last_input.eq(sequencer.last_input),
            sequencer.complete.eq(store.complete),
        ]
        connect(m, flipped(self.i_weights), loader.i)
        still = Signal()
        rests = plan.update_cost.depth + RESTS
        stood = Signal(range(rests + 1), init=rests)
        m.d.comb += [
            self.load.eq(loader.load),
            clears.eq(loader.activate | self.restart),
            still.eq(
                (store.x_ready == 0)
                & ~store.x_whole
                & all_ready(plan, store.complete)
                & self.update.head_free
                & ~sequencer.valid
                & ~(sequencer.load | sequencer.save)
                & ~self.o.valid
                & ~(self.i.valid & self.i.ready)
            ),
            self.idle.eq(stood == rests),
            loader.idle.eq(self.idle & still),
        ]
        with m.If(~still | self.restart):
            m.d.sync += stood.eq(0)
        with m.Elif(~self.idle):
            m.d.sync += stood.eq(stood + 1)

    def _completed(self, m: Module, clears: Value) -> tuple[Value, Any]:
        """Tell whether a row is complete, so soon that the shadow has it in time, and which it is.

        What was issued before the core is cleared is forgotten.
        """
        done = self.sequencer.valid & self.sequencer.done & ~clears
        cycles = 1 + self.plan.array.row_delay
        stages = delayed(m, done, cycles, name="row_done", resets=True)
        if self.loader:
            with m.If(clears):
                m.d.sync += [stage.eq(0) for stage in stages[1:]]
        return stages[-1], delayed(m, self.sequencer.row, cycles, name="row")[-1]

    def _weight_memory(self, m: Module) -> tuple[Value, Value]:
        """The weight memory; returns its address, and the word a cycle later."""
        if self.weights and self.loader:
            m.submodules.weights = self.weights
            m.d.comb += self.weights.owns.eq(self.loader.owns)
            if self.plan.options.parity:
                m.d.comb += self.weights.used.eq(self.sequencer.valid)
            return self.weights.address, self.weights.data
        return weight_rom(m, self.plan)

    def _connect_input(self, m: Module, clears: Value) -> None:
        """The input stream to the operand store; through the gate, where weights are loaded."""
        store, gate, loader = self.store, self.gate, self.loader
        if not (gate and loader):
            connect(m, flipped(self.i), store.i)
            return
        m.submodules.gate = self._cleared(gate, clears)
        connect(m, flipped(self.i), gate.i)
        connect(m, gate.o, store.i)
        m.d.comb += [
            gate.hold.eq(loader.hold),
            gate.blocks.eq(loader.blocks | self.restart),
            gate.begins.eq(store.begins),
            gate.ends.eq(store.ends),
        ]

    def _connect_state(self, m: Module, clears: Value) -> None:
        """State update and operand store, and what loads and saves between them."""
        store, update, access, plan = self.store, self.update, self.access, self.plan
        for name in state_vectors(plan):
            m.d.comb += getattr(update, f"state_{name}").eq(getattr(store, f"state_{name}"))
        if access is None:
            for name in made_vectors(plan):
                connect(m, getattr(update, f"write_{name}"), getattr(store, f"write_{name}"))
            m.d.comb += [
                store.state_address.eq(update.state_address),
                store.state_stream.eq(update.state_stream),
            ]
            return
        m.submodules.access = self._cleared(access, clears)
        for name in made_vectors(plan):
            connect(m, getattr(update, f"write_{name}"), getattr(access, f"update_write_{name}"))
            connect(m, getattr(access, f"write_{name}"), getattr(store, f"write_{name}"))
        for name in state_vectors(plan):
            m.d.comb += getattr(access, f"state_{name}").eq(getattr(store, f"state_{name}"))
        m.d.comb += [
            access.update_address.eq(update.state_address),
            access.update_stream.eq(update.state_stream),
            store.state_address.eq(access.address),
            store.state_stream.eq(access.state_stream),
            access.load.eq(self.sequencer.load),
            access.save.eq(self.sequencer.save),
            access.stream.eq(self.sequencer.access_stream),
            access.ready.eq(store.complete if self.loader else store.ready),
            self.sequencer.access_done.eq(access.done),
        ]
        connect(m, flipped(self.i_state), access.i)
        connect(m, access.o, flipped(self.o_state))
