"""The count of a delta core: which columns run, when each is taken, and when it starts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from golden.changes import Changes
from golden.interface import Control
from hdl.cycles.run import Run
from hdl.layout.changes import AHEAD
from hdl.sequencer.column_source import ColumnSource
from hdl.sequencer.column_walk import ColumnWalk
from hdl.sequencer.delta_sequencer import DeltaSequencer
from hdl.spec.passes import Pass
from hdl.store.change_lists import ChangeLists
from hdl.store.input_banks import pause
from hdl.timing.latency import ANNOUNCED

Cycles = NDArray[np.int64]

NONE = np.zeros(1, dtype=np.int64)
"""One column that need not be waited for."""


@dataclass
class DeltaRun(Run):
    """State of the count before the array; a column is taken ahead of its first operation.

    Attributes:
        changes: elements that are sent in each step; ``None`` if all are in all steps.
        taken: cycle in which the last column was taken.
        starts: cycles of the first operations of the last columns.
    """

    changes: Changes | None = None
    taken: int = -ColumnSource.NEXT
    starts: list[int] = field(default_factory=list)
    _number: int = 0

    def _repeat(self, controls: Sequence[Control], times: int) -> None:
        if self.changes is None:
            super()._repeat(controls, times)
            return
        for _ in range(times):
            for control in controls:
                self._step(control)

    def _situation(self) -> Hashable:
        ahead = [cycle - self.now for cycle in (self.taken, *self.starts)]
        return super()._situation(), tuple(ahead)

    def _shift(self, late: int) -> None:
        super()._shift(late)
        self.taken += late
        self.starts = [cycle + late for cycle in self.starts]

    def _step(self, control: Control) -> None:
        super()._step(control)
        self._number += 1

    @property
    def _pause(self) -> int:
        return pause(self.plan)

    @property
    def _released(self) -> int:
        return super()._released if self.plan.lists.counts_x else self.taken + 1

    def _pass(self, single: Pass, *, starts_step: bool) -> None:
        length, what = self.plan.lists.column(single), self._what(single)
        ready, drained = self._columns(single), self._drained(single)
        earliest = self.taken + ColumnSource.NEXT
        for column, available in enumerate(ready.tolist()):
            take = max(earliest, available)
            if len(self.starts) >= ColumnWalk.PLACES:
                take = max(take, self.starts[-ColumnWalk.PLACES])
            waits = column == len(ready) - 1 and drained > take
            take = max(take, drained) if waits else take
            start = max(self.now, take + DeltaSequencer.TAKEN)
            self.waited["drain of the step before" if waits else what] += start - self.now
            self._start(single, start, length, first=starts_step and column == 0)
            self.starts = [*self.starts[1 - ColumnWalk.PLACES :], start]
            self.taken, earliest = take, take + 1
        self._complete(single, self.starts[-1])

    def _columns(self, single: Pass) -> Cycles:
        """For each column of a pass the first cycle in which it may be taken."""
        if self.plan.lists.counted(single):
            return self._counted(single)
        if single.recurrent and self.step.independent:
            return NONE
        there = self._elements(single) + ChangeLists.COUNTED + DeltaSequencer.LISTED
        if single.source < 0 and self.plan.lists.counts_x:
            there = np.maximum(there, self._unblocked)
        changed = self._changed(single)
        if changed is not None:
            behind = np.flatnonzero(changed)[1:]
            return np.append(there[behind], there[-1])
        return np.append(there[1:], there[-1])

    @property
    def _unblocked(self) -> int:
        """First cycle in which columns of x may be taken, once the step before has released it."""
        return self.releases[-1] + 2 if self.releases else 0

    def _elements(self, single: Pass) -> Cycles:
        """Cycles in which the elements of a pass' operand come to its list."""
        if single.source < 0:
            return np.array(self.inputs[-single.columns :]) + AHEAD
        job = self.plan.work.job_making(single.operand, single.source)
        return self.drains.entries[job] + self.plan.update_cost.written[single.operand]

    def _changed(self, single: Pass) -> NDArray[np.bool_] | None:
        """Elements of a pass' operand that were sent."""
        if self.changes is None:
            return None
        if single.source < 0:
            return self.changes.x[self._number]
        made = self._number - single.recurrent
        return self.changes.layers[single.source][single.operand][made]

    def _counted(self, single: Pass) -> Cycles:
        """Find when each column of a dense layer's pass may be taken, see :meth:`_columns`."""
        if single.source < 0:
            return np.maximum(np.array(self.inputs[-single.columns :]) + 2, self._unblocked)
        return self._elements(single) + (2 - ANNOUNCED)

    def _drained(self, single: Pass) -> int:
        """First cycle in which a pass' last column may be taken."""
        waits = self.plan.work.waits(single.drains) if single.drains is not None else ()
        return max((self._given(job) for job in waits if job in self.drains.entries), default=0)

    def _given(self, number: int) -> int:
        """First cycle in which a column may be taken that overwrites a job's sums."""
        job, last = self.plan.work.jobs[number], int(self.drains.entries[number][-1])
        if not job.makes:
            return last + 2
        written = last + self.plan.update_cost.written[job.makes[-1]]
        if (job.makes[-1], job.layer) in self.plan.lists.made:
            return written + ChangeLists.COUNTED + DeltaSequencer.LISTED
        return written + 2 - ANNOUNCED
