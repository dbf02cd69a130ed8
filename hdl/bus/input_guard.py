"""Input guard between the input bus and the core: turns any traffic into well-formed sequences."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.packing import Packing
from hdl.bus.open_sequences import LENGTH_BITS, STREAM_BITS, OpenSequences
from hdl.bus.unpacker import Unpacker
from hdl.bus.verdicts import step_layout
from hdl.layout.ports import input_layout
from hdl.parts.component import port
from hdl.parts.numeric import span
from hdl.plan import Plan

KEEP, LOAD, SAVE = range(3)
"""Bits of ``tuser``."""


def _step_layout(plan: Plan) -> data.StructLayout:
    """Lay out the facts that a step's first beat gives.

    Fields: ``new``, the step begins a sequence; ``number`` of its stream; ``by_register``, the
    registers give the other fields; ``keep``, ``load``; ``save``, only if the registers give it.
    """
    fields: dict[str, Any] = {"new": 1}
    if plan.options.interface.streams > 1:
        fields |= {"number": STREAM_BITS}
    if plan.options.interface.state != "clear":
        fields |= {"by_register": 1, "keep": 1}
    if plan.options.interface.state == "load":
        fields |= {"load": 1, "save": 1}
    return data.StructLayout(fields)


def keeps(plan: Plan) -> bool:
    """Tell whether a sequence may begin from a state other than zero."""
    return plan.options.interface.state != "clear"


def user_bits(plan: Plan) -> int:
    """Bits of ``tuser``: keep; load and save behind it."""
    return {"clear": 0, "keep": 1, "load": 3}[plan.options.interface.state]


def beat_layout(plan: Plan, packing: Packing) -> data.StructLayout:
    """Lay out a beat of x: ``data``, ``last``, and ``id`` and ``user`` where the core has them."""
    fields: dict[str, Any] = {"data": packing.bus, "last": 1}
    if plan.options.interface.streams > 1:
        fields["id"] = STREAM_BITS
    if bits := user_bits(plan):
        fields["user"] = bits
    return data.StructLayout(fields)


class InputGuard(wiring.Component):
    """Turns frames of the bus into steps of whole sequences for the core.

        i ─► drop? hold? ─► unpacker ─► o

    A frame is a sequence of one stream. Each of its steps begins with a fresh beat, and ``last``
    comes with its last beat. Frames of different streams may take turns step by step. Malformed
    frames are events:

    - ``early``: ``last`` came inside a step, whose missing elements become 0, or before ``length``
      steps. The sequence ends there.
    - ``late``: step ``length``, or the last one that the core can buffer, came without ``last``.
      The sequence ends there, and the guard drops the rest of the frame.
    - ``unknown``: no stream has that number. The guard drops the frame.

    Latency: none. Throughput: that of :class:`hdl.bus.unpacker.Unpacker`.

    Attributes:
        i: beats, see :func:`beat_layout`. The guard reads ``id`` in a step's first beat, keep and
            load in a sequence's first beat and save in its last.
        o: to the core.
        enable: sequences may begin; with one stream, from the next cycle on.
        length: steps of every sequence that begins; 0: any number.
        by_register, number, keep, load, save: take these instead of ``id`` and ``user``.
        last_input: index of a step's last element, where weights are loaded.
        restart: forget open sequences; drop the rest of their frames if ``enable``.
        room, add, mark: the guard has taken a whole sequence, and whether its frame was wrong, see
            :class:`hdl.bus.marks.Marks`.
        step: with ``stepped``, where state is kept: the step, see :mod:`hdl.bus.verdicts`.
        open: a sequence has begun, and the guard has not taken all of it.
        stepped: the guard has taken a step.
        dropped, early, late, unknown: events of one cycle each.
        saves: with ``add``: the core must give the sequence's state.
    """

    i = o = port(stream.Interface)
    enable = length = by_register = number = keep = load = save = restart = port(Signal)
    last_input = room = add = mark = open = stepped = saves = port(Signal)
    dropped = early = late = unknown = port(Signal)
    step = port(data.View)

    def __init__(self, *, plan: Plan, packing: Packing) -> None:
        self.plan = plan
        self.packing = packing
        into = ("enable", "by_register", "keep", "load", "save", "restart", "room")
        events = ("dropped", "early", "late", "unknown")
        ports: dict[str, Any] = {
            "i": In(stream.Signature(beat_layout(plan, packing))),
            "o": Out(stream.Signature(input_layout(plan))),
            "length": In(LENGTH_BITS),
            "number": In(STREAM_BITS),
            **{name: In(1) for name in into},
            **{name: Out(1) for name in ("add", "mark", "open", "stepped", "saves", *events)},
        }
        if plan.options.storage.loadable:
            ports["last_input"] = In(span(plan.sizes.inputs))
        if keeps(plan):
            ports["step"] = Out(step_layout(plan.options.interface.streams))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        streams = self.plan.options.interface.streams
        loadable = self.plan.options.storage.loadable
        m.submodules.unpacker = unpacker = Unpacker(
            packing=self.packing, count=self.plan.sizes.inputs, varies=loadable
        )
        m.submodules.sequences = sequences = OpenSequences(
            streams=streams, most=self.plan.options.max_steps
        )
        if loadable:
            m.d.comb += unpacker.last_index.eq(self.last_input)
        begins, ends, closes = Signal(), Signal(), Signal()
        step, number = self._step(m, unpacker, sequences, begins)
        blocked, offered, late, dropped = Signal(), Signal(), Signal(), Signal()
        live = ~self.restart  # decides last: a restart overrides all registers here
        m.d.comb += [
            sequences.number.eq(number),
            sequences.length.eq(self.length),
            sequences.first.eq(unpacker.first),
            sequences.begins.eq(begins),
            sequences.ends.eq(ends),
            sequences.closes.eq(closes),
            sequences.new.eq(step.new),
            sequences.waits.eq(offered & ~self.o.ready),
            sequences.late.eq(late),
            sequences.padding.eq(unpacker.padding),
            sequences.dropped.eq(dropped),
            sequences.last.eq(self.i.payload.last),
            sequences.enable.eq(self.enable),
            sequences.restart.eq(self.restart),
            self.open.eq(sequences.some),
            unpacker.i.payload.data.eq(self.i.payload.data),
            unpacker.i.payload.last.eq(self.i.payload.last),
            unpacker.i.valid.eq(self.i.valid),
            unpacker.restart.eq(self.restart),
            unpacker.drop.eq(sequences.drop),
            unpacker.hold.eq(sequences.hold),
            self.i.ready.eq(unpacker.i.ready & live),
            blocked.eq(unpacker.final & ~self.room),
            offered.eq(unpacker.o.valid & ~blocked),
            self.o.valid.eq(offered & live),
            unpacker.o.ready.eq(self.o.ready & ~blocked),
            begins.eq(unpacker.moves & unpacker.first),
            ends.eq(offered & self.o.ready & unpacker.final),
            closes.eq(unpacker.last | sequences.is_end),
            late.eq(ends & sequences.is_end & ~unpacker.last),
            dropped.eq(self.i.valid & unpacker.i.ready & sequences.drop & unpacker.first),
            self.late.eq(late & live),
            self.dropped.eq(dropped & live),
            self.unknown.eq(sequences.unknown & live),
        ]
        self._judge(m, unpacker, sequences, ends, closes)
        self._give(m, unpacker, step, number)
        if keeps(self.plan):
            self._tell_step(m, step, number, closes)
        return m

    def _tell_step(self, m: Module, step: data.View, number: Value, closes: Value) -> None:
        """Describe each step to the verdict on its sequence."""
        loads = self.plan.options.interface.state == "load"
        m.d.comb += [
            self.step.number.eq(number),
            self.step.new.eq(step.new),
            self.step.keep.eq(step.keep),
            self.step.load.eq(step.load if loads else 0),
            self.step.last.eq(closes),
            self.step.wrong.eq(closes & self.mark),
        ]

    def _judge(
        self, m: Module, unpacker: Unpacker, sequences: OpenSequences, ends: Value, closes: Value
    ) -> None:
        """Tell whether the step that ends is its sequence's last, and if that is right."""
        short = ends & unpacker.last & ~unpacker.padding & sequences.more
        live = ~self.restart
        m.d.comb += [
            self.early.eq((unpacker.cut | short) & live),
            self.add.eq(ends & closes & live),
            self.stepped.eq(ends & live),
            self.mark.eq(unpacker.padding | sequences.more | ~unpacker.last),
            self.o.payload.last.eq(unpacker.final & closes),
        ]

    def _step(
        self, m: Module, unpacker: Unpacker, sequences: OpenSequences, begins: Value
    ) -> tuple[data.View, Value]:
        """Build the step that comes next or is being taken, and its stream's number."""
        interface = self.plan.options.interface
        layout = _step_layout(self.plan)
        now = Signal(layout)
        held = Signal(layout)
        by_register = Signal()  # does not change within a sequence
        with m.If(begins):
            m.d.sync += held.eq(now)
        with m.If(~sequences.some):
            m.d.sync += by_register.eq(self.by_register)
        m.d.comb += now.eq(held)
        # Separate signals: other fields of the step depend on them.
        number, new = Const(0, STREAM_BITS), Signal()
        if interface.streams > 1:
            named = Mux(sequences.some, held.number, self.number)
            fresh = Mux(by_register, named, self.i.payload.id)
            number = Signal(STREAM_BITS)
            m.d.comb += [
                number.eq(Mux(unpacker.first, fresh, held.number)),
                now.number.eq(number),
            ]
        m.d.comb += new.eq(~sequences.is_open)
        with m.If(unpacker.first):
            m.d.comb += now.new.eq(new)
            if interface.state != "clear":
                m.d.comb += [
                    now.by_register.eq(by_register),
                    now.keep.eq(Mux(by_register, self.keep, self.i.payload.user[KEEP])),
                ]
            if interface.state == "load":
                m.d.comb += now.load.eq(Mux(by_register, self.load, self.i.payload.user[LOAD]))
                with m.If(new):
                    m.d.comb += now.save.eq(self.save)
        return now, number

    def _give(self, m: Module, unpacker: Unpacker, step: data.View, number: Value) -> None:
        """Give the core the element, and the fields of its step."""
        payload, interface = self.o.payload, self.plan.options.interface
        m.d.comb += payload.data.eq(unpacker.o.payload)
        if interface.streams > 1:
            m.d.comb += payload.stream.eq(number)
        if interface.state != "clear":
            m.d.comb += payload.keep.eq(step.keep)
        if interface.state == "load":
            cut = Signal()  # SAVE of the beat that ended the frame
            with m.If(unpacker.cut):
                m.d.sync += cut.eq(self.i.payload.user[SAVE])
            by_bus = Mux(unpacker.padding, cut, self.i.payload.user[SAVE])
            saves = Mux(step.by_register, step.save, by_bus)
            m.d.comb += [
                payload.load.eq(step.load & step.new),
                payload.save.eq(payload.last & saves),
                self.saves.eq(self.add & payload.save),
            ]
