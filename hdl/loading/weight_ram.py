"""The weight memory of a core: in the Verilog, or filled over a stream."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.layout.contents import weight_words
from hdl.layout.weight_image import WIDTH, sections
from hdl.loading.loader import section_of, write_layout
from hdl.parts.component import port
from hdl.parts.memory import block_attributes, block_rom
from hdl.parts.numeric import span
from hdl.parts.parity import ParityGuard
from hdl.plan import Plan


def weight_rom(m: Module, plan: Plan) -> tuple[Value, Value]:
    """The memory of weights that are in the Verilog; its address, and the word a cycle later."""
    m.submodules.weights = memory = block_rom(
        shape=plan.options.lanes * plan.sizes.weight_width,
        depth=plan.sizes.weight_words,
        init=weight_words(plan),
    )
    port = memory.read_port()
    return port.addr, port.data


class WeightRam(wiring.Component):
    """A memory that the loader writes in parts of 32 bits and the array reads in whole words.

    One bank has one port, which is the loader's or the array's. Two banks, one of them active,
    have a port for each.

    Latency: ``data`` is the word at ``address`` of the cycle before.
    Cost: with one bank a memory that need not be written while it is read, for example the SPRAM of
    an iCE40.

    Attributes:
        write, owns, bank: see :class:`hdl.loading.loader.Loader`.
        address, data: what the array reads.
        used: where the core has parity: the array uses the word at ``address``. No other may have
            been loaded yet, and the memory need not start from 0.
    """

    write = port(data.View)
    owns = bank = address = data = used = port(Signal)

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        super().__init__(
            {
                "write": In(write_layout(plan)),
                "owns": In(1),
                "bank": In(1),
                **({"used": In(1)} if plan.options.parity else {}),
                "address": In(span(plan.sizes.weight_words)),
                "data": Out(plan.options.lanes * plan.sizes.weight_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, plan = Module(), self.plan
        number = section_of(plan, "weights")
        parts = sections(plan)[number].parts
        width, word_bits = parts * WIDTH, len(self.address)
        double = plan.options.storage.double
        depth = 2 << word_bits if double else plan.sizes.weight_words
        m.submodules.memory = memory = Memory(
            shape=unsigned(width), depth=depth, init=[], attrs=block_attributes(width * depth)
        )
        if isinstance(platform, ParityGuard):
            platform.check_only(memory, self.used)
        write = memory.write_port(granularity=WIDTH)
        read = memory.read_port()
        written = self.write.address[:word_bits]
        if double:
            m.d.comb += [
                read.addr.eq(Cat(self.address, self.bank)),
                write.addr.eq(Cat(written, self.write.bank)),
            ]
        else:
            # One port: the same address for both, and never both in a cycle.
            address = Signal.like(self.address)
            m.d.comb += [
                address.eq(Mux(self.owns, written, self.address)),
                read.addr.eq(address),
                read.en.eq(~self.owns),
                write.addr.eq(address),
            ]
        mine = self.write.valid & (self.write.section == number)
        m.d.comb += [
            write.data.eq(self.write.data.replicate(parts)),
            write.en.eq(Mux(mine, 1 << self.write.part, 0)),
            self.data.eq(read.data[: len(self.data)]),
        ]
        return m
