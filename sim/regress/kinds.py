"""Kinds of a regression's cases: they follow from its two numbers before anything is drawn."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

KINDS = {
    "delta": "is_delta",
    "graph": "is_graph",
    "index": "has_index",
    "parity": "is_guarded",
    "turned": "is_turned",
    "windows": "has_windows",
}
"""Kinds of cases for ``--only``, and the property of `Kinds` that tells whether a case is one."""

# Uses of random numbers.
_GRAPH, _TURNED, _DELTA, _PARITY, _INDEX = 13, 41, 53, 61, 57


@dataclass(frozen=True)
class Kinds:
    """Case ``number`` of ``seed``, as far as its kinds go."""

    seed: int
    number: int

    def random(self, use: int) -> np.random.Generator:
        """The case's random numbers for one use."""
        return np.random.default_rng([self.seed, self.number, use])

    @classmethod
    def numbers(cls, seed: int, count: int, kind: str | None = None) -> list[int]:
        """Numbers of a seed's first cases, or of its first ones of a kind of ``KINDS``."""
        if kind is None:
            return list(range(count))
        found = (n for n in itertools.count() if getattr(cls(seed, n), KINDS[kind]))
        return list(itertools.islice(found, count))

    @property
    def is_turned(self) -> bool:
        """Whether layers are reverse or bidirectional."""
        return bool(self.random(_TURNED).random() < 0.125)

    @property
    def is_graph(self) -> bool:
        """One network in five is no chain of recurrent layers."""
        return bool(self.random(_GRAPH).random() < 0.2)

    @property
    def has_windows(self) -> bool:
        """Tell whether layers read vectors at lags and pool: in two of five graphs."""
        return bool(self.random(_GRAPH).random() < 0.08)

    @property
    def is_delta(self) -> bool:
        """Whether the core is a delta core: in one case in six that can be one."""
        delta = bool(self.random(_DELTA).random() < 1 / 6)
        return delta and not (self.is_turned or self.has_windows)

    @property
    def is_guarded(self) -> bool:
        """Whether memories have parity bits: in one case in eight."""
        return bool(self.random(_PARITY).random() < 1 / 8)

    @property
    def has_index(self) -> bool:
        """Whether x is an index: in one case in eight that can have one."""
        index = bool(self.random(_INDEX).random() < 0.125)
        return index and not self.is_delta
