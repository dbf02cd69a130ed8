"""Networks whose input is an index, as those with an embedding: x selects a column of a matrix.

Vector 0 has an element for each value of the index. The element that the index selects is 1, all
others are 0, so a matrix times vector 0 is one of its columns.
"""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from golden.formats import Format


def index_format(values: int) -> Format:
    """Return the format of indices from 0 to ``values`` - 1."""
    return Format(width=max(2, (values - 1).bit_length() + 1), frac=0)


def check_element(to: Format) -> None:
    """Refuse a format of vector 0 that has no 1."""
    if not 0 <= to.frac <= to.width - 2:
        raise InputError(f"x is an index, and layer0 reads {to}, expected a format that has 1")


def selected(x: NDArray[Any], values: int, axis: int) -> NDArray[Any]:
    """Make vector 0 of indices.

    Args:
        x: indices; of size 1 on ``axis``.
        values: length of vector 0.
        axis: axis of a vector's elements.

    Raises:
        InputError: an index is no integer, or not from 0 to ``values`` - 1.
    """
    check_indices(x, values)
    index = np.moveaxis(x, axis, -1)[..., 0].astype(np.int64)
    return np.moveaxis(np.eye(values, dtype=x.dtype)[index], -1, axis)


def check_indices(x: NDArray[Any], values: int) -> None:
    """Refuse indices that are no integers from 0 to ``values`` - 1."""
    low, high = x.min(), x.max()
    if not (low >= 0 and high < values and (x == np.floor(x)).all()):
        raise InputError(
            f"indices are {low:g} to {high:g}, expected integers from 0 to {values - 1}"
        )


def check_indexed(
    reads: Sequence[tuple[int, int]], *, flush: int, fold: int, input_scale: float
) -> None:
    """Refuse a network that does more with an index than to select one column.

    Args:
        reads: each layer that reads x, and at which lag.
        flush, fold, input_scale: see :class:`golden.network.Network`.
    """
    if [*reads] != [(0, 0)]:
        names = ", ".join(f"layer{layer} at lag {lag}" for layer, lag in reads)
        raise InputError(f"x is an index and read by {names}, expected layer0 alone, at lag 0")
    for name, value, only in (("flush", flush, 0), ("fold", fold, 1), ("scale", input_scale, 1)):
        if value != only:
            raise InputError(f"x is an index, and {name} is {value}, expected {only}")
