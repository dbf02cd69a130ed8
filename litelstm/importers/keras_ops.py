"""Keras' layers without time: dense maps, activations, affine maps, sums and concatenations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from golden.cells import Floats
from golden.errors import InputError
from litelstm.importers.forms import Form, made_by
from litelstm.importers.indices import looked_up
from litelstm.importers.joining import combine, joined
from litelstm.importers.keras_layers import (
    GATES,
    SLOPES,
    KerasLayer,
    apply_bidirectional,
    apply_cells,
    apply_recurrent,
    shown,
)
from litelstm.importers.keras_spectra import side_by_side
from litelstm.importers.keras_windows import CONVOLUTIONS, WINDOWS
from litelstm.importers.layers import reals
from litelstm.importers.operations import activated, affine, hard_sigmoid, mapped
from litelstm.importers.tensors import Data
from litelstm.importers.windows import ShortError

TRAINING = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
)
"""Layers that do nothing outside of training."""

Apply = Callable[[KerasLayer, Sequence[Data]], list[Data]]


def apply(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    """Apply a layer to its inputs.

    Raises:
        InputError: it cannot be mapped; the message has its class and name.
    """
    place = f"{layer.kind} {layer.name!r}"
    try:
        if not inputs:
            raise InputError("has no inputs, expected at least one")
        if len(inputs) > 1 and layer.kind not in SEVERAL:
            raise InputError(f"has {len(inputs)} inputs, expected one")
        with made_by(place):
            return LAYERS[layer.kind](layer, inputs)
    except ShortError as error:
        raise ShortError(f"{place} {error}", error.steps) from None
    except InputError as error:
        raise InputError(f"{place} {error}") from None


def _passed(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    return [inputs[0]]


def _dense(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    if layer.options.get("lora_rank") or layer.options.get("quantization_config"):
        raise InputError("has LoRA or quantized weights, expected plain ones")
    shapes: dict[str, tuple[int | None, ...]] = {"kernel": (None, layer.units)}
    if layer.flag("use_bias"):
        shapes["bias"] = (layer.units,)
    weights = layer.taken(shapes)
    data = mapped(inputs[0], weights["kernel"])
    if "bias" in weights:
        data = data.each(lambda form: form.shifted(weights["bias"]))
    return [_activated(layer, data, layer.option("activation"))]


def _convolution(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    data = CONVOLUTIONS[layer.kind](layer, inputs)
    return [_activated(layer, data, layer.option("activation"))]


def _activation(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    return [_activated(layer, inputs[0], layer.option("activation"))]


def _activated(layer: KerasLayer, data: Data, activation: object) -> Data:
    """Apply an activation as configurations have it: a name, or a layer of its own."""
    if activation is None:
        return data
    if isinstance(activation, Mapping) and activation.get("class_name") in OWN:
        kind = str(activation["class_name"])
        inner = KerasLayer(kind, layer.name, dict(activation["config"]), [], layer.version)
        return LAYERS[kind](inner, [data])[0]
    if not isinstance(activation, str):
        raise InputError(f"activation is {shown(activation)}, which holds code")
    if activation == "hard_sigmoid":
        return hard_sigmoid(data, SLOPES[layer.version], 0.5)
    slope = 0.2 if activation == "leaky_relu" else None
    try:
        return activated(data, activation, slope)
    except InputError as error:
        raise InputError(f"activation {error}") from None


def _relu(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    """Apply ``ReLU``: max_value none or 6, a slope below 0, no threshold."""
    top, slope = layer.options.get("max_value"), layer.options.get("negative_slope")
    layer.check("threshold", layer.options.get("threshold", 0) or 0, 0)
    if top is None:
        return [
            activated(inputs[0], "leaky_relu", slope) if slope else activated(inputs[0], "relu")
        ]
    if top != 6 or slope:
        raise InputError(f"max_value is {shown(top)}, expected none or 6, without a slope")
    return [activated(inputs[0], "relu6")]


def _leaky(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    name = "negative_slope" if "negative_slope" in layer.options else "alpha"
    return [activated(inputs[0], "leaky_relu", layer.number(name))]


def _embedding(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    if layer.options.get("mask_zero"):
        raise InputError(
            "has mask_zero, which skips steps by their values; leave it out, and end each sequence "
            "where its steps end"
        )
    (table,) = layer.taken({"embeddings": (None, None)}).values()
    return [looked_up(inputs[0], table)]


def _elu(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    layer.check("alpha", layer.option("alpha"), 1)
    return [activated(inputs[0], "elu")]


def _softmax(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    if layer.options.get("axis", -1) not in (-1, [-1]):
        raise InputError(f"axis is {layer.options['axis']}, expected -1")
    return [activated(inputs[0], "softmax")]


def _vector(layer: KerasLayer, name: str, size: int) -> Floats:
    """Return an option that is a number, or one per feature."""
    value = layer.option(name)
    if isinstance(value, (list, tuple)):
        return reals(np.array(value, dtype=float).ravel(), (size,), name)
    return np.full(size, layer.number(name))


def scalar_scale(layer: KerasLayer) -> float | None:
    """Return the factor of a ``Rescaling`` that only multiplies by a positive number."""
    scale, offset = layer.options.get("scale"), layer.options.get("offset")
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (scale, offset))
    return float(scale) if numbers and offset == 0 and scale > 0 else None  # type: ignore[operator,arg-type]


def _rescaling(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    size = inputs[0].features
    return [affine(inputs[0], _vector(layer, "scale", size), _vector(layer, "offset", size))]


def _normalization(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    """Apply (x - mean) / sqrt(variance): constants, or weights mean, variance, count."""
    size = inputs[0].features
    if layer.options.get("axis", -1) not in (-1, [-1], 2, [2]):
        raise InputError(f"axis is {layer.options['axis']}, expected -1")
    if layer.options.get("mean") is not None:
        mean, variance = _vector(layer, "mean", size), _vector(layer, "variance", size)
    elif len(layer.arrays) >= 2:
        arrays = [(path, np.asarray(array).ravel()) for path, array in layer.arrays[:2]]
        mean, variance = (reals(array, (size,), path) for path, array in arrays)
    else:
        raise InputError("has no mean and variance, expected those of adapt()")
    scale = 1 / np.maximum(np.sqrt(variance), 1e-7)
    if layer.options.get("invert", False):
        return [affine(inputs[0], 1 / scale, mean)]
    return [affine(inputs[0], scale, -mean * scale)]


def _batch_normalization(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    """Apply gamma (x - mean) / sqrt(variance + epsilon) + beta, as at inference."""
    data = inputs[0]
    axis = layer.options.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    if axis not in (-1, len(data.axes) - 1):
        raise InputError(f"axis is {shown(axis)}, expected -1")
    names = ["gamma"] * layer.flag("scale") + ["beta"] * layer.flag("center")
    weights = layer.taken(dict.fromkeys((*names, "mean", "variance"), data.shape[-1:]))
    scale = 1 / np.sqrt(weights["variance"] + layer.number("epsilon"))
    scale = scale * weights.get("gamma", 1.0)
    return [affine(data, scale, weights.get("beta", 0.0) - weights["mean"] * scale)]


def _merged(change: Callable[[Form, Form], Form], mean: bool = False) -> Apply:
    def merge(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
        if "axis" in layer.options:
            raise InputError("has an axis, as operations have and no layer")
        total = reduce(lambda a, b: combine(a, b, change), inputs)
        if mean:
            total = total.each(lambda form: form.scaled(np.full(form.size, 1 / len(inputs))))
        return [total]

    return merge


def _concatenate(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    axis = layer.options.get("axis", -1)
    if axis not in (-1, len(inputs[0].axes) - 1):
        raise InputError(f"axis is {shown(axis)}, expected -1: the features")
    return [joined(inputs, -1)]


def _time_distributed(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    inner = layer.options.get("layer")
    if not isinstance(inner, Mapping) or inner.get("class_name") not in PER_STEP:
        raise InputError(f"layer is {shown(inner)}, expected {' or '.join(PER_STEP)}")
    kind = str(inner["class_name"])
    if kind == "Flatten":
        return [side_by_side(inputs[0])]
    one = KerasLayer(kind, layer.name, dict(inner["config"]), layer.arrays, layer.version)
    return LAYERS[kind](one, inputs)


OWN = ("ELU", "LeakyReLU", "ReLU", "Softmax")
"""Layers that may be another layer's activation."""

