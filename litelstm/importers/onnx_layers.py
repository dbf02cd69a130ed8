"""Conversion of ONNX's recurrent operators RNN, GRU and LSTM.

They stack their gates in the order i, o, f, c (LSTM; peepholes i, o, f) and z, r, h (GRU), with one
bias for x and one for h. A GRU's z is 1 - z of eq. (17).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell, Floats
from golden.directions import DIRECTIONS
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.forms import Atom, Form
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
    """One direction of an operator: matrices and biases by gate, and the gate activation."""

    x: dict[str, Floats]
    h: dict[str, Floats]
    b_x: dict[str, Floats]
    b_h: dict[str, Floats]
    peepholes: dict[str, Floats]
    sigmoid: Sigmoid

    def gate(self, name: str) -> GateWeights:
        """Return a gate's weights, with its two biases added."""
        return GateWeights(
            x=self.x[name],
            h=self.h[name],
            b=self.b_x[name] + self.b_h[name],
            peephole=self.peepholes.get(name),
        )


def rnn(node: Node) -> tuple[Value, ...]:
    """Convert an RNN: eq. (1)."""
    ways = _directions(node, "h", ("Tanh",))
    return _run(node, [make_layer(RNN(), LOGISTIC, {"h": way.gate("h")}) for way in ways])


def gru(node: Node) -> tuple[Value, ...]:
    """Convert a GRU: eqs. (14)-(17); linear_before_reset makes U h a gate of its own."""
    layers = []
    for way in _directions(node, "zrn", ("Sigmoid", "Tanh")):
        gates = {name: way.gate(name) for name in "zrn"}
        cell: Cell = GRU(reset="before")
        if node.number("linear_before_reset", 0):
            cell = GRU(reset="after")
            gates["n"] = GateWeights(x=way.x["n"], b=way.b_x["n"])
            gates["m"] = GateWeights(h=way.h["n"], b=way.b_h["n"])
        layers.append(make_layer(cell, way.sigmoid, gates, complement=("z",)))
    return _run(node, layers)


def lstm(node: Node) -> tuple[Value, ...]:
    """Convert an LSTM: eqs. (2)-(7); with peepholes (8)-(13), where o reads c(t) in ONNX."""
    if node.number("input_forget", 0):
        raise InputError("input_forget is 1, expected 0: no cell here couples i and f")
    cell = LSTM(peephole="current" if node.has(7) else "none")
    ways = _directions(node, "iofg", ("Sigmoid", "Tanh", "Tanh"))
    layers = [
        make_layer(cell, way.sigmoid, {name: way.gate(name) for name in "iofg"}) for way in ways
    ]
    return _run(node, layers)


def _directions(node: Node, gates: str, expected: tuple[str, ...]) -> list[_Direction]:
    """Read the operator's one or two directions.

    Args:
        gates: the gates' names, in stacking order.
        expected: ONNX's default activations; HardSigmoid may replace Sigmoid.
    """
    sigmoids = _activations(node, expected)
    count = len(sigmoids)
    matrices = reals(node.constant(1), (count, None, None), "W")
    rows, inputs = matrices.shape[1:]
    units = node.number("hidden_size", rows // len(gates))
    if rows != len(gates) * units:
        raise InputError(f"W has {rows} rows, expected {len(gates)} x hidden_size {units}")
    if inputs != node.data().features:
        raise InputError(f"W reads {inputs} values, expected {node.data().features}")
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
        )
        for n, sigmoid in enumerate(sigmoids)
    ]


def _activations(node: Node, expected: tuple[str, ...]) -> list[Sigmoid]:
    """Return each direction's gate activation; refuse activations that the cell does not have."""
    if "clip" in node.attributes:
        raise InputError("has clip, expected none: no cell here clips its sums")
    node.check_attributes(*ATTRIBUTES)
    expected = expected * (2 if _direction(node) == "bidirectional" else 1)
    names = [str(name).lower() for name in node.attributes.get("activations", expected)]
    allowed = [("sigmoid", "hardsigmoid") if e == "Sigmoid" else (e.lower(),) for e in expected]
    if len(names) != len(expected) or any(
        name not in choice for name, choice in zip(names, allowed, strict=True)
    ):
        wanted = ", ".join(e.replace("Sigmoid", "Sigmoid or HardSigmoid") for e in expected)
        found = ", ".join(node.attributes["activations"])
        raise InputError(f"activations are {found}, expected {wanted}")
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
    for name, left in scales.items():
        if any(left):
            raise InputError(f"activation_{name} has {left} that no activation takes")
    if len({sigmoid.name for sigmoid in sigmoids}) > 1:
        raise InputError("has another gate activation in reverse, expected the same")
    return sigmoids


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
        have == name or (name == "batch" and have == "one")
        for have, name in zip(data.axes, want, strict=True)
    )
    if not fits:
        raise AxesError(f"reads {data.described()}, expected ({', '.join(want)})")
    _check_lengths(node, len(data.forms))
    _check_sequence(data)
    for index, name in ((5, "initial_h"), (6, "initial_c")):
        if node.has(index) and node.constant(index).any():
            raise InputError(f"{name} is not zero: a core starts every sequence at zero")
    backward = layers[1].weights if direction == "bidirectional" else None
    layer = replace(layers[0], direction=direction, backward=backward)

    def atoms(kind: str, forms: tuple[Form, ...]) -> tuple[Form, ...]:
        return tuple(Atom(kind, layer.outputs, f.time, (f,), layer).form for f in forms)

    last = data.forms[-1:]
    steps, c = atoms("state", data.forms), atoms("c", last)
    h = steps[-1:] if direction == "forward" else atoms("final", last)
    ways = "directions" if direction == "bidirectional" else "one"
    axes = ("batch", "steps", ways) if batch_first else ("steps", ways, "batch")
    ends = tuple(axis for axis in axes if axis != "steps")
    return (
        Data((*axes, "features"), steps, data.batch),
        Data((*ends, "features"), h, data.batch),
        Data((*ends, "features"), c, data.batch),
    )


def _check_lengths(node: Node, steps: int) -> None:
    """Refuse sequence_lens unless every sequence has all steps."""
    if node.has(4):
        lengths: NDArray[np.int64] = node.constant(4)
        if (lengths != steps).any():
            raise InputError(f"sequence_lens are {lengths.tolist()[:4]}, expected all {steps}")


def _check_sequence(data: Data) -> None:
    """Refuse a sequence unless one map makes all its steps from the input or from an operator."""
    for time, form in enumerate(data.forms):
        atoms = list(form.terms)
        if len(atoms) != 1 or atoms[0].kind not in ("input", "state"):
            raise InputError("reads what is neither the input nor a recurrent operator's output")
        if atoms[0].time != time or not form.same_map(data.forms[0]):
            raise InputError(f"reads what differs from step to step (step {time})")
