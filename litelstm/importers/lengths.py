"""Sequences of any length: a file of free length is followed with two, which give one network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from golden.errors import InputError
from golden.network import Network
from litelstm.importers.assemble import Assembled
from litelstm.importers.tensors import AxesError
from litelstm.importers.windows import ShortError, refuses_short, whole_windows

PROBES = (5, 8)
"""Sequence lengths for following a graph of free length; both must give the same network."""

LONG, LONGEST = 100, 2000
"""Longest sequence for comparing networks, and the longest where windows need it."""


OTHER = "is another network for another number of steps; export with a fixed number"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Result of an importer on a file, for sequences of ``steps``."""

    made: Assembled
    steps: int


M = TypeVar("M", bound=Reading)


def of_one_length(read: Callable[[int], M], steps: int) -> M:
    """Read a network of one length, right for that alone if some of its weights read zeros alone.

    Raises:
        ShortError: some do, within :func:`litelstm.importers.windows.whole_windows`.
    """
    try:
        with whole_windows():
            return read(steps)
    except ShortError as short:
        if refuses_short():
            raise
        try:
            found = read(steps)
        except InputError as error:
            raise InputError(f"{error}; {short}") from None
        return replace(found, made=replace(found.made, fixed=True))


def probed(read: Callable[[int], M]) -> M:
    """Read a network with two lengths, as short as its windows and strides allow.

    Raises:
        InputError: they give different networks.
    """
    low, high = PROBES
    refusal: InputError | None = None
    while True:
        try:
            with whole_windows():
                first = read(low)
            rate = first.made.network.fold
            if low % rate or high % rate:  # only whole steps have the same layers
                low, high = (-(-n // rate) * rate for n in (low, high + rate))
                continue
            if _same(first.made.network, read(high).made.network):
                return first
            error, most = InputError(OTHER), LONG
        except AxesError:
            raise
        except ShortError as short:
            error, most = short, LONGEST
            low, high = (n + max(short.steps, low) for n in (low, high))
        except InputError as other:  # a padded window over few steps may look like another one
            error, most = other, LONG
        refusal = refusal or error
        if not isinstance(error, ShortError):
            low, high = 4 * low, 4 * high
        if low > most:
            raise refusal


def _same(a: Network, b: Network) -> bool:
    """Whether two networks are the same."""
    if len(a.layers) != len(b.layers) or a.results != b.results:
        return False
    if (a.fold, a.flush) != (b.fold, b.flush):
        return False
    for x, y in zip(a.layers, b.layers, strict=True):
        same = (x.cell, x.sigmoid, x.direction, x.sources, x.lags, x.warmup)
        if same != (y.cell, y.sigmoid, y.direction, y.sources, y.lags, y.warmup):
            return False
        if any(not np.array_equal(array, y.arrays[name]) for name, array in x.arrays.items()):
            return False
    return True
