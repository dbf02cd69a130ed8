"""A core with registers, streams that take any traffic, counters and an interrupt."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, ResetInserter, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.sessions import state_words
from hdl.bus.access import ACCESS, Access
from hdl.bus.identity import absent, constants
from hdl.bus.input_guard import STREAM_BITS, InputGuard, keeps
from hdl.bus.marks import DEPTH, Marks
from hdl.bus.options import Bus
from hdl.bus.packer import Packer
from hdl.bus.register_block import RegisterBlock
from hdl.bus.state_guard import StateGuard
from hdl.bus.status import Status
from hdl.bus.verdicts import Verdicts
from hdl.bus.window import OUT_OF, Window
from hdl.layout.ports import state_shape
from hdl.parts.component import port
from hdl.parts.numeric import span
from hdl.sequence.sequence_core import Cores


class BusCore(wiring.Component):
    """A core with everything around it except the bus of its registers, which a top adds.

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
        x, y: beats of x and of results, see :mod:`hdl.bus.input_guard`, :mod:`hdl.bus.packer`.
            Beats of y have ``error``: their sequence was wrong; and ``id``: their stream, where
            there are several.
        state_in, state_out: beats of states, where the core loads and saves them.
        weights: words of images of weights, where the core loads them, see `Loader`.
        fault: where the core has parity: a memory gave a wrong word; from whoever guards them.

    With data registers there are no ports of streams.
    """

    access = port(Access)
    interrupt = fault = port(Signal)
    x = y = state_in = state_out = weights = port(stream.Interface)

    def __init__(self, *, core: Cores, bus: Bus) -> None:
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
            # Earlier results of a sequence leave before the guard has seen all of it.
            at_last=("error",) if interface.every_step else (),
        )
        streams = {"x": self.guard.i, "y": self.packer.o}
        self.state_guard = self.state_packer = None
        if core.access:
            packing = bus.pack(state_shape(plan).width)
            self.state_guard = StateGuard(packing=packing, words=state_words(plan.network))
            self.state_packer = Packer(packing=packing)
            streams |= {"state_in": self.state_guard.i, "state_out": self.state_packer.o}
        if core.loader:
            streams["weights"] = core.i_weights
        self._streams = streams
        self.registers = RegisterBlock(
            constants=constants(plan, bus),
            absent=absent(plan, bus),
            window=bus.window,
            most=self._most(),
        )
        payloads = {name: inner.payload.shape() for name, inner in streams.items()}
        self.window = Window(payloads=payloads) if bus.window else None
        ports = {} if bus.window else payloads
        super().__init__(
            {
                "access": In(ACCESS),
                "interrupt": Out(1),
                **({"fault": In(1)} if plan.options.parity else {}),
                **{
                    name: (Out if name in OUT_OF else In)(stream.Signature(shape))
                    for name, shape in ports.items()
                },
            }
        )

    def _most(self) -> dict[str, int]:
        """Most events per cycle: from the bus of x, the registers, and the optional streams."""
        states, options = self.state_guard is not None, self.plan.options
        return {
            "PROTOCOL_ERRORS": 2 + states + options.storage.loadable + options.parity,
            "DROPPED": 1 + states,
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.registers = registers = self.registers
        m.submodules.guard = self.guard
        m.submodules.marks = marks = Marks()
        m.submodules.packer = self.packer
        restart = registers.settings.control_reset
        if self.core.loader:  # keeps its loader, and resets the rest
            m.submodules.core = self.core
            m.d.comb += self.core.restart.eq(restart)
        else:
            m.submodules.core = ResetInserter(restart)(self.core)
        connect(m, flipped(self.access), registers.access)
        m.d.comb += self.interrupt.eq(registers.interrupt)
        self._connect_input(m, restart)
        self._connect_output(m, marks, restart)
        self._connect_marks(m, marks, restart)
        saving = self._connect_states(m, restart) if self.state_guard else Value.cast(0)
        self._tell(m, marks, saving)
        self._connect_streams(m)
        return m

    def _connect_streams(self, m: Module) -> None:
        """Connect the streams to the data registers, or to the ports."""
        outer = {name: flipped(getattr(self, name)) for name in self._streams if not self.window}
        if self.window:
            m.submodules.window = window = self.window
            connect(m, self.registers.window, window.access)
            if self.state_guard:
                m.d.comb += window.state_ends.eq(self.state_guard.final)
            outer = window.streams
        for name, inner in self._streams.items():
            connect(m, outer[name], inner)

    def _connect_input(self, m: Module, restart: Value) -> None:
        """Set the guard, and connect the core behind it."""
        guard, settings = self.guard, self.registers.settings
        m.d.comb += [
            guard.restart.eq(restart),
            guard.enable.eq(settings.control_enable),
            guard.length.eq(settings.length_steps),
            guard.by_register.eq(1 if self.window else settings.control_by_register),
            guard.number.eq(settings.sequence_stream),
            guard.keep.eq(settings.sequence_keep),
            guard.load.eq(settings.sequence_load),
            guard.save.eq(settings.sequence_save),
        ]
        if self.core.loader:
            m.d.comb += guard.last_input.eq(self.core.last_input)
        connect(m, guard.o, self.core.i)

    def _connect_output(self, m: Module, marks: Marks, restart: Value) -> None:
        """Connect words of results, with their sequences' marks, to the packer."""
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
        return _counted(m, core.o, words, self.registers.settings.control_reset, name="word")

    def _connect_states(self, m: Module, restart: Value) -> Value:
        """Connect loaded and saved states; returns whether the core must still give one."""
        guard, packer, core = self.state_guard, self.state_packer, self.core
        assert guard
        assert packer
        m.submodules.state_guard, m.submodules.state_packer = guard, packer
        connect(m, guard.o, core.i_state)
        ends = _counted(m, core.o_state, state_words(self.plan.network), restart, name="state")
        m.d.comb += [
            guard.restart.eq(restart),
            guard.enable.eq(self.registers.settings.control_enable),
            packer.restart.eq(restart),
            packer.i.valid.eq(core.o_state.valid),
            core.o_state.ready.eq(packer.i.ready),
            packer.i.payload.data.eq(core.o_state.payload),
            packer.i.payload.ends.eq(ends),
            packer.i.payload.last.eq(ends),
        ]
        waiting = Signal(range(DEPTH + 1))  # states that the core must still give
        given = core.o_state.valid & core.o_state.ready & ends
        m.d.sync += waiting.eq(waiting + self.guard.saves - given)
        with m.If(restart):
            m.d.sync += waiting.eq(0)
        return waiting.any() | ~packer.empty

    def _tell(self, m: Module, marks: Marks, saving: Value) -> None:
        """Tell the registers what happens."""
        registers, guard, core, y = self.registers, self.guard, self.core, self.packer.o
        m.submodules.status = status = Status(facts=registers.facts.shape())
        judging = self.verdicts.some if self.verdicts else Const(0)
        now = status.now
        m.d.comb += [
            registers.facts.eq(status.facts),
            status.refused.eq(registers.refused),
            status.refused_data.eq(registers.refused_data),
            now.busy.eq(guard.open | judging | marks.some | ~self.packer.empty | saving),
            now.starves.eq(guard.open & core.waits),
            now.stalls.eq(y.valid & ~y.ready),
            now.saturated.eq(core.saturated),
            now.early.eq(guard.early),
            now.late.eq(guard.late),
            now.unknown.eq(guard.unknown),
            now.dropped.eq(guard.dropped),
            now.stepped.eq(guard.stepped),
            now.result.eq(y.valid & y.ready & y.payload.ends),
            now.sequence.eq(now.result & y.payload.last),
        ]
        if self.plan.options.parity:
            m.d.comb += status.fault.eq(self.fault)
        if core.loader:
            m.d.comb += status.load.eq(core.load)
        if self.state_guard and self.state_packer:
            m.d.comb += [
                now.state_wrong.eq(self.state_guard.wrong),
                now.state_dropped.eq(self.state_guard.dropped),
                now.saved.eq(_ended(self.state_packer.o)),
            ]


def _counted(m: Module, words: stream.Interface, count: int, restart: Value, *, name: str) -> Value:
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


def _ended(beats: stream.Interface) -> Value:
    """Tell whether a frame's last beat is taken, other than one that only closes it."""
    return beats.valid & beats.ready & beats.payload.ends & beats.payload.last
