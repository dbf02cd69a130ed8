"""Conversion of ONNX's recurrent operators RNN, GRU and LSTM.

They stack their gates in the order i, o, f, c (LSTM; peepholes i, o, f) and z, r, h (GRU), with one
bias for x and one for h. A GRU's z is 1 - z of eq. (17).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Floats
from golden.directions import DIRECTIONS
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.forms import Form, stacked
from litelstm.importers.layers import (
    LOGISTIC,
    GateWeights,
    Sigmoid,
    hard_sigmoid,
    make_layer,
    reals,
    split,
)
from litelstm.importers.onnx_node import Node, Value
from litelstm.importers.recurrent import recurrent
from litelstm.importers.tensors import AxesError, Data

HARD_DEFAULTS = tuple((n, float(np.float32(v))) for n, v in (("alpha", 0.2), ("beta", 0.5)))
"""HardSigmoid's attributes with ONNX's defaults, in float32."""

ATTRIBUTES = (
    "activation_alpha",
    "activation_beta",
    "activations",
    "direction",
    "hidden_size",
    "input_forget",
    "layout",
    "linear_before_reset",
    "output_sequence",
)


@dataclass(frozen=True, kw_only=True)
class _Direction:
    """One direction of an operator: matrices and biases by gate, and the gate activation.

    ``activation`` is that of candidates, and of an LSTM's c.
    """

    x: dict[str, Floats]
    h: dict[str, Floats]
    b_x: dict[str, Floats]
    b_h: dict[str, Floats]
    peepholes: dict[str, Floats]
    sigmoid: Sigmoid
    activation: str

    def gate(self, name: str) -> GateWeights:
        """Return a gate's weights, with its two biases added."""
        return GateWeights(
            x=self.x[name],
            h=self.h[name],
            b=self.b_x[name] + self.b_h[name],
            peephole=self.peepholes.get(name),
        )


def rnn(node: Node) -> tuple[Value, ...]:
    """Convert an RNN: eq. (1), or with ReLU."""
    return _run(
        node,
        [
            make_layer(RNN(activation=way.activation), LOGISTIC, {"h": way.gate("h")})
            for way in _directions(node, "h", ("Tanh",))
        ],
    )


def gru(node: Node) -> tuple[Value, ...]:
    """Convert a GRU: eqs. (14)-(17); linear_before_reset makes U h a gate of its own."""
    layers = []
    for way in _directions(node, "zrn", ("Sigmoid", "Tanh")):
        gates = {name: way.gate(name) for name in "zrn"}
        after = bool(node.number("linear_before_reset", 0))
        cell = GRU(reset="after" if after else "before", activation=way.activation)
        if after:
            gates["n"] = GateWeights(x=way.x["n"], b=way.b_x["n"])
            gates["m"] = GateWeights(h=way.h["n"], b=way.b_h["n"])
        layers.append(make_layer(cell, way.sigmoid, gates, complement=("z",)))
    return _run(node, layers)


def lstm(node: Node) -> tuple[Value, ...]:
    """Convert an LSTM: eqs. (2)-(7); with peepholes (8)-(13), where o reads c(t) in ONNX."""
    ways = _directions(node, "iofg", ("Sigmoid", "Tanh", "Tanh"))
    cell = LSTM(
        peephole="current" if node.has(7) else "none",
        activation=ways[0].activation,
        forget="coupled" if node.number("input_forget", 0) else "gate",
    )
    layers = [
        make_layer(cell, way.sigmoid, {name: way.gate(name) for name in "iofg"}) for way in ways
    ]
    return _run(node, layers)


