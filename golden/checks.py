"""Checks of numbers that a user gives: the command line and the Python API refuse the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.errors import InputError


def as_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """Values as an array of any type and shape.

    Raises:
        InputError: they are lists of different lengths.
    """
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{name} are lists of different lengths, expected an array") from None


def check_numbers(
    name: str, values: ArrayLike, *, used: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Real finite numbers of any shape, as float64.

    Args:
        name: what they are, for messages; plural.
        values: the numbers.
        used: which of them count, broadcast to their shape; by default all.

    Raises:
        InputError: they are no array of real numbers, or NaN or infinity is among them.
    """
    array = as_array(name, values)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} are of type {array.dtype}, expected numbers")
    with np.errstate(over="ignore"):  # of wider floats: infinite, so refused
        array = array.astype(np.float64)
    bad = ~np.isfinite(array)
    if (bad if used is None else bad & used).any():
        raise InputError(f"{name} hold NaN or infinity, expected finite numbers")
    return array


def check_samples(samples: ArrayLike, inputs: int) -> NDArray[np.float64]:
    """Samples as float64 of shape (batch, steps, inputs).

    Raises:
        InputError: another shape or type, or NaN or infinity among them.
    """
    return check_numbers("samples", check_shape(samples, inputs))


def check_shape(samples: ArrayLike, inputs: int) -> NDArray[Any]:
    """Samples of any type as an array of shape (batch, steps, inputs).

    Raises:
        InputError: another shape.
    """
    array = as_array("samples", samples)
    if array.ndim != 3 or array.shape[2] != inputs or 0 in array.shape:
        raise InputError(f"samples are of shape {array.shape}, expected (samples, steps, {inputs})")
    return array
