"""Products of several lanes in one hardware multiplier."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.parts.component import delayed, port
from hdl.parts.joint import Joint
from hdl.parts.numeric import MULTIPLIER


class JointProduct(wiring.Component):
    """Multiplies one operand by two or three weights, with one multiplier.

        weights ► {w1 - (w0 < 0), w0}_q ► ┌───┐ product_q ┌───────┐
                                          │ × │ ────────► │ apart │ ──► product, carry
                           operand_q ───► └───┘           └───────┘

    A lane's product is ``product + carry``: the carry goes into the lane's accumulator, where it
    costs no addition. It is 1 if the field below is negative. With an overlap of one bit, an AND
    and an XOR tell the fields apart. With more bits it takes a small product, a subtraction and an
    addition, and the carries are 0.

    Latency: two cycles, one for the factors and one for the product.
    Throughput: one operation per cycle.
    Cost: one multiplier of ``joint.factor_width`` x ``joint.operand_width`` bits.

    Args:
        joint: widths and overlap.
        lanes: weights, 1 to ``joint.count``.

    Attributes:
        operand: x.
        weights: stored weights, see :meth:`hdl.parts.joint.Joint.stored`; the lowest lane first.
        product, carry: of each lane.
    """

    operand = port(Signal)
    weights = port(data.View)
    product = carry = port(list[Signal])

    def __init__(self, *, joint: Joint, lanes: int) -> None:
        self.joint, self.lanes = joint, lanes
        self.overlap = joint.overlap if lanes > 1 else 0
        super().__init__(
            {
                "operand": In(signed(joint.operand_width)),
                "weights": In(data.ArrayLayout(signed(joint.weight_width), lanes)),
                "product": Out(signed(joint.product_width)).array(lanes),
                "carry": Out(1).array(lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        joint, weights = self.joint, [self.weights[lane] for lane in range(self.lanes)]
        operand = delayed(m, self.operand, 1, name="operand")[-1]
        factor = factor_of(weights, joint)
        factor_q = Signal(factor.shape(), reset_less=True)
        product = Signal((operand * factor_q).shape(), attrs=MULTIPLIER)
        product_q = Signal(product.shape(), reset_less=True)
        m.d.comb += product.eq(operand * factor_q)
        m.d.sync += [factor_q.eq(factor), product_q.eq(product)]
        low = self._low(m, operand)
        parts = apart(m, product_q, joint, lanes=self.lanes, low=low)
        m.d.comb += [to.eq(part) for to, part in zip(self.product, parts, strict=True)]
        if self.overlap < 2:
            below = self.product[:-1]
            m.d.comb += [to.eq(part[-1]) for to, part in zip(self.carry[1:], below, strict=True)]
        return m

    def _low(self, m: Module, operand: Signal) -> Value:
        """Lowest bits of the upper product, as many as overlap, with the joint product."""
        if not self.overlap:
            return Const(0, 0)
        names = ("upper_q", "low", "low_q")
        upper_q, low, low_q = (
            Signal(self.overlap, name=name, reset_less=name[-1] == "q") for name in names
        )
        # No product in the Verilog: that would become a multiplier.
        terms = [
            (operand[bit].replicate(self.overlap) & upper_q) << bit for bit in range(self.overlap)
        ]
        m.d.comb += low.eq(sum(terms, start=Const(0, 1)))
        m.d.sync += [
            upper_q.eq(self.weights[1] + (self.weights[0] < 0)),  # what is stored may be one less
            low_q.eq(low),
        ]
        return low_q


def factor_of(weights: Sequence[Value], joint: Joint) -> Value:
    """Stored weights, the lowest lane first, as one factor: their bits side by side."""
    below = [Cat(weight, weight[-1].replicate(joint.step - len(weight))) for weight in weights[:-1]]
    return Cat(*below, weights[-1]).as_signed()


def apart(m: Module, product: Value, joint: Joint, *, lanes: int, low: Value) -> list[Value]:
    """Take the fields of a joint product apart.

    Args:
        m: module to build into.
        product: the joint product.
        joint: widths and overlap.
        lanes: number of fields.
        low: the overlap's bits of the upper product; none without overlap.

    Returns:
        Each lane's product, without its carry.
    """
    step, overlap = joint.step, len(low)
    if not overlap:
        fields = [product[lane * step :][: joint.product_width] for lane in range(lanes)]
        return [field.as_signed() for field in fields]
    upper, own = product[step:], Signal(overlap + 1, name="own")
    m.d.comb += own.eq(upper[:overlap] - low)
    lower = Cat(product[:step], own[:-1]).as_signed()
    if overlap == 1:
        return [lower, upper.as_signed()]
    # The rest of the upper product is one less if the lower product is negative, and one more if
    # the sum in the overlap has a carry.
    carries, negative = own[-1], own[-2]
    correction = Cat(carries ^ negative, carries & ~negative).as_signed()
    rest = Signal(signed(len(upper) - overlap), name="rest")
    m.d.comb += rest.eq(upper[overlap:].as_signed() + correction)
    return [lower, Cat(low, rest).as_signed()]
