"""The shadow: complete sums, kept for the state update while the array works on."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.component import Component
from hdl.lanes import ArrayShape
from hdl.numeric import span


def read_layout(shape: ArrayShape) -> data.StructLayout:
    """What to read from a bank: the sum of a row and gate, of the ``group``-th of its lanes."""
    groups = -(-shape.lanes // shape.banks)
    return data.StructLayout(
        {"gate": span(shape.gates), "row": span(shape.rows), "group": span(groups)}
    )


class Shadow(Component):
    """A memory a lane, read one sum a cycle and bank.

    Several banks of fewer lanes are smaller than one wide multiplexer a gate: a unit's gates
    are read one after the other, and units of different banks at the same time.

    Cost: a memory of ``shape.sums`` words a lane and a multiplexer over the lanes of each bank.

    Attributes:
        i_fill, i_place, i_total: write all lanes' sums of a place.
        read: for each bank what to read.
        sums: what was asked for in the cycle before, for each bank.
    """

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
        shape = self.shape
        width = signed(shape.accumulator_width)
        words: list[Value] = []
        for lane in range(shape.lanes):
            memory = Memory(shape=width, depth=shape.sums, init=[])
            m.submodules[f"lane{lane}"] = memory
            fill, drain = memory.write_port(), memory.read_port(domain="comb")
            m.d.comb += [
                fill.addr.eq(shape.address(self.i_place)),
                fill.data.eq(self.i_total[lane]),
                fill.en.eq(self.i_fill),
                drain.addr.eq(shape.address(self.read[lane % shape.banks])),
            ]
            words.append(drain.data)
        for bank in range(shape.banks):
            chosen = Signal(width, name=f"chosen{bank}")
            sum_q = Signal(width, name=f"sum{bank}_q", reset_less=True)
            with m.Switch(self.read[bank].group):
                for group, word in enumerate(words[bank :: shape.banks]):
                    with m.Case(group):
                        m.d.comb += chosen.eq(word)
            m.d.sync += sum_q.eq(chosen)
            m.d.comb += self.sums[bank].eq(sum_q)
        return m
