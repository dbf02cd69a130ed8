"""Keras' layers over time: convolution, padding, pooling, flatten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from golden.cells import Floats
from golden.errors import InputError
from litelstm.importers import keras_spectra
from litelstm.importers.axes import BINS
from litelstm.importers.keras_layers import KerasLayer, shown
from litelstm.importers.operations import mapped, pooled
from litelstm.importers.tensors import Data
from litelstm.importers.windows import (
    Window,
    averaged,
    convolved,
    largest,
    padded,
)

ORDER = ("batch", "steps", "features")

ONE = Window(size=1)
"""Window of one step."""

PADDING = {"valid": (0, 0), "same": "same", "causal": "causal"}


BLOCKS = ("batch", "steps", BINS, "features")
"""Axes of a tensor that has a sequence of its own in each step."""


def _of_step(inputs: Sequence[Data]) -> bool:
    """Tell whether a layer works along each step's own sequence, as in ``TimeDistributed``."""
    return tuple(axis.rstrip("0123456789") for axis in inputs[0].axes) == BLOCKS


def _inside_step(window: Window) -> Window:
    if window.pads == "causal":
        raise InputError("padding is causal, expected valid or same in each step")
    return window


def _sequence(layer: KerasLayer, inputs: Sequence[Data]) -> Data:
    """Return the input, which must be a sequence."""
    layer.check("data_format", layer.options.get("data_format", "channels_last"), "channels_last")
    if inputs[0].axes != ORDER:
        raise InputError(f"reads {inputs[0].described()}, expected (batch, steps, features)")
    return inputs[0]


def _size(layer: KerasLayer, name: str, default: object = None) -> int:
    """Return an option that is one number, alone or in a list."""
    value = layer.options.get(name, default) if default is not None else layer.option(name)
    value = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{name} is {shown(value)}, expected a number")
    return value


def _padding(layer: KerasLayer) -> tuple[int, int] | str:
    value = layer.option("padding")
    if value not in PADDING:
        raise InputError(f"padding is {shown(value)}, expected {', '.join(PADDING)}")
    return PADDING[value]


def _convolution_window(layer: KerasLayer) -> Window:
    return Window(
        size=_size(layer, "kernel_size"),
        stride=_size(layer, "strides"),
        dilation=_size(layer, "dilation_rate", 1),
        pads=_padding(layer),
    )


def _weights(layer: KerasLayer, shapes: dict[str, tuple[int | None, ...]]) -> dict[str, Floats]:
    bias: dict[str, tuple[int | None, ...]] = {"bias": (None,)} if layer.flag("use_bias") else {}
    return layer.taken(shapes | bias)


def convolution(layer: KerasLayer, inputs: Sequence[Data]) -> Data:
    """Apply a ``Conv1D``, without its activation."""
    window = _convolution_window(layer)
    weights = _weights(layer, {"kernel": (window.size, None, _size(layer, "filters"))})
    kernel = weights["kernel"].transpose(2, 1, 0)
    if _of_step(inputs):
        over, kernel, groups = _inside_step(window), kernel[:, :, None], _size(layer, "groups", 1)
        return convolved(inputs[0], kernel, weights.get("bias"), ONE, groups=groups, over=over)
    data = _sequence(layer, inputs)
    return convolved(data, kernel, weights.get("bias"), window, groups=_size(layer, "groups", 1))


def depthwise(layer: KerasLayer, inputs: Sequence[Data]) -> Data:
    """Apply a ``DepthwiseConv1D``, without its activation."""
    data, window = _sequence(layer, inputs), _convolution_window(layer)
    weights = _weights(layer, {"kernel": (window.size, data.features, None)})
    return convolved(
        data, _depthwise(weights["kernel"]), weights.get("bias"), window, groups=data.features
    )


def _depthwise(kernel: Floats) -> Floats:
    """Write a kernel of (size, features, multiplier) as (features * multiplier, 1, size)."""
    size, features, multiplier = kernel.shape
    return kernel.transpose(1, 2, 0).reshape(features * multiplier, 1, size)


