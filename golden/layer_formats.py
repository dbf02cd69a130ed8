"""Formats of a quantized layer, and the limits of tensors, weights and binary points."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.dataclass import dataclass
from golden.directions import FIRST, operand_names
from golden.errors import InputError
from golden.formats import FARTHEST, Format, WeightFormat
from golden.layers import check_weight

BIAS = Format(width=32, frac=0)
"""Range of a bias, whatever its binary point; the hardware stores only the bits it needs."""

MAX_TENSOR_WIDTH = 18
"""Widest operand, activation, state or weight, in bits (one hardware multiplier's port)."""

MIN_WEIGHT_WIDTH = 2

MAX_FRAC = 32
"""Largest |frac| of a tensor's format."""


@dataclass(frozen=True, kw_only=True)
class LayerFormats:
    """Formats of one layer.

    A cell that does not use one of them has ``None``, see :attr:`golden.cells.Cell.formats`.

    Args:
        x: first vector that it reads; for an earlier layer's vector, that layer's ``h``.
        more: further vectors that it reads, x1, x2, ...
        h: output vector; up to ``BIAS.width`` bits if no layer reads it.
        c: cell state, if the cell has one; saturates.
        pre: pre-activation: a narrowed sum, the argument of an activation.
        hidden: narrowed sum that is multiplied before its activation (the recurrent part of a GRU
            with ``reset`` ``after``).
        gate: gate value in [0, 1].
        weight_width: bits of every weight.
        product_fracs: fraction bits of products, sum and bias, by name of the gate. A weight that
            multiplies an operand of ``n`` fraction bits has ``product_frac - n``.

    Raises:
        InputError: a format is out of range; ``gate`` cannot hold 1.0.
    """

    x: Format
    more: tuple[Format, ...] = ()
    h: Format
    c: Format | None = None
    pre: Format | None = None
    hidden: Format | None = None
    gate: Format | None = None
    weight_width: int
    product_fracs: Mapping[str, int]

    def __post_init__(self) -> None:
        others = [name for name in ("h", "c", "pre", "hidden", "gate") if getattr(self, name)]
        for name in (*operand_names(1 + len(self.more)), *others):
            widest = BIAS.width if name == "h" else MAX_TENSOR_WIDTH
            check_format(name, self.operand(name), widest)
        check_weight_width(self.weight_width)
        if self.gate and not self.gate.holds_one:
            raise InputError(
                f"gate format is {self.gate}, expected one that holds exactly 1.0 "
                f"(0 to {self.gate.width - 2} fraction bits of {self.gate.width})"
            )
        if self.pre and self.pre.frac < 0:
            raise InputError(f"pre format is {self.pre}, expected 0 or more fraction bits")

    def operand(self, name: str) -> Format:
        """Format of the operand x, x1, ..., h, c or rh (which has the format of h)."""
        if name[0] == "x":
            return (self.x, *self.more)[int(name[1:] or 0)]
        found = getattr(self, "h" if name == "rh" else name)
        assert found is not None
        return found

    def weight(self, gate: str, operand: str) -> WeightFormat:
        """Format of the weights with which a gate multiplies ``operand``.

        Raises:
            InputError: the binary points are too far apart.
        """
        check_product_frac(self.product_fracs[gate], self.operand(operand))
        frac = self.product_fracs[gate] - self.operand(operand).frac
        return WeightFormat(width=self.weight_width, frac=frac)


def check_format(name: str, value: Format, widest: int = MAX_TENSOR_WIDTH) -> None:
    """Refuse a tensor format with too many bits, or with a binary point out of range."""
    if value.width > widest:
        raise InputError(f"{name} format has {value.width} bits, expected 2 to {widest}")
    if not -MAX_FRAC <= value.frac <= MAX_FRAC:
        raise InputError(
            f"{name} format has {value.frac} fraction bits, expected -{MAX_FRAC} to {MAX_FRAC}"
        )


def check_weight_width(width: int) -> None:
    """Refuse a weight width that the array does not support."""
    if not MIN_WEIGHT_WIDTH <= width <= MAX_TENSOR_WIDTH:
        raise InputError(
            f"weight_width is {width}, expected {MIN_WEIGHT_WIDTH} to {MAX_TENSOR_WIDTH} bits"
        )


def check_product_frac(product_frac: int, operand: Format) -> None:
    """Refuse a binary point of products for which the weights have no valid format."""
    low, high = operand.frac - FARTHEST, operand.frac + FARTHEST
    if not low <= product_frac <= high:
        raise InputError(f"product_frac is {product_frac}, expected {low} to {high}")


def check_integers(
    name: str, array: NDArray[Any], shape: tuple[int | None, ...], to: Format
) -> None:
    """Refuse an integer array of a wrong type, shape or range."""
    check_weight(name, array, shape)
    if array.dtype != np.int64:
        raise InputError(f"weight {name} is of type {array.dtype}, expected int64")
    if array.min() < to.min or array.max() > to.max:
        raise InputError(
            f"weight {name} is {array.min()} to {array.max()}, expected {to.min} to {to.max}"
        )


def weight_format(name: str, formats: LayerFormats) -> Format:
    """Format of a layer's matrix, diagonal, bias or first state, by its name."""
    if name.startswith(FIRST):
        return formats.operand(name[len(FIRST) :])
    kind, rest = name.split("_")
    if kind == "b":
        return Format(width=BIAS.width, frac=formats.product_fracs[rest])
    gate = rest[0] + "".join(takewhile(str.isdigit, rest[1:]))
    return formats.weight(gate, rest[len(gate) :])
