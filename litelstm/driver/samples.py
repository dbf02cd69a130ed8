"""Conversion of a program's arrays to a core's words, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, List

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.errors import InputError
from litelstm.driver.description import STATE_IN, Description

Integers = NDArray[np.int64]
Finish = Callable[[List[Integers]], Any]


class Samples:
    """Conversions for one core.

    Args:
        description: description of the core.
    """

    def __init__(self, description: Description) -> None:
        self._description = description

    def sequences(self, x: ArrayLike | Sequence[ArrayLike]) -> tuple[list[Integers], Finish]:
        """Convert ``x`` to raw input words.

        Returns:
            The words of each sequence, (steps, inputs); and a function that gives the results the
            form and the kind of numbers of ``x``.

        Raises:
            InputError: a sequence has a wrong shape or a value out of range.
        """
        if isinstance(x, (list, tuple)) and x and np.ndim(x[0]) == 2:
            parts = [np.asarray(part) for part in x]
            kinds = [self._words(part) for part in parts]
            floats = any(part.dtype.kind == "f" for part in parts)
            return kinds, lambda results: [self._scaled(r, floats) for r in results]
        array = np.asarray(x)
        floats = array.dtype.kind == "f"
        if array.ndim == 3 and len(array):
            words = [self._words(part) for part in array]
            return words, lambda results: self._scaled(np.array(results), floats)
        return [self._words(array)], lambda results: self._scaled(results[0], floats)

    def result(self, words: Integers) -> Integers:
        """Shape a sequence's output words to its result: (outputs,), or (steps, outputs)."""
        results = words.reshape(-1, self._description.outputs)
        return results if self._description.every_step else results[0]

    def state(self, state: ArrayLike) -> Integers:
        """Check state words, (state words,).

        Raises:
            InputError: their number is wrong, or a word is out of range.
        """
        words = np.asarray(state)
        expected = self._description.state_words
        if words.shape != (expected,) or words.dtype.kind not in "iu":
            raise InputError(
                f"state is {words.dtype} of shape {words.shape}, expected ({expected},) integers"
            )
        bits = self._description.streams[STATE_IN].packing.element
        return _in_range("state words", words, -(1 << bits - 1), (1 << bits - 1) - 1)

    def _words(self, x: NDArray[Any]) -> Integers:
        inputs, to = self._description.inputs, self._description.x
        if x.ndim != 2 or x.shape[1] != inputs or not len(x):
            raise InputError(f"a sequence is of shape {x.shape}, expected (steps, {inputs})")
        most = self._description.max_steps
        if most and len(x) > most:
            raise InputError(
                f"a sequence has {len(x)} steps, expected {most} at most (--max-steps)"
            )
        if x.dtype.kind == "f":
            if not np.isfinite(x).all():
                raise InputError("x holds NaN or infinity, expected finite numbers")
            return to.quantize(x.astype(np.float64) * self._description.scale)
        if x.dtype.kind not in "iu":
            raise InputError(f"x is of type {x.dtype}, expected integers or floats")
        return _in_range("x", x, to.min, to.max)

    def _scaled(self, words: Integers, floats: bool) -> NDArray[Any]:
        if not floats or self._description.classes:
            return words
        return words * 2.0**-self._description.y.frac


def _in_range(name: str, words: NDArray[Any], low: int, high: int) -> Integers:
    if words.min() < low or words.max() > high:
        raise InputError(f"{name} are {words.min()} to {words.max()}, expected {low} to {high}")
    return words.astype(np.int64)
