"""A layer of a quantized network, in integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import Cell
from golden.dataclass import dataclass
from golden.directions import BACKWARD, DirectedLayer
from golden.errors import InputError
from golden.formats import Format
from golden.layer_formats import (
    LayerFormats,
    check_format,
    check_integers,
    weight_format,
)
from golden.layers import named_weights

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class QuantizedLayer(DirectedLayer):
    """One layer in integers; matrices and biases are named as in the float layer.

    Both directions of a bidirectional layer have the same formats. Those of ``first`` are the
    state's.

    Raises:
        InputError: a weight is missing, unknown, of a wrong shape or out of its format's range;
            the gate activation or the direction is unknown.
    """

    cell: Cell
    sigmoid: str
    formats: LayerFormats
    weights: Mapping[str, Integers]
    direction: str = "forward"
    backward: Mapping[str, Integers] | None = None
    sources: tuple[int, ...] | None = None
    lags: tuple[int, ...] | None = None
    warmup: int = 0
    first: Mapping[str, Integers] | None = None

    def __post_init__(self) -> None:
        weights = named_weights(self)
        for name in self.cell.formats:
            if getattr(self.formats, name) is None:
                raise InputError(f"a {self.cell.kind} layer has no format {name}")
        if 1 + len(self.formats.more) != len(self.operands):
            raise InputError(
                f"a layer has {1 + len(self.formats.more)} formats of what it reads, expected "
                f"{len(self.operands)}"
            )
        if self.cell.state:
            check_format("h", self.formats.h)
        gates = [gate.name for gate in self.cell.gates]
        if sorted(self.formats.product_fracs) != sorted(gates):
            found = ", ".join(sorted(self.formats.product_fracs))
            raise InputError(f"product_fracs has {found}, expected {', '.join(sorted(gates))}")
        if not self.cell.state and len({*self.formats.product_fracs.values()}) > 1:
            raise InputError(
                f"product_fracs are {dict(self.formats.product_fracs)}, expected one number: the "
                "pieces' sums are compared"
            )
        for name, array, shape in weights:
            check_integers(
                name, array, shape, weight_format(name.replace(BACKWARD, ""), self.formats)
            )

    def empty(self, name: str) -> Any:
        return self.formats.operand(name).quantize(self.cell.empty)

    def bounds(self, gate: int, *, bias: bool, selects: bool = False) -> tuple[Integers, Integers]:
        """Smallest and largest sum of ``weights`` that operands in range can reach.

        Args:
            gate: index into ``cell.gates``.
            bias: whether to include the bias and the diagonal. Without them the range is that of
                the accumulator: every partial sum lies in it too, because each product's range
                includes 0.
            selects: whether x selects one column (:mod:`golden.indices`).

        Returns:
            Two int64 arrays of shape (units,).
        """
        description = self.cell.gates[gate]
        start = self.weights[description.bias] if bias else np.zeros(self.units, dtype=np.int64)
        low, high = start, start
        for operand in self.reads(description):
            matrix = self.weights[description.matrix(operand)]
            less, more = _product_range(matrix, self.formats.operand(operand))
            if selects and operand == "x":
                products = matrix << self.formats.x.frac
                less, more = (
                    np.minimum(products.min(axis=1), 0),
                    np.maximum(products.max(axis=1), 0),
                )
            low, high = low + less, high + more
        if bias and description.diagonal:
            weights = self.weights[description.peephole]
            less, more = _product_range(weights[:, np.newaxis], self.formats.operand("c"))
            low, high = low + less, high + more
        return low, high


def signed_width(low: int, high: int) -> int:
    """Bits of the narrowest signed integer that holds ``low`` to ``high``, at least 2."""
    return max(2, max(0, high).bit_length() + 1, (-low - 1).bit_length() + 1 if low < 0 else 1)


def _product_range(matrix: Integers, operand: Format) -> tuple[Integers, Integers]:
    """Range of each row's sum of products, for any operand vector in range."""
    ends = np.stack([matrix * operand.min, matrix * operand.max])
    return ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)
