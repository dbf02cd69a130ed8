"""Golden model of a core with AXI buses, stream by stream, and the expected outcome of steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from golden.interface import Control
from golden.model import IntegerModel, State
from golden.packing import Packing
from golden.quantized import Integers
from golden.sessions import pack_state, unpack_state
from sim.bus.bench import ID, KEEP, USER
from sim.bus.traffic import KEEPS, LOADS, SAVES, UNKNOWN, Layout, Step, numbers


@dataclass(kw_only=True)
class Expected:
    """Expected outcome of some steps.

    Attributes:
        y, states: beats of results and of saved states.
        steps, sequences, dropped, saves, results: counts.
        events: names of ERRORS bits, one per event.
    """

    y: list[tuple[int, int]] = field(default_factory=list)
    states: list[tuple[int, int]] = field(default_factory=list)
    steps: int = 0
    sequences: int = 0
    dropped: int = 0
    saves: int = 0
    results: int = 0
    events: list[str] = field(default_factory=list)


class Follower:
    """Golden model of a core's streams, step by step.

    Attributes:
        defective: for each stream, whether its state comes from malformed traffic.
    """

    def __init__(self, model: IntegerModel, layout: Layout) -> None:
        self.model = model
        self._layout = layout
        self.clear()

    def clear(self) -> None:
        """Set the states of all streams to zero."""
        streams = self._layout.interface.streams
        self._states: list[State | None] = [None] * streams
        self._begins = [True] * streams
        self.defective = [False] * streams

    def step(
        self, x: Integers, control: Control, load: Integers | None
    ) -> tuple[Integers | None, Integers]:
        """Run one step; return its result, if it has one, and its stream's state, both as words."""
        stream, network = control.stream, self.model.network
        if self._begins[stream] and not control.keep:
            self._states[stream] = None
        if load is not None:
            self._states[stream] = unpack_state(network, load[np.newaxis])
        run = self.model.run(x[np.newaxis, np.newaxis], state=self._states[stream])
        self._states[stream], self._begins[stream] = run.state, control.last
        interface = self._layout.interface
        answers = control.last or interface.every_step
        words = interface.answer(run.output[0]) if answers else None
        return words, pack_state(network, run.state)[0]


def expect(
    steps: list[Step], follower: Follower, layout: Layout, loads: Iterator[tuple[Integers, bool]]
) -> Expected:
    """Compute the beats and counts of some steps; ``loads`` yields states and their defects."""
    expected = Expected()
    stray = False
    for step in steps:
        if step.stream == UNKNOWN and not stray:
            expected.events.append("STREAM")
        if step.stream == UNKNOWN:
            stray = not step.ends
        if step.x is None:
            expected.dropped += len(step.beats)
            continue
        control = Control(
            last=step.last, stream=step.stream, keep=bool(step.user & KEEPS) and step.first
        )
        load, defective = None, follower.defective
        if step.first and step.user & LOADS:
            load, defective[step.stream] = next(loads)
        elif step.first and not control.keep:
            defective[step.stream] = False
        defective[step.stream] |= step.wrong
        words, state = follower.step(step.x, control, load)
        expected.steps += 1
        if words is not None:
            expected.results += 1
            expected.y += _result(layout, step, words, wrong=defective[step.stream])
        if step.last:
            expected.sequences += 1
            if step.wrong:
                expected.events.append("EARLY_LAST" if step.ends else "LATE_LAST")
            if step.user & SAVES:
                expected.saves += 1
                expected.states += _beats(layout.state, state, last=True)
    return expected


def _result(layout: Layout, step: Step, words: Integers, *, wrong: bool) -> list[tuple[int, int]]:
    """Return the beats of a result; a sequence's last result carries the mark ``wrong``."""
    beats = _beats(layout.y, words, last=step.last)
    several, every = layout.interface.streams > 1, layout.interface.every_step
    wrong &= step.last
    return [
        (
            data,
            beside
            | (step.stream << ID if several else 0)
            | int(wrong and (not every or number == len(beats) - 1)) << USER,
        )
        for number, (data, beside) in enumerate(beats)
    ]


def _beats(packing: Packing, vector: Integers, *, last: bool) -> list[tuple[int, int]]:
    """Return a vector's beats as (data, keep and last)."""
    data = numbers(packing.pack(vector[np.newaxis]), packing.bus)
    whole = packing.bus // 8
    used = packing.byte_count(len(vector)) - (len(data) - 1) * whole
    return [
        (
            beat,
            ((1 << (used if number == len(data) - 1 else whole)) - 1) << KEEP
            | int(last and number == len(data) - 1),
        )
        for number, beat in enumerate(data)
    ]
