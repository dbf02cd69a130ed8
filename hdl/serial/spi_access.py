"""Register accesses over SPI."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.link.access import WORD_OCTETS
from golden.link.spi import FRAME, LATE, MARK, READ_STATUS, WRITE_STATUS
from hdl.bus.access import ACCESS, WORD
from hdl.component import Component
from hdl.serial.guarded_access import GuardedAccess

CYCLES_OF_A_BIT = 16
"""Clock cycles that a bit must take at least: an access then is done within an octet."""


class SpiAccess(Component):
    """A host's accesses as frames of :mod:`golden.link.spi`, mode 0.

    The lines are sampled with the core's clock. While ``cs_n`` is low frame follows frame; when it
    goes high the frame that has begun is forgotten, but an access that has begun is made.

    Attributes:
        sck, cs_n, mosi: from the host; they may change at any time.
        miso, miso_enable: to the host; others may drive the line while ``miso_enable`` is 0.
        access: to the registers.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "sck": In(1),
                "cs_n": In(1, init=1),
                "mosi": In(1),
                "miso": Out(1),
                "miso_enable": Out(1),
                "access": Out(ACCESS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.guarded = guarded = GuardedAccess(patience=0)
        connect(m, guarded.access, flipped(self.access))
        sck, selected, mosi = self._lines(m)
        sck_q = Signal()
        bits = Signal(3)  # of this octet
        octets = Signal(range(FRAME))  # of this frame
        octet_ends, rises, falls = Signal(), Signal(), Signal()
        command = Signal(8)
        incoming = Signal(7)
        octet = Cat(mosi, incoming)
        writes = command[-1]
        word = Signal(WORD)
        m.d.sync += sck_q.eq(sck)
        m.d.comb += [
            rises.eq(selected & sck & ~sck_q),
            falls.eq(selected & ~sck & sck_q),
            octet_ends.eq(rises & (bits == 7)),
        ]
        with m.If(~selected):
            m.d.sync += [bits.eq(0), octets.eq(0)]
        with m.Elif(rises):
            m.d.sync += [bits.eq(bits + 1), incoming.eq(octet)]
            with m.If(octet_ends):
                m.d.sync += octets.eq(Mux(octets == FRAME - 1, 0, octets + 1))
        with m.If(octet_ends):
            with m.If(octets == 0):
                m.d.sync += command.eq(octet)
            with m.Elif(octets <= WORD_OCTETS):
                m.d.sync += word.eq(Cat(word[8:], octet))
        # What is at its end now is in its register in the next cycle.
        begins = Signal()
        m.d.sync += begins.eq(
            octet_ends
            & Mux(octets == 0, ~octet[-1], writes & (octets == WORD_OCTETS))
        )
        status = Signal(8, init=MARK | LATE)
        answer = Signal(WORD)
        m.d.comb += [
            guarded.start.eq(begins),
            guarded.write.eq(writes),
            guarded.address.eq(Cat(Signal(2), command[:6])),
            guarded.data.eq(word),
        ]
        with m.If(begins):
            m.d.sync += status.eq(MARK | LATE)
        with m.If(guarded.done):
            m.d.sync += [status.eq(MARK | guarded.status), answer.eq(guarded.word)]
        outgoing = Signal(8)
        m.d.comb += [self.miso.eq(outgoing[-1]), self.miso_enable.eq(selected)]
        with m.If(falls):
            m.d.sync += outgoing.eq(outgoing << 1)
            with m.If(bits == 0):
                m.d.sync += outgoing.eq(0)
                with m.If(octets == Mux(writes, WRITE_STATUS, READ_STATUS)):
                    m.d.sync += outgoing.eq(status)
                with m.Elif(~writes & (octets > READ_STATUS)):
                    m.d.sync += outgoing.eq(answer.word_select((octets - READ_STATUS - 1)[:2], 8))
        return m

    def _lines(self, m: Module) -> tuple[Signal, Signal, Signal]:
        """Clock, selection and data, in time with this clock."""
        sck, cs_n, mosi = Signal(), Signal(init=1), Signal()
        m.submodules.sck = FFSynchronizer(self.sck, sck)
        m.submodules.cs_n = FFSynchronizer(self.cs_n, cs_n, init=1)
        m.submodules.mosi = FFSynchronizer(self.mosi, mosi)
        selected = Signal()
        m.d.comb += selected.eq(~cs_n)
        return sck, selected, mosi
