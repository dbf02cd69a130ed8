"""The intake: a sequence's steps go to the sequence memory, row by row."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.layout.ports import input_layout
from hdl.parts.component import port
from hdl.parts.numeric import span
from hdl.plan import Plan


class Intake(wiring.Component):
    """Takes one sequence, and waits until it is walked through.

    A sequence that is too long is cut: it ends with the last step that there is room for, and what
    follows of it is dropped.

    Throughput: an element per cycle.

    Attributes:
        i: input stream, see :func:`hdl.layout.ports.input_layout`.
        free: x of the sequence before is needed no more.
        busy: the memory is written by somebody else in this cycle.
        begins: the walk through the sequence begins.
        write, address: the element on ``i`` is written, and where.
        loaded: a sequence is there, and no walk has begun.
        top: address of its last row.
        overlong: a sequence has been cut, for one cycle.
    """

    i = port(stream.Interface)
    free = busy = begins = write = address = loaded = top = overlong = port(Signal)

    def __init__(self, *, plan: Plan) -> None:
        self._plan = plan
        address = span(plan.sweeps.words)
        super().__init__(
            {
                "i": In(stream.Signature(input_layout(plan))),
                "free": In(1),
                "busy": In(1),
                "begins": In(1),
                "write": Out(1),
                "address": Out(address),
                "loaded": Out(1),
                "top": Out(address),
                "overlong": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        inputs, row, steps = (
            self._plan.network.inputs,
            self._plan.sweeps.row,
            self._plan.sweeps.rows,
        )
        index, left = Signal(span(inputs)), Signal(span(steps), init=steps - 1)
        fresh, dropping, accept = Signal(init=1), Signal(), Signal()
        at_last = index == inputs - 1 if inputs > 1 else Const(1)
        last = self.i.payload.last
        here = Mux(fresh, 0, self.top)
        m.d.comb += [
            self.i.ready.eq(dropping | (~self.loaded & self.free & ~self.busy)),
            accept.eq(self.i.valid & self.i.ready),
            self.write.eq(accept & ~dropping),
        ]
        m.d.sync += self.overlong.eq(0)
        with m.If(self.begins):
            m.d.sync += self.loaded.eq(0)
        with m.If(accept):
            m.d.sync += index.eq(Mux(at_last, 0, index + 1))
            with m.If(at_last & last):
                m.d.sync += dropping.eq(0)
        with m.If(self.write):
            m.d.sync += [self.address.eq(self.address + 1), self.top.eq(here), fresh.eq(0)]
        with m.If(self.write & at_last):
            m.d.sync += [
                self.address.eq(self.address + (row - inputs + 1)),
                self.top.eq(here + row),
                left.eq(left - 1),
            ]
            with m.If(last | (left == 0)):
                m.d.sync += [self.address.eq(0), self.top.eq(here), left.eq(steps - 1), fresh.eq(1)]
                m.d.sync += [self.loaded.eq(1), dropping.eq(~last), self.overlong.eq(~last)]
        return m
