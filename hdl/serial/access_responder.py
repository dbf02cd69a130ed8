"""Responder to the requests of :mod:`golden.link.access`."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.link.access import HEADER, LONGEST_BODY, MAX_WORDS, WORD_BYTES, Kind, Status
from hdl.bus.access import ACCESS, ADDRESS_BITS, WORD, Access
from hdl.parts.component import port
from hdl.parts.memory import block_memory
from hdl.parts.numeric import span
from hdl.serial.access_answer import AccessAnswer, Content
from hdl.serial.framing import BodyResponder
from hdl.serial.guarded_access import GuardedAccess

PATIENCE = 256
"""Cycles that an access waits for room in a data register."""


class AccessResponder(BodyResponder):
    """Reads and writes registers as requests ask.

    The last request's answer stays, so that it can be given again. Frames that begin while a
    request is carried out are ignored: their host asks again.

    Cost: two memories of ``MAX_WORDS`` words.

    Attributes:
        access: to the registers.
    """

    access = port(Access)

    def __init__(self) -> None:
        self.request = AccessRequest()
        self.guarded = GuardedAccess(patience=PATIENCE)
        self.answer = AccessAnswer()
        super().__init__({"access": Out(ACCESS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.request = request = self.request
        m.submodules.guarded = guarded = self.guarded
        m.submodules.answer = answer = self.answer
        known = Signal()  # the answer to a request is kept
        kind, number, status = Signal(8), Signal(8), Signal(Status)
        count = Signal(span(MAX_WORDS + 1))
        content = Signal(Content)
        connect(m, guarded.access, flipped(self.access))
        connect(m, answer.o, flipped(self.o))
        m.d.comb += [
            request.data.eq(self.i.payload),
            request.valid.eq(self.i.valid),
            request.end.eq(self.end),
            request.index.eq(count),
            guarded.write.eq(kind == Kind.WRITE),
            guarded.address.eq(request.address),
            guarded.data.eq(request.word),
            answer.content.eq(content),
            answer.kind.eq(kind),
            answer.number.eq(Mux(content == Content.HELLO, request.number, number)),
            answer.status.eq(status),
            answer.count.eq(count),
            answer.word.eq(guarded.word),
        ]

        def give(what: Content) -> None:
            m.d.sync += content.eq(what)
            m.next = "ANSWER"

        with m.FSM():
            with m.State("LISTEN"):
                m.d.comb += request.listen.eq(1)
                with m.If(request.whole):
                    with m.If(~self.valid | ~request.good):
                        give(Content.FAULT)
                    with m.Elif(request.kind == Kind.HELLO):
                        m.d.sync += known.eq(0)
                        give(Content.HELLO)
                    with m.Elif(known & (request.number == number)):
                        give(Content.RESULT)
                    with m.Else():
                        m.d.sync += [known.eq(1), kind.eq(request.kind), count.eq(0)]
                        m.d.sync += [number.eq(request.number), status.eq(Status.DONE)]
                        m.next = "FETCH"
            self._access(m, count, status, give)
            with m.State("ANSWER"):
                m.d.comb += answer.give.eq(1)
                with m.If(answer.done):
                    m.next = "LISTEN"
        return m

    def _access(
        self, m: Module, count: Signal, status: Signal, give: Callable[[Content], None]
    ) -> None:
        """Add the states that access one word after another, until one fails or all are done."""
        guarded = self.guarded
        with m.State("FETCH"):
            m.next = "BEGIN"
        with m.State("BEGIN"):
            m.d.comb += guarded.start.eq(count != self.request.count)
            with m.If(guarded.start):
                m.next = "ACCESS"
            with m.Else():
                give(Content.RESULT)
        with m.State("ACCESS"), m.If(guarded.done):
            m.d.sync += status.eq(guarded.status)
            with m.If(guarded.status == Status.DONE):
                m.d.comb += self.answer.keep.eq(1)
                m.d.sync += count.eq(count + 1)
                m.next = "FETCH"
            with m.Else():
                give(Content.RESULT)


class AccessRequest(wiring.Component):
    """Keeps the body of a request as it comes.

    Attributes:
        data, valid, end: from the deframer.
        listen: keep bytes; a body any byte of which comes without ``listen`` is ignored.
        whole: a body ends, and all of it was kept.
        good: with ``whole``: the body is a request, if its check sequence is right.
        kind, number, address, count: of the request; they stay until the next one begins.
        index, word: number of a word to write, and the word one cycle later.
    """

    data = valid = end = listen = whole = good = port(Signal)
    kind = number = address = count = index = word = port(Signal)

    def __init__(self) -> None:
        super().__init__(
            {
                "data": In(8),
                **{name: In(1) for name in ("valid", "end", "listen")},
                **{name: Out(1) for name in ("whole", "good")},
                "kind": Out(8),
                "number": Out(8),
                "address": Out(ADDRESS_BITS),
                "count": Out(8),
                "index": In(span(MAX_WORDS + 1)),
                "word": Out(WORD),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.words = words = block_memory(shape=WORD, depth=MAX_WORDS)
        write = words.write_port()
        read = words.read_port()
        cut = Signal()  # some bytes of this body are lost
        place = Signal(range(LONGEST_BODY + 2))  # number of its bytes, one too many at most
        newest = Signal(WORD - 8, reset_less=True)  # its last bytes, the newest on top
        takes = self.valid & self.listen & ~cut
        count = Mux(self.kind == Kind.WRITE, self.count, 0)
        m.d.comb += [
            read.addr.eq(self.index),
            self.word.eq(read.data),
            write.addr.eq((place >> 2) - 1),
            write.data.eq(Cat(newest, self.data)),
            write.en.eq(takes & (place >= HEADER) & (place[:2] == WORD_BYTES - 1)),
            self.whole.eq(self.end & self.listen & ~cut),
            self.good.eq(
                self.kind.matches(Kind.HELLO, Kind.READ, Kind.WRITE)
                & (self.count <= MAX_WORDS)
                & (place == HEADER + WORD_BYTES * count)
            ),
        ]
        with m.If(self.end):
            m.d.sync += [cut.eq(0), place.eq(0)]
        with m.Elif(takes):
            m.d.sync += newest.eq(Cat(newest[8:], self.data))
            with m.If(place <= LONGEST_BODY):
                m.d.sync += place.eq(place + 1)
            for at, register in enumerate((self.kind, self.number, self.address, self.count)):
                with m.If(place == at):
                    m.d.sync += register.eq(self.data)
        with m.Elif(self.valid):
            m.d.sync += cut.eq(1)
        return m