PER_STEP = (
    *("Activation", "BatchNormalization", "Dense", "Dropout", "Flatten", *OWN),
    *("AveragePooling1D", "Conv1D", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "MaxPooling1D"),
)
"""Layers that ``TimeDistributed`` may hold."""

SEVERAL = ("Add", "Average", "Bidirectional", "Concatenate", "RNN", "Subtract", *GATES)
"""Layers with several inputs."""

LAYERS: dict[str, Apply] = {
    **dict.fromkeys(TRAINING, _passed),
    **dict.fromkeys(GATES, apply_recurrent),
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    **WINDOWS,
    "Activation": _activation,
    "Add": _merged(Form.plus),
    "Average": _merged(Form.plus, mean=True),
    "BatchNormalization": _batch_normalization,
    "Bidirectional": apply_bidirectional,
    "Concatenate": _concatenate,
    "Dense": _dense,
    "ELU": _elu,
    "Embedding": _embedding,
    "LeakyReLU": _leaky,
    "Normalization": _normalization,
    "RNN": apply_cells,
    "ReLU": _relu,
    "Rescaling": _rescaling,
    "Softmax": _softmax,
    "Subtract": _merged(lambda a, b: a.plus(b.scaled(np.full(b.size, -1.0)))),
    "TimeDistributed": _time_distributed,
}
"""Supported layers, by class."""
