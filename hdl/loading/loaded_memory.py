"""A memory of constants that the loader writes and the core reads."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.layout.weight_image import WIDTH, sections
from hdl.loading.loader import section_of, write_layout
from hdl.parts.component import port
from hdl.parts.memory import block_attributes
from hdl.parts.numeric import span
from hdl.plan import Plan


class LoadedMemory(wiring.Component):
    """The memory of a section of the image, with a second bank where there are two sets.

    Latency: ``data`` is the word at ``address`` of the cycle before. In a ``table`` it is that of
    the same cycle, and ``first`` the word at 0.

    Args:
        plan: the core's plan.
        section: name of the section.
        table: whether words are read at once: for small tables, which fit LUT RAM.

    Attributes:
        write, bank: see :class:`hdl.loading.loader.Loader`.
    """

    write = port(data.View)
    bank = address = data = first = port(Signal)

    def __init__(self, *, plan: Plan, section: str, table: bool = False) -> None:
        self.plan = plan
        self.table = table
        self._number = section_of(plan, section)
        self._section = sections(plan)[self._number]
        width = self._section.width
        super().__init__(
            {
                "write": In(write_layout(plan)),
                "bank": In(1),
                "address": In(span(self._section.depth)),
                "data": Out(width),
                "first": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        section, bits = self._section, len(self.address)
        double = self.plan.options.storage.double
        depth = (2 if double else 1) << bits
        parts = section.parts
        width = section.width if parts == 1 else parts * WIDTH
        attributes = {} if self.table else block_attributes(width * depth)
        memory = Memory(shape=unsigned(width), depth=depth, init=[], attrs=attributes)
        m.submodules.memory = memory
        write = memory.write_port(granularity=WIDTH) if parts > 1 else memory.write_port()
        banks = (self.write.bank, self.bank) if double else ([], [])
        mine = self.write.valid & (self.write.section == self._number)
        m.d.comb += [
            write.addr.eq(Cat(self.write.address[:bits], banks[0])),
            write.data.eq(self.write.data.replicate(parts)),
            write.en.eq(Mux(mine, 1 << self.write.part, 0) if parts > 1 else mine),
        ]
        domain = "comb" if self.table else "sync"
        read = memory.read_port(domain=domain)
        m.d.comb += [
            read.addr.eq(Cat(self.address, banks[1])),
            self.data.eq(read.data[: section.width]),
        ]
        if self.table:
            first = memory.read_port(domain="comb")
            m.d.comb += [
                first.addr.eq(Cat(self.address & 0, banks[1])),
                self.first.eq(first.data[: section.width]),
            ]
        return m