def separable(layer: KerasLayer, inputs: Sequence[Data]) -> Data:
    """Apply a ``SeparableConv1D``, without its activation."""
    data, window = _sequence(layer, inputs), _convolution_window(layer)
    shapes: dict[str, tuple[int | None, ...]] = {
        "depthwise kernel": (window.size, data.features, None),
        "pointwise kernel": (1, None, _size(layer, "filters")),
    }
    weights = _weights(layer, shapes)
    each = convolved(
        data, _depthwise(weights["depthwise kernel"]), None, window, groups=data.features
    )
    made = mapped(each, weights["pointwise kernel"][0])
    bias = weights.get("bias")
    return made if bias is None else made.each(lambda form: form.shifted(bias))


def _pooling(
    pool: Callable[..., Data],
) -> Callable[[KerasLayer, Sequence[Data]], list[Data]]:
    def apply(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
        size, stride = _size(layer, "pool_size"), layer.options.get("strides")
        stride = size if stride is None else _size(layer, "strides")
        window = Window(size=size, stride=stride, pads=_padding(layer))
        if _of_step(inputs):
            return [pool(inputs[0], ONE, over=_inside_step(window))]
        return [pool(_sequence(layer, inputs), window)]

    return apply


_averaged = partial(averaged, pads_count=False)

WHOLE = {"mean": _averaged, "max": largest}
"""Pools of a window, by the kind of a pool over all steps."""


def _global(kind: str) -> Callable[[KerasLayer, Sequence[Data]], list[Data]]:
    def apply(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
        keep = layer.options.get("keepdims", False) is True
        if _of_step(inputs) and not keep:
            whole = Window(size=inputs[0].bins, stride=1)
            return [WHOLE[kind](inputs[0], ONE, over=whole).merged()]
        made = pooled(_sequence(layer, inputs), kind)
        return [Data(ORDER, made.forms, made.batch) if keep else made]

    return apply


def _ends(layer: KerasLayer, name: str) -> tuple[int, int]:
    """Return an option of two numbers, or of one for both ends."""
    value = layer.option(name)
    pair = list(value) if isinstance(value, (list, tuple)) else [value, value]
    if len(pair) != 2 or not all(isinstance(n, int) and n >= 0 for n in pair):
        raise InputError(f"{name} is {shown(value)}, expected two numbers")
    return pair[0], pair[1]


def _zero_padding(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    return [padded(_sequence(layer, inputs), *_ends(layer, "padding"))]


def _cropping(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    front, behind = _ends(layer, "cropping")
    return [padded(_sequence(layer, inputs), -front, -behind)]


def _flatten(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    data = keras_spectra.side_by_side(inputs[0])
    several = "steps" in data.axes and len(data.forms) > 1
    axis = "steps features" if several else "features"
    return [Data(("batch", axis), data.forms, data.batch)]


def _repeat(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    data = inputs[0].unsqueezed([1])
    return [data.tiled(1, _size(layer, "n"))]


WINDOWS: dict[str, Callable[[KerasLayer, Sequence[Data]], list[Data]]] = {
    **keras_spectra.SPECTRA,
    "AveragePooling1D": _pooling(_averaged),
    "Cropping1D": _cropping,
    "Flatten": _flatten,
    "GlobalAveragePooling1D": _global("mean"),
    "GlobalMaxPooling1D": _global("max"),
    "MaxPooling1D": _pooling(largest),
    "RepeatVector": _repeat,
    "ZeroPadding1D": _zero_padding,
}
"""Layers, by class, but those with an activation of their own."""

CONVOLUTIONS: dict[str, Callable[[KerasLayer, Sequence[Data]], Data]] = {
    "Conv1D": convolution,
    "Conv2D": keras_spectra.convolution,
    "DepthwiseConv1D": depthwise,
    "SeparableConv1D": separable,
}
"""Layers with an activation, by class."""
