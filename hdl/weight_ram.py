"""The weight memory of a core: in the Verilog, or filled over a stream."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl import weight_image
from hdl.component import Component
from hdl.memory import block_attributes, block_memory
from hdl.numeric import span
from hdl.plan import Plan


def weight_rom(m: Module, plan: Plan) -> tuple[Value, Value]:
    """The memory of weights that are in the Verilog; its address, and the word a cycle later."""
    m.submodules.weights = memory = block_memory(
        shape=plan.lanes * plan.weight_width, depth=plan.words, init=plan.weight_words()
    )
    port = memory.read_port()
    return port.addr, port.data


class WeightRam(Component):
    """A memory with one port: written word by word after a reset, only read from then on.

        i ─► part, word ─► address ┬─► memory ─► data
        address of the array ──────┘

    After a reset it takes the words of :func:`hdl.weight_image.image`, one a cycle at most, and
    none after the last. What it held before the reset stays until it is overwritten.

    Latency: ``data`` is the word at ``address`` of the cycle before.
    Cost: a memory that need not be written while it is read, for example the SPRAM of an iCE40.

    Attributes:
        i: the words.
        loaded: all of them are there.
        address, data: what the array reads; only once ``loaded``.
    """

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(weight_image.WIDTH))),
                "loaded": Out(1),
                "address": In(span(plan.words)),
                "data": Out(plan.lanes * plan.weight_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        plan = self.plan
        parts = weight_image.parts(plan)
        width = parts * weight_image.WIDTH
        m.submodules.memory = memory = Memory(
            shape=unsigned(width),
            depth=plan.words,
            init=[],
            attrs=block_attributes(width * plan.words),
        )
        write: Any = memory.write_port(granularity=weight_image.WIDTH)
        read: Any = memory.read_port()
        part = Signal(span(parts))
        word = Signal(span(plan.words))
        loaded = Signal()
        address = Signal.like(self.address)
        m.d.comb += [
            self.i.ready.eq(~loaded),
            self.loaded.eq(loaded),
            # One port: the same address for both, and never both in a cycle.
            address.eq(Mux(loaded, self.address, word)),
            read.addr.eq(address),
            read.en.eq(loaded),
            write.addr.eq(address),
            write.data.eq(self.i.payload.replicate(parts)),
            write.en.eq(Mux(self.i.valid & ~loaded, 1 << part, 0)),
            self.data.eq(read.data[: len(self.data)]),
        ]
        with m.If(self.i.valid & ~loaded):
            m.d.sync += part.eq(part + 1)
            with m.If(part == parts - 1):
                m.d.sync += [part.eq(0), word.eq(word + 1), loaded.eq(word == plan.words - 1)]
        return m
