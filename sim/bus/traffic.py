"""Random traffic for a core with AXI buses, good and malformed, and what golden makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from golden.interface import Control, Interface
from golden.model import IntegerModel, State
from golden.packing import Packing
from golden.quantized import Integers
from golden.sessions import pack_state, state_words, unpack_state
from sim.bus.bench import ID, KEEP, USER, Beats, Beside

KEEPS, LOADS, SAVES = 1, 2, 4
"""Bits of ``tuser``."""

UNKNOWN = 255


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a core's buses look: its interface, and how x, results and states are packed."""

    interface: Interface
    inputs: int
    result_words: int
    x: Packing
    y: Packing
    state: Packing
    state_words: int


@dataclass(kw_only=True)
class Step:
    """Beats that belong together on the bus of x.

    Attributes:
        beats: data of each.
        stream: that they are for.
        x: the step that the core gets of them; ``None`` if they are dropped.
        ends: ``tlast`` comes with the last of them.
        last, first: the sequence ends, or begins, with the step.
        wrong: the sequence that it ends is not right.
        user: what is said with the sequence's first beat (keep, load) and its last (save).
    """

    beats: list[int]
    stream: int
    x: Integers | None = None
    ends: bool = False
    first: bool = False
    last: bool = False
    wrong: bool = False
    user: int = 0


@dataclass(kw_only=True)
class Expected:
    """Expected outcome of some steps.

    Attributes:
        y, states: beats.
        steps, sequences, dropped: counts.
        events: names of bits of ERRORS, one for each event.
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
    """The golden model of a core in service, step by step.

    Attributes:
        defective: for each stream whether the state that it has is not right, or comes from one
            that was not.
    """

    def __init__(self, model: IntegerModel, layout: Layout) -> None:
        self.model = model
        self._layout = layout
        self.clear()

    def clear(self) -> None:
        """All streams are as new."""
        streams = self._layout.interface.streams
        self._states: list[State | None] = [None] * streams
        self._begins = [True] * streams
        self.defective = [False] * streams

    def step(
        self, x: Integers, control: Control, load: Integers | None
    ) -> tuple[Integers | None, Integers]:
        """One step: its result, if it has one, and its stream's state then, as words."""
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


