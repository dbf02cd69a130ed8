"""ONNX files that cannot be mapped: refused in one line with the operator, its name and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from golden.errors import InputError
from litelstm.importers.files import import_network
from litelstm.importers.onnx import convert
from tests.litelstm.importers.cases import BATCH, INPUTS, STEPS, UNITS
from tests.litelstm.importers.onnx_files import GRU_HARD, LSTM_HARD, model, refusal, weights

ATTRIBUTES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "clip": ("GRU", {"clip": 3.0}, ("has clip",)),
    "direction": ("LSTM", {"direction": "back"}, ("direction is back", "forward or reverse or")),
    "bidirectional": (
        "RNN",
        {"direction": "bidirectional"},
        ("W is float32 of shape (1, 4, 3)", "(2, any, any)"),
    ),
    "two gate activations": (
        "GRU",
        {"direction": "bidirectional", "activations": ["Sigmoid", "Tanh", "HardSigmoid", "Tanh"]},
        ("another gate activation in reverse",),
    ),
    "softsign": (
        "RNN",
        {"activations": ["Softsign"]},
        ("are Softsign, expected Tanh or Relu or Elu",),
    ),
    "two candidates": (
        "LSTM",
        {"activations": ["Sigmoid", "Relu", "Tanh"]},
        ("activations are Sigmoid, Relu, Tanh", "one for candidate and c"),
    ),
    "candidate": (
        "LSTM",
        {"activations": ["Sigmoid", "Softsign", "Tanh"]},
        ("Softsign", "Sigmoid or HardSigmoid, Tanh or Relu or Elu, "),
    ),
    "one activation": ("GRU", {"activations": ["Sigmoid"]}, ("activations are Sigmoid",)),
    "alpha": ("GRU", {"activation_alpha": [0.5]}, ("activation_alpha has [0.5]",)),
    "second alpha": (
        "LSTM",
        LSTM_HARD | {"activation_alpha": [0.25, 0.5]},
        ("activation_alpha has [0.5]",),
    ),
    "negative slope": ("GRU", GRU_HARD | {"activation_alpha": [-0.25]}, ("alpha -0.25",)),
    "hidden_size": ("LSTM", {"hidden_size": 3}, ("W has 16 rows", "4 x hidden_size 3")),
}


@pytest.mark.parametrize(("op", "attributes", "says"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes(op: str, attributes: dict[str, Any], says: tuple[str, ...]) -> None:
    made = model(op, weights(op))
    cell = made.graph.node[0]
    kept = [a for a in cell.attribute if a.name not in attributes]
    del cell.attribute[:]
    cell.attribute.extend(kept)
    cell.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
    message = refusal(made)
    assert message.startswith(f"{op} 'cell' ")
    for words in says:
        assert words in message


def after(op: str, **attributes: Any) -> Callable[[list[Any]], object]:
    """Puts an operator behind the others."""

    def change(nodes: list[Any]) -> None:
        nodes[-1].output[0] = "before"
        nodes.append(helper.make_node(op, ["before"], ["y"], name="added", **attributes))

    return change


def softmax_and_more(nodes: list[Any]) -> None:
    nodes[-1].output[0] = "sum"
    nodes.append(helper.make_node("Softmax", ["sum"], ["shares"], axis=1))
    nodes.append(helper.make_node("Neg", ["shares"], ["y"]))


def square(nodes: list[Any]) -> None:
    nodes[1].output[0] = "root"
    nodes.insert(2, helper.make_node("Mul", ["root", "root"], ["h"]))


def cell_outputs(*outputs: str) -> Callable[[list[Any]], object]:
    """Other outputs of the recurrent operator."""

    def change(nodes: list[Any]) -> None:
        del nodes[0].output[:]
        nodes[0].output.extend(outputs)

    return change


def loop(nodes: list[Any]) -> None:
    """A Loop with the head's sum inside."""
    body = helper.make_graph(
        [helper.make_node("Add", ["product", "d"], ["inner"])],
        "body",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)],
    )
    nodes[-1] = helper.make_node("Loop", ["", "", "product"], ["y"], name="loop", body=body)