def dynamic_quantize_lstm(node: Node) -> tuple[Value, ...]:
    """Convert onnxruntime's LSTM of 8-bit weights, which are (directions, inputs, rows)."""

    def real(index: int, scale: int) -> Value:
        weights, factor = node.constant(index).astype(np.float64), node.constant(scale)
        zero = node.constant(scale + 1) if node.has(scale + 1) else np.zeros(1)
        factor, zero = (np.reshape(v, (len(weights), 1, -1)) for v in (factor, zero))
        return ((weights - zero) * factor).transpose(0, 2, 1)

    inputs = list(node.inputs[:8])
    inputs[1], inputs[2] = real(1, 8), real(2, 10)
    return lstm(replace(node, inputs=tuple(inputs)))


def _directions(node: Node, gates: str, expected: tuple[str, ...]) -> list[_Direction]:
    """Read the operator's one or two directions.

    Args:
        gates: the gates' names, in stacking order.
        expected: ONNX's default activations; HardSigmoid may replace Sigmoid, and Relu every Tanh.
    """
    sigmoids, activation = _activations(node, expected)
    count = len(sigmoids)
    matrices = reals(node.constant(1), (count, None, None), "W")
    rows, inputs = matrices.shape[1:]
    units = node.number("hidden_size", rows // len(gates))
    if rows != len(gates) * units:
        raise InputError(f"W has {rows} rows, expected {len(gates)} x hidden_size {units}")
    if inputs != node.data().features:
        raise AxesError(f"W reads {inputs} values, expected {node.data().features}")
    recurrent = reals(node.constant(2), (count, rows, units), "R")
    bias, peepholes = np.zeros((count, 2 * rows)), None
    if node.has(3):
        bias = reals(node.constant(3), (count, 2 * rows), "B")
    if node.has(7):
        peepholes = reals(node.constant(7), (count, 3 * units), "P")
    return [
        _Direction(
            x=split(matrices[n], gates),
            h=split(recurrent[n], gates),
            b_x=split(bias[n, :rows], gates),
            b_h=split(bias[n, rows:], gates),
            peepholes={} if peepholes is None else split(peepholes[n], "iof"),
            sigmoid=sigmoid,
            activation=activation,
        )
        for n, sigmoid in enumerate(sigmoids)
    ]


def _activations(node: Node, expected: tuple[str, ...]) -> tuple[list[Sigmoid], str]:
    """Return each direction's gate activation, and the one of all candidates.

    Raises:
        InputError: no cell has these activations.
    """
    if "clip" in node.attributes:
        raise InputError("has clip, expected none: no cell here clips its sums")
    node.check_attributes(*ATTRIBUTES)
    expected = expected * (2 if _direction(node) == "bidirectional" else 1)
    names = [str(name).lower() for name in node.attributes.get("activations", expected)]
    choices = {"Sigmoid": ("Sigmoid", "HardSigmoid"), "Tanh": ("Tanh", "Relu", "Elu")}
    allowed = [[choice.lower() for choice in choices[e]] for e in expected]
    candidates = {name for name, e in zip(names, expected, strict=False) if e == "Tanh"}
    if (
        len(names) != len(expected)
        or any(name not in choice for name, choice in zip(names, allowed, strict=True))
        or len(candidates) > 1
    ):
        wanted = ", ".join(" or ".join(choices[e]) for e in expected)
        found = ", ".join(node.attributes["activations"])
        alike = " (one for candidate and c)" if expected.count("Tanh") > 1 else ""
        raise InputError(f"activations are {found}, expected {wanted}{alike}")
    scales = {
        name: [float(v) for v in node.attributes.get(f"activation_{name}", [])]
        for name, _ in HARD_DEFAULTS
    }
    sigmoids = []
    for name in names[:: len(names) // (2 if _direction(node) == "bidirectional" else 1)]:
        if name == "hardsigmoid":  # the only activation here that takes alpha and beta
            sigmoids.append(
                hard_sigmoid(*(scales[n].pop(0) if scales[n] else v for n, v in HARD_DEFAULTS))
            )
        else:
            sigmoids.append(LOGISTIC)
    if "elu" in candidates and any(f"activation_{n}" in node.attributes for n, _ in HARD_DEFAULTS):
        raise InputError("has activation_alpha or activation_beta with Elu, expected none")
    for name, left in scales.items():
        if any(left):
            raise InputError(f"activation_{name} has {left} that no activation takes")
    if len({sigmoid.name for sigmoid in sigmoids}) > 1:
        raise InputError("has another gate activation in reverse, expected the same")
    return sigmoids, candidates.pop()


def _direction(node: Node) -> str:
    direction = node.attributes.get("direction", "forward")
    if direction not in DIRECTIONS:
        raise InputError(f"direction is {direction}, expected {' or '.join(DIRECTIONS)}")
    return direction


def _run(node: Node, layers: Sequence[Layer]) -> tuple[Value, ...]:
    """Make the operator's outputs Y, Y_h and, for an LSTM, Y_c.

    Y has the axes (steps, directions, batch, units), with layout 1 (batch, steps, directions,
    units); the final states have no axis for steps.
    """
    data, direction = node.data(), _direction(node)
    batch_first = bool(node.number("layout", 0))
    want = ("batch", "steps", "features") if batch_first else ("steps", "batch", "features")
    fits = len(data.axes) == 3 and all(
        have == name or (have == "one" and (name == "batch" or len(data.forms) == 1))
        for have, name in zip(data.axes, want, strict=True)
    )
    if not fits:
        raise AxesError(f"reads {data.described()}, expected ({', '.join(want)})")
    if direction == "reverse":
        layers = [replace(layers[0], direction="reverse")]
    elif direction == "bidirectional":
        layers = [layers[0], replace(layers[1], direction="reverse")]
    outputs = recurrent(
        data,
        layers,
        starts=_starts(node, layers),
        lengths=_has_lengths(node, len(data.forms)),
    )
    steps = tuple(stacked(forms) for forms in zip(*outputs.steps, strict=True))
    ways = "directions" if direction == "bidirectional" else "one"
    axes = ("batch", "steps", ways) if batch_first else ("steps", ways, "batch")
    ends = (*(axis for axis in axes if axis != "steps"), "features")
    return (
        Data((*axes, "features"), steps, data.batch),
        Data(ends, (stacked(outputs.h),), data.batch),
        Data(ends, (stacked(outputs.c),), data.batch),
    )


def _starts(node: Node, layers: Sequence[Layer]) -> list[Mapping[str, Form]]:
    """Read each direction's initial state: a constant, or a tensor of the file's input."""
    starts: list[dict[str, Form]] = [{} for _ in layers]
    for index, name in ((5, "h"), (6, "c")):
        value = node.inputs[index] if node.has(index) else None
        if isinstance(value, np.ndarray):
            rows = np.moveaxis(value, -2 if node.number("layout", 0) else 0, 0)
            if (rows != rows[:, :1]).any():
                raise InputError(f"initial_{name} differs between samples")
            forms = [Form({}, row[0].astype(np.float64)) for row in rows]
        elif value is not None:
            forms = list(value.forms)
            if "directions" in value.axes:
                forms = [way.forms[0] for way in value.ways(value.axes.index("directions"))]
            if value.axes[-1] != "features" or len(forms) != len(layers):
                raise AxesError(f"initial_{name} is {value.described()}")
        else:
            continue
        for start, form, layer in zip(starts, forms, layers, strict=True):
            if form.size != layer.units:
                raise InputError(
                    f"initial_{name} is of {form.size} units, expected {layer.units}: PyTorch's "
                    "exporter writes this for proj_size, whose projection it drops; import the "
                    "state dict"
                )
            start[name] = form
    return list(starts)


def _has_lengths(node: Node, steps: int) -> bool:
    """Whether constant sequence_lens end some sequences before the last step."""
    if not node.has(4):
        return False
    lengths: NDArray[np.int64] = node.constant(4)
    if ((lengths < 1) | (lengths > steps)).any():
        raise InputError(f"sequence_lens are {lengths.tolist()[:4]}, expected 1 to {steps}")
    return bool((lengths != steps).any())
