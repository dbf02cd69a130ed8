"""Options of a core's bus, chosen when the core is generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from golden.errors import InputError
from golden.packing import Packing


@dataclass(frozen=True, kw_only=True)
class Bus:
    """Buses of a core.

    Attributes:
        width: bits of the stream buses for x, results and states.
        packing: ``extended``: elements in containers of 8, 16 or 32 bits, sign-extended.
            ``tight``: one after another without a gap.
        window: data registers replace the stream buses; each is one end of a stream of 32 bits.

    Raises:
        InputError: a value is not one of the choices.
    """

    width: int = 32
    packing: str = "extended"
    window: bool = False

    PACKINGS: ClassVar[tuple[str, ...]] = ("extended", "tight")

    def __post_init__(self) -> None:
        if self.packing not in self.PACKINGS:
            expected = " or ".join(self.PACKINGS)
            raise InputError(f"packing is {self.packing!r}, expected {expected}")
        Packing(element=1, bus=self.width)
        if self.window and (self.width, self.packing) != (32, "extended"):
            raise InputError(
                f"data registers hold one element each, not {self.width} bits {self.packing}"
            )

    @property
    def tight(self) -> bool:
        """Tell whether elements follow each other without a gap."""
        return self.packing == "tight"

    def pack(self, element: int) -> Packing:
        """Return the packing of elements of so many bits."""
        if self.window:  # sign-extended to a register
            return Packing(element=element, bus=self.width, tight=False, least=self.width)
        return Packing(element=element, bus=self.width, tight=self.tight)