def numbers(data: np.ndarray, bus: int) -> list[int]:
    """Beats of bytes (vectors, bytes)."""
    return data.reshape(-1, bus // 8).copy().view(f"<u{bus // 8}").reshape(-1).tolist()


def frames(
    layout: Layout, rng: np.random.Generator, x: Iterator[Integers], *, length: int, whole: bool
) -> list[list[Step]]:
    """Frames of one stream after the other, each as its steps; in order for each stream.

    Args:
        layout: of the core.
        rng: decides.
        x: steps' inputs.
        length: of good sequences; 0 for any.
        whole: neither load nor save.
    """
    interface = layout.interface
    known = interface.streams
    streams = rng.integers(0, known + (known > 1), size=int(rng.integers(1, 7)))
    made = []
    for stream in streams.tolist():
        user = 0
        if interface.state != "clear":
            user |= KEEPS * int(rng.random() < 0.5)
        if interface.state == "load" and not whole:
            user |= LOADS * int(rng.random() < 0.25) | SAVES * int(rng.random() < 0.25)
        if stream == known:
            stray = rng.integers(0, 256, size=int(rng.integers(1, 6))).tolist()
            frame = [Step(beats=[beat], stream=UNKNOWN) for beat in stray]
        else:
            frame = _frame(layout, rng, x, stream, user, length)
        frame[-1].ends = True
        made.append(frame)
    return made


def _frame(
    layout: Layout,
    rng: np.random.Generator,
    x: Iterator[Integers],
    stream: int,
    user: int,
    length: int,
) -> list[Step]:
    """A frame of a stream that there is: good; cut inside a step; too short; or too long."""
    kind = rng.choice(["good", "cut", "short", "late"], p=[0.6, 0.15, 0.1, 0.15])
    steps = length or int(rng.integers(1, 5))
    if kind == "short" and length > 1:
        steps = int(rng.integers(1, length))
    each = layout.x.beats(layout.inputs)
    frame = []
    for number in range(steps):
        vector = next(x)
        beats = numbers(layout.x.pack(vector[np.newaxis]), layout.x.bus)
        frame.append(Step(beats=beats, stream=stream, x=vector, first=number == 0, user=user))
    last = frame[-1]
    last.last = True
    last.wrong = bool(length) and steps < length
    if kind == "cut" and each > 1:
        taken = int(rng.integers(1, each))
        vector = last.x
        assert vector is not None
        last.beats = last.beats[:taken]
        last.x = vector.copy()
        last.x[taken * layout.x.bus // layout.x.container :] = 0
        last.wrong = True
    elif kind == "late" and length:
        last.wrong = True
        rest = rng.integers(0, 256, size=int(rng.integers(1, 2 * each + 1))).tolist()
        frame += [Step(beats=[beat], stream=stream) for beat in rest]
    return frame


def interleaved(frames_: list[list[Step]], rng: np.random.Generator) -> list[Step]:
    """Steps of all frames, those of a stream in order, streams in turns at random."""
    lanes: dict[int, list[Step]] = {}
    for frame in frames_:
        lanes.setdefault(frame[0].stream, []).extend(frame)
    order: list[Step] = []
    while lanes:
        stream = int(rng.choice(list(lanes)))
        order.append(lanes[stream].pop(0))
        if not lanes[stream]:
            del lanes[stream]
    return order


def on_bus(
    steps: list[Step], rng: np.random.Generator, *, streams: int, strict: bool
) -> tuple[Beats, Beside]:
    """The beats of steps; what nobody looks at is anything, unless ``strict``."""
    data: list[int] = []
    beside: list[int] = []
    for step in steps:
        for number, beat in enumerate(step.beats):
            data.append(beat)
            is_end = number == len(step.beats) - 1
            id_, user = step.stream, step.user
            if number and not strict:
                id_ = int(rng.integers(256))
            if streams == 1:
                id_ = 0
            if not (step.first and number == 0):  # keep and load do not count
                user = user & SAVES | int(rng.integers(4))
            if not (step.last and is_end):
                user = user & ~SAVES | SAVES * int(rng.integers(2))
            beside.append(int(step.ends and is_end) | id_ << ID | user << USER)
    return np.array(data, np.uint64), np.array(beside, np.uint32)


def expect(
    steps: list[Step], follower: Follower, layout: Layout, loads: Iterator[tuple[Integers, bool]]
) -> Expected:
    """Return the beats and counts that steps lead to; ``loads`` are states, some defective."""
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
    """The beats of a result; ``wrong`` is told with its sequence's last."""
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
    """A vector's beats as (data, keep and last)."""
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


def state_frames(
    layout: Layout, rng: np.random.Generator, states: list[Integers]
) -> tuple[tuple[Beats, Beside], list[tuple[Integers, bool]], Expected]:
    """Frames of states, some too short or too long: beats, what is taken of each with whether it is
    defective, and counts.
    """
    data: list[int] = []
    beside: list[int] = []
    taken: list[tuple[Integers, bool]] = []
    counts = Expected()
    full = layout.state.beats(layout.state_words)
    for state in states:
        beats = numbers(layout.state.pack(state[np.newaxis]), layout.state.bus)
        kind = rng.choice(["good", "short", "long"], p=[0.7, 0.15, 0.15])
        state, right = state.copy(), len(counts.events)
        if kind == "short" and full > 1:
            beats = beats[: int(rng.integers(1, full))]
            state[len(beats) * layout.state.bus // layout.state.container :] = 0
            counts.events.append("STATE")
        elif kind == "long":
            more = rng.integers(0, 256, size=int(rng.integers(1, 5))).tolist()
            beats += more
            counts.dropped += len(more)
            counts.events.append("STATE")
        taken.append((state, len(counts.events) > right))
        data += beats
        beside += [int(number == len(beats) - 1) for number in range(len(beats))]
    return (np.array(data, np.uint64), np.array(beside, np.uint32)), taken, counts


def any_states(model: IntegerModel, count: int, x: Iterator[Integers]) -> list[Integers]:
    """States that a step from zero leads to."""
    states = []
    for _ in range(count):
        run = model.run(next(x)[np.newaxis, np.newaxis])
        states.append(pack_state(model.network, run.state)[0])
    assert all(len(state) == state_words(model.network) for state in states)
    return states
