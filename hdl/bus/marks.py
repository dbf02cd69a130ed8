"""Queue of marks: for each sequence that is being computed, in order, whether it was right."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.parts.component import port

DEPTH = 8
"""Sequences in a core between their last step and their result, and two more: two in the banks of
x, one at the array, one whose sums drain, one in the output buffer; and one behind."""


class Marks(wiring.Component):
    """A queue of bits.

    Latency: two cycles from adding a mark until ``first`` may show it. ``room`` comes from a
    register that does not count a mark added one cycle before.

    Attributes:
        add, mark: add a mark; 1: the sequence was wrong.
        room: a mark may be added.
        first: the oldest mark, that of the sequence whose result leaves next.
        remove: remove the oldest mark.
        some: the queue holds a mark.
        restart: empty the queue.
    """

    add = mark = room = first = remove = some = restart = port(Signal)

    def __init__(self) -> None:
        super().__init__(
            {
                **{name: In(1) for name in ("add", "mark", "remove", "restart")},
                "room": Out(1, init=1),  # pyright: ignore[reportCallIssue]
                "first": Out(1),
                "some": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = Signal(DEPTH)  # the newest is the lowest
        level = Signal(range(DEPTH + 1))
        add_q, mark_q = Signal(), Signal(reset_less=True)
        m.d.comb += [
            self.some.eq((level != 0) | add_q),
            self.first.eq(bits.bit_select((level - 1)[:3], 1)),
        ]
        m.d.sync += [
            add_q.eq(self.add),
            mark_q.eq(self.mark),
            self.room.eq(level + add_q <= DEPTH - 2),
        ]
        with m.If(add_q):
            m.d.sync += bits.eq(Cat(mark_q, bits))
        with m.If(add_q & ~self.remove):
            m.d.sync += level.eq(level + 1)
        with m.Elif(self.remove & ~add_q):
            m.d.sync += level.eq(level - 1)
        with m.If(self.restart):
            m.d.sync += [level.eq(0), add_q.eq(0)]
        return m
