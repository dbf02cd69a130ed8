"""Limits of a search: judged by estimates first, and again by what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from golden.quality import check_max_drop
from litelstm.fpga.families import LUT
from litelstm.fpga.targets import Target

TOLERANCE = 1e-9
"""Excess that is a rounding error of a share."""

SLACK = 1.2
"""Factor by which an estimate may exceed what the part has: synthesis decides."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits that a core must keep.

    Attributes:
        target: the part that it must fit.
        max_drop: percentage points of accuracy below the reference.
        min_rate: inferences per second.
        max_luts: LUTs, if fewer than the part has.

    Raises:
        InputError: ``max_drop`` is out of range.
    """

    target: Target
    max_drop: float
    min_rate: float
    max_luts: int | None

    def __post_init__(self) -> None:
        check_max_drop(self.max_drop)

    def excess(
        self, values: Mapping[str, float], used: Mapping[str, int], reference: float
    ) -> dict[str, float]:
        """Return by how much each limit is exceeded; none of it is positive for a core that fits.

        Args:
            values: the core's objectives.
            used: amount of each resource.
            reference: accuracy of the floats.
        """
        available = self.target.available
        over = {
            name: used[name] / (SLACK * have) - 1
            for name, have in available.items()
            if name in used
        }
        if self.max_luts:
            over[LUT] = used[LUT] / min(self.max_luts, available[LUT]) - 1
        if self.min_rate:
            over["rate"] = 1 - values["rate"] / self.min_rate
        over["accuracy"] = reference - self.max_drop / 100 - values["accuracy"]
        return over

    def broken(self, values: Mapping[str, float], reference: float) -> str:
        """Say which limits a measured core, which fits its part, does not keep; ``""`` for none.

        Args:
            values: the core's objectives.
            reference: accuracy of the floats on the same samples.
        """
        drop = 100 * (reference - values["accuracy"])
        found = {
            f"loses {drop:.2f} points, --max-drop is {self.max_drop:g}": drop - self.max_drop,
            f"{values['rate']:,.0f} inferences per second, --min-rate is {self.min_rate:,g}": (
                self.min_rate - values["rate"]
            ),
        }
        if self.max_luts:
            text = f"{values['luts']:,.0f} LUTs, --max-luts is {self.max_luts:,}"
            found[text] = values["luts"] - self.max_luts
        return "; ".join(text for text, over in found.items() if over > TOLERANCE)
