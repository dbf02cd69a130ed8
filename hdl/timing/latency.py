"""Latencies in cycles that several blocks agree on.

A latency of one block alone is a constant of its class. :mod:`hdl.cycles` computes with all of
them, and every simulation without stalls asserts that the core keeps to its result.
"""

from __future__ import annotations

from dataclasses import dataclass

ANNOUNCED = 4
"""Cycles from announcing an element of h, c or r * h until the sequencer may decide to read it.

The element is written in that cycle and read in the next one. The cycles before go to a count, its
selection, its comparison and the decision, see :mod:`hdl.sequencer.readiness`.
"""

ADD = 4
"""Cycles from an operation entering the MAC array until its products are added.

Three take the factors, one the product. An array with sums side by side takes one less for the
factors: parts that need it have no fast multipliers either.
"""

SHADOW = 4
"""Cycles from a completed row being announced to the state update until the shadow holds it."""

READ = 1
"""Cycles from a unit entering the state update until the shadow is asked for its first sum.

Its other sums follow, one per cycle.
"""

SHARED_PRODUCT = 2
"""Cycles of a product on a multiplier that several products share: the first one chooses factors.

A product on a multiplier of its own takes one cycle. So do all in a ``deep`` update: another path
limits the clock there, and its parts have few registers left.
"""

SOFT_PRODUCT = 5
"""Cycles of a product in logic, see :class:`hdl.update.soft_product.SoftProduct`."""

READ_STATE = 3
"""Cycles from addressing h and c of step t-1 until they are there.

The memory takes two; one replaces them by zero in a first step.
"""

CLASS = 1
"""Cycles from a result's last logit until its class is known."""

ACTIVATE = 4
"""Cycles from the last word of a weight image until ``i`` is ready for the first element."""


def drain_latency(*, deep: bool) -> int:
    """Cycles from asking the shadow for a sum until it delivers the sum."""
    return 1 + deep


def tanh_latency(*, interpolate: bool, deep: bool) -> int:
    """Cycles of a tanh table.

    One each for: magnitude and index; look-up, twice; interpolation, if any; sign. A ``deep``
    update takes one more at first, for the choice of the argument and its binary point.
    """
    return 4 + interpolate + deep


@dataclass(frozen=True, kw_only=True)
class Delays:
    """Cycles that the parts of a state update take.

    Attributes:
        first_sum: stage of a unit's first sum with its bias.
        bias: cycles of adding the bias; a ``deep`` update adds its lower half first.
        narrow: cycles of rounding and limiting; a ``deep`` update has a register between them.
        product: cycles of a product.
        shared_product: the same where several products share a multiplier.
        tanh: cycles of a table, see :func:`tanh_latency`.
    """

    first_sum: int
    bias: int
    narrow: int
    product: int
    shared_product: int
    tanh: int

    @classmethod
    def of(cls, *, deep: bool, soft: bool, interpolate: bool) -> Delays:
        """Return the delays of a core.

        Args:
            deep: see :attr:`hdl.spec.storage.Storage.deep`.
            soft: products are made in logic.
            interpolate: the tanh tables interpolate.
        """
        bias = 1 + deep
        product = SOFT_PRODUCT if soft else 1
        return cls(
            first_sum=READ + drain_latency(deep=deep) + bias,
            bias=bias,
            narrow=1 + deep,
            product=product,
            shared_product=product if soft or deep else SHARED_PRODUCT,
            tanh=tanh_latency(interpolate=interpolate, deep=deep),
        )
