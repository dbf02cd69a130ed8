"""UART front end to the registers."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hdl.bus.access import ACCESS, Access
from hdl.parts.component import port
from hdl.serial.access_responder import AccessResponder
from hdl.serial.framing import Framed
from hdl.serial.uart import UartReceiver, UartTransmitter


class UartAccess(wiring.Component):
    """Makes the accesses that a host asks for, as :class:`golden.link.access.AccessModel` does.

        rx ─► receiver ─► deframer ─► responder ─► framer ─► transmitter ─► tx
                                          ▲
                                          ▼
                                        access

    Args:
        divisor: clock cycles of a bit.

    Raises:
        ValueError: it is too small.

    Attributes:
        rx, tx: the line, seen from here.
        access: to the registers.
    """

    rx = tx = port(Signal)
    access = port(Access)

    def __init__(self, *, divisor: int) -> None:
        self.receiver = UartReceiver(divisor=divisor)
        self.transmitter = UartTransmitter(divisor=divisor)
        super().__init__({"rx": In(1), "tx": Out(1), "access": Out(ACCESS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = self.receiver
        m.submodules.transmitter = transmitter = self.transmitter
        responder = AccessResponder()
        m.submodules.framed = framed = Framed(responder=responder)
        m.d.comb += [receiver.line.eq(self.rx), self.tx.eq(transmitter.line)]
        connect(m, receiver.o, framed.i)
        connect(m, framed.o, transmitter.i)
        connect(m, responder.access, flipped(self.access))
        return m
