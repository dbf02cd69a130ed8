"""The count of cores that buffer sequences: what comes in, the sweeps, what is given."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from golden.interface import Control
from hdl.cycles.drains import Drains
from hdl.cycles.record import CycleCount, SteadyState
from hdl.cycles.run import Run, Stream
from hdl.plan import Plan
from hdl.sequence.conductor import Conductor
from hdl.sequence.walker import Walker
from hdl.spec.passes import Pass
from hdl.timing.latency import CLASS
from hdl.timing.series import Series

_NEXT = 1 + Walker.PAUSE
"""Cycles from the last word of a segment to the first one of the next; from the beginning of a walk
or the last word that a phase makes, too."""


class SweptRun(Run):
    """State of the count of a core for sweeps, for one sequence; in cycle 0 its walk begins.

    Args:
        plan: plan of the core around it.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.swept)
        self._phases = plan.sweeps.phases[:-1]
        self._sweeps = [sweep for phase in self._phases for sweep in phase.sweeps]
        self._streams = [Stream() for _ in self._sweeps]
        self.drains = Drains(plan.swept, pause=Walker.PAUSE)
        self._read = 0  # cycle in which the last element was read, or could have been
        self._freed = plan.sweeps.freed
        self.free = 0  # cycle from which on nothing reads x

    def sequence(self, steps: int) -> CycleCount:
        """Run all phases of a sequence."""
        first = 0
        for number, phase in enumerate(self._phases, start=1):
            turn = [Control(stream=first + n) for n in range(len(phase.sweeps))]
            self._repeat(turn, phase.turns(steps) - 1)
            self._repeat([replace(control, last=True) for control in turn], 1)
            self._read = max(self._read, self.drains.outputs[-1])
            if number == self._freed:
                self.free = self._read + Walker.PAUSE + 1
            first += len(turn)
        return self.run(())

    def _take_inputs(self, control: Control) -> None:
        """One step's elements, segment by segment."""
        free = self._free
        for piece in self._sweeps[control.stream].reads:
            self._read = max(self._read + _NEXT, self.inputs[-1] if self.inputs else 0)
            taken = max(self._read + Conductor.READ, free)
            self.inputs += range(taken, taken + piece.size)
            if piece.size > 1:
                self._read = self.inputs[-1] - Conductor.READ
            free = 0

    def _passes(self, control: Control) -> Sequence[Pass]:
        layer = self._sweeps[control.stream].layer
        return [single for single in self.plan.work.passes if single.layer == layer]

    def _begin(self, stream: Stream, control: Control) -> None:
        super()._begin(stream, replace(control, stream=0))

    def _situation(self) -> Hashable:
        return self._read - self.now, super()._situation()

    def _shift(self, late: int) -> None:
        super()._shift(late)
        self._read += late


class Sequences:
    """Count of sequences, one after the other, in cycles from the first element on."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[int, tuple[CycleCount, int]] = {}
        self._free = 0  # cycle from which on elements of the next sequence are taken
        self._busy = np.zeros(0, dtype=np.int64)  # cycles in which other words are written
        self._given = -1  # cycle in which the last word of a result was read

    def run(self, lengths: Iterable[int]) -> CycleCount:
        """Count sequences, of which each begins as soon as it can."""
        inputs, outputs, steps = (Series() for _ in range(3))
        issued, waited = 0, Counter[str]()
        end = 0
        for length in lengths:
            kept = min(length, self._plan.options.max_steps)
            self._take(inputs, kept * self._plan.network.inputs)
            begins = max(inputs[-1], self._given) + 1
            dropped = (length - kept) * self._plan.network.inputs
            inputs += range(inputs[-1] + 1, inputs[-1] + 1 + dropped)
            if kept not in self._known:
                self._known[kept] = self._of(kept)
            inner, free = self._known[kept]
            made = begins + inner.last_output
            self._free, self._busy = begins + free, begins + inner.outputs
            reads = made + _NEXT + self._reads(kept)
            self._given = int(reads[-1])
            outputs += self._words(reads).tolist()
            steps += (begins + inner.steps).tolist()
            issued, end = issued + inner.issued, begins + inner.end
            waited.update(inner.waited)
        return CycleCount(
            series={
                "inputs": inputs,
                "outputs": outputs,
                "loaded": Series(),
                "saved": Series(),
                "steps": steps,
            },
            end=end,
            issued=issued,
            waited=dict(waited),
        )

    def period(self, steps: int) -> int:
        """Cycles that a sequence takes behind others of its length."""
        before, after = (Sequences(self._plan).run([steps] * times) for times in (3, 4))
        return after.last_output - before.last_output

    def steady_state(self) -> SteadyState:
        """Count a step of the longest sequences: its share."""
        steps, lanes = self._plan.options.max_steps, self._plan.options.lanes
        span, (inner, _), work = self.period(steps), self._of(steps), self._plan.work
        products = sum(
            single.columns * work.job_of(single).units * len(single.gates) * times
            for single, times in self._run_times(steps)
        )
        return SteadyState(
            cycles_per_step=-(-span // steps),
            ideal_cycles_per_step=products / lanes / steps,
            issued_per_step=inner.issued // steps,
            utilization=products / lanes / span,
            waited={
                reason: cycles // steps
                for reason, cycles in inner.waited.items()
                if cycles >= steps
            },
        )

    def _run_times(self, steps: int) -> Iterator[tuple[Pass, int]]:
        """Each pass, and how many times a sequence runs it."""
        for phase in self._plan.sweeps.phases:
            layers = {sweep.layer for sweep in phase.sweeps}
            for single in self._plan.work.passes:
                if single.layer in layers:
                    yield single, phase.turns(steps)

    def _take(self, inputs: Series, count: int) -> None:
        """Take elements in cycles in which nothing else is written."""
        start = max(self._free, inputs[-1] + 1 if inputs else 0)
        cycles = np.arange(start, start + count + len(self._busy))
        inputs += cycles[~np.isin(cycles, self._busy)][:count].tolist()

    def _of(self, steps: int) -> tuple[CycleCount, int]:
        """The core for the sweeps alone, and the cycle from which on nothing reads x.

        What it waits for is named after layers of the network.
        """
        run, names = SweptRun(self._plan), self._plan.sweeps.names
        inner = run.sequence(steps)

        def named(reason: str) -> str:
            return re.sub(r"layer(\d+)", lambda found: names[int(found[1])], reason)

        waited = Counter[str]()
        for reason, cycles in inner.waited.items():
            waited[named(reason)] += cycles
        return replace(inner, waited=dict(waited)), run.free

    def _reads(self, steps: int) -> NDArray[np.int64]:
        """Cycles in which the words of a sequence's results are read, from the first on."""
        last = self._plan.sweeps.phases[-1]
        row: list[int] = []
        at = 0
        for piece in last.gives:
            row += range(at, at + piece.size)
            at = row[-1] + _NEXT
        turns = np.arange(last.turns(steps))[:, np.newaxis]
        return (at * turns + np.array(row)).ravel()

    def _words(self, reads: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cycles in which words are on offer: all, or one behind the last logit of a result."""
        if not self._plan.options.interface.classes:
            return reads + Conductor.READ
        outputs = self._plan.network.outputs
        return reads[outputs - 1 :: outputs] + Conductor.READ + CLASS
