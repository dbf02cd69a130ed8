"""Dividers of a phase-locked loop (PLL), and the best of them for a wanted clock."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from amaranth.hdl import Module, Value

from golden.errors import InputError

MEGA = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Range:
    """Allowed frequencies in MHz, both ends included."""

    low: float
    high: float

    @property
    def middle(self) -> Fraction:
        """Hz half-way between the ends."""
        return Fraction(self.low + self.high) * MEGA / 2

    def __contains__(self, hertz: Fraction | float) -> bool:
        return self.low * MEGA <= hertz <= self.high * MEGA


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Allowed frequencies of a PLL, from its data sheet.

    Attributes:
        reference: of the input.
        detector: of the phase detector.
        vco: of the voltage-controlled oscillator.
        output: of the output.
    """

    reference: Range
    detector: Range
    vco: Range
    output: Range


@dataclass(frozen=True, kw_only=True)
class Pll(ABC):
    """A PLL with its dividers; a subclass describes each family.

    .. code-block:: text

        reference -> / divider -> detector -> vco -> / output_divider -> output
                                     ^                |
                                     '- / multiplier -'   (the oscillator's frequency)

    Attributes:
        reference: Hz of the input.
        divider, multiplier, output_divider: see the picture.
        limits: allowed frequencies.
        dividers, output_dividers: what the cell can be set to.
        primitive: the family's cell.
    """

    reference: int
    divider: int
    multiplier: int
    output_divider: int

    limits: ClassVar[Limits]
    dividers: ClassVar[Sequence[int]]
    output_dividers: ClassVar[Sequence[int]]
    primitive: ClassVar[str]

    @property
    def detector(self) -> Fraction:
        """Hz at the phase detector."""
        return Fraction(self.reference, self.divider)

    @property
    def vco(self) -> Fraction:
        """Hz of the voltage-controlled oscillator."""
        return self.detector * self.multiplier

    @property
    def output(self) -> Fraction:
        """Hz of the output."""
        return self.vco / self.output_divider

    @property
    def is_legal(self) -> bool:
        """Tell whether each frequency is in its range."""
        at, limits = self, self.limits
        return (
            at.reference in limits.reference
            and at.detector in limits.detector
            and at.vco in limits.vco
            and at.output in limits.output
        )

    @classmethod
    @abstractmethod
    def multipliers(cls, output_divider: int) -> range:
        """Return the multipliers that the cell can be set to beside an output divider."""

    @abstractmethod
    def build(self, m: Module, *, reference: Value, output: Value, locked: Value) -> None:
        """Add the family's cell to a module.

        Args:
            m: module to build into.
            reference: the board's oscillator.
            output: becomes the new clock.
            locked: becomes high when the clock is stable; it follows no clock.
        """

    @classmethod
    def nearest(cls, reference: int, wanted: int) -> Self:
        """Find the fastest clock that is not above the wanted one.

        Of several with that clock this takes the one with the fastest phase detector, then the
        oscillator that is nearest to the middle of its range.

        Args:
            reference: Hz of the oscillator.
            wanted: Hz of the clock.

        Raises:
            InputError: the PLL makes no clock from 95 % to 100 % of the wanted one.
        """
        middle = cls.limits.vco.middle
        lowest = Fraction(95, 100) * wanted
        best = max(
            cls.legal(reference, lowest=lowest, highest=wanted),
            key=lambda pll: (pll.output, pll.detector, -abs(pll.vco - middle)),
            default=None,
        )
        if best is None:
            limits = cls.limits.output
            raise InputError(
                f"clock is {wanted / MEGA:g} MHz, expected one that {cls.primitive} makes from "
                f"{reference / MEGA:g} MHz, from {limits.low:g} to {limits.high:g} MHz"
            )
        return best

    @classmethod
    def legal(
        cls, reference: int, *, lowest: Fraction | int, highest: Fraction | int
    ) -> Iterator[Self]:
        """Yield every setting that keeps all limits, with an output from ``lowest`` to ``highest``.

        All three are in Hz.
        """
        for divider in cls.dividers:
            if Fraction(reference, divider) not in cls.limits.detector:
                continue
            for output_divider in cls.output_dividers:
                per_multiplier = Fraction(reference, divider * output_divider)
                low, high = math.ceil(lowest / per_multiplier), highest // per_multiplier
                multipliers = cls.multipliers(output_divider)
                step = multipliers.step
                first = max(multipliers.start, -(-low // step) * step)
                for multiplier in range(first, min(multipliers.stop, high + 1), step):
                    pll = cls(
                        reference=reference,
                        divider=divider,
                        multiplier=multiplier,
                        output_divider=output_divider,
                    )
                    if pll.is_legal:
                        yield pll
