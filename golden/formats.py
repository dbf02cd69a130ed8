"""Fixed-point formats, and :func:`requantize`, the only operation that drops bits.

A tensor of integers (*raw* values) with a :class:`Format` represents the real numbers
``raw * 2**-frac``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.dataclass import dataclass

MAX_WIDTH = 32
"""Largest width of a format, in bits."""

FARTHEST = 64
"""Largest |frac| of a format."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """Signed two's complement of ``width`` bits, ``frac`` of them fraction.

    ``frac`` is only the position of the binary point; it may be negative or exceed ``width``.

    Raises:
        TypeError: ``width`` or ``frac`` is not an integer.
        ValueError: ``width`` is not between 2 and 32, or ``frac`` not between -64 and 64.
    """

    width: int
    frac: int

    def __post_init__(self) -> None:
        for name in ("width", "frac"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"Format {name} must be an integer, not {value!r}")
        if not 2 <= self.width <= MAX_WIDTH:
            raise ValueError(f"Format width must be 2 to {MAX_WIDTH} bits, not {self.width!r}")
        if not -FARTHEST <= self.frac <= FARTHEST:
            raise ValueError(f"Format frac must be -{FARTHEST} to {FARTHEST}, not {self.frac!r}")

    def __str__(self) -> str:
        return f"Q{self.width - self.frac}.{self.frac}"

    @property
    def min(self) -> int:
        """Smallest raw value."""
        return -(1 << (self.width - 1))

    @property
    def max(self) -> int:
        """Largest raw value."""
        return (1 << (self.width - 1)) - 1

    @property
    def least(self) -> int:
        """Smallest raw value that :meth:`quantize` returns."""
        return self.min

    @property
    def one(self) -> int:
        """Raw value of 1.0.

        Raises:
            ValueError: the format cannot hold exactly 1.0.
        """
        if not self.holds_one:
            raise ValueError(f"format {self} cannot hold exactly 1.0")
        return 1 << self.frac

    @property
    def holds_one(self) -> bool:
        """Whether exactly 1.0 is a value of this format."""
        return 0 <= self.frac <= self.width - 2

    def saturate(self, raw: ArrayLike) -> NDArray[np.int64]:
        """Clip raw values to the format's range; any shape, int64."""
        return np.clip(np.asarray(raw, dtype=np.int64), self.min, self.max)

    def quantize(self, value: ArrayLike) -> NDArray[np.int64]:
        """Convert real values to raw ones: nearest (halves up), saturated; any shape, int64.

        Raises:
            ValueError: a value is NaN.
        """
        with np.errstate(over="ignore"):  # infinities saturate below
            scaled = np.floor(np.ldexp(np.asarray(value, dtype=np.float64), self.frac) + 0.5)
        if np.isnan(scaled).any():
            raise ValueError("cannot quantize NaN")
        return np.clip(scaled, self.least, self.max).astype(np.int64)

    def to_float(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Convert raw values to real ones, exactly; any shape, float64."""
        return np.ldexp(np.asarray(raw, dtype=np.float64), -self.frac)


class WeightFormat(Format):
    """Format of weights: rounding leaves out the most negative value.

    Then two products fit a hardware multiplier (:mod:`hdl.parts.joint`). Networks that were not
    rounded here may have it.
    """

    @property
    def least(self) -> int:
        return -self.max


def requantize(raw: ArrayLike, *, frac: int, to: Format) -> NDArray[np.int64]:
    """Narrow exact integers to a format: add half, shift (floor), saturate.

    This is the only place where a data path of the golden model loses bits;
    :func:`hdl.parts.numeric.requantize` is the same operation in gates.

    Args:
        raw: integers of any shape, |raw| < 2**61.
        frac: fraction bits of ``raw``.
        to: the format of the result. If it has more fraction bits than ``raw``, the shift goes
            left and is exact.

    Returns:
        int64 array of the shape of ``raw``.
    """
    raw = np.asarray(raw, dtype=np.int64)
    shift = frac - to.frac
    if shift > 62:
        return np.zeros_like(raw)  # |raw| < 2**61 is less than half of the last place
    if shift > 0:
        raw = (raw + (1 << (shift - 1))) >> shift
    elif shift < 0:
        # Clipping first avoids overflow: a value that saturates before the shift does so after it,
        # and a shift by more than the width changes nothing more.
        raw = np.clip(raw, to.min, to.max) << min(-shift, to.width)
    return np.clip(raw, to.min, to.max)
