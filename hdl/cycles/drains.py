"""Timing of the state update: which unit enters when, and when output words are given."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hdl.parts.output_buffer import OutputBuffer
from hdl.plan import Plan
from hdl.sequencer.sequencer import Sequencer
from hdl.spec.jobs import Job
from hdl.store.state_access import StateAccess
from hdl.timing.latency import CLASS
from hdl.timing.series import Series
from hdl.update.unit_dispatch import UnitDispatch


@dataclass
class Drains:
    """State of the count behind the array.

    Attributes:
        plan: the core's plan.
        pause: cycles in which nobody takes a word, before each result.
        outputs: cycles of the output words.
        entries: for each job that was drained, the cycles in which its units entered last.
        entered_last: cycle of the last unit.
        row_free: first cycle in which the next row may enter.
    """

    plan: Plan
    pause: int = 0
    outputs: Series = field(init=False)
    entries: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    entered_last: int | None = None
    row_free: int = 0

    def __post_init__(self) -> None:
        self.outputs = Series(keeps=self.plan.sizes.output_places)

    def situation(self, now: int, far: int) -> Hashable:
        """Everything that decides what comes, in cycles from now; no cycle is before ``far``."""
        cycles = [self.row_free, *([] if self.entered_last is None else [self.entered_last])]
        cycles += self.outputs[-self.plan.sizes.output_places :]
        entries = (
            (job, (np.maximum(entries, far) - now).tobytes())
            for job, entries in self.entries.items()
        )
        return len(cycles), tuple(max(cycle, far) - now for cycle in cycles), tuple(entries)

    def shift(self, late: int) -> None:
        """Move everything but the outputs to later cycles."""
        self.entries = {job: entries + late for job, entries in self.entries.items()}
        self.row_free += late
        if self.entered_last is not None:
            self.entered_last += late

    def settled(self) -> int:
        """First cycle in which all units that were completed are known to be written."""
        jobs = (job for job in self.entries if self.plan.work.jobs[job].makes)
        return max((self.drained(job) + StateAccess.SETTLED for job in jobs), default=0)

    def drained(self, job: int) -> int:
        """First cycle in which a job's sums of the time before are no longer needed."""
        if job not in self.entries:
            return 0
        makes = self.plan.work.jobs[job].makes
        latency = self.plan.update_cost.written[makes[-1]] if makes else Sequencer.HEAD_FREE
        return int(self.entries[job][-1]) + latency

    def drain(self, number: int, start: int, *, gates: int, answers: bool) -> None:
        """Take a job's rows through the state update.

        Args:
            number: of the job.
            start: cycle of the first operation of its final column.
            gates: operations of a row in that column.
            answers: the step has a result.
        """
        job, plan, cost = self.plan.work.jobs[number], self.plan, self.plan.update_cost
        emits = answers and job.emits
        entries = []
        for row in range(job.rows):
            units = min(plan.options.lanes, job.units - row * plan.options.lanes)
            words = self._words(job, row, units) if emits else 0
            done = start + (row + 1) * gates - 1 + Sequencer.ISSUE_TO_ARRAY + plan.array.row_delay
            enters = max(done + UnitDispatch.LATENCY, self.row_free)
            if words:
                enters = max(enters, self._room(words) + UnitDispatch.ROOM)
            enters = self._in_phase(enters)
            entries.append(enters + cost.interval * np.arange(units))
            self.entered_last = int(entries[-1][-1])
            self.row_free = max(
                enters + UnitDispatch.ROW_SPACING,
                self.entered_last + cost.interval * (1 + -units % cost.banks),
            )
            if words:
                self._give(entries[-1][-words:].tolist(), pause=self.pause if row == 0 else 0)
        self.entries[number] = np.concatenate(entries)

    def _words(self, job: Job, row: int, units: int) -> int:
        """Output words that a row of a result makes."""
        return int(row == job.rows - 1) if self.plan.options.interface.classes else units

    def _give(self, entries: list[int], *, pause: int) -> None:
        """Output words of units that entered the state update, ``pause`` cycles behind others."""
        latency = self.plan.result_stage
        latency += CLASS if self.plan.options.interface.classes else 0
        for entry in entries:
            before = self.outputs[-1] + 1 + pause if self.outputs else 0
            pause = 0
            self.outputs.append(max(entry + latency + OutputBuffer.LATENCY, before))

    def _in_phase(self, enters: int) -> int:
        """The first cycle from ``enters`` on in which a unit may enter beside those in flight."""
        if self.entered_last is None:
            return enters
        cost = self.plan.update_cost
        free = self.entered_last + cost.depth + UnitDispatch.REST
        aligned = enters + (self.entered_last - enters) % cost.interval
        return aligned if aligned < free else max(enters, free)

    def _room(self, words: int) -> int:
        """First cycle in which the output buffer has room for some more words."""
        back = self.plan.sizes.output_places - words + 1
        return self.outputs[-back] + 1 if len(self.outputs) >= back else 0
