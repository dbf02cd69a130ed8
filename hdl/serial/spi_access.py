"""SPI front end to the registers."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.link.access import WORD_BYTES
from golden.link.spi import FRAME, LATE, MARK, READ_STATUS, WRITE_STATUS
from hdl.bus.access import ACCESS, WORD, Access
from hdl.parts.component import port
from hdl.serial.guarded_access import GuardedAccess
from hdl.serial.spi_bytes import SpiBytes

CYCLES_OF_A_BIT = 16
"""Least number of clock cycles per bit: an access is then done within a byte."""


class SpiAccess(wiring.Component):
    """Makes the accesses that a host asks for in frames of :mod:`golden.link.spi`, mode 0.

    While ``cs_n`` is low, frame follows frame. When it goes high, the core forgets the frame that
    has begun, but finishes the access that has begun.

    Attributes:
        sck, cs_n, mosi: from the host; they may change at any time.
        miso, miso_enable: to the host; others may drive the line while ``miso_enable`` is 0.
        access: to the registers.
    """

    sck = cs_n = mosi = miso = miso_enable = port(Signal)
    access = port(Access)

    def __init__(self) -> None:
        super().__init__(
            {
                "sck": In(1),
                "cs_n": In(1, init=1),  # pyright: ignore[reportCallIssue]
                "mosi": In(1),
                "miso": Out(1),
                "miso_enable": Out(1),
                "access": Out(ACCESS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.line = line = SpiBytes()
        m.submodules.guarded = guarded = GuardedAccess(patience=0)
        connect(m, guarded.access, flipped(self.access))
        place = Signal(range(FRAME))  # of the next byte
        command = Signal(8)
        word = Signal(WORD)
        writes = command[-1]
        begins = Signal()
        status, answer = Signal(8), Signal(WORD)
        m.d.comb += [
            line.sck.eq(self.sck),
            line.cs_n.eq(self.cs_n),
            line.mosi.eq(self.mosi),
            self.miso.eq(line.miso),
            self.miso_enable.eq(line.selected),
            guarded.start.eq(begins),
            guarded.write.eq(writes),
            guarded.address.eq(Cat(Const(0, 2), command[:6])),
            guarded.data.eq(word),
        ]
        m.d.sync += begins.eq(0)
        with m.If(~line.selected):
            m.d.sync += place.eq(0)
        with m.Elif(line.came):
            m.d.sync += place.eq(Mux(place == FRAME - 1, 0, place + 1))
            with m.If(place == 0):
                m.d.sync += [command.eq(line.data), begins.eq(~line.data[-1])]
            with m.Elif(place <= WORD_BYTES):
                m.d.sync += word.eq(Cat(word[8:], line.data))
                m.d.sync += begins.eq(writes & (place == WORD_BYTES))
        with m.If(begins):
            m.d.sync += status.eq(MARK | LATE)
        with m.If(guarded.done):
            m.d.sync += [status.eq(MARK | guarded.status), answer.eq(guarded.word)]
        with m.If(place == Mux(writes, WRITE_STATUS, READ_STATUS)):
            m.d.comb += line.send.eq(status)
        with m.Elif(~writes & (place > READ_STATUS)):
            m.d.comb += line.send.eq(answer.word_select((place - READ_STATUS - 1)[:2], 8))
        return m
