"""Bookkeeping of the sequences that are open on an input bus, one per stream."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.parts.component import port

STREAM_BITS = 8
"""Bits of a stream's number on the bus, where there are several."""

LENGTH_BITS = 16
"""Bits of a sequence's length in steps."""


class OpenSequences(wiring.Component):
    """Knows of each stream whether a sequence is open, how many steps it must still have, and
    whether the rest of its frame is to be dropped.

    Latency: an event counts from the next cycle on. Cost: two flip-flops per stream; for several
    streams a memory of lengths, for a single one registers, whose outputs come early in a cycle.

    Args:
        streams: number of streams.
        most: steps of the longest sequence that the core can buffer, with one stream; 0 for any.

    Attributes:
        number: stream of the step that is next, or being taken.
        first, begins, ends: nothing of the step was taken yet; its first part, its last element is
            taken.
        closes: with ``ends``: the step is its sequence's last.
        new: the step is its sequence's first.
        waits: an element is offered and not taken.
        late, padding: the sequence closes before its frame; the frame is over before its step.
        dropped, last: a beat is dropped; the beat on offer ends its frame.
        enable, length: see :class:`hdl.bus.input_guard.InputGuard`.
        restart: likewise; the other events of that cycle have not happened.
        is_open, some: the stream, any stream has an open sequence.
        more, is_end: more steps must follow this one; none may. Neither where both is right.
        drop: the next beat is not wanted.
        hold: no step may begin.
        unknown: the beat dropped is the first of a frame whose stream does not exist.
    """

    number = length = first = begins = ends = closes = new = waits = port(Signal)
    late = padding = dropped = last = enable = restart = port(Signal)
    is_open = some = more = is_end = drop = hold = unknown = port(Signal)

    def __init__(self, *, streams: int, most: int = 0) -> None:
        self._streams, self._most = streams, most
        into = ("first", "begins", "ends", "closes", "new", "waits", "late", "padding", "dropped")
        out_of = ("is_open", "some", "more", "is_end", "drop", "hold", "unknown")
        super().__init__(
            {
                "number": In(STREAM_BITS),
                "length": In(LENGTH_BITS),
                **{name: In(1) for name in (*into, "last", "enable", "restart")},
                **{name: Out(1) for name in out_of},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        streams, number = self._streams, self.number
        opened = Signal(streams)  # sequences of these are open
        dropping = Signal(streams)  # the rest of frames of these is not wanted
        chosen = Signal(streams)  # the stream's bit
        known, unwanted = Signal(), Signal()
        m.d.comb += [
            chosen.eq(Cat(number == n for n in range(streams))),
            known.eq(chosen.any()),
            self.is_open.eq((opened & chosen).any()),
            self.some.eq(opened.any()),
            unwanted.eq(~(~dropping & chosen).any()),
        ]
        with m.If(self.begins):
            m.d.sync += opened.eq(opened | chosen)
        with m.If(self.ends & self.closes):
            m.d.sync += opened.eq(opened & ~chosen)
        with m.If(self.late):
            m.d.sync += dropping.eq(dropping | chosen)
        with m.If(self.dropped & self.last):
            m.d.sync += dropping.eq(dropping & ~chosen)
        with m.If(self.restart):
            # A frame whose step is being padded is over.
            over = self.padding.replicate(streams) & chosen
            m.d.sync += [
                opened.eq(0),
                dropping.eq(Mux(self.enable, (opened & ~over) | dropping, 0)),
            ]
        self._find_strangers(m, known)
        if streams == 1:
            self._follow_one(m, opened, unwanted)
        else:
            self._follow_several(m, unwanted)
        return m

    def _find_strangers(self, m: Module, known: Value) -> None:
        """Give one event per frame of a stream that does not exist."""
        stray = Signal()
        unknown = self.dropped & ~known
        m.d.comb += self.unknown.eq(unknown & ~stray)
        with m.If(unknown):
            m.d.sync += stray.eq(~self.last)
        with m.If(self.restart):
            m.d.sync += stray.eq(0)

    def _follow_one(self, m: Module, opened: Value, unwanted: Value) -> None:
        """Answer from registers: the path from here through the guard into the core is long."""
        left = Signal(LENGTH_BITS)  # steps that the sequence must still have, this one included
        goes_on = (opened | self.begins) & ~(self.ends & self.closes)
        holds = Signal(init=1)
        m.d.sync += holds.eq(~(self.enable | goes_on | self.waits))
        with m.If(self.restart):
            m.d.sync += holds.eq(~self.enable)
        m.d.comb += [self.hold.eq(holds), self.drop.eq(unwanted)]
        most, length = self._most, self.length
        more, follow = self.more & (left != 2), self.more
        lacks = Signal()  # as many as the core can buffer are too few
        if most:
            length = Mux(~length.any() | (length > most), most, length)
            more, follow = self.more & ((left != 2) | lacks), Const(1)
        with m.If(self.ends & ~self.closes & ~self.restart):
            m.d.sync += [
                left.eq(left - 1),
                self.more.eq(more),
                self.is_end.eq(follow & (left == 2)),
            ]
        with m.Elif(~self.is_open | self.ends | self.restart):
            m.d.sync += [
                left.eq(length),
                self.more.eq(self.length[1:].any()),
                self.is_end.eq(length == 1),
            ]
            if most:
                m.d.sync += lacks.eq(self.length > most)

    def _follow_several(self, m: Module, unwanted: Value) -> None:
        """Keep what is left of each stream's sequence in a memory, with what follows from it."""
        shape = data.StructLayout({"left": LENGTH_BITS, "more": 1, "is_end": 1})
        now, waits_q = Signal(shape), Signal()
        m.submodules.lengths = lengths = Memory(shape=shape, depth=self._streams, init=[])
        read, write = lengths.read_port(domain="comb"), lengths.write_port()
        m.d.sync += waits_q.eq(self.waits & ~self.restart)
        m.d.comb += [
            self.hold.eq(~(self.enable | self.is_open | waits_q) & self.first),
            self.drop.eq(unwanted & self.first),  # frames take turns between two steps only
            read.addr.eq(self.number),
            now.eq(read.data),
            write.addr.eq(self.number),
            write.data.left.eq(now.left - now.left.any()),
            write.data.more.eq(now.left[2:].any() | now.left[:2].all()),
            write.data.is_end.eq(now.left == 2),
            write.en.eq(self.ends),
            self.more.eq(now.more),
            self.is_end.eq(now.is_end),
        ]
        with m.If(self.new):
            length = self.length
            m.d.comb += now.eq(Cat(length, length[1:].any(), length == 1))
