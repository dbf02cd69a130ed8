"""Two products of 8 x 8 bits or less, which some multipliers compute in a mode of their own."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.parts.component import delayed, port


class DualProduct(wiring.Component):
    """Multiplies one operand by two weights, all of 8 bits at most.

    This is the generic description. Where the part's multiplier has a mode for it (iCE40), the
    FPGA flow puts that multiplier in place of the whole module: ports and registers are the same.

    Latency: two cycles, factors and products have registers.
    Throughput: one operation per cycle.
    Cost: one multiplier with such a mode, two others.

    The ports have the factors' own widths: of a port with copies of its sign Amaranth would make a
    narrower one of another name.

    Args:
        operand_width, weight_width: bits of the factors.

    Attributes:
        operand: x.
        weights: the lower lane's first.
        product0, product1: of the lanes.
    """

    operand = product0 = product1 = port(Signal)
    weights = port(data.View)

    def __init__(self, *, operand_width: int, weight_width: int) -> None:
        product = signed(operand_width + weight_width)
        super().__init__(
            {
                "operand": In(signed(operand_width)),
                "weights": In(data.ArrayLayout(signed(weight_width), 2)),
                "product0": Out(product),
                "product1": Out(product),
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
