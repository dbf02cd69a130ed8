"""Keras' recurrent layers: gate order i, f, c, o and z, r, h; matrices (inputs, units).

A GRU's z is 1 - z of eq. (17). The hard sigmoid is clip(x/6 + 1/2, 0, 1) in Keras 3 and
clip(x/5 + 1/2, 0, 1) in Keras 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import CANDIDATES, GRU, LSTM, RNN, Floats
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.forms import Form
from litelstm.importers.joining import combine
from litelstm.importers.layers import (
    LOGISTIC,
    GateWeights,
    Sigmoid,
    hard_sigmoid,
    make_layer,
    reals,
    split,
)
from litelstm.importers.operations import SELU, features
from litelstm.importers.recurrent import recurrent
from litelstm.importers.tensors import Data

Arrays = list[tuple[str, NDArray[Any]]]

GATES = {"SimpleRNN": "h", "GRU": "zrn", "LSTM": "ifgo"}
"""Recurrent layers, and the order of their gates."""

SLOPES = {2: 1 / 5, 3: 1 / 6}
"""Slope of the hard sigmoid, by Keras' major version."""


@dataclass(frozen=True)
class KerasLayer:
    """A layer of a file.

    Attributes:
        kind, name: its class and its name.
        options: its configuration.
        arrays: its weights in Keras' order.
        version: Keras' major version.
    """

    kind: str
    name: str
    options: Mapping[str, Any]
    arrays: Arrays
    version: int

    def option(self, name: str) -> Any:
        """Return an option that every version of Keras writes; a missing one is refused."""
        if name not in self.options:
            raise InputError(f"has no {name}, which decides what it computes")
        return self.options[name]

    def check(self, option: str, value: object, expected: object) -> None:
        """Refuse an option that does not have the expected value."""
        if value != expected or isinstance(value, bool) != isinstance(expected, bool):
            raise InputError(f"{option} is {shown(value)}, expected {expected}")

    def flag(self, name: str) -> bool:
        """Return an option that must be true or false."""
        value = self.option(name)
        if not isinstance(value, bool):
            raise InputError(f"{name} is {shown(value)}, expected true or false")
        return value

    def number(self, name: str) -> float:
        """Return an option that must be a number."""
        value = self.option(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"{name} is {shown(value)}, expected a number")
        return float(value)

    def taken(self, shapes: Mapping[str, tuple[int | None, ...]]) -> dict[str, Floats]:
        """Name and check the arrays: one per shape, in that order."""
        if len(self.arrays) != len(shapes):
            raise InputError(f"has {len(self.arrays)} weights, expected {', '.join(shapes)}")
        return {
            name: reals(array, shape, path)
            for (path, array), (name, shape) in zip(self.arrays, shapes.items(), strict=True)
        }

    @property
    def units(self) -> int:
        """Length of the output."""
        units = self.options.get("units")
        if not isinstance(units, int) or isinstance(units, bool) or units < 1:
            raise InputError(f"units is {shown(units)}, expected 1 or more")
        return units


