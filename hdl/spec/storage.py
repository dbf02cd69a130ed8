"""Memories of a core's weights and sums, chosen when the core is generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from golden.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Memories of a core. They change no word that it gives.

    Attributes:
        weights: ``rom``: the Verilog has them. ``ram``: they come in on a stream, see
            :class:`hdl.loading.loader.Loader`; biases, diagonals and tables stay in the Verilog.
            ``double``: the same with memory for two sets, one of which is active while the other
            comes in.
        sums: ``lanes``: each lane has a memory for its accumulators and one for its shadow, which
            fit LUT RAM. ``block``: all lanes' stand side by side in memories that fit block RAM,
            for parts that have no LUT RAM; a sum then leaves the shadow a cycle later.

    Raises:
        InputError: a word is unknown.
    """

    weights: str = "rom"
    sums: str = "lanes"

    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {
        "weights": ("rom", "ram", "double"),
        "sums": ("lanes", "block"),
    }

    def __post_init__(self) -> None:
        for name, choices in self.CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                *others, last = choices
                expected = f"{', '.join(others)} or {last}"
                raise InputError(f"{name} is {value!r}, expected {expected}")

    @property
    def loadable(self) -> bool:
        """Tell whether weights come in on a stream."""
        return self.weights != "rom"

    @property
    def side_by_side(self) -> bool:
        """Tell whether all lanes' sums are words of one memory."""
        return self.sums == "block"

    @property
    def deep(self) -> bool:
        """Tell whether the state update has more registers: parts without LUT RAM are slow, too."""
        return self.side_by_side

    @property
    def double(self) -> bool:
        """Tell whether there is memory for two sets."""
        return self.weights == "double"


BUILT_IN = Storage()
"""Everything in the Verilog, sums beside their lanes."""
