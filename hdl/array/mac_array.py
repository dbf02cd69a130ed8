"""The shared MAC array: lanes with their accumulators, and the shadow that the update drains."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.array.lanes import ArrayShape, Lanes
from hdl.array.shadow import Shadow, read_layout
from hdl.parts.component import delayed, port


class MacArray(wiring.Component):
    """Multiplies an operand by a word of weights per cycle; keeps exact sums per row and gate.

        operand, weights ─► lanes ─► sums ─► accumulators (row, gate)
                                       └───► shadow, when the sum is final ─► sums of a unit

    No operands overflow a sum: its width is computed for the largest ones.

    Latency: ``shape.total`` + 1 cycles from the operation that completes a row until the shadow
    holds it.
    Throughput: one operation per cycle, and one sum per bank read from the shadow.
    Cost: that of :class:`hdl.array.lanes.Lanes` and :class:`hdl.array.shadow.Shadow`.

    Attributes:
        i_valid, i_weights: the operation; ``i_weights`` has lane 0 lowest.
        i_operand: its operand, one cycle later.
        i_place: row and gate of the sums.
        i_first: the sums start with this product.
        i_final: the sums are complete with this product.
        read: for each bank the sum to read from the shadow.
        sums: for each bank that sum, :func:`hdl.timing.latency.drain_latency` cycles later.
    """

    i_valid = i_operand = i_first = i_final = port(Signal)
    i_weights = i_place = read = sums = port(data.View)

    def __init__(self, *, shape: ArrayShape) -> None:
        self.shape = shape
        sums = data.ArrayLayout(signed(shape.accumulator_width), shape.banks)
        super().__init__(
            {
                "i_valid": In(1),
                "i_operand": In(signed(shape.operand_width)),
                "i_weights": In(data.ArrayLayout(signed(shape.weight_width), shape.lanes)),
                "i_place": In(shape.place),
                "i_first": In(1),
                "i_final": In(1),
                "read": In(data.ArrayLayout(read_layout(shape), shape.banks)),
                "sums": Out(sums),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.lanes = lanes = Lanes(shape=self.shape)
        m.submodules.shadow = shadow = Shadow(shape=self.shape)
        final = delayed(m, self.i_final, self.shape.total, name="final")
        m.d.comb += [
            getattr(lanes, name).eq(getattr(self, name))
            for name in ("i_valid", "i_operand", "i_weights", "i_place", "i_first")
        ]
        m.d.comb += [
            shadow.i_fill.eq(lanes.valid & final[-1]),
            shadow.i_place.eq(lanes.place),
            *(to.eq(total) for to, total in zip(shadow.i_total, lanes.total, strict=True)),
            shadow.read.eq(self.read),
            self.sums.eq(shadow.sums),
        ]
        return m
