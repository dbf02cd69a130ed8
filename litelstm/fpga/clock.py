"""The clock of a routed core, over some seeds of the router."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from litelstm.fpga.timing import TimingPath


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The clock over some seeds of the router.

    Attributes:
        mhz: clock of each seed.
        paths: longest paths of the median seed.
        hidden: delays that the router leaves out, in words.
        bitstream: file made from the fastest seed, ``None`` without one.
    """

    mhz: tuple[float, ...]
    paths: tuple[TimingPath, ...]
    hidden: tuple[str, ...] = ()
    bitstream: str | None = None

    @property
    def median(self) -> float:
        return median(self.mhz)

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "median_mhz": round(self.median, 2),
            "min_mhz": round(min(self.mhz), 2),
            "max_mhz": round(max(self.mhz), 2),
            "mhz_by_seed": [round(mhz, 2) for mhz in self.mhz],
            "paths": [path.as_json() for path in self.paths],
            "worst_path": str(self.paths[0]),
            "hidden": list(self.hidden),
            "bitstream": self.bitstream,
        }

    def judged(self, wanted: float) -> dict[str, Any]:
        """Compare the fastest seed (that of the bitstream) with the wanted MHz, as JSON values."""
        best = max(self.mhz)
        return {
            "mhz": wanted,
            "slack_ns": round(1000 / wanted - 1000 / best, 3),
            "met": best >= wanted,
            "seeds_that_meet_it": sum(mhz >= wanted for mhz in self.mhz),
        }
