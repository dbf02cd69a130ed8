"""Random frames of states for a core with AXI buses, good and malformed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from golden.model import IntegerModel
from golden.quantized import Integers
from golden.sessions import pack_state, state_words
from sim.bus.bench import Beats, Beside
from sim.bus.follower import Expected
from sim.bus.traffic import Layout, numbers


def state_frames(
    layout: Layout, rng: np.random.Generator, states: list[Integers]
) -> tuple[tuple[Beats, Beside], list[tuple[Integers, bool]], Expected]:
    """Draw a frame for each state, some too short or too long.

    Returns:
        Beats; for each frame the state that the core takes, and whether it is defective; counts.
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
    """Compute the states after one step from zero."""
    states = []
    for _ in range(count):
        run = model.run(next(x)[np.newaxis, np.newaxis])
        states.append(pack_state(model.network, run.state)[0])
    assert all(len(state) == state_words(model.network) for state in states)
    return states
