"""Results of the cycle count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hdl.timing.series import Series


@dataclass(frozen=True, kw_only=True)
class CycleCount:
    """Timing of some sequences, one after the other.

    Attributes:
        series: cycles of ``inputs``, ``outputs``, ``loaded``, ``saved`` and ``steps``.
        end: cycle after the last operation.
        issued: operations of the array, one per cycle.
        waited: cycles in which the array waited, by what it waited for.
    """

    series: dict[str, Series]
    end: int
    issued: int
    waited: dict[str, int]

    @cached_property
    def inputs(self) -> NDArray[np.int64]:
        """Cycle in which each input element is taken."""
        return self.series["inputs"].array()

    @cached_property
    def outputs(self) -> NDArray[np.int64]:
        """Cycle in which each output word is given."""
        return self.series["outputs"].array()

    @cached_property
    def loaded(self) -> NDArray[np.int64]:
        """Cycle in which each state word is taken."""
        return self.series["loaded"].array()

    @cached_property
    def saved(self) -> NDArray[np.int64]:
        """Cycle in which each state word is given."""
        return self.series["saved"].array()

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """Cycle in which each step's first operation is issued."""
        return self.series["steps"].array()

    @property
    def first_output(self) -> int:
        """Cycle of the first output word, at once even for the longest sequence."""
        return self.series["outputs"].first

    @property
    def last_output(self) -> int:
        """Cycle of the last output word, likewise."""
        return self.series["outputs"][-1]


@dataclass(frozen=True, kw_only=True)
class SteadyState:
    """Cycles per step of long sequences; with several streams, of one sequence per stream in turns.

    Attributes:
        cycles_per_step: measured over the steps at the end.
        ideal_cycles_per_step: the step's matrix products over the number of lanes; the head's
            count where every step has a result.
        issued_per_step: operations of the array; above the ideal where units do not fill the
            lanes.
        utilization: share of multipliers at work on products, 0 to 1.
        waited: cycles of a step in which the array waited, by what it waited for.
    """

    cycles_per_step: int
    ideal_cycles_per_step: float
    issued_per_step: int
    utilization: float
    waited: dict[str, int]
