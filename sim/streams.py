"""Data shared by both benches: sequences as beats, the record of a run, and its failures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.errors import SimulationError
from sim.fields import of_last
from sim.patterns import Stalls

Sequences = NDArray[Any] | Sequence[ArrayLike]
"""Sequences of vectors: an array (N, T, I), or N of (T, I) with T free."""

Progress = Callable[[int, int], None]
"""Called now and then with the output words so far and the output words of the whole run."""

PATIENCE = 2_000_000
"""Clock cycles without a transfer after which a bench gives up a run."""

SETTLE = 32
"""Clock cycles for which a bench looks for surplus words after the last one expected."""


@dataclass(frozen=True, kw_only=True)
class StreamRun:
    """Record of a run. Cycles are clock edges, 0 the first one after the (first) reset.

    Attributes:
        words: (M,) int32, the output words in order.
        last: (M,) bool, their last flags.
        accepted: (N,) uint64, the cycle in which each input beat was accepted.
        taken: (M,) uint64, the cycle in which each output word was taken.
        cycles: clock cycles from the run's start to its last transfer, both included.
        streams: (M,) uint32, the words' stream numbers; 0 where the core has none.
        state: (S,) int32, the state words that the core gave.
        loaded: (L,) uint64, the cycle in which each state word was accepted.
        saved: (S,) uint64, the cycle in which each state word was taken.
        written: (W,) uint64, the cycle in which each word of weights was accepted.
    """

    words: NDArray[np.int32]
    last: NDArray[np.bool_]
    accepted: NDArray[np.uint64]
    taken: NDArray[np.uint64]
    cycles: int
    streams: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    state: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    loaded: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    saved: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    written: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    def answers(self, words: int) -> NDArray[np.int32]:
        """The output as (sequences, `words`).

        Raises:
            ValueError: the number of words is no multiple of `words`.
        """
        if words < 1 or self.words.size % words:
            raise ValueError(f"{self.words.size} words are not sequences of {words!r}")
        return self.words.reshape(-1, words)


@dataclass(frozen=True, kw_only=True)
class Reset:
    """A reset in the middle of a run, after which the bench goes back to an earlier place.

    Attributes:
        cycle: first clock edge at which rst is high, counted as in `StreamRun`.
        beat: input beat with which the bench goes on afterwards.
        word: number of output words that stay in the record; later ones are dropped. State words
            and weights start again with the first one.
        hold: clock edges for which rst is high.

    Raises:
        ValueError: a number is negative, or `hold` below 1.
    """

    cycle: int
    beat: int = 0
    word: int = 0
    hold: int = 1

    def __post_init__(self) -> None:
        for name, least in (("cycle", 0), ("beat", 0), ("word", 0), ("hold", 1)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"Reset {name} must be {least} or more, not {getattr(self, name)!r}"
                )


class BenchError(SimulationError):
    """A run failed; `run` is its record until then."""

    def __init__(self, message: str, run: StreamRun) -> None:
        super().__init__(message)
        self.run = run


class CycleLimitError(BenchError):
    """Nothing moved for `patience` cycles: most likely a deadlock."""

    def __init__(self, patience: int, run: StreamRun) -> None:
        super().__init__(
            f"no transfer in {patience} cycles, after {run.accepted.size} input beats "
            f"and {run.words.size} output words",
            run,
        )


class ProtocolError(BenchError):
    """The core broke the rules of the output stream.

    Attributes:
        kind: "valid dropped" or "payload changed" (while valid waited for ready), "surplus word"
            (one more than expected). All apply to state words, too. Icarus adds "unknown payload",
            "unknown valid" and "unknown ready" (X or Z bits).
        cycle: clock edge at which it was seen, counted as in `StreamRun`.
    """

    def __init__(self, kind: str, cycle: int, run: StreamRun) -> None:
        super().__init__(f"{kind} in cycle {cycle}, after {run.words.size} output words", run)
        self.kind = kind
        self.cycle = cycle


class StoppedError(BenchError):
    """The model ended the simulation: an assertion of the design failed, or it called $finish."""

    def __init__(self, cycle: int, run: StreamRun) -> None:
        super().__init__(f"the model stopped by itself before cycle {cycle}", run)


def flatten(sequences: Sequences) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Turn sequences into beats of the input stream, one element of a step's vector per beat.

    Args:
        sequences: integers, (N, T, I): N sequences of T steps of I elements; or a list of (T, I),
            each with its own T.

    Returns:
        (B,) int32 raw values, (B,) bool last flags, true on the last beat of each sequence.

    Raises:
        TypeError: not integers.
        ValueError: no sequences, an empty one, a wrong shape, or a value beyond int32.
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    if not arrays:
        raise ValueError("There must be at least one sequence")
    for index, array in enumerate(arrays):
        if array.ndim != 2 or array.size == 0:
            raise ValueError(f"Sequence {index} must be (steps, elements), not {array.shape}")
        if not np.issubdtype(array.dtype, np.integer):
            raise TypeError(f"Sequence {index} must hold integers, not {array.dtype}")
        if array.shape[1] != arrays[0].shape[1]:
            raise ValueError(
                f"Sequence {index} has {array.shape[1]} elements per step, "
                f"the first one {arrays[0].shape[1]}"
            )
    beats = np.concatenate([array.reshape(-1) for array in arrays])
    if beats.min() < -(1 << 31) or beats.max() >= 1 << 31:
        raise ValueError("Sequences must hold values of 32 bits")
    last = np.zeros(beats.size, np.bool_)
    last[np.cumsum([array.size for array in arrays]) - 1] = True
    return beats.astype(np.int32), last


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Checked input data of a run.

    Attributes:
        beats: (N,) int32, input elements.
        fields: (N,) uint32, the fields beside each element, see `sim.fields`.
        loads: (L,) int32, state words in the order in which the core takes them.
        weights: (W,) uint32, words of weights.
    """

    beats: NDArray[np.int32]
    fields: NDArray[np.uint32]
    loads: NDArray[np.int32]
    weights: NDArray[np.uint32]

    @classmethod
    def checked(
        cls,
        beats: ArrayLike,
        last: ArrayLike,
        loads: ArrayLike = (),
        weights: ArrayLike = (),
        *,
        i_width: int,
        state_width: int = 0,
        weight_width: int = 0,
    ) -> Traffic:
        """Check the arguments of a run.

        Args:
            beats: integers of ``i_width`` bits.
            last: their last flags as booleans, or all their fields as integers.
            loads: integers of ``state_width`` bits.
            weights: unsigned integers of ``weight_width`` bits.
            i_width, state_width, weight_width: bits; no state can be loaded, or no weights, where
                the width is 0.

        Raises:
            TypeError: `beats`, `loads` or `weights` are not integers.
            ValueError: a shape or a value does not fit.
        """
        sent, fields = np.asarray(beats), np.asarray(last)
        if sent.ndim != 1 or sent.size == 0 or sent.shape != fields.shape:
            raise ValueError(
                f"Beats {sent.shape} and last flags {fields.shape} must be alike, (n,) with n >= 1"
            )
        if fields.dtype == np.bool_:
            fields = of_last(fields)
        state = np.asarray(loads)
        if state.size == 0:
            state = np.zeros(0, np.int32)
        _check_integers("Beats", sent, i_width)
        if state.size:
            if not state_width:
                raise ValueError(f"There is no port for {state.size} state words")
            _check_integers("State words", state, state_width)
        image = np.asarray(weights)
        if image.size == 0:
            image = np.zeros(0, np.uint32)
        else:
            if not weight_width:
                raise ValueError(f"There is no port for {image.size} words of weights")
            _check_integers("Weights", image, weight_width, signed=False)
        return cls(
            beats=np.ascontiguousarray(sent, np.int32),
            fields=np.ascontiguousarray(fields, np.uint32),
            loads=np.ascontiguousarray(state.ravel(), np.int32),
            weights=np.ascontiguousarray(image.ravel(), np.uint32),
        )


def _check_integers(what: str, values: NDArray[Any], width: int, *, signed: bool = True) -> None:
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{what} must be integers, not {values.dtype}")
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    if values.min() < low or values.max() > high:
        raise ValueError(f"{what} must fit {width} bits, not {values.min()} to {values.max()}")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Terms of a run, beside its traffic; the attributes are arguments of `CompiledBench.run`."""

    outputs: int
    saves: int
    stalls: Stalls
    seed: int
    patience: int
    settle: int
    reset: Reset | None

    def check(self, traffic: Traffic) -> None:
        """Check that the numbers fit a run with this traffic.

        Raises:
            ValueError: one is out of range.
        """
        for name, least in (("outputs", 0), ("saves", 0), ("patience", 1), ("settle", 0)):
            if (value := getattr(self, name)) < least:
                raise ValueError(f"A run's {name} must be {least} or more, not {value!r}")
        reset = self.reset
        if reset and (reset.beat >= traffic.beats.size or reset.word > self.outputs):
            raise ValueError(f"There is no such place in the run to go on from: {reset!r}")
