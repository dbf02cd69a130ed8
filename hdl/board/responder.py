"""Responder of a board to the requests of :mod:`golden.link.messages`."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import enum, stream
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.link.messages import HEADER, Fault, Identity, Kind, Steps
from hdl.board.answer import Answer, Content
from hdl.board.step_buffer import StepBuffer
from hdl.layout.ports import input_layout, output_layout
from hdl.parts.component import port
from hdl.plan import Plan
from hdl.serial.framing import BodyResponder

Refuse = Callable[..., None]
"""Answers with a fault; ``known=False`` where a request's number may be wrong."""


class Responder(BodyResponder):
    """Runs sequences on a core as requests ask, as :class:`golden.link.board.BoardModel` does.

    A request that comes while another is carried out is lost, and ``Fault.OVERRUN`` says so.

    Args:
        plan: of the core.
        identity: of the board.

    Attributes:
        restart: reset the core in this cycle.
        x, words: to and from the core.
        overlong: of a core that buffers sequences: one was too long, and is answered by a fault.
    """

    x = words = port(stream.Interface)
    restart = overlong = port(Signal)

    def __init__(self, *, plan: Plan, identity: Identity) -> None:
        self.buffer = StepBuffer(plan=plan, identity=identity)
        self.answer = Answer(plan=plan, identity=identity)
        self._buffers = plan.options.max_steps > 0
        super().__init__(
            {
                "restart": Out(1),
                **({"overlong": In(1)} if self._buffers else {}),
                "x": Out(stream.Signature(input_layout(plan))),
                "words": In(stream.Signature(output_layout(plan))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.buffer = buffer = self.buffer
        m.submodules.answer = answer = self.answer
        self._kind, self._number, self._flags = (Signal(8) for _ in range(3))
        self._place = Signal(range(HEADER + 2))  # of the next byte; the last place is x
        self._open = Signal()  # a sequence goes on
        self._next = Signal(8)  # number of the request that goes on with it
        fault, content = Signal(8), Signal(Content)
        listening = Signal()
        cut = Signal()  # some bytes of this frame are lost
        missed = Signal()  # the end of a frame was lost
        numberless = Signal()
        m.d.comb += [
            buffer.data.eq(self.i.payload),
            buffer.last.eq((self._flags & Steps.LAST) != 0),
            answer.content.eq(content),
            answer.fault.eq(fault),
            answer.number.eq(Mux(numberless, 0, self._number)),
        ]
        connect(m, buffer.o, flipped(self.x))
        connect(m, flipped(self.words), answer.words)
        connect(m, answer.o, flipped(self.o))
        self._miss(m, listening, cut, missed)
        self._watch_length(m)

        def refuse(why: Fault, *, known: bool = True) -> None:
            m.d.comb += answer.start.eq(1)
            m.d.sync += [fault.eq(why), content.eq(Content.FAULT), numberless.eq(not known)]
            m.next = "ANSWER"

        with m.FSM():
            with m.State("LISTEN"):
                m.d.comb += listening.eq(~missed)
                with m.If(missed):
                    m.d.sync += missed.eq(0)
                    refuse(Fault.OVERRUN, known=False)
                with m.Elif(self.end):
                    self._check(m, cut, refuse)
                with m.Elif(self.i.valid):
                    self._keep(m)
            with m.State("DECIDE"):
                m.d.sync += numberless.eq(0)
                self._decide(m, content, refuse)
            with m.State("RUN"):
                m.d.sync += [self._open.eq(~buffer.last), self._next.eq(self._number + 1)]
                m.d.comb += buffer.start.eq(1)
                m.next = "FEED"
            with m.State("FEED"), m.If(buffer.done):
                m.d.comb += answer.start.eq(1)
                m.d.sync += content.eq(Mux(buffer.last, Content.RESULT, Content.TAKEN))
                if self._buffers:
                    self._refuse_overlong(m, content, fault)
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += buffer.clear.eq(1)
                m.d.sync += self._place.eq(0)
                with m.If(answer.done):
                    m.next = "LISTEN"
        return m

    def _watch_length(self, m: Module) -> None:
        """Remember that, since the last restart, a sequence was too long."""
        if self._buffers:
            self._overlong = Signal()
            m.d.sync += self._overlong.eq((self._overlong | self.overlong) & ~self.restart)

    def _refuse_overlong(self, m: Module, content: enum.EnumView[Content], fault: Signal) -> None:
        """Answer a sequence that was too long by a fault; a reset drops its result."""
        with m.If(self.buffer.last & self._overlong):
            m.d.sync += [content.eq(Content.FAULT), fault.eq(Fault.STEPS)]

    def _miss(self, m: Module, listening: Signal, cut: Signal, missed: Signal) -> None:
        """Remember frames that came, in part or as a whole, while nobody was listening."""
        with m.If(self.end):
            m.d.sync += cut.eq(0)
            with m.If(~listening):
                m.d.sync += missed.eq(1)
        with m.Elif(self.i.valid & ~listening):
            m.d.sync += cut.eq(1)

    def _check(self, m: Module, cut: Signal, refuse: Refuse) -> None:
        """Refuse a frame that is cut, damaged or too long; go on to decide on any other."""
        with m.If(cut):
            refuse(Fault.OVERRUN, known=False)
        with m.Elif(~self.valid):
            refuse(Fault.DAMAGED, known=False)
        with m.Elif(self.buffer.overflowed):
            refuse(Fault.TOO_LONG)
        with m.Else():
            m.next = "DECIDE"

    def _decide(self, m: Module, content: enum.EnumView[Content], refuse: Refuse) -> None:
        """Start what a request asks for, or refuse it."""
        with m.If(self._kind == Kind.IDENTIFY):
            with m.If(self._place > HEADER):
                refuse(Fault.LENGTH)
            with m.Else():
                m.d.comb += self.answer.start.eq(1)
                m.d.sync += content.eq(Content.IDENTITY)
                m.next = "ANSWER"
        with m.Elif(self._kind != Kind.RUN):
            refuse(Fault.UNKNOWN)
        with m.Elif(~self.buffer.whole):
            refuse(Fault.LENGTH)
        with m.Elif(self._flags & Steps.FIRST):
            m.d.comb += self.restart.eq(1)
            m.next = "RUN"
        with m.Elif(self._open & (self._number == self._next)):
            m.next = "RUN"
        with m.Else():
            refuse(Fault.ORDER)

    def _keep(self, m: Module) -> None:
        """Keep one more byte of a body."""
        for place, register in enumerate((self._kind, self._number, self._flags)):
            with m.If(self._place == place):
                m.d.sync += [register.eq(self.i.payload), self._place.eq(place + 1)]
        m.d.comb += self.buffer.write.eq(self._place == HEADER + 1)
