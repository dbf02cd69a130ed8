"""Answers to register accesses, as bodies of frames."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.link.access import FAULT, HEADER, LONGEST_BODY, MAX_WORDS, WORD_BYTES, Kind, Status
from golden.link.messages import ANSWER
from hdl.bus.access import WORD
from hdl.parts.component import port
from hdl.parts.memory import block_memory
from hdl.parts.numeric import span
from hdl.serial.framing import MESSAGE


class Content(enum.Enum, shape=2):
    """Kinds of answers."""

    FAULT = 0
    HELLO = 1
    RESULT = 2


class AccessAnswer(wiring.Component):
    """Sends one body while ``give`` is high; the fields must not change before ``done``.

    Attributes:
        content: kind of answer; ``HELLO`` uses ``number``, ``RESULT`` all fields.
        kind, number, status, count: of the answer.
        keep, word: store the word of a read at the place ``count``.
        give: send the body, up to the cycle of ``done``.
        o: the body.
        done: the body's last byte leaves in this cycle.
    """

    content = kind = number = status = count = port(Signal)
    keep = word = give = done = port(Signal)
    o = port(stream.Interface)

    def __init__(self) -> None:
        super().__init__(
            {
                "content": In(Content),
                "kind": In(8),
                "number": In(8),
                "status": In(Status),
                "count": In(span(MAX_WORDS + 1)),
                "keep": In(1),
                "word": In(WORD),
                "give": In(1),
                "o": Out(stream.Signature(MESSAGE)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.words = words = block_memory(shape=WORD, depth=MAX_WORDS)
        write = words.write_port()
        read = words.read_port()
        place = Signal(range(LONGEST_BODY))
        moves = self.o.valid & self.o.ready
        following = Signal.like(place)
        is_result = self.content == Content.RESULT
        given = Mux(is_result & (self.kind == Kind.READ), self.count, 0)
        header = Signal(8 * HEADER)
        m.d.comb += [
            write.en.eq(self.keep),
            write.addr.eq(self.count),
            write.data.eq(self.word),
            following.eq(Mux(moves, Mux(self.o.payload.last, 0, place + 1), place)),
            # The memory gives a word one cycle after its address.
            read.addr.eq((following >> 2) - 1),
            self.o.valid.eq(self.give),
            self.o.payload.data.eq(
                Mux(place < HEADER, header, read.data).word_select(place[:2], 8)
            ),
            self.o.payload.last.eq(place == HEADER - 1 + WORD_BYTES * given),
            self.done.eq(moves & self.o.payload.last),
        ]
        m.d.sync += place.eq(following)
        status, count = (Signal(8, name=name) for name in ("status_byte", "count_byte"))
        m.d.comb += [status.eq(self.status), count.eq(self.count)]
        with m.Switch(self.content):
            with m.Case(Content.FAULT):
                m.d.comb += header.eq(int.from_bytes(FAULT, "little"))
            with m.Case(Content.HELLO):
                m.d.comb += [count.eq(MAX_WORDS), status.eq(Status.DONE)]
                m.d.comb += header.eq(
                    Cat(Const(Kind.HELLO | ANSWER, 8), self.number, status, count)
                )
            with m.Case(Content.RESULT):
                m.d.comb += header.eq(Cat(self.kind | ANSWER, self.number, status, count))
        return m
