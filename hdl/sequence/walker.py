"""A walk through the sequence memory, word by word."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.layout.sequence_table import Entry, entry_layout
from hdl.parts.component import port
from hdl.parts.numeric import span
from hdl.plan import Plan


class Walker(wiring.Component):
    """Gives the addresses of a table's segments: all of a phase in each of its turns.

    Two rows move through a phase: one up from its first row, one down from the last.

    Throughput: a word per cycle, and ``PAUSE`` cycles without one before each segment.

    Args:
        plan: the core's plan.
        entries: of :mod:`hdl.layout.sequence_table`.

    Attributes:
        begins: walk through the table, from the next cycle on.
        top: address of the last row.
        hold: no segment may begin.
        moves: the word at hand is taken.
        valid, address, zero: a word is at hand; its place; it is zero whatever is there.
        entry: the segment that it belongs to, or that is about to begin.
        opens: a segment begins in the next cycle.
        ends: the word is its segment's last.
        first, final: the turn is its phase's first, its last.
        phase: number of phases that are over.
        active: the walk has begun, and is not over.
    """

    begins = top = hold = moves = valid = address = zero = port(Signal)
    opens = ends = first = final = phase = active = port(Signal)
    entry = port(data.View)

    PAUSE = 1
    """Cycles without a word before a segment."""

    def __init__(self, *, plan: Plan, entries: Sequence[Entry]) -> None:
        self._row, self._entries = plan.sweeps.row, entries
        self._repeats = plan.network.repeats
        address = span(plan.sweeps.words)
        super().__init__(
            {
                **dict.fromkeys(("begins", "hold", "moves"), In(1)),
                "top": In(address),
                "address": Out(address),
                "entry": Out(entry_layout(plan)),
                "phase": Out(span(len(plan.sweeps.phases) + 1)),
                **dict.fromkeys(
                    ("valid", "zero", "opens", "ends", "first", "final", "active"), Out(1)
                ),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        entry, position = self.entry, Signal(span(len(self._entries)))
        up, down, row = (Signal.like(self.address, name=name) for name in ("up", "down", "row"))
        left = Signal(entry.last.shape())
        with m.Switch(position):
            for place, fields in enumerate(self._entries):
                with m.Case(place):
                    for name, value in fields.items():
                        m.d.comb += entry[name].eq(value)
        m.d.comb += [
            self.opens.eq(self.active & ~self.valid & ~self.hold),
            self.ends.eq(left == 0),
            self.final.eq(entry.once | (down <= entry.base)),
            row.eq(Mux(entry.backward, down, up)),
        ]
        if self._repeats:
            with m.If(entry.held):
                m.d.comb += row.eq(Mux(entry.backward, self.top, 0))
        with m.If(self.opens):
            m.d.sync += [
                self.valid.eq(1),
                self.address.eq(row + entry.start),
                self.zero.eq(row < entry.below),
                left.eq(entry.last),
            ]
        with m.If(self.moves):
            m.d.sync += [self.address.eq(self.address + 1), left.eq(left - 1)]
        with m.If(self.moves & self.ends):
            m.d.sync += [self.valid.eq(0), position.eq(position + 1)]
            with m.If(entry.ends_turn & self.final):
                m.d.sync += [up.eq(entry.then), down.eq(self.top), self.first.eq(1)]
                m.d.sync += [
                    self.phase.eq(self.phase + 1),
                    self.active.eq(position != len(self._entries) - 1),
                ]
            with m.Elif(entry.ends_turn):
                m.d.sync += [up.eq(up + self._row), down.eq(down - self._row), self.first.eq(0)]
                m.d.sync += position.eq(entry.loop)
        with m.If(self.begins):
            first = self._entries[0]["base"]
            m.d.sync += [up.eq(first), down.eq(self.top), self.first.eq(1)]
            m.d.sync += [position.eq(0), self.phase.eq(0), self.active.eq(1)]
        return m
