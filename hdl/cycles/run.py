"""The count, step by step: when each element is taken, each pass runs, each state word moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from golden.interface import Control
from golden.sessions import state_words
from hdl.cycles.drains import Drains
from hdl.cycles.record import CycleCount
from hdl.plan import Plan
from hdl.sequencer.sequencer import Sequencer
from hdl.spec.passes import Pass
from hdl.store.state_access import StateAccess
from hdl.timing.series import Series

Repeats = Iterable[tuple[Sequence[Control], int]]
"""Steps, and how many times they follow each other."""

MARGIN = 12
"""Cycles, beside the depth of the state update: more than any latency added to a past cycle."""


@dataclass
class Stream:
    """A stream between two steps: does a sequence start, has it had a state, how many steps?"""

    starts: bool = True
    unused: bool = True
    count: int = 0


@dataclass
class _Step:
    """The step at hand: see :class:`hdl.sequencer.step.Step`."""

    stream: int = 0
    independent: bool = True
    silent: bool = True
    answers: bool = False


@dataclass(frozen=True, kw_only=True)
class _Mark:
    """Progress of a count at some step: repeats still to do, and everything that only grows."""

    left: int
    now: int
    issued: int
    waited: Counter[str]
    lengths: list[int]


@dataclass
class Run:
    """State of the count before the array; `Drains` has that behind it."""

    plan: Plan
    now: int = 0
    step: _Step = field(default_factory=_Step)
    inputs: Series = field(default_factory=Series)
    loaded: Series = field(default_factory=Series)
    saved: Series = field(default_factory=Series)
    releases: list[int] = field(default_factory=list)
    steps: Series = field(default_factory=Series)
    issued: int = 0
    waited: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.drains = Drains(self.plan)
        self._streams = [Stream() for _ in range(self.plan.options.interface.streams)]

    def run(self, repeats: Repeats) -> CycleCount:
        for controls, times in repeats:
            self._repeat(controls, times)
        return CycleCount(
            series=self._series,
            end=self.now,
            issued=self.issued,
            waited=dict(self.waited),
        )

    @property
    def _series(self) -> dict[str, Series]:
        names = ("inputs", "loaded", "saved", "steps")
        return {"outputs": self.drains.outputs, **{name: getattr(self, name) for name in names}}

    def _repeat(self, controls: Sequence[Control], times: int) -> None:
        """Some steps, so many times: one by one, until the rest is known."""
        seen: dict[Hashable, _Mark] = {}
        while times:
            if times > 1:
                here = self._mark(times)
                before = seen.setdefault(self._situation(), here)
                if before is not here and (more := times // (before.left - times)):
                    self._skip(before, more)
                    times %= before.left - times
                    continue
            for control in controls:
                self._step(control)
            times -= 1

    def _situation(self) -> Hashable:
        """Everything that decides what comes, in cycles from now.

        Cycles are compared with now or later ones, after no more than a latency has been added.
        One that lies so far back that it cannot be the larger is as good as any other such.
        """
        far = self.now - self.plan.update_cost.depth - MARGIN
        return (
            self.step.stream,
            tuple((stream.starts, stream.unused, stream.count) for stream in self._streams),
            self.drains.situation(self.now, far),
            # These are told as they are, so their own distance counts however large it is.
            tuple(cycle - self.now for cycle in (*self.inputs[-1:], *self.releases[-2:])),
        )

    def _mark(self, left: int) -> _Mark:
        return _Mark(
            left=left,
            now=self.now,
            issued=self.issued,
            waited=self.waited.copy(),
            lengths=[len(series) for series in self._series.values()],
        )

    def _skip(self, mark: _Mark, times: int) -> None:
        """Repeat everything since a mark ``times`` more times, without following it."""
        period = self.now - mark.now
        late = times * period
        for series, since in zip(self._series.values(), mark.lengths, strict=True):
            series.repeat(since, times=times, shift=period)
        self._shift(late)
        self.issued += times * (self.issued - mark.issued)
        for reason, waited in self.waited.items():
            self.waited[reason] += times * (waited - mark.waited[reason])

    def _shift(self, late: int) -> None:
        """Move what decides the next steps to later cycles."""
        self.releases = [cycle + late for cycle in self.releases[-2:]]
        self.drains.shift(late)
        self.now += late

    def _step(self, control: Control) -> None:
        self._take_inputs(control)
        if control.load:
            self._load()
        self._begin(self._streams[control.stream], control)
        passes = self._passes(control)
        last = max(position for position, single in enumerate(passes) if single.source < 0)
        for position, single in enumerate(passes):
            self._pass(single, starts_step=position == 0)
            if position == last:
                self.releases.append(self._released)
        if control.save:
            self._save()

    def _passes(self, control: Control) -> Sequence[Pass]:
        """Passes of the step at hand."""
        work = self.plan.work
        return work.passes if self.step.answers else work.step_passes

    def _begin(self, stream: Stream, control: Control) -> None:
        keep = control.keep and not stream.unused
        zero = stream.starts and not keep and not control.load
        windows = self.plan.work.windows
        stream.count = 0 if zero else min(stream.count + 1, windows.count)
        self.step = _Step(
            stream=control.stream,
            independent=zero or control.stream != self.step.stream,
            silent=stream.count < windows.silent and not control.last,
            answers=control.last or self.plan.options.interface.every_step,
        )
        stream.starts, stream.unused = control.last, False

    def _load(self) -> None:
        """Load state words, one per cycle, before the step at hand."""
        released = self.releases[-1] + 2 if self.releases else 0
        arrived = self.inputs[-self.plan.network.inputs] + 1
        begin = max(self.now, arrived, released, self.drains.settled())
        words = state_words(self.plan.network)
        self.loaded += range(begin + 1, begin + 1 + words)
        self._wait_until(begin + words + StateAccess.ACCESS, "state words")

    def _save(self) -> None:
        """Save state words, one per two cycles, before the next step."""
        begin = max(self.now, self.drains.settled())
        words = state_words(self.plan.network)
        self.saved += range(begin + 2, begin + 2 + 2 * words, 2)
        self._wait_until(begin + 2 * words + StateAccess.ACCESS, "state words")

    def _wait_until(self, cycle: int, what: str) -> None:
        self.waited[what] += cycle - self.now
        self.now = cycle

    @property
    def _free(self) -> int:
        """First cycle in which a bank of x is free."""
        return self.releases[-2] + 2 if len(self.releases) >= 2 else 0

    @property
    def _released(self) -> int:
        """Cycle in which the last pass over x released its bank."""
        return self.now - 1

    @property
    def _pause(self) -> int:
        """Cycles between the elements of two steps."""
        return 0

    def _take_inputs(self, control: Control) -> None:
        """One step's elements, as soon as a bank is free."""
        start = max(self.inputs[-1] + 1 + self._pause if self.inputs else 0, self._free)
        self.inputs += range(start, start + self.plan.network.inputs)

    def _pass(self, single: Pass, *, starts_step: bool) -> None:
        length = self.plan.work.rows_of(single) * len(single.gates)
        ready, what = self._ready(single), self._what(single)
        waits = self.plan.work.waits(single.drains) if single.drains is not None else ()
        drained = max((self.drains.drained(job) for job in waits), default=0)
        start = self.now
        for column in range(single.columns):
            start = max(self.now, int(ready[column]))
            self.waited[what] += start - self.now
            if column == single.columns - 1 and drained > start:
                self.waited["drain of the step before"] += drained - start
                start = drained
            self._start(single, start, length, first=starts_step and column == 0)
        self._complete(single, start)

    @staticmethod
    def _what(single: Pass) -> str:
        """Name what a pass waits for."""
        return f"{single.operand} of {f'layer{single.source}' if single.source >= 0 else 'i'}"

    def _start(self, single: Pass, start: int, length: int, *, first: bool) -> None:
        """Run a column; ``first``: it is its step's first."""
        if first:
            self.steps.append(start)
        self.now = start + length
        self.issued += length

    def _complete(self, single: Pass, start: int) -> None:
        """Drain the sums that a pass completes; ``start``: of its last column."""
        if single.completes is not None:
            answers = self.step.answers and not self.step.silent
            self.drains.drain(single.completes, start, gates=len(single.gates), answers=answers)

    def _ready(self, single: Pass) -> NDArray[np.int64]:
        """For each column the first cycle in which it may start."""
        if single.source < 0:
            released = self.releases[-1] + Sequencer.RELEASE if self.releases else 0
            return np.maximum(np.array(self.inputs[-single.columns :]) + Sequencer.INPUT, released)
        if single.operand == "past":
            return np.zeros(single.columns, dtype=np.int64)
        job = self.plan.work.job_making(single.operand, single.source)
        if single.recurrent and (self.step.independent or job not in self.drains.entries):
            return np.zeros(single.columns, dtype=np.int64)
        return self.drains.entries[job] + self.plan.update_cost.written[single.operand]
