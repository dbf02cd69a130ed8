"""SPI in mode 0, byte by byte, the most significant bit first, sampled with the core's clock."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hdl.parts.component import port


class SpiBytes(wiring.Component):
    """Moves bytes on the device's side: one in and one out at the same time.

    Attributes:
        sck, cs_n, mosi: from the host; they may change at any time.
        miso: to the host.
        selected: ``cs_n`` is low.
        came, data: a byte has come, for one cycle.
        send: the byte to send next, taken when ``sck`` falls after a byte.
    """

    sck = cs_n = mosi = miso = selected = came = data = send = port(Signal)

    def __init__(self) -> None:
        super().__init__(
            {
                **{name: In(1) for name in ("sck", "mosi")},
                "cs_n": In(1, init=1),  # pyright: ignore[reportCallIssue]
                **{name: Out(1) for name in ("miso", "selected", "came")},
                "data": Out(8),
                "send": In(8),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sck, sck_q, cs_n, mosi = Signal(), Signal(), Signal(init=1), Signal()
        m.submodules.sck = FFSynchronizer(self.sck, sck)
        m.submodules.cs_n = FFSynchronizer(self.cs_n, cs_n, init=1)
        m.submodules.mosi = FFSynchronizer(self.mosi, mosi)
        bits = Signal(3)  # of this byte
        outgoing = Signal(8)
        m.d.sync += [sck_q.eq(sck), self.came.eq(0)]
        m.d.comb += [self.selected.eq(~cs_n), self.miso.eq(outgoing[-1])]
        with m.If(~self.selected):
            m.d.sync += bits.eq(0)
        with m.Elif(sck & ~sck_q):
            m.d.sync += [
                bits.eq(bits + 1),
                self.data.eq(Cat(mosi, self.data[:-1])),
                self.came.eq(bits == 7),
            ]
        with m.Elif(~sck & sck_q):
            m.d.sync += outgoing.eq(outgoing << 1)
            with m.If(bits == 0):
                m.d.sync += outgoing.eq(self.send)
        return m
