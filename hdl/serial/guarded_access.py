"""Register accesses that are not made where a data register would refuse them."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.link.access import Status
from hdl.bus.access import ACCESS, ADDRESS_BITS, WORD, Access
from hdl.bus.register_map import Register, registers
from hdl.parts.component import port
from hdl.parts.numeric import span

ROOM_OF = {
    **{"X": "X", "X_LAST": "X", "Y": "Y", "WEIGHT": "WEIGHT", "WEIGHT_LAST": "WEIGHT"},
    **{"STATE_IN": "STATE_IN", "STATE_OUT": "STATE_OUT"},
}
"""Field of ROOM that each data register goes by."""


class GuardedAccess(wiring.Component):
    """One access; to a data register only when ROOM has room, or a word, for it.

    Latency: ``done`` comes in the cycle in which the register answers, for data registers one
    access to ROOM later, or ``patience`` cycles later.

    Args:
        patience: cycles for which ROOM is looked at again, at least once.

    Attributes:
        start: begin, with ``write``, ``address`` and ``data``, which must stay up to ``done``.
        done: it is over, for one cycle, with ``status``, and ``word`` as it was read.
        access: to the registers.
    """

    start = write = address = data = done = status = word = port(Signal)
    access = port(Access)

    def __init__(self, *, patience: int) -> None:
        self._patience = patience
        super().__init__(
            {
                "start": In(1),
                "write": In(1),
                "address": In(ADDRESS_BITS),
                "data": In(WORD),
                "done": Out(1),
                "status": Out(Status),
                "word": Out(WORD),
                "access": Out(ACCESS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        access = self.access
        named = {register.name: register for register in registers()}
        room = named["ROOM"]
        looks, has_room = self._room(m, room, named)
        left = Signal(span(self._patience + 1))
        m.d.comb += [access.strobe.eq(-1), access.data.eq(self.data), self.word.eq(access.answer)]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += left.eq(self._patience)
                with m.If(self.start):
                    with m.If(looks):
                        m.next = "LOOK"
                    with m.Else():
                        m.next = "ACCESS"
            with m.State("LOOK"):
                m.d.comb += [access.request.eq(1), access.address.eq(room.address)]
                with m.If(left != 0):
                    m.d.sync += left.eq(left - 1)
                with m.If(access.done):
                    with m.If(has_room):
                        m.next = "ACCESS"
                    with m.Elif(left == 0):
                        m.d.comb += [self.done.eq(1), self.status.eq(Status.BUSY)]
                        m.next = "IDLE"
            with m.State("ACCESS"):
                m.d.comb += [
                    access.request.eq(1),
                    access.write.eq(self.write),
                    access.address.eq(self.address),
                    self.done.eq(access.done),
                ]
                with m.If(access.error):
                    m.d.comb += self.status.eq(Status.REFUSED)
                with m.If(access.done):
                    m.next = "IDLE"
        return m

    def _room(self, m: Module, room: Register, named: dict[str, Register]) -> tuple[Signal, Signal]:
        """Tell whether ROOM is to be looked at, and whether what it says, just read, has room."""
        looks, has_room = Signal(), Signal()
        with m.Switch(self.address[2:]):
            for name, field in ROOM_OF.items():
                register = named[name]
                with m.Case(register.address // 4):
                    # The other direction is refused by the register itself.
                    m.d.comb += looks.eq(self.write == register.writable)
                    m.d.comb += has_room.eq(self.access.answer[room.field(field).low])
        return looks, has_room
