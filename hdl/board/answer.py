"""Answers of a board, as bodies of frames."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.link.messages import ANSWER, Identity, Kind
from hdl.layout.ports import output_layout
from hdl.parts.component import port
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.serial.framing import MESSAGE


class Content(enum.Enum, shape=2):
    """Kinds of answers."""

    FAULT = 0
    IDENTITY = 1
    TAKEN = 2
    RESULT = 3


class Answer(wiring.Component):
    """Sends one body after each ``start``.

    ``content``, ``number`` and ``fault`` must not change before ``done``.

    Args:
        plan: of the core.
        identity: of the board.

    Attributes:
        start: send an answer.
        content: kind of answer.
        number: of the request, 0 if it is not known.
        fault: with ``Content.FAULT``: why the board refuses the request.
        words: the core's output words, for a result.
        o: the body.
        done: the body's last byte leaves in this cycle.
    """

    start = content = number = fault = done = port(Signal)
    words = o = port(stream.Interface)

    def __init__(self, *, plan: Plan, identity: Identity) -> None:
        self._identity = identity
        super().__init__(
            {
                "start": In(1),
                "content": In(Content),
                "number": In(8),
                "fault": In(8),
                "words": In(stream.Signature(output_layout(plan))),
                "o": Out(stream.Signature(MESSAGE)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        data, last = self.o.payload.data, self.o.payload.last
        moves = self.o.valid & self.o.ready
        m.d.comb += self.done.eq(moves & last)
        kinds = {
            Content.FAULT: Kind.FAULT,
            Content.IDENTITY: Kind.IDENTIFY | ANSWER,
            Content.TAKEN: Kind.RUN | ANSWER,
            Content.RESULT: Kind.RUN | ANSWER,
        }
        with m.FSM():
            with m.State("IDLE"), m.If(self.start):
                m.next = "KIND"
            with m.State("KIND"):
                m.d.comb += self.o.valid.eq(1)
                with m.Switch(self.content):
                    for content, kind in kinds.items():
                        with m.Case(content):
                            m.d.comb += data.eq(kind)
                with m.If(moves):
                    m.next = "NUMBER"
            with m.State("NUMBER"):
                m.d.comb += [self.o.valid.eq(1), data.eq(self.number)]
                m.d.comb += last.eq(self.content == Content.TAKEN)
                with m.If(self.done):
                    m.next = "IDLE"
                with m.Elif(moves):
                    m.next = "PAYLOAD"
            with m.State("PAYLOAD"):
                with m.Switch(self.content):
                    with m.Case(Content.FAULT):
                        m.d.comb += [self.o.valid.eq(1), data.eq(self.fault), last.eq(1)]
                    with m.Case(Content.IDENTITY):
                        self._identify(m, moves)
                    with m.Case(Content.RESULT):
                        self._tell_words(m, moves)
                with m.If(self.done):
                    m.next = "IDLE"
        return m

    def _identify(self, m: Module, moves: Value) -> None:
        """Send the board's identity."""
        payload = self._identity.pack()
        index = Signal(range(len(payload)))
        end = index == len(payload) - 1
        m.d.comb += [
            self.o.valid.eq(1),
            self.o.payload.data.eq(Array(Const(byte, 8) for byte in payload)[index]),
            self.o.payload.last.eq(end),
        ]
        with m.If(moves):
            m.d.sync += index.eq(Mux(end, 0, index + 1))

    def _tell_words(self, m: Module, moves: Value) -> None:
        """Send each word sign-extended, its lowest byte first."""
        per_word = self._identity.result_bytes
        index = Signal(span(per_word))
        end = index == per_word - 1
        word = self.words.payload.data
        extended = Cat(word, word[-1].replicate(8 * per_word - len(word)))
        m.d.comb += [
            self.o.valid.eq(self.words.valid),
            self.o.payload.data.eq(extended.word_select(index, 8)),
            self.o.payload.last.eq(end & self.words.payload.last),
            self.words.ready.eq(end & self.o.ready),
        ]
        with m.If(moves):
            m.d.sync += index.eq(Mux(end, 0, index + 1))