def apply_recurrent(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    """Run SimpleRNN, GRU or LSTM; further inputs are its state before the first step."""
    made, data = _layer(layer), inputs[0]
    if layer.flag("go_backwards"):
        data = Data(data.axes, data.forms[::-1], data.batch)
    return _applied(layer, data, [made], inputs[1:])


def apply_cells(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    """Run an ``RNN`` of a cell, or of several of one class: each a layer that reads the one before.

    Keras' files have the weights in the order of the cells' names.
    """
    cell = layer.option("cell")
    stacked = isinstance(cell, Mapping) and cell.get("class_name") == "StackedRNNCells"
    cells = cell["config"]["cells"] if stacked else [cell]
    kinds = {shown(one).removesuffix("Cell") for one in cells}
    if len(kinds) > 1 or kinds - {*GATES} or len(cells) > 10:
        raise InputError(
            f"has the cells {', '.join(map(shown, cells))}, expected up to ten of one class: "
            f"{', '.join(f'{kind}Cell' for kind in GATES)}"
        )
    if len(cells) > 1 and (len(inputs) > 1 or layer.options.get("return_state", False)):
        raise InputError("takes or gives the state of several cells, expected one cell")
    arrays, results = list(layer.arrays), list(inputs)
    back = layer.flag("go_backwards")
    for place, one in enumerate(cells):
        options = {**layer.options, **one["config"]}
        if place + 1 < len(cells):
            options |= {"return_sequences": True, "return_state": False}
        options["go_backwards"] = back and not place  # h then comes in the order of its steps
        count = 3 if options.get("use_bias") else 2
        own, arrays = arrays[:count], arrays[count:]
        made = KerasLayer(kinds.copy().pop(), layer.name, options, own, layer.version)
        results = apply_recurrent(made, results)
    if arrays:
        raise InputError(f"has {len(layer.arrays)} weights, more than its cells")
    return results


def apply_bidirectional(layer: KerasLayer, inputs: Sequence[Data]) -> list[Data]:
    """Run a ``Bidirectional``: a layer in both directions, with the two h merged."""
    first, second = (_one_way(layer, way) for way in ("layer", "backward_layer"))
    ways = [_layer(first), replace(_layer(second), direction="reverse")]
    if (ways[0].cell, ways[0].sigmoid) != (ways[1].cell, ways[1].sigmoid):
        raise InputError("has different cells in both directions, expected the same")
    both, *state = _applied(first, inputs[0], ways, inputs[1:])
    mode = layer.option("merge_mode")
    if mode == "concat":
        return [both, *state]
    rows = np.arange(2 * ways[0].units)
    halves = [_selected(both, part) for part in np.split(rows, 2)]
    if mode is None:
        return [*halves, *state]
    if mode not in ("sum", "ave"):
        raise InputError(f"merge_mode is {shown(mode)}, expected concat, sum or ave")
    total = combine(halves[0], halves[1], Form.plus)
    if mode == "ave":
        total = total.each(lambda form: form.scaled(np.full(form.size, 0.5)))
    return [total, *state]


def _selected(data: Data, rows: NDArray[np.int64]) -> Data:
    return data.each(lambda form: form.rows(rows))


def _one_way(layer: KerasLayer, way: str) -> KerasLayer:
    """Return one direction's layer, with its own arrays, as one that goes forwards.

    Keras 2 writes ``backward_layer`` only if the user gave one.
    """
    backwards = way == "backward_layer"
    inner = layer.options.get(way)
    turned = inner is None and backwards and layer.version == 2
    inner = layer.options.get("layer") if turned else inner
    if not isinstance(inner, Mapping) or inner.get("class_name") not in GATES:
        raise InputError(f"{way} is {shown(inner)}, expected {' or '.join(GATES)}")
    options = dict(inner["config"])
    if options.get("go_backwards") is not (backwards and not turned):
        raise InputError(f"{way} goes the other way")
    options["go_backwards"] = False
    arrays = [(path, array) for path, array in layer.arrays if _is_backward(path) is backwards]
    return KerasLayer(inner["class_name"], layer.name, options, arrays, layer.version)


def _is_backward(path: str) -> bool:
    """Whether a weight of ``Bidirectional`` belongs to the reverse direction."""
    ways = [part for part in path.split("/") if part.startswith(("forward_", "backward_"))]
    return bool(ways) and ways[-1].startswith("backward_")


def _applied(
    layer: KerasLayer, data: Data, ways: Sequence[Layer], state: Sequence[Data]
) -> list[Data]:
    """Run one or two directions; return the output and, with ``return_state``, the states."""
    layer.check("time_major", layer.options.get("time_major", False), False)
    if data.axes != ("batch", "steps", "features"):
        raise InputError(f"reads {data.described()}, expected (batch, steps, features)")
    if data.features != ways[0].inputs:
        raise InputError(f"has weights for {ways[0].inputs} values, but reads {data.features}")
    names = ways[0].cell.state
    if len(state) not in (0, len(names) * len(ways)):
        raise InputError(f"starts at {len(state)} states, expected {len(names) * len(ways)}")
    starts = [
        {name: value.forms[0] for name, value in zip(names, state[n * len(names) :], strict=False)}
        for n in range(len(ways))
    ]
    outputs = recurrent(data, ways, starts=starts)
    factor = _factor(layer)
    if factor != 1:
        if state or layer.options.get("return_state", False):
            raise InputError("takes or gives a state with selu, expected tanh, relu or elu")
        outputs = outputs.projected([factor * np.eye(way.units) for way in ways])
    results = [features(data, outputs, steps=layer.flag("return_sequences"), final=True)]
    if layer.options.get("return_state", False) is True:
        pairs = zip(outputs.h, outputs.c, strict=True)
        forms = [form for pair in pairs for form in pair[: len(names)]]
        results += [Data(("batch", "features"), (form,), data.batch) for form in forms]
    return results


def _layer(layer: KerasLayer) -> Layer:
    """Make one direction's layer."""
    names, units, factor = GATES[layer.kind], layer.units, _factor(layer)
    rows = len(names) * units
    after = layer.kind == "GRU" and _reset_after(layer)
    bias_shape = (2, rows) if after else (rows,)
    use_bias = layer.flag("use_bias")
    shapes = {"kernel": (None, rows), "recurrent kernel": (units, rows)}
    weights = layer.taken(shapes | ({"bias": bias_shape} if use_bias else {}))
    bias = np.atleast_2d(weights["bias"] if use_bias else np.zeros(bias_shape))
    kernels = weights["kernel"].T, weights["recurrent kernel"].T * factor
    x, h = (split(kernel, names) for kernel in kernels)
    b = split(bias.sum(axis=0), names)
    gates = {name: GateWeights(x=x[name], h=h[name], b=b[name]) for name in names}
    activation = layer.option("activation")
    if activation not in CANDIDATES:
        raise InputError(
            f"activation is {shown(activation)}, expected {' or '.join(CANDIDATES)}: "
            "no cell here has another one"
        )
    if layer.kind == "SimpleRNN":
        return make_layer(RNN(activation=activation), LOGISTIC, gates)
    sigmoid = _sigmoid(layer)
    if layer.kind == "LSTM":
        return make_layer(LSTM(activation=activation), sigmoid, gates)
    if after:
        b_x, b_h = (split(part, names)["n"] for part in bias)
        gates["n"] = GateWeights(x=x["n"], b=b_x)
        gates["m"] = GateWeights(h=h["n"], b=b_h)
    cell = GRU(reset="after" if after else "before", activation=activation)
    return make_layer(cell, sigmoid, gates, complement=("z",))


def _factor(layer: KerasLayer) -> float:
    """Return the factor of the cell's activation: a cell's h is without it."""
    return SELU if layer.options.get("activation") == "selu" else 1.0


def _reset_after(layer: KerasLayer) -> bool:
    """Return ``reset_after``, an option that the first versions of Keras 2 did not have."""
    if layer.version == 2 and "reset_after" not in layer.options:
        return False
    return layer.flag("reset_after")


def _sigmoid(layer: KerasLayer) -> Sigmoid:
    activation = layer.option("recurrent_activation")
    if activation == "sigmoid":
        return LOGISTIC
    if activation == "hard_sigmoid":
        return hard_sigmoid(SLOPES[layer.version])
    raise InputError(
        f"recurrent_activation is {shown(activation)}, expected sigmoid or hard_sigmoid"
    )


def shown(value: object) -> str:
    """Format a configured value, short enough for one line."""
    if isinstance(value, Mapping):
        return str(value.get("class_name", "an object"))
    return str(value)[:40]
