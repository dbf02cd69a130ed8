"""Verdict on each sequence, in order: was it right from its state to its end?"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hdl.parts.component import port
from hdl.parts.numeric import span

DEPTH = 4
"""Steps that can wait for a state, rounded up to a power of two: the step that loads the state and
the one behind it, both in the banks of x."""


def step_layout(streams: int) -> data.StructLayout:
    """Lay out a step.

    Fields: ``number`` of its stream; ``new``: it begins a sequence, from its stream's state
    (``keep``) or from a loaded one (``load``); ``last``: it ends a sequence; ``wrong``: the
    sequence's frame was malformed.
    """
    flags = ("new", "keep", "load", "last", "wrong")
    return data.StructLayout({"number": span(streams), **dict.fromkeys(flags, 1)})


class Verdicts(wiring.Component):
    """Marks a sequence if its frame, or the state that it began from, was wrong.

        steps ─► queue ─┬─► verdict ─► mark
        states ─────────┘      ▲ │
                               └─┴─ per stream: is its state right?

    A stream's state becomes wrong with a loaded state of the wrong length, and with a marked
    sequence. It is right again with a loaded state of the right length, and with a sequence that
    begins from zero. States come in the order of the steps that ask for them, but a whole step may
    come before its state.

    Latency: one cycle from a sequence's last step, or its state, until its mark. Throughput: one
    step per cycle. Cost: a queue of ``DEPTH`` steps, and a flip-flop per stream.

    Attributes:
        i: whole steps, see :func:`step_layout`.
        loaded, defective: a whole state has come; its length was wrong.
        room, add, mark: see :class:`hdl.bus.marks.Marks`.
        some: a step waits for its verdict.
        forget: all states are right.
        restart: all states are right, and no step waits.
    """

    i = port(stream.Interface)
    loaded = defective = room = add = mark = some = forget = restart = port(Signal)

    def __init__(self, *, streams: int) -> None:
        self._streams = streams
        into = ("loaded", "defective", "room", "forget", "restart")
        super().__init__(
            {
                "i": In(stream.Signature(step_layout(streams))),
                **{name: In(1) for name in into},
                **{name: Out(1) for name in ("add", "mark", "some")},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layout = self.i.payload.shape()
        steps = SyncFIFO(width=layout.size, depth=DEPTH)
        m.submodules.steps = ResetInserter(self.restart)(steps)
        step = data.View(layout, steps.r_data)
        known, defective = Signal(), Signal()  # the state that the next load takes
        wrong = Signal(self._streams)  # states of these streams are
        loads, judged = Signal(), Signal()
        began: Value = wrong.bit_select(step.number, 1)
        began = Mux(loads, defective, began & (step.keep | ~step.new))
        m.d.comb += [
            steps.w_data.eq(self.i.payload),
            steps.w_en.eq(self.i.valid),
            self.i.ready.eq(steps.w_rdy),
            loads.eq(step.new & step.load),
            judged.eq(steps.r_rdy & self.room & (known | ~loads)),
            steps.r_en.eq(judged),
            self.mark.eq(began | step.wrong),
            self.add.eq(judged & step.last),
            self.some.eq(steps.r_rdy),
        ]
        with m.If(judged):
            m.d.sync += wrong.bit_select(step.number, 1).eq(self.mark)
        with m.If(self.loaded):
            m.d.sync += [known.eq(1), defective.eq(self.defective)]
        with m.Elif(judged & loads):
            m.d.sync += known.eq(0)
        with m.If(self.forget | self.restart):
            m.d.sync += wrong.eq(0)
        with m.If(self.restart):
            m.d.sync += known.eq(0)
        return m
