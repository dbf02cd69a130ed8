"""Latencies and costs that both the hardware and the cycle count are made from.

The hardware asserts, when it is elaborated, that it has these.
"""

from __future__ import annotations

from dataclasses import dataclass

ANNOUNCED = 4
"""Cycles from an element being announced until the sequencer may decide to read it."""

INPUT = ANNOUNCED
"""The same from an input element being taken."""

RELEASE = 4
"""Cycles from a step's last operation over x until the next one's first, at least."""

HEAD_FREE = 4
"""Cycles from a result's last unit entering the state update until the next may be completed."""

ISSUE_TO_ARRAY = 2
"""Cycles from the sequencer's decision until the operation enters the MAC array."""

TOTAL = 3
"""Cycles from an operation until its sums are known: two for the factors, one for the product."""

SHADOW = TOTAL + 1
"""Cycles from an operation that completes a row until the row can be read from the shadow."""

QUEUE = 3
"""Cycles from such an operation until the row's first unit enters the state update."""

ROW_SPACING = 2
"""Cycles between the first units of two rows, at least."""

ROOM = 3
"""Cycles from the output buffer having room until a row that waited for it enters."""

READ = 1
"""Stage in which the shadow is asked for a unit's first sum; one a cycle follows."""


def drain_latency(*, deep: bool) -> int:
    """Cycles from asking the shadow for a sum until it is there."""
    return 1 + deep


def tanh_latency(*, interpolate: bool, deep: bool) -> int:
    """Cycles of a tanh table: (choice,) magnitude and index, look-up of two, (interpolation,) sign.

    The choice of the argument and its binary point has a cycle of its own where it is ``deep``.
    """
    return 4 + interpolate + deep


SOFT_PRODUCT = 5
"""Cycles of a product in logic, see :class:`hdl.update.soft_product.SoftProduct`."""


@dataclass(frozen=True, kw_only=True)
class Delays:
    """Cycles that the parts of a state update take.

    Attributes:
        first_sum: stage of a unit's first sum with its bias.
        bias: of adding it; its lower half first where there are two.
        narrow: rounding, (and, a register later,) limiting.
        product: of a shared multiplier.
        tanh: of a table, see :func:`tanh_latency`.
    """

    first_sum: int
    bias: int
    narrow: int
    product: int
    tanh: int

    @classmethod
    def of(cls, *, deep: bool, soft: bool, interpolate: bool) -> Delays:
        """Of a core.

        Args:
            deep: see :attr:`hdl.spec.storage.Storage.deep`.
            soft: products are made in logic.
            interpolate: whether the tanh tables interpolate.
        """
        bias = 1 + deep
        return cls(
            first_sum=READ + drain_latency(deep=deep) + bias,
            bias=bias,
            narrow=1 + deep,
            product=SOFT_PRODUCT if soft else 1,
            tanh=tanh_latency(interpolate=interpolate, deep=deep),
        )


READ_STATE = 3
"""Cycles from h and c of step t-1 being addressed until they are there: two of the memory, and one
for zero in a first step."""

CLASS = 1
"""Cycles from a result's last logit until its class is known."""

ACCESS = 2
"""Cycles that loading or saving a state takes beside those of its words."""

SETTLED = 1
"""Cycles from all units being ready until a state may be loaded or saved."""

ACTIVATE = 4
"""Cycles from the last word of an image until ``i`` is ready for the first element."""

RESTS = 8
"""Cycles, beside those of the state update, after which what stands still is not in flight."""

OUTPUT_BUFFER = 2
"""Cycles from a write to the output buffer until the stream shows the word."""
