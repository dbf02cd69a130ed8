"""PyTorch state dicts, with a description of their modules as in `torch_description`.

The output of a bidirectional module must be the final h of both directions, PyTorch's h_n, or that
of all steps. In the last step's output, the reverse direction has seen only one step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from litelstm.importers import torch_description
from litelstm.importers.assemble import assemble
from litelstm.importers.forms import made_by
from litelstm.importers.indices import indices, looked_up
from litelstm.importers.layers import reals
from litelstm.importers.lengths import Reading, probed
from litelstm.importers.operations import (
    activated,
    affine,
    hard_sigmoid,
    mapped,
    sequence,
)
from litelstm.importers.proof import Imported, imported
from litelstm.importers.tensors import Data
from litelstm.importers.torch_description import Description
from litelstm.importers.torch_recurrent import Arrays, cell_layer, litelstm_layers, recurrent_layers
from litelstm.importers.windows import ShortError, Window, convolved


def from_state_dict(state: Mapping[str, Any], description: Mapping[str, Any]) -> Imported:
    """Import the arrays or tensors of a state dict.

    Raises:
        InputError: the description is not as expected, or a weight is missing, of a wrong shape,
            or belongs to no module.
    """
    return from_description(state, torch_description.check(description))


def from_description(state: Mapping[str, Any], told: Description) -> Imported:
    """Import a state dict with a checked description."""
    made = probed(lambda steps: _read(state, told, steps)).made
    return imported(made, ["y"], ())


def _read(state: Mapping[str, Any], told: Description, steps: int) -> Reading:
    """Follow the modules with sequences of one length."""
    left = {name: _array(value) for name, value in state.items()}
    data: Data | None = None
    for entry in told.layers:
        name, module = entry["name"], entry["module"]
        prefix = f"{name}." if name else ""
        try:
            arrays = _taken(left, prefix, module)
            if data is None:
                data = _input(arrays, entry, steps)
            with made_by(f"{module} {name!r}"):
                data = _APPLY[module](data, arrays, entry)
                data = _activated(data, entry)
        except ShortError as error:
            raise ShortError(f"{module} {name!r}: {error}", error.steps) from None
        except InputError as error:
            raise InputError(f"{module} {name!r}: {error}") from None
    if left:
        raise InputError(f"weight {next(iter(left))} belongs to no module of the description")
    if data is None:
        raise InputError("has no recurrent layer")
    made = assemble([("y", data)], steps=steps, scale=told.input_scale, free=True)
    return Reading(made=made, steps=steps)


def _input(arrays: Arrays, entry: Mapping[str, Any], steps: int) -> Data:
    """Make the tensor that the first module reads."""
    if entry["module"] == "Embedding":
        return indices(steps, ("batch", "steps"))
    return sequence(_inputs(arrays, entry), steps, ("batch", "steps", "features"))


def _inputs(arrays: Arrays, entry: Mapping[str, Any]) -> int:
    """Return the number of values that a module reads, from its weights on x."""
    if entry["module"] == "Conv1d" and arrays.get("weight", np.zeros(0)).ndim == 3:
        return arrays["weight"].shape[1] * int(entry["groups"])
    for name, array in arrays.items():
        if array.ndim and re.fullmatch(r"weight(_ih(_l0)?)?|layers\.\d+\.W_\w+x", name):
            return array.shape[-1]
    return 1  # the module says what is missing


def _activated(data: Data, entry: Mapping[str, Any]) -> Data:
    if entry["activation"] == "hardsigmoid":
        return hard_sigmoid(data, 1 / 6, 0.5)
    try:
        return activated(data, entry["activation"], entry.get("slope"))
    except InputError as error:
        raise InputError(f"activation {error}") from None


def _taken(left: Arrays, prefix: str, module: str) -> Arrays:
    """Move a module's arrays out of ``left``; return them by name without the prefix."""
    pattern = {
        "Linear": r"(weight|bias)",
        "Embedding": r"weight",
        "Conv1d": r"(weight|bias)",
        "BatchNorm1d": r"(weight|bias|running_mean|running_var|num_batches_tracked)",
        "Recurrent": r"layers\.\d+\.\w+",
    }.get(module, r"(weight|bias)_\w+")
    names = [n for n in left if n.startswith(prefix) and re.fullmatch(pattern, n[len(prefix) :])]
    if not names:
        raise InputError(f"has no weights {prefix}...")
    return {name[len(prefix) :]: left.pop(name) for name in names}


def _linear(data: Data, arrays: Arrays, entry: Mapping[str, Any]) -> Data:
    if "weight" not in arrays:
        raise InputError("weight is missing")
    matrix = reals(arrays["weight"], (None, None), "weight")
    data = mapped(data, matrix.T)
    if "bias" not in arrays:
        return data
    bias = reals(arrays["bias"], (len(matrix),), "bias")
    return data.each(lambda form: form.shifted(bias))


def _embedding(data: Data, arrays: Arrays, entry: Mapping[str, Any]) -> Data:
    return looked_up(data, reals(arrays["weight"], (None, None), "weight"))


def _convolution(data: Data, arrays: Arrays, entry: Mapping[str, Any]) -> Data:
    """Convolve over the steps; the module itself has them on its last axis."""
    if "weight" not in arrays:
        raise InputError("weight is missing")
    weight = reals(arrays["weight"], (None, None, None), "weight")
    bias = reals(arrays["bias"], (len(weight),), "bias") if "bias" in arrays else None
    numbers = {n: entry[n] for n in ("stride", "padding", "dilation", "groups")}
    for name, value in numbers.items():
        if not isinstance(value, int):
            raise InputError(f"{name} is {value}, expected an integer")
    window = Window(
        size=weight.shape[2],
        stride=numbers["stride"],
        dilation=numbers["dilation"],
        pads=(numbers["padding"], numbers["padding"]),
    )
    return convolved(data, weight, bias, window, groups=numbers["groups"])


def _batch_norm(data: Data, arrays: Arrays, entry: Mapping[str, Any]) -> Data:
    """Apply weight (x - mean) / sqrt(variance + eps) + bias, as at inference."""
    size = (data.features,)
    for name in ("running_mean", "running_var"):
        if name not in arrays:
            raise InputError(f"{name} is missing: it normalizes by what depends on the data")
    mean, variance = (reals(arrays[n], size, n) for n in ("running_mean", "running_var"))
    scale = 1 / np.sqrt(variance + entry["eps"])
    if "weight" in arrays:
        scale = scale * reals(arrays["weight"], size, "weight")
    bias = reals(arrays["bias"], size, "bias") if "bias" in arrays else 0.0
    return affine(data, scale, bias - mean * scale)


_APPLY: dict[str, Callable[[Data, Arrays, Mapping[str, Any]], Data]] = {
    "RNN": recurrent_layers,
    "GRU": recurrent_layers,
    "LSTM": recurrent_layers,
    "RNNCell": cell_layer,
    "GRUCell": cell_layer,
    "LSTMCell": cell_layer,
    "Linear": _linear,
    "Embedding": _embedding,
    "Conv1d": _convolution,
    "BatchNorm1d": _batch_norm,
    "Recurrent": litelstm_layers,
}
"""Function that applies a module, by the module's name."""


def _array(value: Any) -> NDArray[Any]:
    """Convert a tensor or array to an array of the same kind of numbers."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.double() if value.is_floating_point() else value).numpy()
    return np.asarray(value)
