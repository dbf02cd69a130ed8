"""Two products of 8 x 8 bits, which some multipliers compute in a mode of their own."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.parts.component import delayed, port


class DualProduct(wiring.Component):
    """Multiplies one operand of 8 bits by two weights of 8 bits.

    This is the generic description. Where the part's multiplier has a mode for it (iCE40), the
    FPGA flow puts that multiplier in place of the whole module: ports and registers are the same.

    Latency: two cycles, factors and products have registers.
    Throughput: one operation per cycle.
    Cost: one multiplier with such a mode, two others.

    Attributes:
        operand: x.
        weights: the lower lane's first.
        product0, product1: of the lanes.
    """

    WIDTH = 8

    operand = product0 = product1 = port(Signal)
    weights = port(data.View)

    def __init__(self) -> None:
        width = self.WIDTH
        super().__init__(
            {
                "operand": In(signed(width)),
                "weights": In(data.ArrayLayout(signed(width), 2)),
                "product0": Out(signed(2 * width)),
                "product1": Out(signed(2 * width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        operand = delayed(m, self.operand, 1, name="operand")[-1]
        weights = delayed(m, self.weights, 1, name="weights")[-1]
        for lane, product in enumerate((self.product0, self.product1)):
            product_q = Signal(product.shape(), name=f"product_q{lane}", reset_less=True)
            m.d.sync += product_q.eq(operand * weights[lane])
            m.d.comb += product.eq(product_q)
        return m
