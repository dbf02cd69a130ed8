"""The output buffer: results wait here until the stream takes them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.parts.component import holds_any, port
from hdl.parts.memory import block_memory


class OutputBuffer(wiring.Component):
    """Queue of output words without a full flag: its writer, `UnitDispatch`, counts the room.

    Latency: ``LATENCY`` cycles. Throughput: a word per cycle.
    Cost: a memory of ``places`` words, a power of two; the word on offer is one of them.

    Attributes:
        write, word: a word comes.
        o: the words in order.
    """

    write = port(Signal)
    word = port(data.View)
    o = port(stream.Interface)

    LATENCY = 2
    """Cycles from writing a word until the stream offers it."""

    def __init__(self, *, shape: Any, places: int) -> None:
        self.places = places
        super().__init__({"write": In(1), "word": In(shape), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = block_memory(
            shape=self.word.shape().size, depth=max(2, self.places)
        )
        fill, read = memory.write_port(), memory.read_port()
        takes = Signal()
        # Of words that are not offered yet.
        waits = holds_any(m, comes=self.write, goes=takes, most=self.places)
        m.d.comb += [
            fill.en.eq(self.write),
            fill.data.eq(self.word),
            takes.eq(waits & (~self.o.valid | self.o.ready)),
            read.en.eq(takes),
            self.o.payload.eq(read.data),
        ]
        with m.If(self.write):
            m.d.sync += fill.addr.eq(fill.addr + 1)
        with m.If(takes):
            m.d.sync += [read.addr.eq(read.addr + 1), self.o.valid.eq(1)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m
