"""One verdict per sequence, in order: was it right from its state to its end?"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hdl.parts.component import port
from hdl.parts.numeric import span

DEPTH = 4
"""Steps that wait for the verdict on a state: the one that loads it and the one behind it, which
are in the banks of x; a power of two above that."""


def step_layout(streams: int) -> data.StructLayout:
    """Lay out a step.

    Fields: ``number`` of its stream; ``new``, a sequence begins with it, and goes on from its
    stream's state (``keep``) or from a loaded one (``load``); ``last``, a sequence ends with it,
    whose frame was ``wrong``.
    """
    flags = ("new", "keep", "load", "last", "wrong")
    return data.StructLayout({"number": span(streams), **dict.fromkeys(flags, 1)})


class Verdicts(wiring.Component):
    """Marks a sequence if its frame was not right, or if the state that it began from was not.

        steps ─► queue ─┬─► verdict ─► mark
        states ─────────┘      ▲ │
                               └─┴─ per stream: is its state right?

    The state of a stream is wrong once a state of the wrong length was loaded, or a sequence
    was marked; it is right again with a state of the right length, and with a sequence that begins
    from zero. States are loaded in the order of the steps that ask for them, but a step may be
    taken in whole before its state is.

    Latency: the mark of a sequence is there a cycle after its last step, or its state, was taken.
    Throughput: a step per cycle. Cost: a queue of ``DEPTH`` steps, a flip-flop per stream.

    Attributes:
        i: steps that are taken in whole, see :func:`step_layout`.
        loaded, defective: a state has been taken in whole; was its length wrong?
        room, add, mark: see :class:`hdl.bus.marks.Marks`.
        some: there are steps without a verdict.
        forget: all states are as new.
        restart: forget steps, too.
    """

    i = port(stream.Interface)
    loaded = defective = room = add = mark = some = forget = restart = port(Signal)

    def __init__(self, *, streams: int) -> None:
        self._streams = streams
        super().__init__(
            {
                "i": In(stream.Signature(step_layout(streams))),
                "loaded": In(1),
                "defective": In(1),
                "room": In(1),
                "add": Out(1),
                "mark": Out(1),
                "some": Out(1),
                "forget": In(1),
                "restart": In(1),
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
