"""Cycles of events, where a stretch that repeats is held once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Series(list[int]):
    """Ascending cycles of one kind of event.

    The list itself is the end of the series. What :meth:`repeat` has moved away from it can no
    longer be indexed, but :meth:`array` gives all of it.

    Args:
        keeps: cycles at the end that stay in the list, whatever repeats.
    """

    def __init__(self, keeps: int = 1) -> None:
        super().__init__()
        self._keeps = keeps
        self._parts: list[tuple[NDArray[np.int64], int, int]] = []
        self._moved = 0  # of the list, how many are in the parts, too

    def repeat(self, since: int, *, times: int, shift: int) -> None:
        """Append what the list has from index ``since`` on, each time ``shift`` cycles later."""
        new, period = self[self._moved :], np.array(self[since:], dtype=np.int64)
        self._parts.append((np.array(new, dtype=np.int64), 1, 0))
        self._parts.append((period + shift, times, shift))
        self[:] = [cycle + times * shift for cycle in self[-self._keeps :]]
        self._moved = len(self)

    @property
    def first(self) -> int:
        """The first cycle.

        Raises:
            IndexError: there is none.
        """
        for cycles, _, _ in self._parts:
            if cycles.size:
                return int(cycles[0])
        return self[0]

    def array(self) -> NDArray[np.int64]:
        """All cycles."""
        rest = np.array(self[self._moved :], dtype=np.int64)
        parts = [
            (cycles + shift * np.arange(times)[:, np.newaxis]).ravel()
            for cycles, times, shift in self._parts
        ]
        return np.concatenate([*parts, rest])
