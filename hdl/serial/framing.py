"""Deframer and framer: :mod:`golden.link.frames` in gates."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc import Processor
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Member, Out, connect, flipped

from golden.link.frames import CHECK_BYTES, ESCAPE, FLAG, FLIP, MIN_BODY
from hdl.parts.component import port

MESSAGE = data.StructLayout({"data": 8, "last": 1})
"""A byte of a body; ``last`` with its last byte."""


def check_processor() -> Any:
    """Make a ``Processor`` of FCS-32, one byte per cycle; its signals have no annotations."""
    return Processor(CRC32_ISO_HDLC(data_width=8))


class Deframer(wiring.Component):
    """Takes bodies out of frames, as :class:`golden.link.frames.Decoder` does.

    A byte of a body leaves when ``CHECK_BYTES`` more have come, so that the check sequence never
    leaves. Whether the body is valid is known only at its end.

    Attributes:
        i: bytes of the line, at most one per cycle.
        o: bytes of bodies, each in the cycle of a later byte of ``i``.
        end: a frame ends; never in the cycle of a byte.
        valid: with ``end``: the frame is valid.
    """

    i = o = port(stream.Interface)
    end = valid = port(Signal)

    def __init__(self) -> None:
        byte_stream = stream.Signature(8, always_ready=True)
        super().__init__(
            {"i": In(byte_stream), "o": Out(byte_stream), "end": Out(1), "valid": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.check = check = check_processor()
        in_frame = Signal()  # after the first flag
        empty = Signal(init=1)
        escaped = Signal()
        count = Signal(range(CHECK_BYTES + MIN_BODY + 1))  # up to a valid frame's
        line = Signal(8 * CHECK_BYTES, reset_less=True)  # the newest on top
        plain = Mux(escaped, self.i.payload ^ FLIP, self.i.payload)
        flag = self.i.valid & (self.i.payload == FLAG)
        other = self.i.valid & ~flag & in_frame
        escape = other & ~escaped & (self.i.payload == ESCAPE)
        takes = other & ~escape
        whole = count == CHECK_BYTES + MIN_BODY
        m.d.comb += [
            check.start.eq(flag),
            check.valid.eq(takes),
            check.data.eq(plain),
            self.o.valid.eq(takes & (count >= CHECK_BYTES)),
            self.o.payload.eq(line[:8]),
            self.end.eq(flag & ~empty),
            self.valid.eq(check.match_detected & whole & ~escaped),
        ]
        with m.If(flag):
            m.d.sync += [in_frame.eq(1), empty.eq(1), escaped.eq(0), count.eq(0)]
        with m.If(other):
            m.d.sync += [empty.eq(0), escaped.eq(escape)]
        with m.If(takes):
            m.d.sync += [line.eq(Cat(line[8:], plain)), count.eq(count + ~whole)]
        return m


class Framer(wiring.Component):
    """Puts bodies into frames, as :func:`golden.link.frames.encode` does.

    Throughput: one byte of the line per cycle; the line waits for the body's next byte.

    Attributes:
        i: bodies.
        o: bytes of the line.
    """

    i = o = port(stream.Interface)

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(MESSAGE)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.check = check = check_processor()
        escaped = Signal()
        index = Signal(range(CHECK_BYTES))
        plain = Signal(8)
        stuffs = ~escaped & ((plain == FLAG) | (plain == ESCAPE))
        moves = self.o.valid & self.o.ready
        goes_on = moves & ~stuffs  # the byte itself leaves, not an escape
        m.d.comb += check.data.eq(plain)

        def send_stuffed() -> None:
            m.d.comb += self.o.payload.eq(Mux(stuffs, ESCAPE, Mux(escaped, plain ^ FLIP, plain)))
            with m.If(moves):
                m.d.sync += escaped.eq(stuffs)

        with m.FSM():
            with m.State("BEGIN"):
                m.d.comb += [self.o.valid.eq(self.i.valid), self.o.payload.eq(FLAG)]
                m.d.comb += check.start.eq(1)
                with m.If(moves):
                    m.next = "BODY"
            with m.State("BODY"):
                m.d.comb += [self.o.valid.eq(self.i.valid), plain.eq(self.i.payload.data)]
                send_stuffed()
                m.d.comb += [self.i.ready.eq(goes_on), check.valid.eq(goes_on)]
                with m.If(goes_on & self.i.payload.last):
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.d.comb += [self.o.valid.eq(1), plain.eq(check.crc.word_select(index, 8))]
                send_stuffed()
                with m.If(goes_on):
                    m.d.sync += index.eq(index + 1)
                    with m.If(index == CHECK_BYTES - 1):
                        m.next = "END"
            with m.State("END"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(FLAG)]
                with m.If(moves):
                    m.next = "BEGIN"
        return m


class BodyResponder(wiring.Component):
    """Base of components that answer requests: one body out for each body in, in order.

    Attributes:
        i, end, valid: from `Deframer`.
        o: to `Framer`.
    """

    i = o = port(stream.Interface)
    end = valid = port(Signal)

    def __init__(self, ports: dict[str, Member]) -> None:
        body = {"i": In(stream.Signature(8, always_ready=True)), "end": In(1), "valid": In(1)}
        super().__init__({**body, "o": Out(stream.Signature(MESSAGE)), **ports})

    @abstractmethod
    def elaborate(self, platform: object) -> Module:
        """Build the responder."""


class Framed(wiring.Component):
    """A responder behind frames, between bytes of any line.

        i ─► deframer ─► responder ─► framer ─► o

    Attributes:
        i: bytes from the line, at most one per cycle.
        o: bytes to the line.
    """

    i = o = port(stream.Interface)

    def __init__(self, *, responder: BodyResponder) -> None:
        self.responder = responder
        line = stream.Signature(8, always_ready=True)
        super().__init__({"i": In(line), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.deframer = deframer = Deframer()
        m.submodules.responder = responder = self.responder
        m.submodules.framer = framer = Framer()
        m.d.comb += [responder.end.eq(deframer.end), responder.valid.eq(deframer.valid)]
        connect(m, flipped(self.i), deframer.i)
        connect(m, deframer.o, responder.i)
        connect(m, responder.o, framer.i)
        connect(m, framer.o, flipped(self.o))
        return m
