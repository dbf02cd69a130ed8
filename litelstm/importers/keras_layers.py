"""Conversion of Keras' layers: gate order i, f, c, o and z, r, h; matrices (inputs, units).

A GRU's z is 1 - z of eq. (17). The hard sigmoid is clip(x/6 + 1/2, 0, 1) in Keras 3 and
clip(x/5 + 1/2, 0, 1) in Keras 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Floats
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.layers import (
    LOGISTIC,
    Chain,
    GateWeights,
    Imported,
    Sigmoid,
    hard_sigmoid,
    make_layer,
    reals,
    split,
)
from litelstm.importers.outputs import ENDS, end_note, steps_note

Arrays = list[tuple[str, NDArray[Any]]]

GATES = {"SimpleRNN": "h", "GRU": "zrn", "LSTM": "ifgo"}
"""Recurrent layers, and the order of their gates."""

BOTH_WAYS = "Bidirectional"
"""Wrapper of a recurrent layer that runs it in both directions."""

TRAINING = ("Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout")
"""Layers that do nothing outside of training."""

PASSED = ("InputLayer", *TRAINING)
"""Layers that compute nothing."""

SHAPES = ("batch_shape", "batch_input_shape")
"""Options with the input's shape, in Keras 3 and in Keras 2."""

SLOPES = {2: 1 / 5, 3: 1 / 6}
"""Slope of the hard sigmoid, by Keras' major version."""

EXPECTED = {"return_state": False, "stateful": False, "time_major": False}
"""Options of a recurrent layer that change its results, with the only supported value.

A version of Keras without one of these options does not write it.
"""


@dataclass(frozen=True)
class KerasLayer:
    """A layer of a file: its class, its name, its configuration, its arrays in order."""

    kind: str
    name: str
    options: Mapping[str, Any]
    arrays: Arrays

    def option(self, name: str) -> Any:
        """Return an option that every version of Keras writes; a missing one is refused."""
        if name not in self.options:
            raise InputError(f"has no {name}, which decides what it computes")
        return self.options[name]

    def check(self, option: str, value: object, expected: object) -> None:
        """Refuse an option that does not have the expected value."""
        if value != expected or isinstance(value, bool) != isinstance(expected, bool):
            raise InputError(f"{option} is {_shown(value)}, expected {expected}")

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
            raise InputError(f"units is {_shown(units)}, expected 1 or more")
        return units


def check_kind(kind: str, name: str) -> None:
    """Refuse a layer of a class that :func:`to_network` does not support."""
    if kind not in (*GATES, BOTH_WAYS, *PASSED, "Dense", "Activation", "Softmax", "Rescaling"):
        raise InputError(f"{kind} {name!r} is a layer that cannot be mapped to a core")


def to_network(layers: Sequence[KerasLayer], version: int) -> Imported:
    """Make the network of a chain of layers.

    Raises:
        InputError: a layer cannot be mapped; the message has its name and class.
    """
    chain, end = Chain(), None
    recurrent = [layer for layer in layers if layer.kind in (*GATES, BOTH_WAYS)]
    for layer in layers:
        try:
            if end and layer.kind not in PASSED:
                raise InputError(f"comes after {ENDS[end]}, expected nothing more")
            if layer.kind in GATES:
                chain.layer(_recurrent(layer, version, last=layer is recurrent[-1]))
            elif layer.kind == BOTH_WAYS:
                chain.layer(_bidirectional(layer, version, last=layer is recurrent[-1]))
            elif layer.kind == "Dense":
                end = _add_dense(chain, layer)
            elif layer.kind in ("Activation", "Softmax"):
                softmax = layer.kind == "Softmax"
                end = _end(layer, "softmax" if softmax else layer.option("activation"))
            elif layer.kind == "Rescaling":
                _add_rescaling(chain, layer)
        except InputError as error:
            raise InputError(f"{layer.kind} {layer.name!r} {error}") from None
    return Imported(network=chain.network(), notes=tuple(_notes(layers, version, end)))


def _notes(layers: Sequence[KerasLayer], version: int, end: str | None) -> Iterator[str]:
    """Yield notes on assumptions, and on differences between network and file."""
    shape = next((layers[0].options[name] for name in SHAPES if name in layers[0].options), None)
    if isinstance(shape, Sequence) and len(shape) == 3 and isinstance(shape[1], int):
        yield steps_note(shape[1])
    if any("hard_sigmoid" in str(layer.options) for layer in layers):
        yield f"hard_sigmoid has slope 1/{round(1 / SLOPES[version])}, that of Keras {version}"
    for layer in layers:
        if layer.kind in TRAINING:
            yield f"{layer.kind} {layer.name!r} is left out: assumed that it is for training alone"
    if end:
        yield end_note(end)


