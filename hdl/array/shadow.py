"""The shadow: complete sums, kept for the state update while the array works on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.array.lanes import ArrayShape
from hdl.parts.component import delayed, port
from hdl.parts.memory import LUT_RAM_WORDS, block_memory
from hdl.parts.numeric import span


def read_layout(shape: ArrayShape) -> data.StructLayout:
    """Layout of a request to a bank: row and gate of the sum; in ``groups`` the bit of its lane.

    A bit per lane is known in a register, and masks cost fewer levels of LUTs than a multiplexer.
    """
    return data.StructLayout(
        {"gate": span(shape.gates), "row": span(shape.rows), "groups": shape.groups}
    )


class Shadow(wiring.Component):
    """Keeps finished sums until the state update has read them.

    One memory per lane. Each bank of lanes delivers one sum per cycle: the gates of a unit are read
    one after the other, units of different banks at the same time. That takes less logic than a
    multiplexer over all lanes per gate. In LUT RAM with room for them, a lane has a zero for each
    of its sums: lanes that are not asked read zeros, so a bank's sum is the OR of its lanes' words.

    Latency: `drain_latency` cycles.
    Throughput: all lanes' sums of a place written, and one sum per bank read, per cycle.
    Cost: one memory of ``shape.sums`` words per lane, or one per bank; one multiplexer per bank.

    Attributes:
        i_fill, i_place, i_total: write all lanes' sums of a place.
        read: for each bank what to read.
        sums: what was asked for `drain_latency` cycles before, for each bank.
    """

    i_fill = port(Signal)
    i_place = read = sums = port(data.View)
    i_total = port(list[Signal])

    def __init__(self, *, shape: ArrayShape) -> None:
        self.shape = shape
        width = signed(shape.accumulator_width)
        super().__init__(
            {
                "i_fill": In(1),
                "i_place": In(shape.place),
                "i_total": In(width).array(shape.lanes),
                "read": In(data.ArrayLayout(read_layout(shape), shape.banks)),
                "sums": Out(data.ArrayLayout(width, shape.banks)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.shape.side_by_side:
            for bank in range(self.shape.banks):
                self._shared(m, bank)
            return m
        words = [self._own(m, lane) for lane in range(self.shape.lanes)]
        for bank in range(self.shape.banks):
            self._give(m, bank, words[bank :: self.shape.banks])
        return m

    @property
    def _width(self) -> Shape:
        return signed(self.shape.accumulator_width)

    def _own(self, m: Module, lane: int) -> Value:
        """A lane's memory; returns what its bank asks for in the same cycle, 0 for other lanes.

        The zeros lie below the sums and are never written. Without them, the word is masked.
        """
        shape, read = self.shape, self.read[lane % self.shape.banks]
        chosen = read.groups[lane // shape.banks]
        bits = (shape.sums - 1).bit_length()
        zeros = 2 << bits <= LUT_RAM_WORDS
        depth = 2 << bits if zeros else shape.sums
        m.submodules[f"lane{lane}"] = memory = Memory(shape=self._width, depth=depth, init=[])
        fill, drain = memory.write_port(), memory.read_port(domain="comb")
        m.d.comb += [
            fill.addr.eq(Cat(shape.address(self.i_place), 1)),
            fill.data.eq(self.i_total[lane]),
            fill.en.eq(self.i_fill),
            drain.addr.eq(Cat(shape.address(read), chosen)),
        ]
        return drain.data if zeros else _masked(drain.data, chosen)

    def _shared(self, m: Module, bank: int) -> None:
        """Build the memory of a bank's lanes: it delivers a word a cycle later, then the sum in it.

        Nobody asks for a sum in the cycle in which it is written.
        """
        shape = self.shape
        totals = [self.i_total[lane] for lane in range(bank, shape.lanes, shape.banks)]
        words = data.ArrayLayout(self._width, len(totals))
        m.submodules[f"bank{bank}"] = memory = block_memory(shape=words, depth=shape.sums)
        fill, drain = memory.write_port(), memory.read_port()
        m.d.comb += [
            fill.addr.eq(shape.address(self.i_place)),
            fill.en.eq(self.i_fill),
            *(fill.data[group].eq(total) for group, total in enumerate(totals)),
            drain.addr.eq(shape.address(self.read[bank])),
        ]
        groups_q = delayed(m, self.read[bank].groups, 1, name=f"groups{bank}")[-1]
        words = [_masked(drain.data[group], groups_q[group]) for group in range(len(totals))]
        self._give(m, bank, words)

    def _give(self, m: Module, bank: int, words: Sequence[Value]) -> None:
        """The OR of a bank's words, a cycle later."""
        sum_q = Signal(self._width, name=f"sum{bank}_q", reset_less=True)
        m.d.sync += sum_q.eq(reduce(or_, words).as_signed())
        m.d.comb += self.sums[bank].eq(sum_q)


def _masked(word: Value, chosen: Value) -> Value:
    return word.as_unsigned() & chosen.replicate(len(word))
