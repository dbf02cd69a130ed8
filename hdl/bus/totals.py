"""Counters of events: the low bits count in registers, the rest in one memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from hdl.bus.access import WORD
from hdl.component import Component
from hdl.memory import block_memory
from hdl.numeric import span

FIRST = 16
"""Word of the memory that the first counter is in; what never changes is below."""

SLOT = 2
"""Cycles of a visit: the word is read, then written."""


class Totals(Component):
    """Counters, and words that never change, in one memory.

    The low bits of each counter count its events as they come. Its word in the memory is visited
    once a round: it takes the low bits over, and adds one to the rest if they are less than before.
    A counter that is read is therefore at most a round behind.

        events ─► low bits ─► the visited one's ─┬─► less than before? ─► + 1 ─┬─► memory ─► data
                                                 └─────────────────────────────┘

    The first counter has 64 bits. The upper half is counted in a hidden word, the round's last. The
    first counter's word is only given as a round ends; the round after that copies the hidden
    word into the second counter's place, which so goes with what was read.

    Latency: ``done`` comes two to five cycles after ``read``; for the first counter, and after
    ``clear``, up to a round later.
    Cost: a memory of 32 words of 32 bits with one port to read and one to write.

    Args:
        counters: number of words that are counters, the upper half of the first among them.
        constants: words that never change, by their place in the memory.
        most: events of a counter in one cycle, by its number, where it can be more than one.

    Attributes:
        event0, event2, ...: events of each counter in this cycle.
        clear: counters become 0.
        read, address: asks for a word of the memory, until ``done``.
        done, data: there it is, for one cycle.
    """

    def __init__(
        self, *, counters: int, constants: Mapping[int, int], most: Mapping[int, int]
    ) -> None:
        if not 2 <= counters < FIRST or max(constants, default=0) >= FIRST:
            raise ValueError(f"counters must be 2 to {FIRST - 1}, constants below word {FIRST}")
        self.counters = counters
        self._most = most
        words = [constants.get(word, 0) for word in range(FIRST)]
        self._zero = next(word for word in range(FIRST) if word not in constants)
        self.memory = block_memory(shape=WORD, depth=2 * FIRST, init=words)
        ports = {f"event{n}": In(most.get(n, 1).bit_length()) for n in self._counted}
        super().__init__(
            {
                **ports,
                "clear": In(1),
                "read": In(1),
                "address": In(span(2 * FIRST)),
                "done": Out(1),
                "data": Out(WORD),
            }
        )

    @property
    def _counted(self) -> list[int]:
        return [number for number in range(self.counters) if number != 1]

    @property
    def round(self) -> int:
        """Cycles of a round."""
        return SLOT * (self.counters + 1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = self.memory
        port: Any = memory.read_port()
        write: Any = memory.write_port()
        hidden = self.counters
        slot = Signal(span(hidden + 1))
        writes = Signal()  # a visit's second cycle, in which the port for reading is free
        clearing = Signal(init=1)
        copies = Signal(init=1)
        ends, granted = Signal(), Signal()
        visited = FIRST | slot
        source = Mux(slot == 1, FIRST + hidden, visited)
        is_first = self.address == FIRST
        m.d.comb += [
            ends.eq(slot == hidden),
            # Nothing is read in the cycle in which it is written.
            granted.eq(
                self.read & writes & ~clearing & (self.address != visited) & (~is_first | ends)
            ),
            port.addr.eq(Mux(writes, self.address, Mux(clearing, self._zero, source))),
            write.addr.eq(visited),
            write.en.eq(writes & ((slot != 1) | copies)),
            write.data.eq(self._visit(m, slot, port.data, writes)),
            self.data.eq(port.data),
        ]
        m.d.sync += [self.done.eq(granted), writes.eq(~writes)]
        with m.If(writes):
            m.d.sync += slot.eq(Mux(ends, 0, slot + 1))
            with m.If(ends):
                m.d.sync += [clearing.eq(0), copies.eq(granted & is_first)]
        with m.If(self.clear):
            m.d.sync += [slot.eq(0), writes.eq(0), clearing.eq(1), copies.eq(1)]
        return m

    def _visit(self, m: Module, slot: Signal, word: Value, writes: Signal) -> Value:
        """What the visited word becomes."""
        low = (self.round * max(self._most.values(), default=1)).bit_length()
        wraps = Signal()
        events = {number: getattr(self, f"event{number}") for number in self._counted}
        now, carry = Signal(low), Signal()
        counts = {}
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
            with m.Default():  # the hidden word is copied as it is
                m.d.comb += now.eq(word[:low])
        m.d.comb += [
            carry.eq(now < word[:low]),
            wraps.eq(writes & (slot == 0) & carry & word[low:].all()),
        ]
        return Cat(now, word[low:] + carry)[:WORD]
