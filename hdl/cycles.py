"""The exact cycle count: when every input is taken and every output given, without simulation.

Sequencer and state update follow fixed rules, so their timing can be computed: a column starts when
its element is ready, everything else follows one cycle after the other. This module applies the
rules column by column, with the latencies that each block states, until the core is in the same
situation as some steps before; from there on it repeats what it has counted. Every simulation
without stalls asserts that the hardware takes exactly these cycles.

Cycle 0 takes the first input element. No stream stalls: an element and a state word are offered in
every cycle, and an output is taken at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from golden.interface import Control
from golden.sessions import state_words
from hdl.parts.output_buffer import OutputBuffer
from hdl.plan import Plan
from hdl.sequencer.sequencer import Sequencer
from hdl.spec.passes import Job, Pass
from hdl.store.state_access import StateAccess
from hdl.timing.latency import CLASS
from hdl.timing.series import Series
from hdl.update.unit_dispatch import UnitDispatch

Repeats = Iterable[tuple[Sequence[Control], int]]
"""Steps, and how many times they follow each other."""

MARGIN = 12
"""Cycles, beside the depth of the state update: more than any latency added to a past cycle."""


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


def controls_of(lengths: Sequence[int]) -> list[Control]:
    """Steps of sequences of some lengths, one after the other on one stream.

    Raises:
        InputError: a length is less than 1.
    """
    return [c for controls, times in _repeats(lengths) for _ in range(times) for c in controls]


def _repeats(lengths: Sequence[int]) -> Repeats:
    """Steps as of :func:`controls_of`, those that are alike together."""
    if any(length < 1 for length in lengths):
        raise InputError(f"lengths must be 1 or more, not {list(lengths)!r}")
    ends = [Control()], [Control(last=True)]
    return [one for length in lengths for one in ((ends[0], length - 1), (ends[1], 1))]


def count(plan: Plan, lengths: Sequence[int]) -> CycleCount:
    """Timing of sequences of ``lengths`` steps, fed without a gap from reset on.

    Raises:
        InputError: a length is less than 1.
    """
    return _Run(plan).run(_repeats(lengths))


def count_steps(plan: Plan, controls: Sequence[Control]) -> CycleCount:
    """Timing of steps, fed without a gap from reset on."""
    return _Run(plan).run([([one], len(list(alike))) for one, alike in groupby(controls)])


def cycles_per_sequence(plan: Plan, steps: int) -> int:
    """Cycles that a sequence takes behind others of its length."""
    run = _Run(plan)
    ends = [run.run(_repeats([steps])).last_output for _ in range(4)]
    return ends[-1] - ends[-2]


def steady_state(plan: Plan) -> SteadyState:
    """Timing of a step when many have gone before."""
    streams, every_step = plan.options.interface.streams, plan.options.interface.every_step
    steps = 4 * streams

    def after(turns: int) -> CycleCount:
        turn = [Control(stream=n) for n in range(streams)]
        end = [*turn[:-1], replace(turn[-1], last=True)]
        return _Run(plan).run([(turn, 4 * turns - 1), (end, 1)])

    early, late = after(1), after(2)
    span = late.end - early.end
    head = plan.network.head if every_step else None
    products = plan.network.products + (head.weights["W"].size if head else 0)
    return SteadyState(
        cycles_per_step=-(-span // steps),
        ideal_cycles_per_step=products / plan.options.lanes,
        issued_per_step=sum(
            plan.work.macs(single)
            for single in (plan.work.passes if every_step else plan.work.step_passes)
        ),
        utilization=products / plan.options.lanes * steps / span,
        waited={
            reason: (cycles - early.waited.get(reason, 0)) // steps
            for reason, cycles in late.waited.items()
            if cycles > early.waited.get(reason, 0)
        },
    )


@dataclass
class _Stream:
    """A stream between two steps: does a sequence start, and has it had a state?"""

    starts: bool = True
    unused: bool = True


@dataclass
class _Step:
    """The step at hand: see :class:`hdl.sequencer.step.Step`."""

    stream: int = 0
    independent: bool = True
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
class _Run:
    """State of the count: every field of numbers is a list of cycles."""

    plan: Plan
    now: int = 0
    step: _Step = field(default_factory=_Step)
    entered_last: int | None = None
    row_free: int = 0
    inputs: Series = field(default_factory=Series)
    outputs: Series = field(default_factory=Series)
    loaded: Series = field(default_factory=Series)
    saved: Series = field(default_factory=Series)
    releases: list[int] = field(default_factory=list)
    steps: Series = field(default_factory=Series)
    issued: int = 0
    waited: Counter[str] = field(default_factory=Counter)
    entries: dict[int, NDArray[np.int64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outputs = Series(keeps=self.plan.sizes.output_places)
        self._streams = [_Stream() for _ in range(self.plan.options.interface.streams)]

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
        names = ("inputs", "outputs", "loaded", "saved", "steps")
        return {name: getattr(self, name) for name in names}

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
        cost = self.plan.update_cost
        far = self.now - cost.depth - MARGIN

        def ago(cycles: Iterable[int]) -> tuple[int, ...]:
            return tuple(max(cycle, far) - self.now for cycle in cycles)

        return (
            self.step.stream,
            tuple((stream.starts, stream.unused) for stream in self._streams),
            ago(
                [self.row_free] if self.entered_last is None else [self.row_free, self.entered_last]
            ),
            ago(self.outputs[-self.plan.sizes.output_places :]),
            # These are told as they are, so their own distance counts however large it is.
            tuple(cycle - self.now for cycle in (*self.inputs[-1:], *self.releases[-2:])),
            tuple(
                (job, (np.maximum(entries, far) - self.now).tobytes())
                for job, entries in self.entries.items()
            ),
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
        self.releases = [cycle + late for cycle in self.releases[-2:]]
        self.entries = {job: entries + late for job, entries in self.entries.items()}
        self.now += late
        self.row_free += late
        if self.entered_last is not None:
            self.entered_last += late
        self.issued += times * (self.issued - mark.issued)
        for reason, waited in self.waited.items():
            self.waited[reason] += times * (waited - mark.waited[reason])

    def _step(self, control: Control) -> None:
        self._take_inputs()
        if control.load:
            self._load()
        self._begin(self._streams[control.stream], control)
        for position, single in enumerate(self.plan.work.step_passes):
            self._pass(single, starts_step=position == 0)
        if self.plan.work.head_pass and self.step.answers:
            self._pass(self.plan.work.head_pass, starts_step=False)
        if control.save:
            self._save()

    def _begin(self, stream: _Stream, control: Control) -> None:
        keep = control.keep and not stream.unused
        self.step = _Step(
            stream=control.stream,
            independent=(stream.starts and not keep and not control.load)
            or control.stream != self.step.stream,
            answers=control.last or self.plan.options.interface.every_step,
        )
        stream.starts, stream.unused = control.last, False

    def _load(self) -> None:
        """Load state words, one per cycle, before the step at hand."""
        begin = max(self.now, self.inputs[-self.plan.network.inputs] + 1, self._settled())
        words = state_words(self.plan.network)
        self.loaded += range(begin + 1, begin + 1 + words)
        self._wait_until(begin + words + StateAccess.ACCESS, "state words")

    def _save(self) -> None:
        """Save state words, one per two cycles, before the next step."""
        begin = max(self.now, self._settled())
        words = state_words(self.plan.network)
        self.saved += range(begin + 2, begin + 2 + 2 * words, 2)
        self._wait_until(begin + 2 * words + StateAccess.ACCESS, "state words")

    def _wait_until(self, cycle: int, what: str) -> None:
        self.waited[what] += cycle - self.now
        self.now = cycle

    def _settled(self) -> int:
        """First cycle in which all units that were completed are known to be written."""
        jobs = (job for job in self.entries if self.plan.work.jobs[job].makes)
        return max((self._drained(job) + StateAccess.SETTLED for job in jobs), default=0)

    def _take_inputs(self) -> None:
        """One step's elements, as soon as a bank is free."""
        free = self.releases[-2] + 2 if len(self.releases) >= 2 else 0
        start = max(self.inputs[-1] + 1 if self.inputs else 0, free)
        self.inputs += range(start, start + self.plan.network.inputs)

    def _pass(self, single: Pass, *, starts_step: bool) -> None:
        length = self.plan.work.rows_of(single) * len(single.gates)
        ready = self._ready(single)
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
            self._drain(single, single.completes, start)

    def _ready(self, single: Pass) -> NDArray[np.int64]:
        """For each column the first cycle in which it may start."""
        if single.source < 0:
            released = self.releases[-1] + Sequencer.RELEASE if self.releases else 0
            return np.maximum(np.array(self.inputs[-single.columns :]) + Sequencer.INPUT, released)
        job = self.plan.work.job_making(single.operand, single.source)
        if single.recurrent and (self.step.independent or job not in self.entries):
            return np.zeros(single.columns, dtype=np.int64)
        return self.entries[job] + self.plan.update_cost.written[single.operand]

    def _drained(self, job: int) -> int:
        """First cycle in which a job's sums of the time before are no longer needed."""
        if job not in self.entries:
            return 0
        makes = self.plan.work.jobs[job].makes
        latency = self.plan.update_cost.written[makes[-1]] if makes else Sequencer.HEAD_FREE
        return int(self.entries[job][-1]) + latency

    def _drain(self, single: Pass, number: int, start: int) -> None:
        """Rows of a job through the state update; ``start`` is its final column's."""
        job, plan, cost = self.plan.work.jobs[number], self.plan, self.plan.update_cost
        is_output = job.layer == len(plan.network.layers) - 1 and "h" in job.makes
        emits = job.head or (is_output and plan.work.head_pass is None)
        emits = emits and self.step.answers
        entries = []
        for row in range(job.rows):
            units = min(plan.options.lanes, job.units - row * plan.options.lanes)
            words = self._words(job, row, units) if emits else 0
            done = start + (row + 1) * len(single.gates) - 1 + Sequencer.ISSUE_TO_ARRAY
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
                self._give(entries[-1][-words:].tolist(), head=job.head)
        self.entries[number] = np.concatenate(entries)

    def _words(self, job: Job, row: int, units: int) -> int:
        """Output words that a row of a result makes."""
        return int(row == job.rows - 1) if self.plan.options.interface.classes else units

    def _give(self, entries: list[int], *, head: bool) -> None:
        """Output words of units that entered the state update."""
        cost = self.plan.update_cost
        latency = cost.logit if head else cost.written["h"]
        latency += CLASS if self.plan.options.interface.classes else 0
        for entry in entries:
            before = self.outputs[-1] + 1 if self.outputs else 0
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
