"""Scoreboard: counts the output words compared, and those that differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Output word that differs from the model's.

    Attributes:
        sequence, word: its place; `word` counts from 0 in each sequence.
        expected, got: raw values.
        expected_last, got_last, expected_stream, got_stream: fields beside the word.
    """

    sequence: int
    word: int
    expected: int
    got: int
    expected_last: bool
    got_last: bool
    expected_stream: int = 0
    got_stream: int = 0

    def __str__(self) -> str:
        place = f"sequence {self.sequence}, word {self.word}"
        if self.expected != self.got:
            return f"{place}: expected {self.expected}, got {self.got}"
        if self.expected_stream != self.got_stream:
            return f"{place}: expected stream {self.expected_stream}, got {self.got_stream}"
        return f"{place}: expected last = {self.expected_last:d}, got {self.got_last:d}"


class Scoreboard:
    """Compares words with a model's: value, last flag and stream, each with ``==``.

    Args:
        expected: (N, K) integers, the model's K words for each of N results; last is expected
            on the K-th.
        last: (N,) whether a result's last word has the last flag; by default each has.
        streams: (N,) the results' stream numbers; 0 by default.

    Raises:
        TypeError: `expected` does not hold integers.
        ValueError: `expected` is not (N, K), or empty.

    Attributes:
        compared: number of words compared.
        different: number of words that differ in value, last flag or stream.
        first: the first difference, or None.
    """

    def __init__(
        self,
        expected: ArrayLike,
        *,
        last: ArrayLike | None = None,
        streams: ArrayLike | None = None,
    ) -> None:
        table = np.asarray(expected)
        if table.ndim != 2 or table.size == 0:
            raise ValueError(f"Expected words must be (sequences, words), not {table.shape}")
        if not np.issubdtype(table.dtype, np.integer):
            raise TypeError(f"Expected words must be integers, not {table.dtype}")
        self._width = table.shape[1]
        self._expected = table.astype(np.int64).reshape(-1)
        ends = np.zeros(table.shape, np.bool_)
        ends[:, -1] = True if last is None else last
        self._last = ends.reshape(-1)
        numbers = np.zeros(len(table), np.int64) if streams is None else np.asarray(streams)
        self._streams = numbers.repeat(self._width)
        self.compared = 0
        self.different = 0
        self.first: Difference | None = None

    @property
    def expected(self) -> int:
        """Total number of words that the model expects."""
        return self._expected.size

    @property
    def passed(self) -> bool:
        """Whether every expected word was compared and none differs."""
        return self.compared == self.expected and self.different == 0

    def add(self, words: ArrayLike, last: ArrayLike, streams: ArrayLike | None = None) -> None:
        """Compare the next words of the stream.

        Args:
            words: (n,) or one integer, raw values in the order of the stream.
            last: their last flags, the same shape.
            streams: their stream numbers, the same shape; 0 by default.

        Raises:
            ValueError: shapes differ, or there are more words than expected.
        """
        got = np.atleast_1d(np.asarray(words)).astype(np.int64)
        flags: NDArray[np.bool_] = np.atleast_1d(np.asarray(last)).astype(np.bool_)
        if got.ndim != 1 or got.shape != flags.shape:
            raise ValueError(f"Words {got.shape} and last flags {flags.shape} must be alike, (n,)")
        numbers = np.zeros_like(got) if streams is None else np.atleast_1d(np.asarray(streams))
        start, end = self.compared, self.compared + got.size
        if end > self.expected:
            raise ValueError(f"{end} words, but only {self.expected} were expected")
        expected = self._expected[start:end]
        expected_last, expected_streams = self._last[start:end], self._streams[start:end]
        wrong = np.flatnonzero(
            (got != expected) | (flags != expected_last) | (numbers != expected_streams)
        )
        if wrong.size and self.first is None:
            at = int(wrong[0])
            self.first = Difference(
                sequence=(start + at) // self._width,
                word=(start + at) % self._width,
                expected=int(expected[at]),
                got=int(got[at]),
                expected_last=bool(expected_last[at]),
                got_last=bool(flags[at]),
                expected_stream=int(expected_streams[at]),
                got_stream=int(numbers[at]),
            )
        self.compared = end
        self.different += wrong.size

    def __str__(self) -> str:
        text = f"{self.compared} of {self.expected} words compared, {self.different} different"
        return text if self.first is None else f"{text}; first: {self.first}"

    def check(self) -> None:
        """Assert that every expected word came and none differs.

        Raises:
            AssertionError: a word is missing or wrong; the message is the scoreboard as text.
        """
        if not self.passed:
            raise AssertionError(str(self))
