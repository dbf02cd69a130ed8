"""Counters of events: the low bits count in registers, the rest in block RAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.bus.access import WORD
from hdl.parts.component import port
from hdl.parts.memory import block_memory
from hdl.parts.numeric import span

FIRST = 16
"""Word of the first counter; the words below are constants."""

HALF = WORD // 2
HALF_MASK = (1 << HALF) - 1
"""A word lies in two memories: an ECP5's block RAM has its output register at 18 bits or fewer."""

SLOT = 3
"""Cycles of a visit: read the word, get it from the memory, add to it."""


class Totals(wiring.Component):
    """Counters, and words that never change, in block RAM.

    The low bits of each counter count its events in a register. Once per round a visit copies them
    to the counter's word in the memory. If their highest bit has fallen since the last visit, they
    have wrapped, and the visit adds one to the rest of the word: the register holds at least twice
    the events of a round. A counter therefore reads at most one round behind.

        events ─► low bits ─► the visited one's ─► fallen? ─► + 1 ─► memory ─► word ─┬─► data
                                                      └───────────◄──────────────────┘

    The memory has a register behind it and one before it: a visit writes its sum while the next
    visit reads its word.

    The first counter has 64 bits; a hidden word, the round's last, counts the upper half. The first
    counter is read at the end of a round only. The next round copies the hidden word to the second
    counter's place, so that both halves belong together.

    Latency: two to seven cycles from ``read`` to ``done``; up to a round more for the first counter
    and after ``clear``.
    Cost: two memories of 32 words of 16 bits, each with one port to read and one to write.

    Args:
        counters: most events of each counter in one cycle, by its name, in the order of their
            words. The second is the upper half of the first and has no events of its own.
        constants: words that never change, by their place in the memory.

    Attributes:
        events: events of each counter in this cycle, by its name.
        clear: counters become 0.
        read, address: ask for a word of the memory, until ``done``.
        done, data: the word is there, for one cycle.
    """

    events = port(data.View)
    clear = read = address = done = data = port(Signal)

    def __init__(self, *, counters: Mapping[str, int], constants: Mapping[int, int]) -> None:
        if not 2 <= len(counters) < FIRST or max(constants, default=0) >= FIRST:
            raise ValueError(f"counters must be 2 to {FIRST - 1}, constants below word {FIRST}")
        self.counters = len(counters)
        self._numbers = {name: n for n, name in enumerate(counters) if n != 1}
        self._most = max(counters.values())
        words = [constants.get(word, 0) for word in range(FIRST)]
        self._zero = next(word for word in range(FIRST) if word not in constants)
        self.halves = [
            block_memory(
                shape=HALF, depth=2 * FIRST, init=[word >> low & HALF_MASK for word in words]
            )
            for low in range(0, WORD, HALF)
        ]
        events = {name: counters[name].bit_length() for name in self._numbers}
        super().__init__(
            {
                "events": In(data.StructLayout(events)),
                "clear": In(1),
                "read": In(1),
                "address": In(span(2 * FIRST)),
                "done": Out(1),
                "data": Out(WORD),
            }
        )

    @property
    def round(self) -> int:
        """Cycles of a round."""
        return SLOT * (self.counters + 1)

    @property
    def low(self) -> int:
        """Bits of a counter in registers: they hold at least twice the events of a round."""
        return (self.round * self._most - 1).bit_length() + 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.low, m.submodules.high = self.halves
        ports: list[Any] = [memory.read_port() for memory in self.halves]
        writes: list[Any] = [memory.write_port() for memory in self.halves]
        hidden = self.counters
        slot = Signal(span(hidden + 1))
        reads, comes, adds = Signal(init=1), Signal(), Signal()  # a visit's cycles
        clearing = Signal(init=1)
        copies = Signal(init=1)
        ends, is_copy, granted, fetched = Signal(), Signal(), Signal(), Signal()
        word_q = Signal(WORD, reset_less=True)
        address = Signal.like(self.address)
        source = FIRST | Mux(is_copy, hidden, slot)
        is_first = self.address == FIRST
        m.d.comb += [
            ends.eq(slot == hidden),
            is_copy.eq(slot == 1),
            # Not in the second visit: its word may be the one to read, and is not copied yet.
            granted.eq(self.read & comes & ~clearing & ~is_copy & (~is_first | ends)),
            address.eq(Mux(reads, Mux(clearing, self._zero, source), self.address)),
            *(port.addr.eq(address) for port in ports),
            self.data.eq(word_q),
        ]
        for write in writes:
            m.d.sync += [write.addr.eq(FIRST | slot), write.en.eq(adds & (~is_copy | copies))]
        m.d.sync += [
            Cat(write.data for write in writes).eq(self._visit(m, slot, word_q, adds)),
            word_q.eq(Cat(port.data for port in ports)),
            fetched.eq(granted),
            self.done.eq(fetched),
            Cat(comes, adds, reads).eq(Cat(reads, comes, adds)),
        ]
        with m.If(adds):
            m.d.sync += slot.eq(Mux(ends, 0, slot + 1))
            with m.If(ends):
                m.d.sync += clearing.eq(0)
            with m.If(is_copy):
                m.d.sync += copies.eq(0)
        with m.If(granted & is_first):
            m.d.sync += copies.eq(1)
        with m.If(self.clear):
            m.d.sync += [
                Cat(reads, comes, adds).eq(1),
                slot.eq(0),
                clearing.eq(1),
                copies.eq(1),
            ]
        return m

    def _visit(self, m: Module, slot: Signal, word: Value, adds: Signal) -> Value:
        """Build the new value of the visited word."""
        low = self.low
        wraps = Signal()
        now, now_q = Signal(low), Signal(low, reset_less=True)
        carry = Signal()
        counts = {}
        events = {number: self.events[name] for name, number in self._numbers.items()}
        for number, event in {**events, self.counters: wraps}.items():
            counts[number] = count = Signal(low, name=f"count{number}")
            with m.If(self.clear):
                m.d.sync += count.eq(0)
            with m.Elif(event != 0):
                m.d.sync += count.eq(count + event)
        with m.Switch(slot):
            for number, count in counts.items():
                with m.Case(number):
                    m.d.comb += now.eq(count)
        is_copy = slot == 1  # the hidden word is copied as it is
        m.d.comb += carry.eq(word[low - 1] & ~now_q[-1] & ~is_copy)
        m.d.sync += [
            now_q.eq(now),
            wraps.eq(adds & (slot == 0) & carry & word[low:].all() & ~self.clear),
        ]
        return Cat(Mux(is_copy, word[:low], now_q), word[low:] + carry)[:WORD]