GRAPHS: dict[str, tuple[Callable[[list[Any]], object], tuple[str, ...]]] = {
    "comparison": (after("Equal"), ("Equal 'added' compares values, as masking does",)),
    "elu": (after("Elu", alpha=0.5), ("Elu 'added'", "has alpha 0.5, expected 1")),
    "selu": (after("Selu", gamma=1.0), ("Selu 'added'", "expected those of SELU")),
    "softplus": (after("Softplus"), ("Softplus 'added'", "train with relu")),
    "a root": (after("Sqrt"), ("Sqrt 'added'", "as in layer normalization")),
    "prelu": (after("Erf"), ("Erf 'added'", "is not known here", "--from and --until")),
    "slope": (after("LeakyRelu", alpha=0.01), ("LeakyRelu 'added'", "slope 0.01", "power of two")),
    "softmax over samples": (after("Softmax", axis=0), ("Softmax 'added'", "batch")),
    "sum over units": (after("ReduceSum"), ("ReduceSum 'added'", "takes the sum over batch")),
    "softmax, then more": (
        softmax_and_more,
        ("Softmax '", "stands before other layers, expected it at the end"),
    ),
    "state c": (
        cell_outputs("", "", "last"),
        ("LSTM 'cell' gives its state c to others", "expected h alone"),
    ),
    "directions": (cell_outputs("last"), ("Squeeze 'squeeze' squeezes steps of size 4",)),
    "square": (square, ("Mul '", "is no step of RNN, GRU, LSTM or LiteLSTM")),
    "control flow": (loop, ("Loop 'loop'", "control flow", "unrolled")),
}


@pytest.mark.parametrize(("change", "says"), GRAPHS.values(), ids=GRAPHS)
def test_graphs(change: Callable[[list[Any]], object], says: tuple[str, ...]) -> None:
    message = refusal(model("LSTM", weights("LSTM"), change=change))
    for words in says:
        assert words in message


def other_weights(**changes: Any) -> dict[str, Any]:
    return weights("GRU") | changes


_W = weights("GRU")

WEIGHTS: dict[str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "initial state": (
        {"h0": np.arange(BATCH * UNITS, dtype=np.float32).reshape(1, BATCH, UNITS)},
        ("x", "W", "R", "B", "", "h0"),
        ("GRU 'cell'", "initial_h differs between samples"),
    ),
    "another initial state": (
        {"h0": np.zeros((1, BATCH, UNITS + 1), np.float32)},
        ("x", "W", "R", "B", "", "h0"),
        ("GRU 'cell'", "initial_h is of 5 units, expected 4"),
    ),
    "lengths": (
        {"lens": np.array([STEPS, 0], np.int32)},
        ("x", "W", "R", "B", "lens"),
        ("GRU 'cell'", "sequence_lens are [4, 0]", "expected 1 to 4"),
    ),
    "unused": ({"spare": np.ones(3, np.float32)}, (), ("weight spare is not used",)),
    "not finite": ({"W": _W["W"] * np.float32(np.nan)}, (), ("GRU 'cell'", "W holds NaN")),
    "integers": ({"W": _W["W"].astype(np.int32)}, (), ("GRU 'cell'", "W is int32")),
    "directions": (
        {"W": np.concatenate([_W["W"]] * 2), "R": _W["R"], "B": _W["B"]},
        (),
        ("GRU 'cell'", "W is float32 of shape (2, 12, 3)", "(1, any, any)"),
    ),
    "inputs": ({"W": _W["W"][:, :, :2]}, (), ("GRU 'cell'", "W reads 2 values, expected 3")),
    "head": ({"D": np.ones((5, 2), np.float32)}, (), ("MatMul 'product'", "(5, 2)", "(4, any)")),
    "weights from data": ({}, ("x", "x", "R", "B"), ("GRU 'cell'", "input 1 depends")),
}


