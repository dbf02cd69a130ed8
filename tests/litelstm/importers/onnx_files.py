"""ONNX files made by hand: what no exporter writes, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from golden.errors import InputError
from litelstm.importers.onnx import convert
from tests.litelstm.importers.cases import BATCH, INPUTS, OUTPUTS, STEPS, UNITS, Case, samples

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}

Arrays = dict[str, Any]


def weights(op: str, *, peepholes: bool = False, ways: int = 1, seed: int = 4) -> Arrays:
    """Random W, R, B and P of a recurrent operator, and of a dense head behind it."""
    rng = np.random.default_rng(seed)
    rows = GATES[op] * UNITS
    shapes = {"W": (ways, rows, INPUTS), "R": (ways, rows, UNITS), "B": (ways, 2 * rows)}
    if peepholes:
        shapes["P"] = (ways, 3 * UNITS)
    shapes |= {"D": (ways * UNITS, OUTPUTS), "d": (OUTPUTS,)}
    return {name: (0.5 * rng.normal(size=s)).astype(np.float32) for name, s in shapes.items()}


def model(
    op: str,
    arrays: Arrays,
    *,
    change: Callable[[list[Any]], object] = lambda nodes: None,
    inputs: tuple[str, ...] | None = None,
    layout: int = 0,
    **attributes: Any,
) -> Any:
    """A graph of a recurrent operator with Squeeze, MatMul and Add behind its Y_h.

    Args:
        op: the operator.
        arrays: initializers by name; W, R, B, P go to the operator.
        change: called with the list of nodes before the graph is made.
        inputs: the operator's inputs, where they are not X, W, R, B, perhaps P.
        layout, attributes: the operator's.
    """
    names = inputs or ("x", "W", "R", "B", *(("", "", "", "P") if "P" in arrays else ()))
    if layout:
        attributes["layout"] = layout
    nodes = [
        helper.make_node(op, names, ["", "last"], name="cell", hidden_size=UNITS, **attributes),
        *_flat(attributes.get("direction") == "bidirectional", layout),
        helper.make_node("MatMul", ["h", "D"], ["product"], name="product"),
        helper.make_node("Add", ["product", "d"], ["y"], name="sum"),
    ]
    change(nodes)
    shape = (BATCH, STEPS, INPUTS) if layout else (STEPS, BATCH, INPUTS)
    constants = {**arrays, "axes": np.array([1 if layout else 0])}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (BATCH, OUTPUTS))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def refusal(made: Any) -> str:
    """The line with which a model is refused."""
    with pytest.raises(InputError) as caught:
        convert(made)
    message = str(caught.value)
    assert "\n" not in message
    return message


def _flat(both: bool, layout: int) -> list[Any]:
    """From Y_h to h without an axis of directions, those of both side by side."""
    if not both:
        return [helper.make_node("Squeeze", ["last", "axes"], ["h"], name="squeeze")]
    order = [0, 1, 2] if layout else [1, 0, 2]
    return [
        helper.make_node("Transpose", ["last"], ["turned"], perm=order),
        helper.make_node("Flatten", ["turned"], ["h"], axis=1),
    ]


def _case(
    op: str, cell: str, *, peepholes: bool = False, layout: int = 0, **attributes: Any
) -> Case:
    def write(path: Path) -> tuple[Any, Any]:
        ways = 2 if attributes.get("direction") == "bidirectional" else 1
        arrays = weights(op, peepholes=peepholes, ways=ways)
        onnx.save(model(op, arrays, layout=layout, **attributes), path)
        # onnxruntime has layout 0 alone; the other one orders axes differently.
        run = model(op, arrays, **attributes).SerializeToString()
        x = samples(4)
        (y,) = onnxruntime.InferenceSession(run).run(None, {"x": x.transpose(1, 0, 2)})
        return x, y

    return Case(write=write, suffix=".onnx", cells=(cell,))


def _started(op: str, cell: str, *, direction: str = "forward") -> Case:
    """With constant first states, the same for all samples."""

    def write(path: Path) -> tuple[Any, Any]:
        ways = 2 if direction == "bidirectional" else 1
        arrays, rng = weights(op, ways=ways), np.random.default_rng(5)
        names = ("h0", "c0")[: 2 if op == "LSTM" else 1]
        for name in names:
            state = rng.normal(size=(ways, 1, UNITS)).astype(np.float32)
            arrays[name] = np.repeat(state, BATCH, axis=1)
        made = model(op, arrays, inputs=("x", "W", "R", "B", "", *names), direction=direction)
        onnx.save(made, path)
        x = samples(4)
        session = onnxruntime.InferenceSession(made.SerializeToString())
        (y,) = session.run(None, {"x": x.transpose(1, 0, 2)})
        return x, y

    return Case(write=write, suffix=".onnx", cells=(cell,))


def hard(*scales: float) -> dict[str, Any]:
    """Attributes of a hard sigmoid with alpha and beta; the defaults' where they are absent."""
    named = zip(("activation_alpha", "activation_beta"), scales, strict=False)
    return {name: [value] for name, value in named}


