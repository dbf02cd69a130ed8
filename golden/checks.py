"""Checks of a user's numbers, shared by the command line and the Python API."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.errors import InputError


def as_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """Convert values to an array of any type and shape.

    Raises:
        InputError: the values are lists of different lengths.
    """
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{name} are lists of different lengths, expected an array") from None


def check_numbers(
    name: str, values: ArrayLike, *, used: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Convert real finite numbers of any shape to float64.

    Args:
        name: a plural noun for the numbers, used in messages.
        values: the numbers.
        used: mask of the values to check, broadcast to their shape; by default all.

    Raises:
        InputError: the values are not an array of real numbers, or hold NaN or infinity.
    """
    array = as_array(name, values)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} are of type {array.dtype}, expected numbers")
    with np.errstate(over="ignore"):  # a wider float may become infinite; refused below
        array = array.astype(np.float64)
    bad = ~np.isfinite(array)
    if (bad if used is None else bad & used).any():
        raise InputError(f"{name} hold NaN or infinity, expected finite numbers")
    return array


def check_samples(samples: ArrayLike, inputs: int) -> NDArray[np.float64]:
    """Convert samples to float64 of shape (batch, steps, inputs).

    Raises:
        InputError: the samples have another shape or type, or hold NaN or infinity.
    """
    return check_numbers("samples", check_shape(samples, inputs))


def check_shape(samples: ArrayLike, inputs: int) -> NDArray[Any]:
    """Convert samples of any type to an array of shape (batch, steps, inputs).

    Raises:
        InputError: the samples have another shape.
    """
    array = as_array("samples", samples)
    if array.ndim != 3 or array.shape[2] != inputs or 0 in array.shape:
        raise InputError(f"samples are of shape {array.shape}, expected (samples, steps, {inputs})")
    return array
