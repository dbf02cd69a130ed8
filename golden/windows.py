"""Vectors at a lag: windows over time, on which convolution, flatten and pooling are made.

A layer reads each of its sources as it was ``lag`` steps ago. A convolution over time with kernel k
is a dense layer that reads one vector at the lags k - 1 to 0, with a matrix for each.

Before a sequence's start there is nothing: a vector counts from its first step on
(``Graph.starts``), and at a lag it is zero while ``step < lag + start``. A recurrent layer's first
step is the first that counts; a step before it changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError

FINAL = -1
"""Lag of a vector's final value, in every step: that of the last step, of a reverse layer the first
one's. A decoder repeats it."""

MAX_LAG = 65535
"""Largest lag, warm-up, flush and fold."""


def check_window(operands: int, lags: tuple[int, ...] | None, warmup: int) -> None:
    """Refuse a layer's lags that do not fit its sources, and a number that is out of range.

    Raises:
        InputError: names the field.
    """
    if lags is not None and len(lags) != operands:
        raise InputError(f"lags are {lags}, expected {operands} (one per source)")
    check_count("warmup", warmup, 0)
    for lag in lags or ():
        check_count("lag", lag, FINAL)


def check_count(name: str, value: Any, low: int) -> None:
    """Refuse a number of steps that is no integer from ``low`` to ``MAX_LAG``."""
    if not isinstance(value, (int, np.integer)) or not low <= value <= MAX_LAG:
        raise InputError(f"{name} is {value!r}, expected an integer from {low} to {MAX_LAG}")


def delayed(values: NDArray[Any], lag: int, first: int, time: int) -> NDArray[Any]:
    """Return a vector of every step at a lag; at lag 0 the same array.

    Args:
        values: the vector of every step; those before ``first`` do not matter.
        lag: the lag in steps.
        first: the first step in which the vector counts.
        time: axis of the steps.
    """
    if not lag:
        return values
    before = (slice(None),) * time
    steps = values.shape[time]
    made = np.zeros_like(values)
    made[(*before, slice(lag + first, None))] = values[(*before, slice(first, max(0, steps - lag)))]
    return made


def folded(samples: NDArray[Any], fold: int, flush: int) -> NDArray[Any]:
    """Make steps of ``fold`` samples (batch, samples, size) each, and ``flush`` more of zeros."""
    batch, count, size = samples.shape
    if fold == 1 and not flush:
        return samples
    steps = count // fold + flush
    fed = np.zeros((batch, steps * fold, size), dtype=samples.dtype)
    fed[:, :count] = samples[:, : fed.shape[1]]
    return fed.reshape(batch, steps, fold * size)


def held(value: NDArray[Any], steps: int, time: int) -> NDArray[Any]:
    """Repeat a vector's final value in every step; ``time`` is the axis of the steps."""
    return np.repeat(np.expand_dims(value, time), steps, axis=time)


def padded(values: NDArray[Any], first: int, time: int) -> NDArray[Any]:
    """Put ``first`` steps of zeros before those of ``values``."""
    if not first:
        return values
    shape = (*values.shape[:time], first, *values.shape[time + 1 :])
    return np.concatenate([np.zeros(shape, dtype=values.dtype), values], axis=time)


def at_end(values: NDArray[Any], ends: NDArray[np.int64], lag: int, first: int) -> NDArray[Any]:
    """Select the values of each sequence's step ``lag`` before its last; zero before ``first``.

    Args:
        values: shape (batch, steps, ...).
        ends: steps of each sequence, (batch,).
        lag: the lag in steps.
        first: the first step in which the vector counts.
    """
    step = ends - 1 - lag
    chosen = values[np.arange(len(values)), np.maximum(step, 0)]
    chosen[step < first] = 0
    return chosen