@pytest.mark.parametrize(("changes", "inputs", "says"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights(changes: dict[str, Any], inputs: tuple[str, ...], says: tuple[str, ...]) -> None:
    arrays = {k: v for k, v in other_weights(**changes).items() if not inputs or k != "P"}
    if inputs == ("x", "x", "R", "B"):
        del arrays["W"]
    message = refusal(model("GRU", arrays, inputs=inputs or None))
    for words in says:
        assert words in message


def test_zero_state_and_full_lengths_are_no_reason() -> None:
    arrays = weights("GRU")
    plain = convert(model("GRU", arrays)).network
    arrays["h0"] = np.zeros((1, BATCH, UNITS), np.float32)
    arrays["lens"] = np.full(BATCH, STEPS, np.int32)
    told = convert(model("GRU", arrays, inputs=("x", "W", "R", "B", "lens", "h0"))).network
    for name, value in plain.layers[0].weights.items():
        assert np.array_equal(value, told.layers[0].weights[name])


def test_an_embedding_and_the_part_behind_it() -> None:
    arrays = weights("RNN") | {"E": np.ones((9, INPUTS), np.float32)}
    look_up = helper.make_node("Gather", ["E", "tokens"], ["x"], name="look_up")
    made = model("RNN", arrays, change=lambda nodes: nodes.insert(0, look_up))
    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, [STEPS, BATCH])
    made.graph.input[0].CopyFrom(tokens)
    whole, behind = convert(made).network, convert(made, start="x").network
    assert (whole.indexed, whole.inputs, whole.sizes[0]) == (1, 1, 9)
    assert (behind.indexed, behind.inputs) == (0, INPUTS)


def test_inputs_and_outputs() -> None:
    made = model("RNN", weights("RNN"))
    made.graph.input.append(helper.make_tensor_value_info("h0", TensorProto.FLOAT, [1]))
    assert "has 2 inputs of samples (x, h0), expected one" in refusal(made)
    made = model("RNN", weights("RNN"))
    made.graph.input.append(helper.make_tensor_value_info("h0", TensorProto.FLOAT, [1, BATCH, 4]))
    assert "takes h0 beside the samples, but gives back no state of that shape" in refusal(made)
    made = model("RNN", weights("RNN"))
    made.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    assert "input x is int64, expected floats" in refusal(made)
    made = model("RNN", weights("RNN"))
    made.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "size"
    assert "no fixed number of features" in refusal(made)
    made = model("RNN", weights("RNN"))
    made.graph.input[0].type.tensor_type.shape.dim.add().dim_value = 2
    assert "has axes [4, 2, 3, 2], expected those of a spectrogram" in refusal(made)


def test_unknown_domain() -> None:
    made = model("RNN", weights("RNN"))
    made.graph.node[0].domain = "com.example"
    assert refusal(made) == "RNN 'cell' is of the domain com.example, which is not known"


def test_weights_in_another_file(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    made = model("LSTM", weights("LSTM"))
    onnx.save(made, path, save_as_external_data=True, location="net.data", size_threshold=0)
    there = import_network(path).network
    here = convert(model("LSTM", weights("LSTM"))).network
    assert np.array_equal(there.layers[0].weights["b_i"], here.layers[0].weights["b_i"])
    (tmp_path / "net.data").unlink()
    with pytest.raises(InputError, match=r"net\.onnx: cannot be read: .*net\.data"):
        import_network(path)


@pytest.mark.parametrize(("axis", "says"), [(2, ""), (1, "works along batch and features")])
def test_an_old_softmax_is_over_all_axes_from_its_own_on(axis: int, says: str) -> None:
    def change(nodes: list[Any]) -> None:
        nodes[0].output[0] = "Y"
        nodes[1:] = [
            helper.make_node("Squeeze", ["Y"], ["all"], axes=[1]),
            helper.make_node("Softmax", ["all"], ["y"], name="soft", axis=axis),
        ]

    arrays = {name: value for name, value in weights("GRU").items() if name not in "Dd"}
    made = model("GRU", arrays, change=change)
    made.opset_import[0].version = 11
    shape = made.graph.output[0].type.tensor_type.shape
    shape.dim.add()
    for dim, name in zip(shape.dim, ("steps", "batch", "words"), strict=True):
        dim.Clear()
        dim.dim_param = name
    if says:
        assert says in refusal(made)
    else:
        assert convert(made).every_step


@pytest.mark.parametrize("kind", ["ReduceSum", "ReduceMean"])
def test_both_directions_are_added(kind: str) -> None:
    arrays = weights("GRU", ways=2)
    arrays["D"] = arrays["D"][:UNITS]

    def change(nodes: list[Any]) -> None:
        keys: dict[str, Any] = (
            {"axes": [0], "keepdims": 0} if kind == "ReduceMean" else {"keepdims": 0}
        )
        inputs = ["last"] if kind == "ReduceMean" else ["last", "zero"]
        nodes[1:-2] = [helper.make_node(kind, inputs, ["h"], **keys)]

    arrays["zero"] = np.array([0])
    made = model("GRU", arrays, change=change, direction="bidirectional")
    convert(made)  # compares with onnxruntime


def test_weights_in_front_of_what_they_multiply() -> None:
    def change(nodes: list[Any]) -> None:
        nodes[2].input[:] = ["D", "h"]

    arrays = weights("GRU")
    arrays["D"] = np.ones((2, BATCH), np.float32)
    assert "MatMul 'product' has the weights in front" in refusal(
        model("GRU", arrays, change=change)
    )
