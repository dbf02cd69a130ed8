"""Keras' layers on spectrograms: (batch, steps, bins, features)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from golden.errors import InputError
from litelstm.importers.axes import BINS
from litelstm.importers.keras_layers import KerasLayer, shown
from litelstm.importers.operations import sequence
from litelstm.importers.tensors import Data
from litelstm.importers.windows import Window, averaged, convolved, largest

PADDING = {"valid": (0, 0), "same": "same"}


def input_of(shape: tuple[int | None, ...], steps: int) -> Data:
    """Make the tensor of an input: a sequence, or one of blocks (bins, features)."""
    sizes = [size or 0 for size in shape[2:]]
    if len(sizes) not in (1, 2) or not all(sizes):
        raise InputError(
            f"has an input of shape {shape[1:]}, expected (steps, features) or (steps, bins, "
            "features)"
        )
    data = sequence(int(np.prod(sizes)), steps, ("batch", "steps", "features"))
    return data.spread(sizes[0]) if len(sizes) == 2 else data


def _spectrogram(layer: KerasLayer, inputs: Sequence[Data]) -> tuple[Data, int]:
    """Return the input, and the place of its steps among the two axes of a window."""
    layer.check("data_format", layer.options.get("data_format", "channels_last"), "channels_last")
    data = inputs[0]
    names = [axis.rstrip("0123456789") for axis in data.axes]
    if names[:1] + names[3:] != ["batch", "features"] or sorted(names[1:3]) != [BINS, "steps"]:
        raise InputError(f"reads {data.described()}, expected (batch, steps, bins, features)")
    return data, names[1:3].index("steps")


def _pair(layer: KerasLayer, name: str, default: Any = None) -> tuple[int, int]:
    value: Any = layer.options.get(name)
    value = default if value is None else value
    pair = list(value) if isinstance(value, (list, tuple)) else [value, value]
    if len(pair) != 2 or not all(isinstance(n, int) for n in pair):
        raise InputError(f"{name} is {shown(value)}, expected one number or two")
    return pair[0], pair[1]


def _windows(
    layer: KerasLayer, at: int, size: tuple[int, int], stride: tuple[int, int]
) -> tuple[Window, Window]:
    """Return the windows over steps and bins."""
    padding, dilation = layer.option("padding"), _pair(layer, "dilation_rate", 1)
    if padding not in PADDING:
        raise InputError(f"padding is {shown(padding)}, expected valid or same")
    first, second = (
        Window(size=size[n], stride=stride[n], dilation=dilation[n], pads=PADDING[padding])
        for n in (at, 1 - at)
    )
    return first, second


def convolution(layer: KerasLayer, inputs: Sequence[Data]) -> Data:
    """Apply a ``Conv2D``, without its activation."""
    data, at = _spectrogram(layer, inputs)
    size, filters = _pair(layer, "kernel_size"), layer.option("filters")
    shapes: dict[str, tuple[int | None, ...]] = {"kernel": (*size, None, filters)}
    if layer.flag("use_bias"):
        shapes["bias"] = (filters,)
    weights = layer.taken(shapes)
    over_steps, over_bins = _windows(layer, at, size, _pair(layer, "strides", 1))
    kernel = weights["kernel"].transpose(3, 2, at, 1 - at)
    groups = layer.options.get("groups", 1)
    return convolved(data, kernel, weights.get("bias"), over_steps, groups=groups, over=over_bins)


def _pooling(
    pool: Callable[[Data, Window, Window], Data],
) -> Callable[[KerasLayer, Sequence[Data]], list[Data]]:
    def apply(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
        data, at = _spectrogram(layer, inputs)
        size = _pair(layer, "pool_size")
        return [pool(data, *_windows(layer, at, size, _pair(layer, "strides", size)))]

    return apply


def _permute(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    order = layer.option("dims")
    return [inputs[0].transposed([0, *(int(n) for n in order)])]


def side_by_side(data: Data) -> Data:
    """Put the features of all bins of a step side by side."""
    names = [axis.rstrip("0123456789") for axis in data.axes]
    if names == ["batch", "steps", BINS, "features"]:
        return data.merged()
    if names == ["batch", "steps", "features", BINS]:
        return Data(("batch", "steps", "features"), data.forms, data.batch)
    return data


def _reshape(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    """Apply a ``Reshape`` that puts the bins of each step side by side, or makes bins."""
    data, wanted = inputs[0], [int(n) for n in layer.option("target_shape")]
    made, sizes = side_by_side(data), data.shape[1:]
    if wanted.count(-1) == 1:
        wanted[wanted.index(-1)] = int(np.prod(sizes)) // -int(np.prod(wanted))
    if list(made.shape[1:]) == wanted:
        return [made]
    steps = data.axes == ("batch", "steps", "features") and wanted[:1] == [sizes[0]]
    if steps and len(wanted) == 3 and wanted[1] * wanted[2] == sizes[1]:
        return [data.spread(wanted[1])]
    if list(sizes) == wanted:
        return [data]
    if data.axes in (("batch", "features"), ("batch", "steps features")):
        made = data.reshaped([data.batch, *wanted])
        return [Data(("batch", *made.axes[1:]), made.forms, data.batch)]
    raise InputError(f"reshapes {data.described()} to {tuple(wanted)}, expected its steps second")


SPECTRA: dict[str, Callable[[KerasLayer, Sequence[Data]], list[Data]]] = {
    "AveragePooling2D": _pooling(
        lambda data, window, over: averaged(data, window, pads_count=False, over=over)
    ),
    "MaxPooling2D": _pooling(lambda data, window, over: largest(data, window, over=over)),
    "Permute": _permute,
    "Reshape": _reshape,
}
"""Layers, by class."""
