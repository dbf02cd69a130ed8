"""Arrays that are filled again and again: fresh memory costs more than the arithmetic on it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT_BYTES = 1 << 24
"""Larger arrays are made anew."""


class Scratch(threading.local):
    """Arrays by name, each thread's own, kept as long as shape and type stay the same."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        """The array of that name, with anything in it."""
        found = self._arrays.get(name)
        if found is None or found.shape != shape or found.dtype != dtype:
            found = np.empty(shape, dtype=dtype)
            if found.nbytes <= KEPT_BYTES:
                self._arrays[name] = found
        return found
