"""Random frames of x for a core with AXI buses, good and malformed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from golden.interface import Interface
from golden.packing import Packing
from golden.quantized import Integers
from sim.bus.bench import ID, USER, Beats, Beside

KEEPS, LOADS, SAVES = 1, 2, 4
"""Bits of ``tuser``."""

UNKNOWN = 255


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Layout of a core's buses: its interface, and the packing of x, results and states."""

    interface: Interface
    inputs: int
    result_words: int
    x: Packing
    y: Packing
    state: Packing
    state_words: int


@dataclass(kw_only=True)
class Step:
    """Beats on the bus of x that form one step, or that the core drops together.

    Attributes:
        beats: data of each beat.
        stream: number of the stream; `UNKNOWN` if the core has no such stream.
        x: the input that the core takes from them; ``None`` if it drops them.
        ends: whether the last one has ``tlast``.
        last, first: whether the sequence ends, or begins, with the step.
        wrong: whether the step ends a malformed sequence.
        user: bits of ``tuser`` on the sequence's first beat (keep, load) and its last (save).
    """

    beats: list[int]
    stream: int
    x: Integers | None = None
    ends: bool = False
    first: bool = False
    last: bool = False
    wrong: bool = False
    user: int = 0


def numbers(data: np.ndarray, bus: int) -> list[int]:
    """Convert vectors of bytes, (vectors, bytes), to a flat list of beats."""
    return data.reshape(-1, bus // 8).copy().view(f"<u{bus // 8}").reshape(-1).tolist()


def frames(
    layout: Layout, rng: np.random.Generator, x: Iterator[Integers], *, length: int, whole: bool
) -> list[list[Step]]:
    """Draw frames on random streams; return each as a list of steps, in order within a stream.

    Args:
        layout: layout of the core's buses.
        rng: source of all draws.
        x: inputs of the steps.
        length: steps of each good sequence; 0 for any number.
        whole: whether to draw only frames that neither load nor save state.
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
    """Draw a frame of a known stream: good, cut inside a step, too short, or too long."""
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
    """Interleave the frames' steps at random; each stream's steps stay in order."""
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
    """Return the beats of steps; fields that the core ignores are random, unless ``strict``."""
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
            if not (step.first and number == 0):  # the core ignores keep and load
                user = user & SAVES | int(rng.integers(4))
            if not (step.last and is_end):
                user = user & ~SAVES | SAVES * int(rng.integers(2))
            beside.append(int(step.ends and is_end) | id_ << ID | user << USER)
    return np.array(data, np.uint64), np.array(beside, np.uint32)
