"""A core with registers, streams that take any traffic, counters and an interrupt."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, ResetInserter, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.sessions import state_words
from hdl.bus.access import ACCESS
from hdl.bus.identity import absent, constants
from hdl.bus.input_guard import STREAM_BITS, InputGuard, keeps
from hdl.bus.marks import DEPTH, Marks
from hdl.bus.options import Bus
from hdl.bus.packer import Packer
from hdl.bus.register_block import RegisterBlock
from hdl.bus.state_guard import StateGuard
from hdl.bus.verdicts import Verdicts
from hdl.bus.window import OUT_OF, Window
from hdl.core import Core
from hdl.layout.ports import state_shape
from hdl.parts.component import Component
from hdl.parts.numeric import span


class BusCore(Component):
    """Everything of a core with a bus but the bus of its registers, which is one of several.

        x ─► guard ─► core ─► words, marks ─► packer ─► y
        state_in ─► guard ─┤ └─► packer ─► state_out
        weights ───────────┘
        access ─► registers, counters ─► interrupt

    Args:
        core: made with ``watched``.
        bus: its buses.

    Attributes:
        access: registers.
        interrupt: level, active high.
        x, y: beats of x and of results, see :mod:`hdl.bus.input_guard`, :mod:`hdl.bus.packer`;
            beats of y have ``error``, their sequence was not right, and ``id``, their stream,
            where there are several. There are none where there are data registers.
        state_in, state_out: beats of states, where they can be loaded and saved.
        weights: words of images of weights, where those are loaded: `Loader`.
    """

    def __init__(self, *, core: Core, bus: Bus) -> None:
        self.core = core
        self.bus = bus
        self.plan = plan = core.plan
        interface = plan.options.interface
        self.x_packing = bus.pack(plan.sizes.x_width)
        self.y_packing = bus.pack(plan.sizes.out_width)
        self.guard = InputGuard(plan=plan, packing=self.x_packing)
        beside: dict[str, Any] = {"error": 1}
        if interface.streams > 1:
            beside["id"] = STREAM_BITS
        self.verdicts = Verdicts(streams=interface.streams) if keeps(plan) else None
        self.packer = Packer(
            packing=self.y_packing,
            beside=beside,
            closing={"error": 1},
            # Other results of a sequence may leave before it is known whether it is right.
            at_last=("error",) if interface.every_step else (),
        )
        ports: dict[str, Any] = {}
        streams = {"x": self.guard.i, "y": self.packer.o}
        self.state_guard = self.state_packer = None
        if core.access:
            packing = bus.pack(state_shape(plan).width)
            self.state_guard = StateGuard(packing=packing, words=state_words(plan.network))
            self.state_packer = Packer(packing=packing)
            streams |= {"state_in": self.state_guard.i, "state_out": self.state_packer.o}
        if core.loader:
            streams["weights"] = core.i_weights
        if not bus.window:
            ports = {
                name: (Out if name in ("y", "state_out") else In)(
                    stream.Signature(port.payload.shape())
                )
                for name, port in streams.items()
            }
        self._streams = streams
        self.registers = RegisterBlock(
            constants=constants(plan, bus),
            absent=absent(plan, bus),
            window=bus.window,
            most=self._most(),
        )
        super().__init__({"access": In(ACCESS), "interrupt": Out(1), **ports})

    def _most(self) -> dict[str, int]:
        """Events in one cycle: of x's bus and the registers', and of what else there is."""
        states = self.state_guard is not None
        return {
            "PROTOCOL_ERRORS": 2 + states + self.plan.options.storage.loadable,
            "DROPPED": 1 + states,
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.registers = registers = self.registers
        m.submodules.guard = self.guard
        m.submodules.marks = Marks()
        m.submodules.packer = self.packer
        restart = registers.control_reset
        if self.core.loader:  # it resets all but the loader itself
            m.submodules.core = self.core
            m.d.comb += self.core.restart.eq(restart)
        else:
            m.submodules.core = ResetInserter(restart)(self.core)
        connect(m, flipped(self.access), registers.access)
        m.d.comb += self.interrupt.eq(registers.interrupt)
        self._connect_input(m, restart)
        self._connect_output(m, m.submodules.marks, restart)
        self._connect_marks(m, m.submodules.marks, restart)
        saving = self._connect_states(m, restart) if self.state_guard else Value.cast(0)
        self._count(m, m.submodules.marks, saving)
        if self.bus.window:
            self._connect_window(m)
        else:
            for name, port in self._streams.items():
                outer = getattr(self, name)
                if name in OUT_OF:
                    connect(m, port, flipped(outer))
                else:
                    connect(m, flipped(outer), port)
        return m

    def _connect_input(self, m: Module, restart: Value) -> None:
        """The guard's settings, and the core behind it."""
        guard, registers = self.guard, self.registers
        m.d.comb += [
            guard.restart.eq(restart),
            guard.enable.eq(registers.control_enable),
            guard.length.eq(registers.length_steps),
        ]
        for name, field in (
            ("by_register", "control_by_register"),
            ("number", "sequence_stream"),
            ("keep", "sequence_keep"),
            ("load", "sequence_load"),
            ("save", "sequence_save"),
        ):
            if hasattr(registers, field):
                m.d.comb += getattr(guard, name).eq(getattr(registers, field))
        if self.bus.window:
            m.d.comb += guard.by_register.eq(1)
        if self.core.loader:
            m.d.comb += guard.last_input.eq(self.core.last_input)
        connect(m, guard.o, self.core.i)

    def _connect_output(self, m: Module, marks: Marks, restart: Value) -> None:
        """Words of results with their sequences' marks."""
        core, packer = self.core, self.packer
        interface = self.plan.options.interface
        word = packer.i.payload
        last = core.o.payload.last
        m.d.comb += [
            packer.restart.eq(restart),
            packer.i.valid.eq(core.o.valid),
            core.o.ready.eq(packer.i.ready),
            word.data.eq(core.o.payload.data),
            word.last.eq(last),
            word.ends.eq(self._ends_result(m)),
            word.error.eq(marks.first),
            marks.restart.eq(restart),
            marks.remove.eq(core.o.valid & core.o.ready & last),
        ]
        if interface.streams > 1:
            m.d.comb += word.id.eq(core.o.payload.stream)

    def _connect_marks(self, m: Module, marks: Marks, restart: Value) -> None:
        """Connect the guards' verdict on each sequence to the queue of marks."""
        guard, states, verdicts = self.guard, self.state_guard, self.verdicts
        judge = verdicts or guard
        m.d.comb += [
            marks.add.eq(judge.add),
            marks.mark.eq(judge.mark),
            judge.room.eq(marks.room),
        ]
        if verdicts:
            m.submodules.verdicts = verdicts
            m.d.comb += [
                verdicts.i.valid.eq(guard.stepped),
                verdicts.i.payload.eq(guard.step),
                guard.room.eq(verdicts.i.ready),
                verdicts.restart.eq(restart),
            ]
            if self.core.loader:
                m.d.comb += verdicts.forget.eq(self.core.load.done)
            if states:
                m.d.comb += [verdicts.loaded.eq(states.add), verdicts.defective.eq(states.mark)]

    def _ends_result(self, m: Module) -> Value:
        """Tell whether the word that the core offers is its result's last."""
        core, words = self.core, self.plan.result_words
        if words == 1:
            return Value.cast(1)
        if not self.plan.options.interface.every_step:
            return core.o.payload.last
        return _counted(m, core.o, words, self.registers.control_reset, name="word")

    def _connect_states(self, m: Module, restart: Value) -> Value:
        """States that are loaded and saved; returns whether one is still to be given."""
        guard, packer, core = self.state_guard, self.state_packer, self.core
        assert guard
        assert packer
        m.submodules.state_guard, m.submodules.state_packer = guard, packer
        connect(m, guard.o, core.i_state)
        ends = _counted(m, core.o_state, state_words(self.plan.network), restart, name="state")
        m.d.comb += [
            guard.restart.eq(restart),
            guard.enable.eq(self.registers.control_enable),
            packer.restart.eq(restart),
            packer.i.valid.eq(core.o_state.valid),
            core.o_state.ready.eq(packer.i.ready),
            packer.i.payload.data.eq(core.o_state.payload),
            packer.i.payload.ends.eq(ends),
            packer.i.payload.last.eq(ends),
        ]
        waiting = Signal(range(DEPTH + 1))  # states that are to be given
        given = core.o_state.valid & core.o_state.ready & ends
        m.d.sync += waiting.eq(waiting + self.guard.saves - given)
        with m.If(restart):
            m.d.sync += waiting.eq(0)
        return waiting.any() | ~packer.empty

    def _count(self, m: Module, marks: Marks, saving: Value) -> None:
        """Tell the registers what happened, a cycle later: events are known late in theirs."""
        registers, guard, core, y = self.registers, self.guard, self.core, self.packer.o
        early, late, unknown, dropped, stepped = (
            _later(m, getattr(guard, name), name)
            for name in ("early", "late", "unknown", "dropped", "stepped")
        )
        state_wrong: Value = Const(0)
        state_dropped: Value = Const(0)
        if self.state_guard and self.state_packer:
            state_wrong = _later(m, self.state_guard.wrong, "state_wrong")
            state_dropped = _later(m, self.state_guard.dropped, "state_dropped")
            m.d.comb += [
                registers.errors_state.eq(state_wrong),
                registers.irq_status_saved.eq(_later(m, _ended(self.state_packer.o), "saved")),
            ]
        refused = self._count_images(m) if core.loader else Const(0)
        judging = self.verdicts.some if self.verdicts else Const(0)
        busy, at_window = Signal(), Signal()
        given = y.valid & y.ready & y.payload.ends
        result = _later(m, given, "result")
        sequence = _later(m, given & y.payload.last, "sequence")
        events = Cat(early | late | unknown, registers.refused, state_wrong, refused)
        m.d.comb += [
            busy.eq(guard.open | judging | marks.some | ~self.packer.empty | saving),
            registers.status_idle.eq(~busy),
            registers.errors_early_last.eq(early),
            registers.errors_late_last.eq(late),
            registers.errors_access.eq(registers.refused & ~at_window),
            registers.irq_status_result.eq(result),
            registers.irq_status_sequence.eq(sequence),
            registers.irq_status_error.eq(events.any()),
            registers.cycles_count.eq(_later(m, busy, "busy")),
            registers.steps_count.eq(stepped),
            registers.sequences_count.eq(sequence),
            registers.stalled_input_count.eq(_later(m, guard.open & core.waits, "starves")),
            registers.stalled_output_count.eq(_later(m, y.valid & ~y.ready, "stalls")),
            registers.dropped_count.eq(dropped + state_dropped),
            registers.protocol_errors_count.eq(sum(events[1:], events[0])),
            registers.saturated_count.eq(_later(m, core.saturated, "saturated")),
        ]
        if self.plan.options.interface.streams > 1:
            m.d.comb += registers.errors_stream.eq(unknown)
        if self.bus.window:  # some cycles later it is told that the access is refused
            with m.If(registers.window_read | registers.window_write):
                m.d.sync += at_window.eq(1)
            with m.Elif(registers.access.done):
                m.d.sync += at_window.eq(0)
            m.d.comb += registers.errors_window.eq(registers.refused & at_window)

    def _count_images(self, m: Module) -> Value:
        """Tell the registers what became of images of weights; returns whether one was refused."""
        registers, load = self.registers, self.core.load
        refused = load.failed
        reason = Signal(3)  # of the last image; 0 if it was taken
        with m.If(load.done | refused):
            m.d.sync += reason.eq(load.reason)
        m.d.comb += [
            registers.status_loaded.eq(load.loaded),
            registers.status_loading.eq(load.loading),
            registers.status_load_reason.eq(reason),
            registers.irq_status_loaded.eq(load.done),
            registers.irq_status_refused.eq(refused),
            registers.errors_weights.eq(refused),
        ]
        return refused

    def _connect_window(self, m: Module) -> None:
        """The streams' outer ends to the data registers."""
        registers, streams = self.registers, self._streams
        m.submodules.window = window = Window(streams=tuple(streams))
        m.d.comb += [
            window.read.eq(registers.window_read),
            window.write.eq(registers.window_write),
            window.place.eq(registers.window_place),
            registers.window_value.eq(window.value),
            registers.window_error.eq(window.error),
        ]
        for name, port in streams.items():
            moves, can = getattr(window, f"{name}_moves"), getattr(window, f"{name}_can")
            if name == "weights":  # nothing is ready before a word is offered
                port = _held(m, port)
            if name in OUT_OF:
                m.d.comb += [
                    can.eq(port.valid),
                    port.ready.eq(moves),
                    getattr(window, f"{name}_word").eq(port.payload.data),
                ]
            else:
                m.d.comb += [
                    can.eq(port.ready),
                    port.valid.eq(moves),
                    port.payload.data.eq(registers.window_data),
                ]
                if name != "state_in":  # it has no register for a last word: the core counts
                    m.d.comb += port.payload.last.eq(getattr(window, f"{name}_last"))
        y = self.packer.o
        m.d.comb += [
            registers.room_x.eq(window.x_can),
            registers.room_y.eq(y.valid),
            registers.room_y_last.eq(y.payload.last),
            registers.room_y_error.eq(y.payload.error),
        ]
        if self.plan.options.interface.streams > 1:
            m.d.comb += registers.room_y_stream.eq(y.payload.id)
        if self.core.loader:
            m.d.comb += registers.room_weight.eq(window.weights_can)
        if self.state_guard:
            m.d.comb += [
                self.state_guard.i.payload.last.eq(self.state_guard.final),
                registers.room_state_in.eq(window.state_in_can),
                registers.room_state_out.eq(window.state_out_can),
            ]


