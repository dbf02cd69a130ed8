"""Input guard between the input bus and the core: turns any traffic into well-formed sequences."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.packing import Packing
from hdl.bus.unpacker import Unpacker
from hdl.bus.verdicts import step_layout
from hdl.layout.ports import input_layout
from hdl.parts.component import Component
from hdl.parts.numeric import span
from hdl.plan import Plan

STREAM_BITS = 8
"""Bits of a stream's number on the bus, where there are several."""

LENGTH_BITS = 16

KEEP, LOAD, SAVE = range(3)
"""Bits of ``tuser``."""


def _step_layout(plan: Plan) -> data.StructLayout:
    """Layout of the facts about a step that its first beat tells.

    Fields: ``new``, a sequence begins with it; ``number`` of its stream; ``by_register``, the
    others come from there; ``keep``, ``load``; ``save``, of a sequence that is set by register.
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


def beat_fields(plan: Plan) -> dict[str, Any]:
    """Fields of an input beat beside data and last: ``id`` and ``user``, where there are any."""
    fields: dict[str, Any] = {}
    if plan.options.interface.streams > 1:
        fields["id"] = STREAM_BITS
    if bits := user_bits(plan):
        fields["user"] = bits
    return fields


class InputGuard(Component):
    """Takes frames of the bus, gives steps of whole sequences to the core.

        i ─► drop? hold? ─► unpacker ─► o

    A frame is a sequence of one stream: its steps, each beginning with a fresh beat, ``last`` with
    the last beat. Frames of different streams may take turns step by step. What is not so:

    - ``last`` inside a step: its missing elements are 0, and the sequence ends. ``early``.
    - ``last`` before ``length`` steps: the sequence ends. ``early``.
    - no ``last`` with step ``length``: the sequence ends there, the rest is dropped. ``late``.
    - a number that is no stream's: all steps' beats with it are dropped. ``unknown``.

    Latency: none. Throughput: that of :class:`hdl.bus.unpacker.Unpacker`.

    Attributes:
        i: beats: ``data``, ``last``, and :func:`beat_fields`. ``id`` is looked at in a step's first
            beat, keep and load in a sequence's first and save in its last.
        o: to the core.
        enable: sequences may begin; a cycle later, where there is one stream.
        length: steps of every sequence that begins; 0: any number.
        by_register, number, keep, load, save: take these instead of ``id`` and ``user``.
        last_input: index of a step's last element, where weights are loaded.
        restart: forget what was begun; the rest of begun frames is dropped if ``enable``.
        room, add, mark: a sequence that is taken in whole, and whether its frame was wrong, see
            :class:`hdl.bus.marks.Marks`.
        step: with ``stepped``: the step, where state is kept; see :mod:`hdl.bus.verdicts`.
        open: a sequence has begun and is not taken in whole.
        stepped: a step was taken in.
        dropped, early, late, unknown: events, a cycle each.
        saves: with ``add``: the sequence's state is to be given.
    """

    def __init__(self, *, plan: Plan, packing: Packing) -> None:
        self.plan = plan
        self.packing = packing
        super().__init__(
            {
                "i": In(
                    stream.Signature(
                        data.StructLayout({"data": packing.bus, "last": 1, **beat_fields(plan)})
                    )
                ),
                "o": Out(stream.Signature(input_layout(plan))),
                "enable": In(1),
                "length": In(LENGTH_BITS),
                "by_register": In(1),
                "number": In(STREAM_BITS),
                "keep": In(1),
                "load": In(1),
                "save": In(1),
                "restart": In(1),
                **(
                    {"last_input": In(span(plan.sizes.inputs))}
                    if plan.options.storage.loadable
                    else {}
                ),
                **(
                    {"step": Out(step_layout(plan.options.interface.streams))}
                    if keeps(plan)
                    else {}
                ),
                "room": In(1),
                "add": Out(1),
                "mark": Out(1),
                "open": Out(1),
                "stepped": Out(1),
                "saves": Out(1),
                **{name: Out(1) for name in ("dropped", "early", "late", "unknown")},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        streams = self.plan.options.interface.streams
        loadable = self.plan.options.storage.loadable
        m.submodules.unpacker = unpacker = Unpacker(
            packing=self.packing, count=self.plan.sizes.inputs, varies=loadable
        )
        if loadable:
            m.d.comb += unpacker.last_index.eq(self.last_input)
        opened = Signal(streams)  # sequences of these are open
        dropping = Signal(streams)  # the rest of frames of these is not wanted
        begins, ends, closes = Signal(), Signal(), Signal()
        step, number = self._step(m, unpacker, begins, opened)
        known = Signal()
        is_open, is_dropped = Signal(), Signal()
        blocked, taken = Signal(), Signal()
        holds = Signal(init=1)  # no sequence may begin
        m.d.comb += [
            known.eq(number < streams),
            is_open.eq(opened.bit_select(number, 1)),
            is_dropped.eq(dropping.bit_select(number, 1) | ~known),
            self.open.eq(opened.any()),
            unpacker.i.payload.data.eq(self.i.payload.data),
            unpacker.i.payload.last.eq(self.i.payload.last),
            unpacker.i.valid.eq(self.i.valid & ~self.restart),
            unpacker.restart.eq(self.restart),
            # What is dropped of a single stream begins between two steps.
            unpacker.drop.eq(is_dropped & (unpacker.first if streams > 1 else 1)),
            unpacker.hold.eq(holds),
            self.i.ready.eq(unpacker.i.ready & ~self.restart),
            taken.eq(self.i.valid & self.i.ready),
            blocked.eq((unpacker.final & ~self.room) | self.restart),
            self.o.valid.eq(unpacker.o.valid & ~blocked),
            unpacker.o.ready.eq(self.o.ready & ~blocked),
            self.dropped.eq(taken & unpacker.first & is_dropped),
            begins.eq(unpacker.moves & unpacker.first),
            ends.eq(self.o.valid & self.o.ready & unpacker.final),
        ]
        waits = self.o.valid & ~self.o.ready  # what is offered stays
        if streams == 1:  # from a register, for the path from here into the core is long
            goes_on = (opened | begins) & ~closes & ~self.restart
            m.d.sync += holds.eq(~(self.enable | goes_on | waits))
        else:
            waits_q = Signal()
            m.d.sync += waits_q.eq(waits)
            m.d.comb += holds.eq(~(self.enable | is_open | waits_q) & unpacker.first)
        with m.If(begins):
            m.d.sync += opened.bit_select(number, 1).eq(1)
        with m.If(closes):
            m.d.sync += opened.bit_select(number, 1).eq(0)
        self._drop(m, unpacker, number, known, opened, dropping)
        self._find_strangers(m, known)
        self._judge(m, unpacker, step, is_open, ends, closes)
        self._give(m, unpacker, step, number, closes)
        if keeps(self.plan):
            self._tell_step(m, step, number, closes)
        return m

    def _drop(
        self,
        m: Module,
        unpacker: Unpacker,
        number: Value,
        known: Value,
        opened: Signal,
        dropping: Signal,
    ) -> None:
        """Drop the rest of a frame that is too long, and of those that a restart cuts."""
        streams = len(opened)
        with m.If(self.late):
            m.d.sync += dropping.bit_select(number, 1).eq(1)
        with m.If(self.dropped & known & self.i.payload.last):
            m.d.sync += dropping.bit_select(number, 1).eq(0)
        with m.If(self.restart):
            # Where an end is being padded, the frame is over.
            over = unpacker.padding.replicate(streams) & (1 << number)[:streams]
            m.d.sync += [
                opened.eq(0),
                dropping.eq(Mux(self.enable, (opened & ~over) | dropping, 0)),
            ]

    def _tell_step(self, m: Module, step: Any, number: Value, closes: Value) -> None:
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

    def _find_strangers(self, m: Module, known: Value) -> None:
        """Frames of streams that there are not: an event for each."""
        stray = Signal()
        unknown = self.dropped & ~known
        m.d.comb += self.unknown.eq(unknown & ~stray)
        with m.If(unknown):
            m.d.sync += stray.eq(~self.i.payload.last)
        with m.If(self.restart):
            m.d.sync += stray.eq(0)

    def _judge(
        self,
        m: Module,
        unpacker: Unpacker,
        step: Any,
        is_open: Value,
        ends: Value,
        closes: Signal,
    ) -> None:
        """Tell whether the step that ends is its sequence's last, and if that is right."""
        more, is_end = self._steps_left(m, step, is_open, ends, closes)
        m.d.comb += [
            closes.eq(ends & (unpacker.last | is_end)),
            self.late.eq(ends & is_end & ~unpacker.last),
            self.early.eq(unpacker.cut | (ends & unpacker.last & ~unpacker.padding & more)),
            self.add.eq(closes),
            self.mark.eq(unpacker.padding | more | ~unpacker.last),
            self.stepped.eq(ends),
            self.o.payload.last.eq(unpacker.final & (unpacker.last | is_end)),
        ]

    def _steps_left(
        self, m: Module, step: Any, is_open: Value, ends: Value, closes: Value
    ) -> tuple[Value, Value]:
        """Tell whether more steps must follow this one, and whether none may; else both is fine."""
        left = Signal(LENGTH_BITS)  # steps that the sequence must still have, this one included
        if self.plan.options.interface.streams == 1:
            more, is_end = Signal(), Signal()
            with m.If(ends & ~closes):
                m.d.sync += [
                    left.eq(left - 1),
                    more.eq(more & (left != 2)),
                    is_end.eq(more & (left == 2)),
                ]
            with m.Elif(~is_open | closes):
                m.d.sync += [
                    left.eq(self.length),
                    more.eq(self.length[1:].any()),
                    is_end.eq(self.length == 1),
                ]
            return more, is_end
        m.submodules.lengths = lengths = Memory(
            shape=LENGTH_BITS, depth=self.plan.options.interface.streams, init=[]
        )
        read: Any = lengths.read_port(domain="comb")
        write: Any = lengths.write_port()
        m.d.comb += [
            read.addr.eq(step.number),
            left.eq(Mux(step.new, self.length, read.data)),
            write.addr.eq(step.number),
            write.data.eq(left - left.any()),
            write.en.eq(ends),
        ]
        return left[1:].any(), left == 1

    def _step(
        self, m: Module, unpacker: Unpacker, begins: Value, opened: Value
    ) -> tuple[Any, Value]:
        """The step that is next, or being taken, and its stream's number."""
        interface = self.plan.options.interface
        user: Any = getattr(self.i.payload, "user", None)
        now: Any = Signal(_step_layout(self.plan))
        held: Any = Signal(now.shape())
        by_register = Signal()  # does not change within a sequence
        with m.If(begins):
            m.d.sync += held.eq(now)
        with m.If(~opened.any()):
            m.d.sync += by_register.eq(self.by_register)
        m.d.comb += now.eq(held)
        # Signals of their own, for other fields of the step depend on them.
        number, new = Const(0, STREAM_BITS), Signal()
        if interface.streams > 1:
            named = Mux(opened.any(), held.number, self.number)
            fresh = Mux(by_register, named, self.i.payload.id)
            number = Signal(STREAM_BITS)
            m.d.comb += [
                number.eq(Mux(unpacker.first, fresh, held.number)),
                now.number.eq(number),
            ]
        m.d.comb += new.eq(~opened.bit_select(number, 1))
        with m.If(unpacker.first):
            m.d.comb += now.new.eq(new)
            if interface.state != "clear":
                m.d.comb += [
                    now.by_register.eq(by_register),
                    now.keep.eq(Mux(by_register, self.keep, user[KEEP])),
                ]
            if interface.state == "load":
                m.d.comb += now.load.eq(Mux(by_register, self.load, user[LOAD]))
                with m.If(new):
                    m.d.comb += now.save.eq(self.save)
        return now, number

    def _give(self, m: Module, unpacker: Unpacker, step: Any, number: Value, closes: Value) -> None:
        """The element, and what travels with its step."""
        payload, interface = self.o.payload, self.plan.options.interface
        m.d.comb += payload.data.eq(unpacker.o.payload)
        if interface.streams > 1:
            m.d.comb += payload.stream.eq(number)
        if interface.state != "clear":
            m.d.comb += payload.keep.eq(step.keep)
        if interface.state == "load":
            cut = Signal()  # what the beat with the frame's end said
            with m.If(unpacker.cut):
                m.d.sync += cut.eq(self.i.payload.user[SAVE])
            by_bus = Mux(unpacker.padding, cut, self.i.payload.user[SAVE])
            saves = Mux(step.by_register, step.save, by_bus)
            m.d.comb += [
                payload.load.eq(step.load & step.new),
                payload.save.eq(payload.last & saves),
                self.saves.eq(closes & payload.save),
            ]
