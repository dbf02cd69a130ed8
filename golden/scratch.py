"""Reusable arrays: allocating memory costs more time than the arithmetic on it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT_BYTES = 1 << 24
"""Largest array that is kept; larger ones are allocated at each use."""


class Scratch(threading.local):
    """Arrays by name, separate for each thread, kept while shape and type stay the same."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        """Return the array of that name, with undefined contents."""
        found = self._arrays.get(name)
        if found is None or found.shape != shape or found.dtype != dtype:
            found = np.empty(shape, dtype=dtype)
            if found.nbytes <= KEPT_BYTES:
                self._arrays[name] = found
        return found
