"""Hardware multipliers of the array: their size, and how many products each computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from hdl.parts.joint import Joint


class Size(NamedTuple):
    """Factors of a hardware multiplier.

    Attributes:
        wide, narrow: bits of the two, signed.
        half: most bits of both factors of which it computes two products without help of the
            Verilog; 0 if it cannot.
        native: whether the flow must be told so, see :attr:`hdl.parts.joint.Joint.native`.
    """

    wide: int
    narrow: int
    half: int = 0
    native: bool = False


SIZES = {
    "16x16": Size(16, 16),
    "18x18": Size(18, 18),
    "25x18": Size(25, 18),
    "dual-8x8": Size(16, 16, half=8, native=True),
    "dual-9x9": Size(18, 18, half=9),
}
"""Multipliers by name: iCE40 without and Lattice ECP5 and Xilinx 7 with a product per multiplier;
iCE40, and Gowin and Nexus, whose multipliers split into two."""

USUAL = "18x18"
"""The multiplier where none is named."""

OVERLAP = 5
"""Most bits of overlap. Each costs logic, see docs/fpga.md."""


@dataclass(frozen=True, kw_only=True)
class Multipliers:
    """Use of hardware multipliers by the array. It changes no word and no cycle.

    Attributes:
        pack: products per multiplier. ``off``: one. ``2``, ``3``: so many; refused where they do
            not fit. ``auto``: as many as needed where the part has too few multipliers; where only
            ``multiplier`` is known, 2 or 3 if they fit without overlap.
        multiplier: a name in ``SIZES``; empty if not known.
        available: multipliers of the part; 0 if not known.

    Raises:
        InputError: a word is unknown.
    """

    pack: str = "auto"
    multiplier: str = ""
    available: int = 0

    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {
        "pack": ("auto", "off", "2", "3"),
        "multiplier": ("", *SIZES),
    }

    def __post_init__(self) -> None:
        for name, choices in self.CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                *others, last = filter(None, choices)
                raise InputError(f"{name} is {value!r}, expected {', '.join(others)} or {last}")

    @property
    def size(self) -> Size:
        """The multiplier's size."""
        return SIZES[self.multiplier or USUAL]

    def choose(
        self, *, lanes: int, beside: int, operand_width: int, weight_width: int, least: int
    ) -> Joint | None:
        """Choose how the lanes share multipliers; ``None`` if each has its own.

        Args:
            lanes: of the array.
            beside: multipliers of the state update.
            operand_width, weight_width: bits of the factors.
            least: smallest weight.

        Raises:
            InputError: ``pack`` names a number that does not fit.
        """
        if self.pack == "off" or (self.pack == "auto" and not self.multiplier):
            return None
        fitting = list(self._fitting(operand_width, weight_width))
        if self.pack == "auto":
            found = [joint for joint in fitting if least >= joint.least]
            if not self.available:
                return max(
                    (joint for joint in found if not joint.overlap),
                    key=lambda joint: joint.count,
                    default=None,
                )
            halves = max(operand_width, weight_width) <= self.size.half and not self.size.native
            if (-(-lanes // 2) if halves else lanes) + beside <= self.available:
                return None
            for joint in found:
                if joint.multipliers(lanes) + beside <= self.available:
                    return joint
            return None
        for joint in fitting:
            if joint.count == int(self.pack):
                check_weights(least, joint)
                return joint
        raise InputError(
            f"pack is {self.pack}, expected auto or off: {self.pack} products of {weight_width} x "
            f"{operand_width} bits do not fit a multiplier {self.multiplier or USUAL}"
        )

    def _fitting(self, operand_width: int, weight_width: int) -> Iterator[Joint]:
        """Ways that fit the multiplier, the cheapest first."""
        size = self.size
        plain = Joint(count=2, operand_width=operand_width, weight_width=weight_width)
        if size.native and max(operand_width, weight_width) <= size.half:
            yield replace(plain, native=True)
        ways = [(2, 0), (2, 1), (3, 0), *((2, overlap) for overlap in range(2, OVERLAP + 1))]
        for count, overlap in ways:
            joint = replace(plain, count=count, overlap=overlap)
            factors = sorted((joint.factor_width, operand_width))
            fits = factors[1] <= size.wide and factors[0] <= size.narrow
            if fits and overlap < operand_width and joint.step >= weight_width:
                yield joint


def least_weight(network: QuantizedNetwork) -> int:
    """Smallest weight of any matrix."""
    weights = (array for layer in network.layers for array in layer.weights.values())
    return min(int(array.min()) for array in weights if array.ndim == 2)


def check_weights(least: int, joint: Joint) -> None:
    """Refuse weights that a joint product cannot have.

    Raises:
        InputError: names the smallest one.
    """
    if least < joint.least:
        raise InputError(
            f"the smallest weight is {least}, expected {joint.least} or more: {joint.count} "
            "products share a multiplier"
        )


ANY = Multipliers()
"""One product per multiplier, unless a part is named that has too few."""
