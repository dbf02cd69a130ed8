"""Register accesses that wait until a data register can take or give a word."""

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
"""Field of ROOM for each data register."""


class GuardedAccess(wiring.Component):
    """Makes one access at a time; to a data register only when ROOM allows it.

    Latency: ``done`` comes in the cycle of the register's answer. An access to a data register
    reads ROOM first, and reads it again for up to ``patience`` cycles.

    Args:
        patience: cycles in which to read ROOM again; it is read at least once.

    Attributes:
        start: begin; ``write``, ``address`` and ``data`` must stay up to ``done``.
        done: the access is over, for one cycle, with ``status`` and the ``word`` read.
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
        """Tell whether the access needs ROOM, and whether the answer, ROOM's word, allows it."""
        looks, has_room = Signal(), Signal()
        with m.Switch(self.address[2:]):
            for name, field in ROOM_OF.items():
                register = named[name]
                with m.Case(register.address // 4):
                    # The register itself refuses the other direction.
                    m.d.comb += looks.eq(self.write == register.writable)
                    m.d.comb += has_room.eq(self.access.answer[room.field(field).low])
        return looks, has_room