def _recurrent(layer: KerasLayer, version: int, *, last: bool) -> Layer:
    """Make one direction's layer; only the last may be reversed, where the order has no effect."""
    for option, expected in EXPECTED.items():
        layer.check(option, layer.options.get(option, expected), expected)
    for option, expected in (("activation", "tanh"), ("return_sequences", not last)):
        layer.check(option, layer.option(option), expected)
    reverse = layer.option("go_backwards") is True
    if reverse and not last:
        raise InputError("go_backwards is True, expected False but for the last recurrent layer")
    names, units = GATES[layer.kind], layer.units
    rows = len(names) * units
    after = layer.kind == "GRU" and layer.option("reset_after") is True
    bias_shape = (2, rows) if after else (rows,)
    use_bias = layer.option("use_bias") is True
    shapes = {"kernel": (None, rows), "recurrent kernel": (units, rows)}
    weights = layer.taken(shapes | ({"bias": bias_shape} if use_bias else {}))
    bias = np.atleast_2d(weights["bias"] if use_bias else np.zeros(bias_shape))
    x, h = (split(weights[n].T, names) for n in ("kernel", "recurrent kernel"))
    b = split(bias.sum(axis=0), names)
    gates = {name: GateWeights(x=x[name], h=h[name], b=b[name]) for name in names}
    if after:
        b_x, b_h = (split(part, names)["n"] for part in bias)
        gates["n"] = GateWeights(x=x["n"], b=b_x)
        gates["m"] = GateWeights(h=h["n"], b=b_h)
    made = _made(layer, gates, version, after=after)
    return replace(made, direction="reverse") if reverse else made


def _bidirectional(layer: KerasLayer, version: int, *, last: bool) -> Layer:
    """Make the bidirectional layer of a ``Bidirectional``, which concatenates both h."""
    layer.check("merge_mode", layer.option("merge_mode"), "concat")
    ways = []
    for way in ("layer", "backward_layer"):
        inner = layer.options.get(way)
        if not isinstance(inner, Mapping) or inner.get("class_name") not in GATES:
            raise InputError(f"{way} is {_shown(inner)}, expected {' or '.join(GATES)}")
        options = dict(inner["config"])
        backwards = way == "backward_layer"
        if options.get("go_backwards") is not backwards:
            raise InputError(f"{way} goes the other way")
        options["go_backwards"] = False
        arrays = [(path, array) for path, array in layer.arrays if _is_backward(path) is backwards]
        one = KerasLayer(inner["class_name"], layer.name, options, arrays)
        ways.append(_recurrent(one, version, last=last))
    first, second = ways
    if (first.cell, first.sigmoid) != (second.cell, second.sigmoid):
        raise InputError("has different cells in both directions, expected the same")
    return replace(first, direction="bidirectional", backward=second.weights)


def _is_backward(path: str) -> bool:
    """Whether a weight of ``Bidirectional`` belongs to the reverse direction."""
    ways = [part for part in path.split("/") if part.startswith(("forward_", "backward_"))]
    return bool(ways) and ways[-1].startswith("backward_")


def _made(
    layer: KerasLayer, gates: Mapping[str, GateWeights], version: int, *, after: bool
) -> Layer:
    if layer.kind == "SimpleRNN":
        return make_layer(RNN(), LOGISTIC, gates)
    sigmoid = _sigmoid(layer.option("recurrent_activation"), version)
    if layer.kind == "LSTM":
        return make_layer(LSTM(), sigmoid, gates)
    cell = GRU(reset="after" if after else "before")
    return make_layer(cell, sigmoid, gates, complement=("z",))


def _sigmoid(activation: object, version: int) -> Sigmoid:
    if activation == "sigmoid":
        return LOGISTIC
    if activation == "hard_sigmoid":
        return hard_sigmoid(SLOPES[version])
    raise InputError(
        f"recurrent_activation is {_shown(activation)}, expected sigmoid or hard_sigmoid"
    )


def _add_dense(chain: Chain, layer: KerasLayer) -> str | None:
    """Add the matrix; return its activation as a key of ``ENDS``, or ``None``."""
    if layer.options.get("lora_rank") or layer.options.get("quantization_config"):
        raise InputError("has LoRA or quantized weights, expected plain ones")
    shapes: dict[str, tuple[int | None, ...]] = {"kernel": (None, layer.units)}
    if layer.option("use_bias") is True:
        shapes["bias"] = (layer.units,)
    weights = layer.taken(shapes)
    chain.dense(weights["kernel"].T, weights.get("bias", np.zeros(layer.units)))
    activation = layer.option("activation")
    return None if activation is None else _end(layer, activation)


def _end(layer: KerasLayer, activation: object) -> str | None:
    """Return the key in ``ENDS`` of an activation at the network's end, ``None`` without one."""
    if activation == "linear":
        return None
    if layer.kind == "Softmax" and layer.options.get("axis", -1) not in (-1, [-1]):
        raise InputError(f"axis is {layer.options['axis']}, expected -1")
    end = activation.replace("_", "") if isinstance(activation, str) else ""
    if end not in ENDS:
        raise InputError(
            f"activation is {_shown(activation)}, expected linear, softmax, log_softmax or sigmoid"
        )
    return end


def _add_rescaling(chain: Chain, layer: KerasLayer) -> None:
    """Add x * scale + offset, with scalar ``scale`` and ``offset``."""

    def number(name: str) -> float:
        value = layer.options.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"{name} is {_shown(value)}, expected a number")
        return float(value)

    chain.rescale(number("scale"), number("offset"))


def _shown(value: object) -> str:
    """Format a configured value, short enough for one line."""
    if isinstance(value, Mapping):
        return str(value.get("class_name", "an object"))
    return str(value)[:40]