GRU_HARD: dict[str, Any] = {"activations": ["HardSigmoid", "Tanh"]}
LSTM_HARD: dict[str, Any] = {"activations": ["HardSigmoid", "Tanh", "Tanh"]}
LSTM_RELU = ["Sigmoid", "Relu", "Relu"]

OPERATORS = {
    "RNN": _case("RNN", "rnn logistic"),
    "GRU, reset before": _case("GRU", "gru before logistic"),
    "GRU, reset after": _case("GRU", "gru after logistic", linear_before_reset=1),
    "GRU, eq. (21)": _case("GRU", "gru before hard", **GRU_HARD, **hard(0.25, 0.5)),
    "GRU, alpha and beta": _case(
        "GRU", "gru after hard", linear_before_reset=1, **GRU_HARD, **hard(0.4, 0.3)
    ),
    "LSTM": _case("LSTM", "lstm none logistic"),
    "LSTM, peepholes": _case("LSTM", "lstm current logistic", peepholes=True),
    "LSTM, default slope": _case("LSTM", "lstm none hard", **LSTM_HARD),
    "LSTM, peepholes, alpha and beta": _case(
        "LSTM", "lstm current hard", peepholes=True, **LSTM_HARD, **hard(0.15, 0.6)
    ),
    "RNN, reverse": _case("RNN", "rnn logistic reverse", direction="reverse"),
    "GRU, both ways, two slopes": _case(
        "GRU",
        "gru before hard bidirectional",
        direction="bidirectional",
        activations=["HardSigmoid", "Tanh"] * 2,
        activation_alpha=[0.3, 0.2],
        activation_beta=[0.5, 0.4],
    ),
    "LSTM, peepholes, both ways": _case(
        "LSTM", "lstm current logistic bidirectional", peepholes=True, direction="bidirectional"
    ),
    "LSTM, both ways, layout 1": _case(
        "LSTM", "lstm none logistic bidirectional", direction="bidirectional", layout=1
    ),
    "LSTM, layout 1": _case("LSTM", "lstm none logistic", layout=1),
    "LSTM, first states": _started("LSTM", "lstm none logistic"),
    "GRU, first states, both ways": _started(
        "GRU", "gru before logistic bidirectional", direction="bidirectional"
    ),
    "RNN, ReLU": _case("RNN", "rnn relu logistic", activations=["Relu"]),
    "GRU, ReLU": _case("GRU", "gru before relu logistic", activations=["Sigmoid", "Relu"]),
    "GRU, ReLU, reset after, both ways": _case(
        "GRU",
        "gru after relu logistic bidirectional",
        activations=["Sigmoid", "Relu"] * 2,
        linear_before_reset=1,
        direction="bidirectional",
    ),
    "LSTM, ReLU, peepholes": _case(
        "LSTM", "lstm current relu logistic", peepholes=True, activations=LSTM_RELU
    ),
    "LSTM, ELU": _case("LSTM", "lstm none elu logistic", activations=["Sigmoid", "Elu", "Elu"]),
    "GRU, ELU": _case("GRU", "gru before elu hard", activations=["HardSigmoid", "Elu"]),
    "LSTM, coupled": _case("LSTM", "lstm none coupled logistic", input_forget=1),
    "LSTM, coupled, ReLU, peepholes": _case(
        "LSTM",
        "lstm current relu coupled logistic",
        peepholes=True,
        input_forget=1,
        activations=LSTM_RELU,
    ),
}
"""Recurrent operators as such."""
