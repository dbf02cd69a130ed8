"""PyTorch state dicts, with a description of their modules as in `torch_description`.

The output of a bidirectional module must be the final h of both directions, PyTorch's h_n, or that
of all steps. In the last step's output, the reverse direction has seen only one step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Floats
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers import torch_description
from litelstm.importers.assemble import assemble
from litelstm.importers.forms import made_by
from litelstm.importers.indices import indices, looked_up
from litelstm.importers.layers import LOGISTIC, GateWeights, make_layer, reals, split
from litelstm.importers.lengths import Reading, probed
from litelstm.importers.operations import (
    activated,
    affine,
    features,
    hard_sigmoid,
    mapped,
    sequence,
)
from litelstm.importers.proof import Imported, imported
from litelstm.importers.recurrent import recurrent
from litelstm.importers.tensors import Data
from litelstm.importers.torch_description import (
    ALL_STEPS,
    FINAL_STATE,
    LAST_STEP,
    POOLS,
    Description,
    described_cell,
)
from litelstm.importers.windows import ShortError, Window, convolved, pooled

Arrays = dict[str, NDArray[Any]]

GATES = {"RNN": "h", "GRU": "rzn", "LSTM": "ifgo"}
"""PyTorch's recurrent modules, with the stacking order of their gates."""


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
        if array.ndim and re.fullmatch(r"weight(_ih_l0)?|layers\.\d+\.W_\w+x", name):
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


def _recurrent(data: Data, arrays: Arrays, entry: Mapping[str, Any]) -> Data:
    """Run the layers of RNN, GRU or LSTM: weight_ih_l0, weight_hh_l0, bias_ih_l0, ..."""
    both = "weight_ih_l0_reverse" in arrays
    stack, projections = [], []
    while arrays:
        ends = [f"_l{len(stack)}", f"_l{len(stack)}_reverse"][: 2 if both else 1]
        projections.append([_projection(arrays, end) for end in ends])
        ways = [_layer(entry, arrays, *way) for way in zip(ends, projections[-1], strict=True)]
        if both:
            ways[1] = replace(ways[1], direction="reverse")
        stack.append(ways)
    if both and entry["output"] == LAST_STEP:
        raise InputError(
            f"output is {LAST_STEP!r} of a bidirectional module, expected {FINAL_STATE!r} (h_n): "
            "the second direction begins with the last step"
        )
    return _stacked(data, stack, entry, projections)


def _projection(arrays: Arrays, suffix: str) -> Floats | None:
    """Remove and return the matrix of ``proj_size``, with which an LSTM's h is multiplied."""
    name = f"weight_hr{suffix}"
    return reals(arrays.pop(name), (None, None), name) if name in arrays else None


def _stacked(
    data: Data,
    stack: Sequence[Sequence[Layer]],
    entry: Mapping[str, Any],
    projections: Sequence[Sequence[Floats | None]] = (),
) -> Data:
    """Run layers, each of one or two directions; return the entry's ``output`` of the last one.

    ``projections`` are matrices for the layers' h, one for each direction.
    """
    for index, ways in enumerate(stack):
        if ways[0].inputs != data.features:
            raise InputError(f"layer reads {ways[0].inputs} values, expected {data.features}")
        if "steps" not in data.axes:
            raise InputError("reads one step, expected a sequence: all steps of what is before it")
        outputs = recurrent(data, ways)
        if projections:
            outputs = outputs.projected(projections[index])
        steps = index < len(stack) - 1 or entry["output"] in (ALL_STEPS, *POOLS)
        data = features(data, outputs, steps=steps, final=entry["output"] == FINAL_STATE)
    if entry["output"] in POOLS:
        data = pooled(data, entry["output"])
    return data


def _layer(
    entry: Mapping[str, Any], arrays: Arrays, suffix: str, projection: Floats | None
) -> Layer:
    """Make one direction of a layer; remove its arrays from ``arrays``.

    An LSTM reads its h only through matrices, so these are multiplied by its projection.
    """
    for what in ("weight_ih", "weight_hh"):
        if what + suffix not in arrays:
            raise InputError(f"weight {what}{suffix} is missing")
    module = entry["module"]
    names = GATES[module]
    matrix = reals(arrays.pop(f"weight_ih{suffix}"), (None, None), f"weight_ih{suffix}")
    rows = len(matrix)
    if rows % len(names):
        raise InputError(f"weight_ih{suffix} has {rows} rows, expected {len(names)} x units")
    units = rows // len(names)
    if projection is not None and projection.shape[1] != units:
        raise InputError(f"weight_hr{suffix} reads {projection.shape[1]} units, expected {units}")
    shape = (rows, units if projection is None else len(projection))
    on_h = reals(arrays.pop(f"weight_hh{suffix}"), shape, f"weight_hh{suffix}")
    x = split(matrix, names)
    h = split(on_h if projection is None else on_h @ projection, names)
    b_x, b_h = (
        split(reals(arrays.pop(name, np.zeros(rows)), (rows,), name), names)
        for name in (f"bias_ih{suffix}", f"bias_hh{suffix}")
    )
    gates = {n: GateWeights(x=x[n], h=h[n], b=b_x[n] + b_h[n]) for n in names}
    if module == "RNN":
        return make_layer(RNN(activation=entry["nonlinearity"]), LOGISTIC, gates)
    if module == "LSTM":
        return make_layer(LSTM(), LOGISTIC, gates)
    gates["n"] = GateWeights(x=x["n"], b=b_x["n"])
    gates["m"] = GateWeights(h=h["n"], b=b_h["n"])
    return make_layer(GRU(reset="after"), LOGISTIC, gates, complement=("z",))


def _litelstm(data: Data, arrays: Arrays, entry: Mapping[str, Any]) -> Data:
    """Run the layers of :class:`litelstm.torch.Recurrent`, which has golden.network's names."""
    gate, cell = entry["gate"], described_cell(entry)
    indices = sorted({int(name.split(".")[1]) for name in arrays})
    if indices != list(range(len(indices))):
        raise InputError(f"has layers {indices}, expected 0, 1, ...")
    stack = []
    for index in indices:
        prefix = f"layers.{index}."
        weights = {
            name.removeprefix(prefix): reals(value, (None,) * value.ndim, name)
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
        try:
            stack.append([Layer(cell=cell, sigmoid=gate, weights=weights)])
        except InputError as error:
            raise InputError(f"layers.{index}: {error}") from None
    return _stacked(data, stack, entry)


_APPLY: dict[str, Callable[[Data, Arrays, Mapping[str, Any]], Data]] = {
    "RNN": _recurrent,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "Linear": _linear,
    "Embedding": _embedding,
    "Conv1d": _convolution,
    "BatchNorm1d": _batch_norm,
    "Recurrent": _litelstm,
}
"""Function that applies a module, by the module's name."""


def _array(value: Any) -> NDArray[Any]:
    """Convert a tensor or array to an array of the same kind of numbers."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.double() if value.is_floating_point() else value).numpy()
    return np.asarray(value)
