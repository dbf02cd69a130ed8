"""Tensors of a recurrent graph: named axes, and one form per step.

The names of axes are ``batch``, ``steps``, ``features``, ``directions`` for the two of a
bidirectional operator, and ``one`` for axes of size 1 that exporters insert and remove. Operators
that reorder axes only move names, not numbers. An operator that would mix samples of a batch, or
features and steps, is refused. An axis ``bins40`` has the 40 frequencies of a spectrogram: vectors
then have the bins of the first feature, those of the second one, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from litelstm.importers.axes import (
    BINS,
    DIRECTIONS,
    MERGED,
    PARTS,
    ROWS,
    bins_of,
    of_one,
    rows_of,
)
from litelstm.importers.forms import Form


class AxesError(InputError):
    """Axes in a wrong order for an operator; another order of the input's axes may fit.

    Attributes:
        done: number of operators evaluated before.
    """

    def __init__(self, message: str, done: int = 0) -> None:
        super().__init__(message)
        self.done = done


@dataclass(frozen=True, eq=False)
class Data:
    """A tensor that depends on the network's input.

    Args:
        axes: a name for every axis; ``features`` may be missing if the forms have size 1. With
            ``directions``, forms concatenate the features of both directions.
        forms: one form per step, or a single one without an axis ``steps``.
        batch: size of the axis ``batch``.
    """

    axes: tuple[str, ...]
    forms: tuple[Form, ...]
    batch: int

    @property
    def features(self) -> int:
        """Length of one direction's vectors, or number of features of each bin."""
        size = self.forms[0].size // (DIRECTIONS if "directions" in self.axes else 1)
        return size // self.bins

    @property
    def bins(self) -> int:
        """Number of bins; 1 without such an axis."""
        return math.prod(map(bins_of, self.axes))

    @property
    def _rows(self) -> int:
        return math.prod(map(rows_of, self.axes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return tuple(self._size(axis) for axis in self.axes)

    def _size(self, axis: str) -> int:
        if axis in PARTS:
            return math.prod(map(self._size, PARTS[axis]))
        if axis.startswith(BINS):
            return bins_of(axis)
        if axis.startswith(ROWS):
            return rows_of(axis)
        steps = len(self.forms) // self._rows
        sizes = {"batch": self.batch, "directions": DIRECTIONS, "steps": steps}
        return self.features if axis == "features" else sizes.get(axis, 1)

    def axis(self, index: int) -> int:
        """Convert an index, which may be negative, to a position in ``axes``."""
        if not -len(self.axes) <= index < len(self.axes):
            raise InputError(f"axis is {index}, expected less than {len(self.axes)}")
        return index % len(self.axes)

    def each(self, change: Callable[[Form], Form]) -> Data:
        """Apply a function to every form."""
        return Data(self.axes, tuple(change(form) for form in self.forms), self.batch)

    def transposed(self, order: Sequence[int]) -> Data:
        """Reorder the axes."""
        if sorted(order) != list(range(len(self.axes))):
            raise InputError(f"perm is {list(order)}, expected an order of {len(self.axes)} axes")
        return Data(tuple(self.axes[n] for n in order), self.forms, self.batch)

    def squeezed(self, places: Sequence[int] | None) -> Data:
        """Remove axes of size 1 (all of them if ``places`` is ``None``)."""
        shape = self.shape
        if places is None:
            gone = {n for n, size in enumerate(shape) if size == 1}
        else:
            gone = {self.axis(n) for n in places}
        for n in gone:
            if shape[n] != 1:
                raise AxesError(f"squeezes {self.axes[n]} of size {shape[n]}, expected 1")
        axes = tuple(axis for n, axis in enumerate(self.axes) if n not in gone)
        return Data(of_one(axes), self.forms, self.batch)

    def unsqueezed(self, places: Sequence[int]) -> Data:
        """Insert axes of size 1 at ``places`` of the result."""
        rank = len(self.axes) + len(places)
        new = {n % rank for n in places}
        rest = iter(self.axes)
        axes = tuple("one" if n in new else next(rest) for n in range(rank))
        return Data(axes, self.forms, self.batch)

    def reshaped(self, target: Sequence[int]) -> Data:
        """Reshape by inserting or removing axes of size 1, and by merging axes of ``MERGED``.

        Args:
            target: sizes; 0 keeps a size, -1 is the rest.
        """
        shape = self.shape
        wanted = [
            shape[n] if size == 0 and n < len(shape) else size for n, size in enumerate(target)
        ]
        if wanted.count(-1) == 1:
            known = -math.prod(wanted)
            wanted[wanted.index(-1)] = math.prod(shape) // known if known else 0
        if divided := self._divided(wanted):
            return divided
        single = [part for axis in self.axes for part in PARTS.get(axis, (axis,))]
        left = [axis for axis in single if self._size(axis) != 1]
        axes = []
        data = self
        for size in wanted:
            taken = []
            while size != math.prod(self._size(axis) for axis in taken) and left:
                taken.append(left.pop(0))
            name = MERGED.get(tuple(taken))
            if taken[:1] and {*taken} <= {"features", *(a for a in taken if a.startswith(BINS))}:
                name = taken[0] if len(taken) == 1 else "features"
                data = data.merged() if taken[0].startswith(BINS) and len(taken) == 2 else data
            if name is None or size != math.prod(self._size(axis) for axis in taken):
                raise AxesError(self._unshaped(wanted))
            axes.append(name)
        if left:
            raise AxesError(self._unshaped(wanted))
        if "features" in single and self._size("features") == 1 and axes[-1:] == ["one"]:
            axes[-1] = "features"
        return Data(of_one(tuple(axes)), data.forms, self.batch)

    def _divided(self, wanted: Sequence[int]) -> Data | None:
        """Divide the axis of features, or of steps, into two."""
        for n, axis in enumerate(self.axes):
            sizes = tuple(wanted[n : n + 2])
            if (*self.shape[:n], *sizes, *self.shape[n + 1 :]) != tuple(wanted) or 1 in sizes:
                continue
            pair = {"steps": (f"{ROWS}{sizes[0]}", axis), "features": (axis, f"{BINS}{sizes[-1]}")}
            if math.prod(sizes) == self.shape[n] and axis in pair and self.bins == self._rows == 1:
                axes = (*self.axes[:n], *pair[axis], *self.axes[n + 1 :])
                return Data(axes, self.forms, self.batch)
        return None

    def spectrogram(self) -> Data:
        """Take features as the bins of one feature, where an axis of size 1 is second."""
        if self.axes[1:2] != ("one",) or "features" not in self.axes[2:] or self.bins > 1:
            return self
        names = {"one": "features", "features": f"{BINS}{self.features}"}
        axes = tuple(names[a] if n == 1 or a == "features" else a for n, a in enumerate(self.axes))
        return Data(axes, self.forms, self.batch)

    def spread(self, bins: int) -> Data:
        """Take each step's features as bins, one behind the other; reverses ``merged``."""
        order = np.arange(self.features).reshape(bins, -1).T.ravel()
        place = self.axes.index("features")
        axes = (*self.axes[:place], f"{BINS}{bins}", *self.axes[place:])
        return Data(axes, tuple(form.rows(order) for form in self.forms), self.batch)

    def merged(self) -> Data:
        """Put the features of each bin side by side; the axis of bins goes."""
        bins, features = self.bins, self.features
        order = np.arange(features * bins).reshape(features, bins).T.ravel()
        axes = tuple(axis for axis in self.axes if not axis.startswith(BINS))
        return Data(axes, tuple(form.rows(order) for form in self.forms), self.batch)

    def _unshaped(self, wanted: Sequence[int]) -> str:
        """Write the message on a shape that mixes axes."""
        return f"reshapes {self.described()} to {tuple(wanted)}"

    def taken(self, place: int, index: NDArray[np.int64]) -> Data:
        """Select indices (a scalar or a list) along one axis."""
        place = self.axis(place)
        name, size = self.axes[place], self.shape[place]
        if index.ndim > 1 or ((index < -size) | (index >= size)).any():
            raise InputError(f"takes {index.tolist()} of {name}, expected indices below {size}")
        index = index % size
        flat = np.atleast_1d(index)
        data = self
        if name == "steps":
            forms = tuple(self.forms[r * size + n] for r in range(self._rows) for n in flat)
            data = Data(self.axes, forms, self.batch)
        elif name.startswith(ROWS) and len(flat) == 1:
            steps = len(self.forms) // size
            axes = (*self.axes[:place], "one", *self.axes[place + 1 :])
            data = Data(axes, self.forms[flat[0] * steps : (flat[0] + 1) * steps], self.batch)
        elif name == "features" and self.bins == 1:
            first = np.arange(0, self.forms[0].size, self.features)  # first row per direction
            rows = (first[:, None] + flat).ravel()
            data = self.each(lambda form: form.rows(rows))
        elif name == "directions" and len(flat) == 1:
            rows = flat[0] * self.features + np.arange(self.features)
            axes = (*self.axes[:place], "one", *self.axes[place + 1 :])
            data = Data(axes, tuple(form.rows(rows) for form in self.forms), self.batch)
        elif not np.array_equal(flat, np.arange(size)):
            raise AxesError(f"takes {flat.tolist()} of axis {place} ({name}), expected all")
        return data if index.ndim else data.squeezed([place])

    def ways(self, place: int) -> tuple[Data, ...]:
        """Split into both directions, each with an axis of size 1 for ``directions``."""
        return tuple(self.taken(place, np.array([way])) for way in range(DIRECTIONS))

    def tiled(self, place: int, count: int) -> Data:
        """Repeat one step's vector along an axis of size 1, which becomes that of the steps."""
        if self.axes[place] not in ("one", "steps") or len(self.forms) != 1:
            raise InputError(f"repeats {self.axes[place]} {count} times")
        axes = (*self.axes[:place], "steps", *self.axes[place + 1 :])
        return Data(axes, self.forms * count, self.batch)

    def repeated(self, times: Sequence[int]) -> Data:
        """Broadcast to its own shape, with new leading axes of size 1; or repeat one step."""
        data = self.unsqueezed(range(max(0, len(times) - len(self.axes))))
        if len(data.axes) == len(times) and len(data.forms) == 1:
            for place, count in enumerate(times):
                if data.axes[place] in ("one", "steps") and count > 1:
                    return data.tiled(place, count).repeated(times)
        shape = data.shape[len(data.shape) - len(times) :]
        if any(n not in (1, size) for n, size in zip(times, shape, strict=True)):
            raise AxesError(f"expands {self.described()} to {tuple(times)}")
        return data

    def described(self) -> str:
        """Describe the axes for messages: ``(batch 2, steps 5, features 3)``."""
        sizes = zip(self.axes, self.shape, strict=True)
        return f"({', '.join(f'{axis} {size}' for axis, size in sizes)})"
