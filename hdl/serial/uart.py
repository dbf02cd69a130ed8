"""UART: 8 data bits, the least significant first, no parity, 1 stop bit."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hdl.parts.component import port

MIN_DIVISOR = 4
"""With fewer clock cycles per bit the receiver misses the middle of a bit."""


class UartReceiver(wiring.Component):
    """Receives bytes from a line.

    The receiver samples each bit in its middle, counted from the start bit's falling edge. A start
    bit that is not low in its middle is noise. A byte whose stop bit is low is dropped, and the
    line must be high before the next one.

    Latency: 2 cycles after the middle of the stop bit.

    Args:
        divisor: clock cycles of a bit.

    Raises:
        ValueError: it is too small.

    Attributes:
        line: the line, idle high; it may change at any time.
        o: bytes; the line cannot wait.
    """

    line = port(Signal)
    o = port(stream.Interface)

    def __init__(self, *, divisor: int) -> None:
        check_divisor(divisor)
        self._divisor = divisor
        super().__init__({"line": In(1), "o": Out(stream.Signature(8, always_ready=True))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.line, line, init=1)
        timer = Signal(range(self._divisor))
        bits = Signal(range(9))
        m.d.sync += [timer.eq(timer - 1), self.o.valid.eq(0)]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += timer.eq(self._divisor // 2 - 1)
                with m.If(~line):
                    m.next = "START"
            with m.State("START"), m.If(timer == 0):
                m.d.sync += [timer.eq(self._divisor - 1), bits.eq(8)]
                with m.If(line):
                    m.next = "IDLE"
                with m.Else():
                    m.next = "BITS"
            with m.State("BITS"), m.If(timer == 0):
                m.d.sync += [timer.eq(self._divisor - 1), bits.eq(bits - 1)]
                with m.If(bits != 0):
                    m.d.sync += self.o.payload.eq(Cat(self.o.payload[1:], line))
                with m.Else():
                    m.d.sync += self.o.valid.eq(line)
                    m.next = "WAIT"
            with m.State("WAIT"), m.If(line):
                m.next = "IDLE"
        return m


class UartTransmitter(wiring.Component):
    """Sends bytes to a line, ten bits each, with one clock cycle between two bytes.

    Args:
        divisor: clock cycles of a bit.

    Raises:
        ValueError: it is too small.

    Attributes:
        i: bytes.
        line: the line, idle high.
    """

    i = port(stream.Interface)
    line = port(Signal)

    def __init__(self, *, divisor: int) -> None:
        check_divisor(divisor)
        self._divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "line": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        timer = Signal(range(self._divisor))
        # Bits left to send, the stop bit and an end mark last; 0: none.
        rest = Signal(10)
        level = Signal(init=1)
        m.d.comb += [self.i.ready.eq(rest == 0), self.line.eq(level)]
        m.d.sync += timer.eq(timer - 1)
        with m.If(self.i.ready):
            m.d.sync += timer.eq(self._divisor - 1)
            with m.If(self.i.valid):
                m.d.sync += [level.eq(0), rest.eq(Cat(self.i.payload, Const(3, 2)))]
        with m.Elif(timer == 0):
            m.d.sync += timer.eq(self._divisor - 1)
            m.d.sync += [rest.eq(rest >> 1), level.eq(rest[0])]
        return m


def check_divisor(divisor: int) -> None:
    """Refuse a divisor that is too small to sample bits in their middle.

    Raises:
        ValueError: it is too small.
    """
    if divisor < MIN_DIVISOR:
        raise ValueError(f"divisor must be {MIN_DIVISOR} or more, not {divisor}")
