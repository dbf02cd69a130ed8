"""Notes of the importer of ONNX files: each assumption and each difference is reported."""

from __future__ import annotations

from typing import Any

from onnx import TensorProto, helper

from litelstm.importers.onnx import NOT_COMPARED, convert
from tests.litelstm.importers.cases import STEPS
from tests.litelstm.importers.onnx_files import model, weights

TURNED = "the file reads (steps, batch, inputs), the network (batch, steps, inputs)"
FIXED = f"the file's sequences have {STEPS} steps; assumed that the network takes any number"
FREE = "assumed for all lengths: 5 and 8 steps give the same network"


def gru(**options: Any) -> Any:
    return model("GRU", weights("GRU"), **options)


def test_axes_and_length() -> None:
    made = gru()
    assert convert(made).notes == (TURNED, FIXED)
    made.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "steps"
    assert convert(made).notes == (TURNED, FREE)
    assert convert(gru(layout=1)).notes == (FIXED, NOT_COMPARED)


def test_values_that_the_file_rounds() -> None:
    def round_values(nodes: list[Any]) -> None:
        nodes[0].input[0] = "wide"
        nodes[:0] = [
            helper.make_node("Cast", ["x"], ["narrow"], to=TensorProto.FLOAT16),
            helper.make_node("Cast", ["narrow"], ["wide"], to=TensorProto.FLOAT),
        ]

    rounded = "the file rounds values to 16-bit floats, the network does not"
    assert convert(gru(change=round_values)).notes == (TURNED, FIXED, rounded)


def test_what_is_left_out_at_the_end() -> None:
    def add_softmax(nodes: list[Any]) -> None:
        nodes[-1].output[0] = "logits"
        nodes.append(helper.make_node("Softmax", ["logits"], ["y"]))

    left_out = "Softmax at the end is left out: the output is its argument"
    assert convert(gru(change=add_softmax)).notes == (TURNED, FIXED, left_out)
