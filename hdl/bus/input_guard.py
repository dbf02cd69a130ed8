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


class InputGuard(wiring.Component):
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
        dropped, early, late, unknown: events of one cycle each.
        saves: with ``add``: the sequence's state is to be given.
    """

    i = o = port(stream.Interface)
    enable = length = by_register = number = keep = load = save = restart = port(Signal)
    last_input = room = add = mark = open = stepped = saves = port(Signal)
    dropped = early = late = unknown = port(Signal)
    step = port(data.View)

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
        m.submodules.sequences = sequences = OpenSequences(streams=streams)
        if loadable:
            m.d.comb += unpacker.last_index.eq(self.last_input)
        begins, ends, closes = Signal(), Signal(), Signal()
        step, number = self._step(m, unpacker, sequences, begins)
        blocked, taken = Signal(), Signal()
        m.d.comb += [
            sequences.number.eq(number),
            sequences.length.eq(self.length),
            sequences.first.eq(unpacker.first),
            sequences.begins.eq(begins),
            sequences.ends.eq(ends),
            sequences.closes.eq(closes),
            sequences.new.eq(step.new),
            sequences.waits.eq(self.o.valid & ~self.o.ready),
            sequences.late.eq(self.late),
            sequences.padding.eq(unpacker.padding),
            sequences.dropped.eq(self.dropped),
            sequences.last.eq(self.i.payload.last),
            sequences.enable.eq(self.enable),
            sequences.restart.eq(self.restart),
            self.open.eq(sequences.some),
            self.unknown.eq(sequences.unknown),
            unpacker.i.payload.data.eq(self.i.payload.data),
            unpacker.i.payload.last.eq(self.i.payload.last),
            unpacker.i.valid.eq(self.i.valid & ~self.restart),
            unpacker.restart.eq(self.restart),
            unpacker.drop.eq(sequences.drop),
            unpacker.hold.eq(sequences.hold),
            self.i.ready.eq(unpacker.i.ready & ~self.restart),
            taken.eq(self.i.valid & self.i.ready),
            blocked.eq((unpacker.final & ~self.room) | self.restart),
            self.o.valid.eq(unpacker.o.valid & ~blocked),
            unpacker.o.ready.eq(self.o.ready & ~blocked),
            self.dropped.eq(taken & sequences.drop & unpacker.first),
            begins.eq(unpacker.moves & unpacker.first),
            ends.eq(self.o.valid & self.o.ready & unpacker.final),
        ]
        self._judge(m, unpacker, sequences, ends, closes)
        self._give(m, unpacker, step, number, closes)
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
        self,
        m: Module,
        unpacker: Unpacker,
        sequences: OpenSequences,
        ends: Value,
        closes: Signal,
    ) -> None:
        """Tell whether the step that ends is its sequence's last, and if that is right."""
        more, is_end = sequences.more, sequences.is_end
        m.d.comb += [
            closes.eq(ends & (unpacker.last | is_end)),
            self.late.eq(ends & is_end & ~unpacker.last),
            self.early.eq(unpacker.cut | (ends & unpacker.last & ~unpacker.padding & more)),
            self.add.eq(closes),
            self.mark.eq(unpacker.padding | more | ~unpacker.last),
            self.stepped.eq(ends),
            self.o.payload.last.eq(unpacker.final & (unpacker.last | is_end)),
        ]

    def _step(
        self, m: Module, unpacker: Unpacker, sequences: OpenSequences, begins: Value
    ) -> tuple[data.View, Value]:
        """The step that is next, or being taken, and its stream's number."""
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
        # Signals of their own, for other fields of the step depend on them.
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

    def _give(
        self, m: Module, unpacker: Unpacker, step: data.View, number: Value, closes: Value
    ) -> None:
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
