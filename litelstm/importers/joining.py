"""Tensors made of several: constants beside them, element by element, one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from litelstm.importers.axes import BINS, FLAT, PARTS
from litelstm.importers.forms import Form, constant, stacked
from litelstm.importers.tensors import AxesError, Data


def as_data(array: NDArray[np.generic], like: Data) -> Data:
    """Convert a constant, equal for every sample, to a tensor with the axes of ``like``.

    ``array`` must broadcast to the shape of ``like``.
    """
    full = np.broadcast_to(array, like.shape).astype(np.float64)
    axes = [part for axis in like.axes for part in (PARTS[axis] if axis in FLAT else (axis,))]
    sizes = dict(zip(like.axes, like.shape, strict=True)) | {"steps": len(like.forms)}
    bins = [axis for axis in axes if axis.startswith(BINS)]
    full = full.reshape([sizes.get(axis, like.features) for axis in axes])
    batches = ("batch", "steps batch", "batch steps")
    for place in (n for n, axis in enumerate(axes) if axis in batches):
        first = np.take(full, [0], axis=place)
        if (full != first).any():
            raise InputError("a constant differs between the samples of a batch")
        full = first
    last = ("steps", "directions", "features", *bins)  # the others have size 1 here
    order = [n for n, axis in enumerate(axes) if axis not in last]
    order += [axes.index(axis) for axis in last if axis in axes]
    steps = len(like.forms) if "steps" in axes else 1
    rows = full.transpose(order).reshape(steps, -1)
    return Data(like.axes, tuple(constant(row) for row in rows), like.batch)


def combine(a: Data, b: Data, change: Callable[[Form, Form], Form]) -> Data:
    """Combine two tensors element by element, with broadcasting."""
    rank = max(len(a.axes), len(b.axes))
    a, b = (d.unsqueezed(range(rank - len(d.axes))) for d in (a, b))
    axes = []
    for left, right in zip(a.axes, b.axes, strict=True):
        if left != right and "one" not in (left, right):
            raise AxesError(f"combines {a.described()} and {b.described()}")
        axes.append(right if left == "one" else left)
    if a.features != b.features or a.bins != b.bins:
        raise AxesError(f"combines {a.described()} and {b.described()}")
    steps = max(len(a.forms), len(b.forms))
    if {len(a.forms), len(b.forms)} - {1, steps}:
        raise AxesError(f"combines {a.described()} and {b.described()}")
    lefts, rights = (d.forms * (steps // len(d.forms)) for d in (a, b))
    forms = tuple(change(left, right) for left, right in zip(lefts, rights, strict=True))
    return Data(tuple(axes), forms, a.batch)


def _of_one_sample(parts: Sequence[Data]) -> Sequence[Data]:
    """Name an axis of size 1 ``batch`` if another tensor has the only sample there."""
    if parts[0].batch != 1 or len({len(part.axes) for part in parts}) > 1:
        return parts
    axes = [*zip(*(part.axes for part in parts), strict=True)]
    places = [n for n, names in enumerate(axes) if {*names} == {"batch", "one"}]
    return [
        Data(
            tuple("batch" if n in places else name for n, name in enumerate(part.axes)),
            part.forms,
            part.batch,
        )
        for part in parts
    ]


def joined(parts: Sequence[Data], place: int) -> Data:
    """Concatenate tensors along an axis: vectors, or steps of a sequence."""
    parts = _of_one_sample(parts)
    place = parts[0].axis(place)
    name = parts[0].axes[place]
    if any(part.axes != parts[0].axes for part in parts):
        raise AxesError(f"joins {' and '.join(part.described() for part in parts)}")
    if name == "features" and parts[0].bins == 1:
        if len({len(part.forms) for part in parts}) > 1:
            raise AxesError(f"joins {' and '.join(part.described() for part in parts)}")
        forms = tuple(stacked(group) for group in zip(*(p.forms for p in parts), strict=True))
        return Data(parts[0].axes, forms, parts[0].batch)
    if name == "directions" and "steps" not in parts[0].axes:
        name, parts = "one", [way for part in parts for way in part.ways(place)]
    axes = list(parts[0].axes)
    axes[place] = "steps"
    if name not in ("one", "steps") or axes.count("steps") > 1:
        raise AxesError(f"joins {parts[0].described()} along {name}")
    if len({part.features for part in parts}) > 1:
        raise AxesError(f"joins {' and '.join(part.described() for part in parts)}")
    return Data(tuple(axes), tuple(f for part in parts for f in part.forms), parts[0].batch)
