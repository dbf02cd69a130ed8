"""Joint products: one hardware product that holds the products of several lanes.

The lanes share the operand x, so the product of x and a sum of shifted weights holds each lane's
product in a field of its own:

    x (w1 2^s + w0) = x w1 2^s + x w0

``s`` is the bits of a product, if no weight has the most negative value. A field whose lower
neighbour is negative is one too small. The factor is made of its weights' bits without an adder,
because the weight memory holds ``w1 - 1`` in place of ``w1`` where ``w0`` is negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Joint:
    """How the lanes' products share hardware multipliers.

    Attributes:
        count: products per multiplier, 2 or 3.
        operand_width, weight_width: bits of the operand and of a weight.
        overlap: bits by which a field overlaps its lower neighbour. Logic computes so many low bits
            of the upper product once more, which tells the two apart; only for two products.
        native: the multiplier has a mode for two products of 8 x 8 bits, see
            :class:`hdl.array.dual_product.DualProduct`. Nothing below is needed then.
    """

    count: int
    operand_width: int
    weight_width: int
    overlap: int = 0
    native: bool = False

    @property
    def product_width(self) -> int:
        """Bits of a lane's product; weights are at least ``least``."""
        return self.operand_width + self.weight_width - 1

    @property
    def step(self) -> int:
        """Bits from one field to the next."""
        return self.product_width - self.overlap

    @property
    def factor_width(self) -> int:
        """Bits of the factor that holds ``count`` weights."""
        return self.weight_width + (self.count - 1) * self.step

    @property
    def least(self) -> int:
        """Smallest weight; a native mode takes all."""
        return -(1 << (self.weight_width - 1)) + (not self.native)

    def multipliers(self, lanes: int) -> int:
        """Hardware multipliers of so many lanes."""
        return -(-lanes // self.count)

    def stored(self, weights: NDArray[np.int64]) -> NDArray[np.int64]:
        """Weights as the weight memory holds them.

        Args:
            weights: (words, lanes), none below ``least``.

        Returns:
            The same shape: one less where the stored weight of the lane below it, of the same
            multiplier, is negative.
        """
        fields = weights.copy()
        if not self.native:
            for lane in range(weights.shape[1]):
                if lane % self.count:
                    fields[:, lane] -= fields[:, lane - 1] < 0
        return fields
