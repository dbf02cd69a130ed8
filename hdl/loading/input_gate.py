"""The gate before a core whose weights are loaded: it keeps input back while they change."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.layout.ports import input_layout
from hdl.parts.component import port
from hdl.parts.numeric import span
from hdl.plan import Plan


class InputGate(wiring.Component):
    """Passes the input stream on, in the same cycle, unless it must not.

    A core that is asked to become idle finishes the sequences that are open; no step starts while
    none is. Several streams that overlap all the time never let it become idle by that.

    Attributes:
        i, o: see :func:`hdl.layout.ports.input_layout`.
        hold: no sequence should start.
        blocks: nothing may pass.
        begins, ends: the beat that is next is a step's first, its last.
    """

    i = o = port(stream.Interface)
    hold = blocks = begins = ends = port(Signal)

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        payload = input_layout(plan)
        super().__init__(
            {
                "i": In(stream.Signature(payload)),
                "o": Out(stream.Signature(payload)),
                "hold": In(1),
                "blocks": In(1),
                "begins": In(1),
                "ends": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        streams = self.plan.options.interface.streams
        payload = self.i.payload
        open_streams, passes = Signal(streams), Signal()
        number = Signal(span(streams))  # of the stream of the step at hand
        m.d.comb += [
            passes.eq(~self.blocks & ~(self.hold & self.begins & ~open_streams.any())),
            self.o.payload.eq(payload),
            self.o.valid.eq(self.i.valid & passes),
            self.i.ready.eq(self.o.ready & passes),
        ]
        if streams > 1:
            kept = Signal.like(number)
            m.d.comb += number.eq(kept)
            with m.If(self.begins):
                m.d.comb += number.eq(payload.stream)
            m.d.sync += kept.eq(number)
        with m.If(self.i.valid & self.i.ready & self.ends):
            m.d.sync += open_streams.bit_select(number, 1).eq(~payload.last)
        return m
