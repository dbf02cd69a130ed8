"""Arithmetic of one layer: formats and activations, in the fastest type that is exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.activations import ALPHAS, ExponentialTable, TanhTable, hard_sigmoid_raw
from golden.cells import Carried
from golden.errors import InputError
from golden.formats import Format, requantize
from golden.quantized import QuantizedLayer
from golden.scratch import Scratch


def carrier(bound: int) -> type[np.generic]:
    """Choose the fastest NumPy type that holds integers exactly.

    Args:
        bound: upper bound of |any computed integer|, in any order of summation.

    Returns:
        float32 below 2**24 and float64 below 2**53 (BLAS multiplies these), else int64.

    Raises:
        InputError: ``bound`` is beyond int64.
    """
    if bound < 1 << 24:
        return np.float32
    if bound < 1 << 53:
        return np.float64
    if bound < 1 << 62:
        return np.int64
    raise InputError(f"sums reach {bound}, expected less than 2**62")


@dataclass(frozen=True)
class LayerArithmetic:
    """Formats and activations of one layer on a carrier type (see golden.cells.Arithmetic).

    Activations are lookup tables with one entry per value of the argument's format, made at first
    use.
    """

    layer: QuantizedLayer
    table: TanhTable
    dtype: type[np.generic]
    scratch: Scratch = field(default_factory=Scratch)
    _lookups: dict[tuple[str, Format], NDArray[Any]] = field(default_factory=dict)

    @property
    def h(self) -> Format:
        return self.layer.formats.h

    @property
    def c(self) -> Format:
        return self.layer.formats.c or self.h

    @property
    def hidden(self) -> Format:
        return self.layer.formats.hidden or self.pre

    @property
    def pre(self) -> Format:
        return self.layer.formats.pre or self.h

    @property
    def gate(self) -> Format:
        return self.layer.formats.gate or self.candidate

    @property
    def candidate(self) -> Format:
        return self.table.out

    def product_frac(self, gate: str) -> int:
        """Fraction bits of a gate's sum."""
        return self.layer.formats.product_fracs[gate]

    def sigmoid(self, raw: Carried) -> Carried:
        """Apply the layer's gate activation to a pre-activation."""
        return self._look_up("sigmoid", self.pre, raw)

    def tanh(self, raw: Carried, source: Format) -> Carried:
        """Compute tanh of a value in format ``source``."""
        return self._look_up("tanh", source, raw)

    def exponential(self, activation: str, raw: Carried, source: Format) -> Carried:
        """Compute alpha (exp - 1) of a value up to 0 in format ``source``."""
        return self._look_up(activation, source, raw)

    def maximum(self, raw: Carried, other: Any) -> Carried:
        """Return the larger of two values, or of a value and an integer."""
        return np.maximum(raw, other)

    def nearest(self, value: float, to: Format) -> Any:
        """Convert a real number to format ``to``."""
        return self.dtype(to.quantize(value))

    def requantize(self, raw: Carried, frac: int, to: Format) -> Carried:
        """Narrow like :func:`golden.formats.requantize`; a float carrier overwrites ``raw``."""
        if self.dtype is np.int64:
            return requantize(raw, frac=frac, to=to)
        if frac != to.frac:
            raw *= self.dtype(2.0 ** (to.frac - frac))
        if frac > to.frac:
            raw += self.dtype(0.5)
            np.floor(raw, out=raw)
        # Bounds in the carrier's own type: NumPy is several times slower with Python numbers.
        return np.clip(raw, self.dtype(to.min), self.dtype(to.max), out=raw)

    def values(self, function: str, source: Format) -> NDArray[Any]:
        """Return a function's values for all arguments of a format, the smallest first."""
        key = function, source
        if key not in self._lookups:
            self._lookups[key] = self._evaluate(function, source)
        return self._lookups[key]

    def _look_up(self, function: str, source: Format, raw: Carried) -> Carried:
        # Subtracting source.min keeps indices from being negative: NumPy's branch on the sign of
        # an index costs more than all the rest.
        place = self.scratch.array("place", raw.shape, self.dtype)
        whole = self.scratch.array("whole", raw.shape, np.int32)
        index = self.scratch.array("index", raw.shape, np.intp)
        np.subtract(raw, self.dtype(source.min), out=place)
        np.copyto(whole, place, casting="unsafe")  # two steps are faster than one
        np.copyto(index, whole)
        # All indices are in range; mode "wrap" skips the check of each index before the copy.
        return self.values(function, source).take(index, out=np.empty_like(raw), mode="wrap")

    def _evaluate(self, function: str, source: Format) -> NDArray[Any]:
        raw = np.arange(source.min, source.max + 1, dtype=np.int64)
        if function == "tanh":
            result = self.table(raw, frac=source.frac)
        elif function in ALPHAS:
            result = ExponentialTable.like(self.table, function)(raw, frac=source.frac)
        elif self.layer.sigmoid == "hard":
            result = hard_sigmoid_raw(raw, frac=source.frac, to=self.gate)
        else:
            result = self.table.logistic(raw, frac=source.frac, to=self.gate)
        return result.astype(self.dtype)
