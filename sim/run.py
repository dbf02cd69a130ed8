"""Request of a run in either bench: words to send, words to wait for, and terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.patterns import NO_STALLS, Stalls
from sim.streams import LAST, STREAMS, of_last

Sequences = NDArray[Any] | Sequence[ArrayLike]
"""Sequences of vectors: an array (N, T, I), or N of (T, I) with T free."""

PATIENCE = 2_000_000
"""Clock cycles without a transfer after which a run fails."""

SETTLE = 32
"""Clock cycles after the last expected word in which a bench checks for surplus words."""


@dataclass(frozen=True, kw_only=True)
class Reset:
    """Reset in the middle of a run, after which the bench continues from an earlier place.

    Attributes:
        cycle: first clock edge at which rst is high, counted as in `sim.streams.Moved`.
        beat: input beat from which the bench continues.
        word: number of output words to keep in the record. All other streams restart with their
            first word.
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

    def place(self, stream: str) -> int:
        """Return the word from which a stream continues."""
        return {"i": self.beat, "o": self.word}.get(stream, 0)


class Terms(TypedDict, total=False):
    """Attributes of a `Run` beside its words."""

    stalls: Stalls
    seed: int
    fresh: bool
    reset: Reset | None
    patience: int
    settle: int


class Source:
    """Words for a stream into the core, checked, with their fields.

    Args:
        words: (N,) integers.
        fields: (N,) last flags as booleans, or all fields as integers, see `sim.streams`. By
            default the last word is marked.

    Raises:
        TypeError: `words` are not integers.
        ValueError: the shapes differ.
    """

    def __init__(self, words: ArrayLike, fields: ArrayLike | None = None) -> None:
        self.words = np.asarray(words)
        if not self.words.size:
            self.words = np.zeros(0, np.int32)
        count = np.arange(1, self.words.size + 1)
        marks = LAST * (count == count.size) if fields is None else np.asarray(fields)
        if self.words.ndim != 1 or self.words.shape != marks.shape:
            raise ValueError(
                f"Words {self.words.shape} and last flags {marks.shape} must be alike, (n,)"
            )
        if not np.issubdtype(self.words.dtype, np.integer):
            raise TypeError(f"Words of a stream must be integers, not {self.words.dtype}")
        self.fields = of_last(marks) if marks.dtype == np.bool_ else marks.astype(np.uint32)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Request of a run in either bench.

    With ``fresh=False, settle=0`` several runs feed a stream without a gap: a run ends as soon as
    all its words have moved. The next run starts in the next cycle, and may take words that answer
    earlier beats.

    Attributes:
        sources: words to send, by stream; input beats are required.
        sinks: number of words to wait for, by stream.
        stalls: patterns of all streams.
        seed: seed of the patterns' random gaps.
        fresh: whether to reset the core first and count cycles from 0.
        reset: a reset in the middle of the run.
        patience: cycles without a transfer after which the run fails.
        settle: cycles after the last expected word in which no word may come.

    Raises:
        ValueError: a number is out of range, or the place of `reset` is outside the run.
    """

    sources: Mapping[str, Source]
    sinks: Mapping[str, int] = field(default_factory=dict)
    stalls: Stalls = NO_STALLS
    seed: int = 0
    fresh: bool = True
    reset: Reset | None = None
    patience: int = PATIENCE
    settle: int = SETTLE

    def __post_init__(self) -> None:
        if not self.source("i").words.size:
            raise ValueError("A run must have 1 beat or more")
        numbers = {STREAMS[name].words: (count, 0) for name, count in self.sinks.items()}
        numbers |= {"patience": (self.patience, 1), "settle": (self.settle, 0)}
        for name, (value, least) in numbers.items():
            if value < least:
                raise ValueError(f"A run's {name} must be {least} or more, not {value!r}")
        if self.reset and not (
            self.reset.beat < self.count("i") and self.reset.word <= self.count("o")
        ):
            raise ValueError(f"There is no such place in the run to go on from: {self.reset!r}")

    @classmethod
    def of_beats(
        cls, beats: ArrayLike, last: ArrayLike, *, outputs: int, **terms: Unpack[Terms]
    ) -> Run:
        """Make a run of input beats (see `Source`) that waits for `outputs` words."""
        return cls(sources={"i": Source(beats, last)}, sinks={"o": outputs}, **terms)

    @classmethod
    def of_sequences(
        cls, sequences: Sequences, *, words: int, weights: ArrayLike = (), **terms: Unpack[Terms]
    ) -> Run:
        """Make a run of whole sequences back to back.

        Args:
            sequences: (N, T, I) integers, or a list of (T, I) as in `flatten`.
            words: number K of output words per sequence; ``answers(K)`` of the record is
                (N, K).
            weights: an image to load first.
            terms: other attributes.
        """
        beats, last = flatten(sequences)
        sources = {"i": Source(beats, last), "i_weights": Source(weights)}
        return cls(sources=sources, sinks={"o": words * int(last.sum())}, **terms)

    def source(self, stream: str) -> Source:
        """Return the words to send on a stream."""
        return self.sources.get(stream, Source(()))

    def count(self, stream: str) -> int:
        """Return the number of words to send or to wait for on a stream."""
        return self.sinks.get(stream, 0) or self.source(stream).words.size

    def check_widths(self, widths: Mapping[str, int]) -> None:
        """Refuse words that do not fit the ports of a core.

        Args:
            widths: width of each port in bits.

        Raises:
            ValueError: there is no such port, or a word does not fit it.
        """
        for name, stream in STREAMS.items():
            words, width = self.source(name).words, widths.get(f"{name}_data")
            if width is None and (count := self.count(name)):
                raise ValueError(f"There is no port for {count} {stream.words}")
            if width is None or not words.size:
                continue
            span = 1 << width
            low, high = (-span // 2, span // 2 - 1) if stream.signed else (0, span - 1)
            if words.min() < low or words.max() > high:
                raise ValueError(
                    f"{stream.words.capitalize()} must fit {width} bits, "
                    f"not {words.min()} to {words.max()}"
                )


def flatten(sequences: Sequences) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Convert sequences to beats of the input stream, one element of a step's x per beat.

    Args:
        sequences: integers, (N, T, I): N sequences of T steps of I elements; or a list of (T, I),
            each with its own T.

    Returns:
        (B,) int32 raw values, and (B,) bool last flags, true on the last beat of each sequence.

    Raises:
        TypeError: the values are not integers.
        ValueError: there is no sequence, an empty one, a wrong shape, or a value beyond int32.
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