def _held(m: Module, port: Any) -> Any:
    """An end of a stream that takes a word before the other end is ready for it."""
    outer = stream.Signature(port.payload.shape()).create(path=("held",))
    full = Signal(name="held_full")
    payload = Signal.like(port.payload, name="held_word")
    m.d.comb += [outer.ready.eq(~full), port.valid.eq(full), port.payload.eq(payload)]
    with m.If(outer.valid & outer.ready):
        m.d.sync += [full.eq(1), payload.eq(outer.payload)]
    with m.Elif(port.ready):
        m.d.sync += full.eq(0)
    return outer


def _later(m: Module, event: Value, name: str) -> Signal:
    """An event, a cycle later."""
    event_q = Signal(name=f"{name}_q")
    m.d.sync += event_q.eq(event)
    return event_q


def _counted(m: Module, words: Any, count: int, restart: Value, *, name: str) -> Value:
    """Tell whether the word on offer is the last of ``count`` that belong together."""
    index = Signal(span(count), name=f"{name}_index")
    ends = index == count - 1
    with m.If(words.valid & words.ready):
        m.d.sync += index.eq(index + 1)
        with m.If(ends):
            m.d.sync += index.eq(0)
    with m.If(restart):
        m.d.sync += index.eq(0)
    return ends


def _ended(beats: Any) -> Value:
    """A frame's last beat is taken, but for one that only closes it."""
    return beats.valid & beats.ready & beats.payload.ends & beats.payload.last
