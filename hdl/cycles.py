"""The exact cycle count: when every input is taken and every output given, without simulation.

The sequencer and the state update follow fixed rules, so their timing can be computed: a column
starts when its element is ready, everything else follows one cycle after the other. This module
follows those rules column by column. Simulations assert that the hardware keeps to it.

Time 0 is the cycle in which the core takes the first input element. The streams are taken not to
stall: an element is offered in every cycle and an output is taken at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hdl.latency import HEAD, ISSUE_TO_ARRAY, OUTPUT_BUFFER, QUEUE, ROW_DONE
from hdl.plan import Pass, Plan


@dataclass(frozen=True)
class CycleCount:
    """Timing of some sequences, one after the other.

    Attributes:
        inputs: cycle in which each input element is taken.
        outputs: cycle in which each output word is given.
        steps: cycle in which each step's first operation is issued.
        issued: operations of the array, one a cycle.
        waited: cycles in which the array waited, by what it waited for.
    """

    inputs: NDArray[np.int64]
    outputs: NDArray[np.int64]
    steps: NDArray[np.int64]
    issued: int
    waited: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class SteadyState:
    """Cycles of one step of a long sequence.

    Attributes:
        cycles_per_step: measured over the steps at the sequence's end.
        ideal_cycles_per_step: the step's matrix products over the number of lanes.
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


def count(plan: Plan, lengths: Sequence[int]) -> CycleCount:
    """Timing of sequences of ``lengths`` steps, fed without a gap from reset on.

    Raises:
        ValueError: a length is less than 1.
    """
    if any(length < 1 for length in lengths):
        raise ValueError(f"lengths must be 1 or more, not {list(lengths)!r}")
    return _Run(plan).run(lengths)


def steady_state(plan: Plan) -> SteadyState:
    """Timing of a step when many have gone before."""
    warm_up, steps = 4, 4
    early = count(plan, [warm_up])
    late = count(plan, [warm_up + steps])
    span = int(late.outputs[-1] - early.outputs[-1])
    ideal = plan.network.products / plan.lanes
    return SteadyState(
        cycles_per_step=-(-span // steps),
        ideal_cycles_per_step=ideal,
        issued_per_step=sum(plan.macs(single) for single in plan.step_passes),
        utilization=ideal * steps / span,
        waited={
            reason: (cycles - early.waited.get(reason, 0)) // steps
            for reason, cycles in late.waited.items()
            if cycles > early.waited.get(reason, 0)
        },
    )


@dataclass
class _Run:
    """State of the count: every field is a list of cycles."""

    plan: Plan
    now: int = 0
    entered_last: int | None = None
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    issued: int = 0
    words_taken: int = 0
    waited: Counter[str] = field(default_factory=Counter)
    entries: dict[int, NDArray[np.int64]] = field(default_factory=dict)

    def run(self, lengths: Sequence[int]) -> CycleCount:
        for length in lengths:
            for step in range(length):
                self._take_inputs()
                for position, single in enumerate(self.plan.step_passes):
                    self._pass(
                        single,
                        first_step=step == 0,
                        last_step=step == length - 1,
                        starts_step=position == 0,
                    )
            if self.plan.head_pass:
                self._pass(self.plan.head_pass, first_step=False, last_step=True, starts_step=False)
        return CycleCount(
            inputs=np.array(self.inputs),
            outputs=np.array(self.outputs),
            steps=np.array(self.steps),
            issued=self.issued,
            waited=dict(self.waited),
        )

    def _take_inputs(self) -> None:
        """One step's elements, as soon as a bank is free."""
        free = self.releases[-2] + 2 if len(self.releases) >= 2 else 0
        start = max(self.inputs[-1] + 1 if self.inputs else 0, free)
        self.inputs += range(start, start + self.plan.network.inputs)

    def _pass(self, single: Pass, *, first_step: bool, last_step: bool, starts_step: bool) -> None:
        length = self.plan.rows_of(single) * len(single.gates)
        ready = self._ready(single, first_step)
        drained = self._drained(single.drains) if single.drains is not None else 0
        what = f"{single.operand} of {f'layer{single.source}' if single.source >= 0 else 'i'}"
        start = self.now
        for column in range(single.columns):
            start = max(self.now, int(ready[column]))
            self.waited[what] += start - self.now
            if column == single.columns - 1 and drained > start:
                self.waited["drain of the step before"] += drained - start
                start = drained
            if starts_step and column == 0:
                self.steps.append(start)
            self.now = start + length
        self.issued += single.columns * length
        if single.source < 0:
            self.releases.append(self.now - 1)
        if single.completes is not None:
            self._drain(single, single.completes, start, last_step)

    def _ready(self, single: Pass, first_step: bool) -> NDArray[np.int64]:
        """For each column the first cycle in which it may start."""
        if single.source < 0:
            return np.array(self.inputs[-single.columns :]) + 1
        if single.recurrent and first_step:
            return np.zeros(single.columns, dtype=np.int64)
        job = self.plan.job_making(single.operand, single.source)
        return self.entries[job] + self.plan.update_cost.written[single.operand]

    def _drained(self, job: int) -> int:
        """First cycle in which a job's sums of the time before are no longer needed."""
        if job not in self.entries:
            return 0
        makes = self.plan.jobs[job].makes
        latency = self.plan.update_cost.written[makes[-1]] if makes else 1
        return int(self.entries[job][-1]) + latency

    def _drain(self, single: Pass, number: int, start: int, last_step: bool) -> None:
        """Rows of a job through the state update; ``start`` is its final column's."""
        job, plan, cost = self.plan.jobs[number], self.plan, self.plan.update_cost
        is_output = job.layer == len(plan.network.layers) - 1 and "h" in job.makes
        emits = last_step and (job.head or (is_output and plan.head_pass is None))
        latency = HEAD if job.head else cost.written["h"]
        entries = []
        for row in range(job.rows):
            units = min(plan.lanes, job.units - row * plan.lanes)
            enters = start + (row + 1) * len(single.gates) - 1 + ISSUE_TO_ARRAY + ROW_DONE + QUEUE
            if self.entered_last is not None:
                enters = max(enters, self.entered_last + cost.interval)
            if emits:
                enters = max(enters, self._room(units) + 1)
                self.words_taken += units
            enters = self._in_phase(enters)
            entries.append(enters + cost.interval * np.arange(units))
            self.entered_last = int(entries[-1][-1])
            if emits:
                for entry in entries[-1]:
                    valid = int(entry) + latency + OUTPUT_BUFFER
                    before = self.outputs[-1] + 1 if self.outputs else 0
                    self.outputs.append(max(valid, before))
        self.entries[number] = np.concatenate(entries)

    def _in_phase(self, enters: int) -> int:
        """The first cycle from ``enters`` on in which a unit may enter beside those in flight."""
        if self.entered_last is None:
            return enters
        cost = self.plan.update_cost
        free = self.entered_last + cost.depth + 3
        aligned = enters + (self.entered_last - enters) % cost.interval
        return aligned if aligned < free else max(enters, free)

    def _room(self, units: int) -> int:
        """First cycle in which the output buffer has room for some more words."""
        must_be_gone = self.words_taken + units - self.plan.network.outputs
        return self.outputs[must_be_gone - 1] + 1 if must_be_gone > 0 else 0
