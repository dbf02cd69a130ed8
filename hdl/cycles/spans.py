"""Spans of the schedule: when the array runs each pass, waits, and the state update is at work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.interface import Control
from hdl.cycles import controls_of
from hdl.cycles.delta_run import DeltaRun
from hdl.cycles.run import Run
from hdl.cycles.sequences import SweptRun
from hdl.plan import Plan
from hdl.spec.passes import Pass

STEP, SHOWN = 4, 2
"""First step shown of a long sequence, and number of steps shown."""

ARRAY, WAIT, ENTER, READY = "array", "wait", "enter", "ready"
"""Kinds of rows: the array at work, the array waiting, units entering the state update, and new
values becoming ready for the array."""

Span = tuple[int, int]
"""First cycle, and the cycle after the last."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a timeline.

    Attributes:
        label: name of a pass, a job or a vector.
        kind: ``ARRAY``, ``WAIT``, ``ENTER`` or ``READY``.
        spans: its spans, in cycles since the first step shown.
    """

    label: str
    kind: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Some steps in the steady state.

    Attributes:
        rows: passes, waits if there are any, then the state update.
        steps: cycle of each step's first operation; the first one is 0.
        cycles: cycles of all steps.
    """

    rows: tuple[Row, ...]
    steps: tuple[int, ...]
    cycles: int


class _Recorder(Run):
    """Cycle count that records spans by label and kind; rows in the order of the picture."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.passes: dict[tuple[str, str], list[Span]] = {}
        self.updates: dict[tuple[str, str], list[Span]] = {}

    def _start(self, single: Pass, start: int, length: int, *, first: bool) -> None:
        super()._start(single, start, length, first=first)
        self.passes.setdefault((_name(self.plan, single), ARRAY), []).append((start, self.now))

    def _complete(self, single: Pass, start: int) -> None:
        super()._complete(single, start)
        if single.completes is not None:
            self._update(single.completes)

    def _update(self, number: int) -> None:
        job, entries = self.plan.work.jobs[number], self.drains.entries[number]
        self._enter((f"update {job.name}", ENTER), entries)
        for name in job.makes:
            written = entries + self.plan.update_cost.written[name]
            self._enter((f"  layer{job.layer} {name} ready", READY), written)

    def _enter(self, row: tuple[str, str], cycles: NDArray[np.int64]) -> None:
        interval = self.plan.update_cost.interval
        spans = self.updates.setdefault(row, [])
        spans += [(int(cycle), int(cycle) + interval) for cycle in cycles]


class _SweptRecorder(_Recorder, SweptRun):
    """Cycle count of the sweeps over a buffered sequence that records spans likewise."""

    def _repeat(self, controls: Sequence[Control], times: int) -> None:
        super()._repeat([*controls] * times, 1)


class _DeltaRecorder(_Recorder, DeltaRun):
    """Cycle count of a delta core in which all elements change that records spans likewise."""


def timeline(plan: Plan) -> Timeline:
    """Compute the spans of two steps of a long sequence.

    Where sequences are buffered they are those of a layer, or two turns of layers side by side.
    """
    turn = len(plan.sweeps.phases[0].sweeps) if plan.options.max_steps else 1
    recorder = _DeltaRecorder if plan.options.delta else _Recorder
    record = _SweptRecorder(plan) if plan.options.max_steps else recorder(plan)
    if isinstance(record, SweptRun):
        count = record.sequence(STEP + SHOWN + 2)
    else:
        count = record.run([(controls_of([STEP + SHOWN + 2]), 1)])
    first, after = STEP * turn, (STEP + SHOWN) * turn
    start, *_, end = (int(cycle) for cycle in count.steps[first : after + 1])
    busy = [span for spans in record.passes.values() for span in spans]
    waits = _gaps(busy, start, end)
    found = [*record.passes.items(), (("array waits", WAIT), waits), *record.updates.items()]
    rows = [
        Row(label=label, kind=kind, spans=shown)
        for (label, kind), spans in found
        if (shown := _within(spans, start, end))
    ]
    steps = tuple(int(cycle) - start for cycle in count.steps[first:after])
    return Timeline(rows=tuple(rows), steps=steps, cycles=end - start)


def _name(plan: Plan, single: Pass) -> str:
    """Name a pass by its operand and its gates, e.g. ``layer0 h to r``."""
    layer = plan.network.layers[single.layer]
    gates = "".join(layer.cell.gates[gate].name for gate in single.gates)
    return f"layer{single.layer} {single.matrix} to {gates}"


def _within(spans: Iterable[Span], start: int, end: int) -> tuple[Span, ...]:
    """Cut spans to the steps shown, and join those that touch."""
    joined: list[Span] = []
    for begin, after in sorted(spans):
        begin, after = max(begin, start) - start, min(after, end) - start
        if begin >= after:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(after, joined[-1][1]))
        else:
            joined.append((begin, after))
    return tuple(joined)


def _gaps(spans: Iterable[Span], start: int, end: int) -> list[Span]:
    """Return the gaps between spans, from ``start`` to ``end``."""
    gaps, now = [], start
    for begin, after in sorted(spans):
        if now < begin < end:
            gaps.append((now, begin))
        now = max(now, after)
    return gaps
