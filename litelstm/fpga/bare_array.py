"""The MAC array alone, for the clock that a core could have at best."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.array.lanes import Lanes
from hdl.loading.weight_ram import WeightRam, weight_rom
from hdl.parts.component import delayed, port
from hdl.plan import Plan
from hdl.verilog import convert


class BareArray(wiring.Component):
    """Weights, operand, multipliers and accumulators of a core, and nothing else.

    It computes nothing of use: weights and places are counted through, and the sums leave through
    a chain of registers, so that no tool takes them away.

    Attributes:
        i: the operand.
        o: a sum, some time later.
    """

    i = o = port(Signal)

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__(
            {
                "i": In(signed(plan.sizes.operand_width)),
                "o": Out(signed(plan.sizes.accumulator_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        plan, shape = self.plan, self.plan.array
        m.submodules.lanes = lanes = Lanes(shape=shape)
        weight_address, weight_word = self._weights(m)
        address = Signal(range(plan.sizes.weight_words))
        place = Signal(shape.place)
        m.d.sync += [
            address.eq(Mux(address == plan.sizes.weight_words - 1, 0, address + 1)),
            place.gate.eq(Mux(place.gate == shape.gates - 1, 0, place.gate + 1)),
            lanes.i_operand.eq(delayed(m, self.i, 2, name="operand")[-1]),
            lanes.i_place.eq(place),
            lanes.i_first.eq(address == 0),
        ]
        with m.If(place.gate == shape.gates - 1):
            m.d.sync += place.row.eq(Mux(place.row == shape.rows - 1, 0, place.row + 1))
        m.d.comb += [
            weight_address.eq(address),
            lanes.i_weights.eq(weight_word),
            lanes.i_valid.eq(1),
        ]
        before = self.i
        for lane in range(shape.lanes):
            seen = delayed(m, lanes.total[lane], 1, name=f"total{lane}")[-1]
            chain = Signal(signed(shape.accumulator_width), name=f"chain{lane}", reset_less=True)
            m.d.sync += chain.eq(Mux(lanes.i_first, seen, before))
            before = chain
        m.d.comb += self.o.eq(before)
        return m

    def _weights(self, m: Module) -> tuple[Value, Value]:
        """The core's weight memory; returns its address, and the word a cycle later."""
        plan = self.plan
        if plan.options.storage.loadable:
            m.submodules.weights = ram = WeightRam(plan=plan)
            m.d.comb += [
                ram.owns.eq(self.i[0]),
                ram.write.valid.eq(self.i[0]),
                ram.write.address.eq(ram.address),
                ram.write.data.eq(self.i),
            ]
            return ram.address, ram.data
        return weight_rom(m, plan)


def bare_array_verilog(plan: Plan, *, name: str) -> str:
    """Verilog of a core's bare array."""
    return convert(BareArray(plan), name=name)
