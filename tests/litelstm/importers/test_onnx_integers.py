"""ONNX files whose weights are integers, and what they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from litelstm.importers.onnx import NOT_COMPARED, convert
from tests.litelstm.importers.cases import OUTPUTS, samples
from tests.litelstm.importers.onnx_files import model, weights

pytestmark = pytest.mark.frameworks


def quantized(array: Any) -> tuple[Any, Any, Any]:
    scale = np.float32(np.abs(array).max() / 127)
    return np.round(array / scale).astype(np.int8), scale, np.int8(0)


def dynamic() -> tuple[Any, dict[str, Any]]:
    """An LSTM as onnxruntime's dynamic quantization writes it, and its real weights."""
    arrays = weights("LSTM")
    made = {"B": arrays["B"], "D": arrays["D"], "d": arrays["d"]}
    real = dict(arrays)
    for name in "WR":
        value, scale, zero = quantized(arrays[name].transpose(0, 2, 1))
        made |= {name: value, f"{name}s": scale[None], f"{name}z": zero[None]}
        real[name] = value.transpose(0, 2, 1) * scale
    names = ("x", "W", "R", "B", "", "", "", "", "Ws", "Wz", "Rs", "Rz")

    def foreign(nodes: list[Any]) -> None:
        nodes[0].op_type, nodes[0].domain = "DynamicQuantizeLSTM", "com.microsoft"

    graph = model("LSTM", made, inputs=names, change=foreign)
    graph.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return graph, real


def test_dynamically_quantized_weights_are_what_their_scale_says() -> None:
    made, real = dynamic()
    imported = convert(made)
    plain = convert(model("LSTM", real)).network
    x = samples(55)
    assert np.abs(imported.network.forward(x) - plain.forward(x)).max() < 1e-6
    assert "the file rounds values to 8 bits, the network does not: quantize it" in imported.notes
    assert imported.check is not None
    assert 1e-4 < imported.check() < 0.1  # the file rounds


def test_dynamically_quantized_products() -> None:
    """DynamicQuantizeLinear and MatMulInteger are the product that they stand for."""
    arrays = weights("GRU")
    value, scale, zero = quantized(arrays["D"])
    arrays |= {"Dq": value, "Dz": zero, "Ds": scale}

    def change(nodes: list[Any]) -> None:
        del nodes[2]
        nodes[2:2] = [
            helper.make_node("DynamicQuantizeLinear", ["h"], ["hq", "hs", "hz"]),
            helper.make_node("MatMulInteger", ["hq", "Dq", "hz", "Dz"], ["sums"]),
            helper.make_node("Cast", ["sums"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["hs", "Ds"], ["scale"]),
            helper.make_node("Mul", ["real", "scale"], ["product"]),
        ]

    arrays.pop("D")
    made = model("GRU", arrays, change=change)
    real = weights("GRU") | {"D": value * scale}
    x = samples(56)
    plain = convert(model("GRU", real)).network.forward(x)
    assert np.abs(convert(made).network.forward(x) - plain).max() < 1e-6


@pytest.mark.parametrize("narrow", [0, 1])
def test_weights_of_qonnx_are_rounded_as_it_says(narrow: int) -> None:
    arrays = weights("GRU")
    constants = {"scale": np.float32(0.25), "zero": np.float32(0), "bits": np.float32(3)}

    def round_weights(nodes: list[Any]) -> None:
        nodes[0].input[1] = "Wq"
        options = {"signed": 1, "narrow": narrow, "rounding_mode": "ROUND"}
        inputs = ["W", "scale", "zero", "bits"]
        domain = "qonnx.custom_op.general"
        nodes.insert(0, helper.make_node("Quant", inputs, ["Wq"], domain=domain, **options))

    made = model("GRU", arrays | constants, change=round_weights, inputs=("x", "W", "R", "B"))
    rounded = np.clip(np.round(arrays["W"] * 4), -4 + narrow, 3) / 4
    wanted = convert(model("GRU", arrays | {"W": rounded})).network
    found = convert(made)
    assert NOT_COMPARED in found.notes
    for name, value in wanted.layers[0].weights.items():
        assert np.array_equal(found.network.layers[0].weights[name], value)


@pytest.mark.parametrize("opset", [13, 17, 21])
def test_weights_with_a_scale_per_output(opset: int) -> None:
    """Such files are of any opset from 10 on, ONNX's evaluator has the operator from 19 on."""
    arrays = weights("GRU")
    real = arrays.pop("D")
    scale = (np.abs(real).max(0) / 100).astype(np.float32)
    zero = np.arange(-1, OUTPUTS - 1).astype(np.int8)
    value = np.round(real / scale + zero).astype(np.int8)
    arrays |= {"Dq": value, "Ds": scale, "Dz": zero}

    def change(nodes: list[Any]) -> None:
        names = ["Dq", "Ds", "Dz"]
        nodes.insert(0, helper.make_node("DequantizeLinear", names, ["D"], axis=1))

    made = model("GRU", arrays, change=change)
    made.opset_import[0].version = opset
    plain = convert(model("GRU", weights("GRU") | {"D": (value - zero) * scale})).network
    x = samples(57)
    assert np.abs(convert(made).network.forward(x) - plain.forward(x)).max() < 1e-6
