"""A board's side of the link, between bytes of any line and a core."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.link.messages import Identity
from hdl.board.responder import Responder
from hdl.layout.ports import input_layout, output_layout
from hdl.parts.component import port
from hdl.plan import Plan
from hdl.serial.framing import Deframer, Framer


class HostLink(wiring.Component):
    """Does what :class:`golden.link.board.BoardModel` does, with a core's help.

        i ─► deframer ─► responder ─► framer ─► o
                          │      ▲
                          ▼ x    │ words
                            core

    Args:
        plan: of the core, whose interface must be one that ``identity`` was made of.
        identity: what the board says of itself.

    Attributes:
        i: bytes from the line, one in any cycle.
        o: bytes to the line.
        restart: the core is to be reset in this cycle.
        x, words: to and from the core.
    """

    i = o = x = words = port(stream.Interface)
    restart = port(Signal)

    def __init__(self, *, plan: Plan, identity: Identity) -> None:
        self.responder = Responder(plan=plan, identity=identity)
        super().__init__(
            {
                "i": In(stream.Signature(8, always_ready=True)),
                "o": Out(stream.Signature(8)),
                "restart": Out(1),
                "x": Out(stream.Signature(input_layout(plan))),
                "words": In(stream.Signature(output_layout(plan))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.deframer = deframer = Deframer()
        m.submodules.responder = responder = self.responder
        m.submodules.framer = framer = Framer()
        connect(m, flipped(self.i), deframer.i)
        connect(m, deframer.o, responder.i)
        m.d.comb += [
            responder.end.eq(deframer.end),
            responder.valid.eq(deframer.valid),
            self.restart.eq(responder.restart),
        ]
        connect(m, responder.x, flipped(self.x))
        connect(m, flipped(self.words), responder.words)
        connect(m, responder.o, framer.i)
        connect(m, framer.o, flipped(self.o))
        return m
