"""Activation functions on integers: hard sigmoid, tabulated tanh, logistic sigmoid from that table.

:meth:`TanhTable.values` is the only source of the tables in the hardware.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.dataclass import dataclass
from golden.formats import Format, requantize


def hard_sigmoid(x: ArrayLike) -> NDArray[np.float64]:
    """Eq. (21) on real numbers: clip(x/4 + 1/2, 0, 1)."""
    return np.clip(np.asarray(x, dtype=np.float64) / 4 + 0.5, 0.0, 1.0)


def logistic(x: ArrayLike) -> NDArray[np.float64]:
    """The logistic sigmoid 1 / (1 + exp(-x)) on real numbers, without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, dtype=np.float64)))


def hard_sigmoid_raw(raw: ArrayLike, *, frac: int, to: Format) -> NDArray[np.int64]:
    """Eq. (21) on integers: x/4 + 1/2 with ``frac + 2`` fraction bits, narrowed once, clamped.

    Args:
        raw: pre-activations with ``frac`` fraction bits, any shape.
        frac: fraction bits of ``raw``, 0 or more.
        to: format of the gate; must hold 1.0.
    """
    raw = np.asarray(raw, dtype=np.int64)
    half = 1 << (frac + 1)
    return np.clip(requantize(raw + half, frac=frac + 2, to=to), 0, to.one)


@dataclass(frozen=True, kw_only=True)
class TanhTable:
    """tanh by table over [0, 2**log2_range), with odd symmetry; saturates outside.

    Without interpolation, entry ``i`` holds tanh(i * step), step = 2**(log2_range - log2_entries).
    |x| selects the nearest entry (halves round up); beyond the table it selects the last one. With
    interpolation, segment ``i`` holds tanh(i * step) with ``GUARD`` extra bits, and the rise to the
    next segment; the result is narrowed once.

    Args:
        log2_entries: table size, 2 to 14 (4 to 16,384 entries).
        log2_range: 2 for [0, 4), 3 for [0, 8), up to 5.
        interpolate: linear interpolation between entries.
        out: format of the result, for candidate values and for tanh(c).

    Raises:
        ValueError: an argument is out of range.
    """

    log2_entries: int = 8
    log2_range: int = 2
    interpolate: bool = False
    out: Format

    GUARD = 2
    """Extra fraction bits of an interpolated table's entries."""

    def __post_init__(self) -> None:
        if not 2 <= self.log2_entries <= 14:
            raise ValueError(f"tanh table log2_entries must be 2 to 14, not {self.log2_entries!r}")
        if not 2 <= self.log2_range <= 5:
            raise ValueError(f"tanh table log2_range must be 2 to 5, not {self.log2_range!r}")
        if not 1 <= self.out.frac <= self.out.width:
            raise ValueError(
                f"tanh table out must have 1 to {self.out.width} fraction bits, "
                f"not {self.out.frac!r}"
            )

    @property
    def entries(self) -> int:
        """Number of table entries."""
        return 1 << self.log2_entries

    @property
    def step_frac(self) -> int:
        """Fraction bits of the table index: index ``i`` stands for |x| = i * 2**-step_frac."""
        return self.log2_entries - self.log2_range

    @property
    def index(self) -> Format:
        """Format of the index without interpolation: |x| narrowed, saturated at the last entry."""
        return Format(width=self.log2_entries + 1, frac=self.step_frac)

    def curve(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the tabulated function of real numbers, 0 or more."""
        return np.tanh(x)

    def values(self) -> NDArray[np.int64]:
        """Compute the table's contents.

        Returns:
            int64 of shape (entries,) with ``out.frac`` fraction bits; with interpolation
            (entries, 2): value and rise to the next entry, with ``out.frac + GUARD``.
        """
        points = np.arange(self.entries + 1, dtype=np.float64) * 2.0**-self.step_frac
        if not self.interpolate:
            return self.out.quantize(self.curve(points[:-1]))
        fine = np.floor(np.ldexp(self.curve(points), self.out.frac + self.GUARD) + 0.5)
        fine = fine.astype(np.int64)
        return np.stack([fine[:-1], np.diff(fine)], axis=1)

    def __call__(self, raw: ArrayLike, *, frac: int) -> NDArray[np.int64]:
        """Compute tanh of integers.

        Args:
            raw: arguments with ``frac`` fraction bits, any shape.
            frac: fraction bits of ``raw``.

        Returns:
            int64 in format ``out``, same shape.
        """
        raw = np.asarray(raw, dtype=np.int64)
        magnitude = np.abs(raw)
        if self.interpolate:
            result = self._interpolated(magnitude, frac)
        else:
            index = requantize(magnitude, frac=frac, to=self.index)
            result = self.values()[index]
        return self.out.saturate(np.where(raw < 0, -result, result))

    def _interpolated(self, magnitude: NDArray[np.int64], frac: int) -> NDArray[np.int64]:
        """Compute tanh of magnitudes by linear interpolation, without the sign."""
        below = max(0, frac - self.step_frac)  # bits of the argument below the index
        scaled = magnitude << max(0, self.step_frac - frac)
        index = scaled >> below
        part = scaled & ((1 << below) - 1)
        outside = index >= self.entries
        base, rise = np.moveaxis(self.values()[np.minimum(index, self.entries - 1)], -1, 0)
        part = np.where(outside, 1 << below, part)
        exact = (base << below) + rise * part
        return requantize(exact, frac=self.out.frac + self.GUARD + below, to=self.out)

    def logistic(self, raw: ArrayLike, *, frac: int, to: Format) -> NDArray[np.int64]:
        """Compute the logistic sigmoid (1 + tanh(x/2)) / 2 from the table, clamped to [0, 1].

        Args:
            raw: arguments with ``frac`` fraction bits, any shape.
            frac: fraction bits of ``raw``.
            to: format of the gate; must hold 1.0.
        """
        t = self(raw, frac=frac + 1)  # x/2 has the same bits, with one more fraction bit
        both = (1 << self.out.frac) + t
        return np.clip(requantize(both, frac=self.out.frac + 1, to=to), 0, to.one)


ALPHAS = {"elu": 1.0, "selu": 1.6732632423543772}
"""Limit alpha of A(x) = alpha (exp(x) - 1) below 0, by activation; above 0 A(x) is x.

SELU's factor 1.0507 is not a part of A: importers move it to what reads the result.
"""


@dataclass(frozen=True, kw_only=True)
class ExponentialTable(TanhTable):
    """alpha (exp(x) - 1) for x up to 0, by table like tanh: alpha (1 - exp(-|x|)), and its sign.

    Args:
        alpha: the limit for small x.
    """

    alpha: float

    @classmethod
    def like(cls, table: TanhTable, activation: str) -> ExponentialTable:
        """Make the table of one of ``ALPHAS``, with sizes and format of a network's tanh table."""
        return cls(
            log2_entries=table.log2_entries,
            log2_range=table.log2_range,
            interpolate=table.interpolate,
            out=table.out,
            alpha=ALPHAS[activation],
        )

    def curve(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return -self.alpha * np.expm1(-x)
