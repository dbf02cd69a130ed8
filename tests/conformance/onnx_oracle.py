"""Recurrent ONNX nodes and their results: random ones by onnxruntime, those that onnx ships."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.conformance.onnx_nodes import INPUTS, Node, Results, activations

OPSET, IR_VERSION = 22, 10
"""Operator set and IR version that the pinned onnx and onnxruntime both support."""

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


@dataclass(frozen=True, kw_only=True)
class NodeRecipe:
    """Description of a random node.

    Attributes:
        operator: RNN, GRU or LSTM.
        slope: of the hard sigmoid that closes the gates; None for the logistic one.
        direction: as ONNX has it.
        candidate: activation of candidates and of an LSTM's c.
        linear_before_reset: of a GRU.
        peepholes, input_forget: of an LSTM.
        state: whether it starts from a random state, or from zero.
        lengths: whether the sequences have lengths of their own, or all have ``steps``.
        inputs, units, batch, steps: sizes.
    """

    operator: str
    slope: float | None = None
    direction: str = "forward"
    candidate: str = "Tanh"
    linear_before_reset: int = 0
    peepholes: bool = False
    input_forget: int = 0
    state: bool = True
    lengths: bool = True
    inputs: int = 5
    units: int = 7
    batch: int = 3
    steps: int = 7


def random_node(recipe: NodeRecipe, seed: int) -> Node:
    """A node with uniformly distributed weights as PyTorch starts with, and X from -2 to 2."""
    rng = np.random.default_rng([seed, 11])
    sides = 2 if recipe.direction == "bidirectional" else 1
    rows, units = GATES[recipe.operator] * recipe.units, recipe.units

    def uniform(*shape: int) -> NDArray[np.float32]:
        return rng.uniform(-(units**-0.5), units**-0.5, size=shape).astype(np.float32)

    inputs: dict[str, NDArray[Any]] = {
        "X": rng.uniform(-2, 2, (recipe.steps, recipe.batch, recipe.inputs)).astype(np.float32),
        "W": uniform(sides, rows, recipe.inputs),
        "R": uniform(sides, rows, units),
        "B": uniform(sides, 2 * rows),
    }
    if recipe.lengths:
        lengths = rng.integers(1, recipe.steps, size=recipe.batch, endpoint=True)
        lengths[0] = recipe.steps
        inputs["sequence_lens"] = lengths.astype(np.int32)
    if recipe.state:
        for name in ("initial_h", "initial_c")[: 2 if recipe.operator == "LSTM" else 1]:
            start = rng.uniform(-0.5, 0.5, size=(sides, recipe.batch, units))
            inputs[name] = start.astype(np.float32)
    if recipe.peepholes:
        inputs["P"] = uniform(sides, 3 * units)
    attributes: dict[str, Any] = {"hidden_size": units, "direction": recipe.direction}
    if recipe.operator == "GRU":
        attributes["linear_before_reset"] = recipe.linear_before_reset
    if recipe.input_forget:
        attributes["input_forget"] = 1
    sigmoid = "Sigmoid" if recipe.slope is None else "HardSigmoid"
    if (sigmoid, recipe.candidate) != ("Sigmoid", "Tanh"):
        chosen = activations(recipe.operator, sigmoid, recipe.candidate)
        attributes["activations"] = chosen * sides
    if recipe.slope is not None:
        attributes["activation_alpha"] = [recipe.slope] * sides
        attributes["activation_beta"] = [0.5] * sides
    return Node(operator=recipe.operator, attributes=attributes, inputs=inputs)


def run_onnxruntime(node: Node) -> Results:
    """Run the node in onnxruntime, in float32 on one thread."""
    given = [name if name in node.inputs else "" for name in INPUTS]
    while not given[-1]:
        given.pop()
    outputs = ["Y", "Y_h", *(["Y_c"] if node.operator == "LSTM" else [])]
    graph = helper.make_graph(
        [helper.make_node(node.operator, given, outputs, **node.attributes)],
        "one_node",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in node.inputs.items()
        ],
        [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, [None] * (4 if name == "Y" else 3)
            )
            for name in outputs
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    values = session.run(outputs, dict(node.inputs))
    return node.results({n: np.asarray(v) for n, v in zip(outputs, values, strict=True)})


def recurrent_cases() -> dict[str, Path]:
    """The folders of the recurrent cases among the node tests that onnx ships, by name."""
    root = Path(onnx.backend.test.__file__).parent / "data" / "node"
    return {
        folder.name: folder
        for folder in sorted(root.iterdir())
        if {node.op_type for node in _graph(folder).node} & GATES.keys()
    }


def load_case(folder: Path) -> tuple[Node, Results]:
    """A node test with its expected results."""
    graph = _graph(folder)
    (node,) = graph.node
    data = folder / "test_data_set_0"
    inputs = _tensors(data, "input", [value.name for value in graph.input])
    outputs = _tensors(data, "output", [value.name for value in graph.output])
    case = Node(
        operator=node.op_type,
        attributes={a.name: helper.get_attribute_value(a) for a in node.attribute},
        inputs=inputs,
    )
    return case, case.results(outputs)


def _graph(folder: Path) -> onnx.GraphProto:
    return onnx.load(folder / "model.onnx").graph


def _tensors(folder: Path, kind: str, names: list[str]) -> dict[str, NDArray[Any]]:
    tensors = {}
    for index, name in enumerate(names):
        tensor = TensorProto.FromString((folder / f"{kind}_{index}.pb").read_bytes())
        tensors[name] = numpy_helper.to_array(tensor)
    return tensors
