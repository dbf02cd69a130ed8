"""ONNX's recurrent operators RNN, GRU and LSTM.

Their gates are stacked in the order i, o, f, c (LSTM; peepholes i, o, f) and z, r, h (GRU), with
one bias on x and one on h. A GRU's z is 1 - z of eq. (17).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell, Floats
from golden.errors import InputError
from golden.importers.forms import Atom
from golden.importers.layers import (
    LOGISTIC,
    GateWeights,
    Sigmoid,
    hard_sigmoid,
    make_layer,
    reals,
    split,
)
from golden.importers.onnx_node import Node, Value
from golden.importers.tensors import AxesError, Data
from golden.network import Layer

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


def rnn(node: Node) -> tuple[Value, ...]:
    """Eq. (1)."""
    _activations(node, ("Tanh",))
    x, h, b_x, b_h = _weights(node, "h")
    gates = {"h": GateWeights(x=x["h"], h=h["h"], b=b_x["h"] + b_h["h"])}
    return _run(node, make_layer(RNN(), LOGISTIC, gates))


def gru(node: Node) -> tuple[Value, ...]:
    """Eqs. (14)-(17); with linear_before_reset the candidate's sum over h stands alone."""
    sigmoid = _activations(node, ("Sigmoid", "Tanh"))
    x, h, b_x, b_h = _weights(node, "zrn")
    gates = {name: GateWeights(x=x[name], h=h[name], b=b_x[name] + b_h[name]) for name in "zrn"}
    cell: Cell = GRU(reset="before")
    if node.number("linear_before_reset", 0):
        cell = GRU(reset="after")
        gates["n"] = GateWeights(x=x["n"], b=b_x["n"])
        gates["m"] = GateWeights(h=h["n"], b=b_h["n"])
    return _run(node, make_layer(cell, sigmoid, gates, complement=("z",)))


def lstm(node: Node) -> tuple[Value, ...]:
    """Eqs. (2)-(7), with peepholes (8)-(13) where o reads c(t), as ONNX defines it."""
    if node.number("input_forget", 0):
        raise InputError("input_forget is 1, expected 0: no cell here couples i and f")
    sigmoid = _activations(node, ("Sigmoid", "Tanh", "Tanh"))
    x, h, b_x, b_h = _weights(node, "iofg")
    peepholes: dict[str, Floats] = {}
    if node.has(7):
        units = b_x["i"].shape[0]
        peepholes = split(reals(node.constant(7), (1, 3 * units), "P")[0], "iof")
    gates = {
        name: GateWeights(
            x=x[name], h=h[name], b=b_x[name] + b_h[name], peephole=peepholes.get(name)
        )
        for name in "iofg"
    }
    cell = LSTM(peephole="current" if peepholes else "none")
    return _run(node, make_layer(cell, sigmoid, gates))


def _activations(node: Node, expected: tuple[str, ...]) -> Sigmoid:
    """The gate activation, when all activations are what the cell has.

    Args:
        expected: ONNX's defaults; in the place of Sigmoid there may be HardSigmoid.
    """
    if "clip" in node.attributes:
        raise InputError("has clip, expected none: no cell here clips its sums")
    node.check_attributes(*ATTRIBUTES)
    direction = node.attributes.get("direction", "forward")
    if direction != "forward":
        raise InputError(f"direction is {direction}, expected forward")
    names = tuple(node.attributes.get("activations", expected))
    sigmoid = LOGISTIC
    allowed = [{"sigmoid", "hardsigmoid"} if e == "Sigmoid" else {e.lower()} for e in expected]
    if len(names) != len(expected) or any(
        name.lower() not in choice for name, choice in zip(names, allowed, strict=True)
    ):
        wanted = ", ".join(e.replace("Sigmoid", "Sigmoid or HardSigmoid") for e in expected)
        raise InputError(f"activations are {', '.join(names)}, expected {wanted}")
    scales = {
        name: [float(v) for v in node.attributes.get(f"activation_{name}", [])]
        for name in ("alpha", "beta")
    }
    if names[0].lower() == "hardsigmoid":
        alpha, beta = (
            scales[name].pop(0) if scales[name] else float(np.float32(default))
            for name, default in (("alpha", 0.2), ("beta", 0.5))
        )
        sigmoid = hard_sigmoid(alpha, beta)
    for name, left in scales.items():
        if any(left):
            raise InputError(f"activation_{name} has {left} that no activation takes")
    return sigmoid


def _weights(
    node: Node, gates: str
) -> tuple[dict[str, Floats], dict[str, Floats], dict[str, Floats], dict[str, Floats]]:
    """Matrices on x and on h, and the biases on x and on h, by gate."""
    matrix = reals(node.constant(1), (1, None, None), "W")[0]
    rows, inputs = matrix.shape
    units = node.number("hidden_size", rows // len(gates))
    if rows != len(gates) * units:
        raise InputError(f"W has {rows} rows, expected {len(gates)} x hidden_size {units}")
    if inputs != node.data().features:
        raise InputError(f"W reads {inputs} values, expected {node.data().features}")
    recurrent = reals(node.constant(2), (1, rows, units), "R")[0]
    bias = np.zeros(2 * rows)
    if node.has(3):
        bias = reals(node.constant(3), (1, 2 * rows), "B")[0]
    return (
        split(matrix, gates),
        split(recurrent, gates),
        split(bias[:rows], gates),
        split(bias[rows:], gates),
    )


def _run(node: Node, layer: Layer) -> tuple[Value, ...]:
    """The operator's outputs Y, Y_h and, of an LSTM, Y_c.

    Y is (steps, directions, batch, units), with layout 1 (batch, steps, directions, units); the
    final states have no steps.
    """
    data = node.data()
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
    states = tuple(
        Atom("state", layer.units, form.time, (form,), tag=layer).form for form in data.forms
    )
    cells = tuple(
        Atom("c", layer.units, form.time, (form,), tag=layer).form for form in data.forms[-1:]
    )
    front, middle = (("batch", "steps", "one"), ("batch", "one"))
    if not batch_first:
        front, middle = ("steps", "one", "batch"), ("one", "batch")
    return (
        Data((*front, "features"), states, data.batch),
        Data((*middle, "features"), states[-1:], data.batch),
        Data((*middle, "features"), cells, data.batch),
    )


def _check_lengths(node: Node, steps: int) -> None:
    """Refuse sequence_lens unless they say that every sequence has all steps."""
    if node.has(4):
        lengths: NDArray[np.int64] = node.constant(4)
        if (lengths != steps).any():
            raise InputError(f"sequence_lens are {lengths.tolist()[:4]}, expected all {steps}")


def _check_sequence(data: Data) -> None:
    """Refuse steps that are not one map of the network's input, or of one operator's output."""
    for time, form in enumerate(data.forms):
        atoms = list(form.terms)
        if len(atoms) != 1 or atoms[0].kind not in ("input", "state"):
            raise InputError("reads what is neither the input nor a recurrent operator's output")
        if atoms[0].time != time or not form.same_map(data.forms[0]):
            raise InputError(f"reads what differs from step to step (step {time})")
