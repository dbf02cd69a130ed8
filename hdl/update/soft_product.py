"""A product made of adders, for parts whose multipliers the array takes."""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.parts.component import delayed, port
from hdl.timing.latency import SOFT_PRODUCT

_LEVELS = SOFT_PRODUCT - 2
"""Additions in pairs, one after the other."""

_PARTS = 1 << _LEVELS
"""Largest number of parts that the second factor is split into."""


class SoftProduct(wiring.Component):
    """Exact product of two signed numbers, one per cycle.

    The narrower factor is cut into parts of two bits, or a few more where it is wide. In one cycle
    each part is multiplied by the other factor, which is one addition; in three more the products
    are added in pairs.

    Latency: ``hdl.timing.latency.SOFT_PRODUCT`` cycles, the first of which takes the factors.
    Cost: about as many logic cells as the product of the widths, and a half more.

    Args:
        left, right: widths of the factors.

    Attributes:
        left, right: the factors.
        o: their product.
    """

    left = right = o = port(Signal)

    def __init__(self, *, left: int, right: int) -> None:
        super().__init__(
            {"left": In(signed(left)), "right": In(signed(right)), "o": Out(signed(left + right))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        wide, narrow = sorted((self.left, self.right), key=len, reverse=True)
        first = delayed(m, wide, 1, name="wide")[-1]
        second = delayed(m, narrow, 1, name="narrow")[-1]
        bits = max(2, -(-len(narrow) // _PARTS))
        terms = [
            _Term(low, self._kept(m, _times(first, second, low, low + bits), name=f"term{low}"))
            for low in range(0, len(narrow), bits)
        ]
        for level in range(_LEVELS):
            pairs = [terms[index : index + 2] for index in range(0, len(terms), 2)]
            terms = [
                _Term(pair[0].low, self._kept(m, _sum(pair), name=f"sum{level}_{pair[0].low}"))
                for pair in pairs
            ]
        m.d.comb += self.o.eq(terms[0].value)
        return m

    def _kept(self, m: Module, value: Value, *, name: str) -> Value:
        kept = Signal(signed(min(len(value), len(self.o))), name=name, reset_less=True)
        m.d.sync += kept.eq(value)
        return kept


class _Term(NamedTuple):
    """A part of the product, and how far it is shifted."""

    low: int
    value: Value


def _times(first: Value, second: Value, low: int, high: int) -> Value:
    """``first`` times some bits of ``second``, the highest of which may be its sign."""
    total: Value = Const(0)
    for place, bit in enumerate(second[low:high]):
        shifted = Mux(bit, first, 0) << place
        is_sign = low + place == len(second) - 1
        total = total - shifted if is_sign else total + shifted if place else shifted
    return total


def _sum(terms: list[_Term]) -> Value:
    """Sum of one term or two."""
    first, *others = terms
    return sum((other.value << (other.low - first.low) for other in others), first.value)
