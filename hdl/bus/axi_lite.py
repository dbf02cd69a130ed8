"""AXI4-Lite front end to the registers."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.bus.access import ACCESS, ADDRESS_BITS, WORD, Access
from hdl.parts.component import port

WRITE = data.StructLayout({"data": WORD, "strb": WORD // 8})
READ = data.StructLayout({"data": WORD, "resp": 2})


class AxiLite(wiring.Component):
    """Makes register accesses, one at a time; reads and writes take turns where both wait.

        aw, w ─┐                        ┌─► b
               ├─► access ─► registers ─┤
        ar ────┘                        └─► r

    Address and data of a write may come in any order; both are taken in the same cycle. The
    registers judge a write by its strobes. The response is OKAY (0) or SLVERR (2).

    Latency: two cycles, and the access, from a request to its response. Cost: no registers for
    address and data, because the master holds them.

    Attributes:
        aw, w, b, ar, r: the channels; ``ready`` of each depends on registers alone.
        access: to the registers.
    """

    aw = w = b = ar = r = port(stream.Interface)
    access = port(Access)

    def __init__(self) -> None:
        super().__init__(
            {
                "aw": In(stream.Signature(ADDRESS_BITS)),
                "w": In(stream.Signature(WRITE)),
                "b": Out(stream.Signature(2)),
                "ar": In(stream.Signature(ADDRESS_BITS)),
                "r": Out(stream.Signature(READ)),
                "access": Out(ACCESS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        access = self.access
        writing = Signal()
        wrote = Signal()  # the last access was a write: a read goes first
        write_waits = Signal()
        response = Cat(Const(0, 1), access.error)
        m.d.comb += [
            write_waits.eq(self.aw.valid & self.w.valid),
            access.write.eq(writing),
            access.address.eq(Mux(writing, self.aw.payload, self.ar.payload)),
            access.data.eq(self.w.payload.data),
            access.strobe.eq(self.w.payload.strb),
            self.b.payload.eq(response),
            self.r.payload.data.eq(access.answer),
            self.r.payload.resp.eq(response),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += writing.eq(write_waits & ~(wrote & self.ar.valid))
                with m.If(write_waits | self.ar.valid):
                    m.next = "ACCESS"
            with m.State("ACCESS"):
                m.d.comb += [
                    access.request.eq(1),
                    self.aw.ready.eq(writing & access.done),
                    self.w.ready.eq(writing & access.done),
                    self.ar.ready.eq(~writing & access.done),
                ]
                with m.If(access.done):
                    m.d.sync += wrote.eq(writing)
                    m.next = "RESPOND"
            with m.State("RESPOND"):
                m.d.comb += [self.b.valid.eq(writing), self.r.valid.eq(~writing)]
                with m.If(Mux(writing, self.b.ready, self.r.ready)):
                    m.next = "IDLE"
        return m
