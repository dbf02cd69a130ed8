"""ONNX operators around recurrent layers: linear ones change forms, activations make atoms.

An operator that is not in ``OPERATORS`` is refused by name, unless all its inputs are constant.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from golden.activations import ALPHAS
from golden.errors import InputError
from litelstm.importers import onnx_layers
from litelstm.importers.forms import Form, clip
from litelstm.importers.joining import as_data, combine
from litelstm.importers.layers import reals
from litelstm.importers.onnx_axes import MOVING, Results
from litelstm.importers.onnx_node import Node, Value
from litelstm.importers.onnx_windows import WINDOWS
from litelstm.importers.operations import PARTS, SELU, activated, hard_sigmoid, mapped
from litelstm.importers.tensors import AxesError, Data


def _operands(node: Node) -> tuple[Data, Data]:
    """Return both inputs of an element-wise operator as tensors."""
    values = node.inputs[:2]
    like = next(value for value in values if isinstance(value, Data))
    rank = max(len(v.axes) if isinstance(v, Data) else np.ndim(v) for v in values if v is not None)
    like = like.unsqueezed(range(rank - len(like.axes)))
    a, b = (v if isinstance(v, Data) else as_data(np.asarray(v), like) for v in values)
    return a, b


def _elementwise(change: Callable[[Form, Form], Form]) -> Callable[[Node], Results]:
    def apply(node: Node) -> Results:
        return (combine(*_operands(node), change),)

    return apply


def _negative(form: Form) -> Form:
    return form.scaled(np.full(form.size, -1.0))


def _quotient(a: Form, b: Form) -> Form:
    if b.terms or not b.bias.all():
        raise InputError("divides by what is not a constant, or by zero")
    return a.scaled(1 / b.bias)


def _sum(node: Node) -> Results:
    total: Value = np.zeros(())
    for value in node.inputs:
        total = _added(node, total, value)
    return (total,)


def _neg(node: Node) -> Results:
    return (node.data().each(_negative),)


def _matmul(node: Node) -> Results:
    if node.has(1) and isinstance(node.inputs[1], Data):
        if isinstance(node.inputs[0], Data):
            raise InputError("multiplies two tensors of the network, as attention does; " + PARTS)
        raise InputError("has the weights in front; transpose them, and multiply the other way")
    return (mapped(node.data(0), node.constant(1)),)


def _matmul_integer(node: Node) -> Results:
    """Multiply by 8-bit weights; the values of the network are taken as they were before."""
    zero = node.constant(3) if node.has(3) else np.zeros(())
    return (mapped(node.data(0), node.constant(1).astype(np.float64) - zero),)


def _dynamic_quantize(node: Node) -> Results:
    """Take values as they are: scale 1, zero point 0."""
    return (node.data(), np.ones((), np.float32), np.zeros((), np.uint8))


def _quant(node: Node) -> Results:
    """Round constants as QONNX says; take values of the network as they are."""
    if isinstance(node.inputs[0], Data):
        return (node.data(),)
    value, scale, zero, bits = (node.constant(n).astype(np.float64) for n in range(4))
    if node.attributes.get("rounding_mode", "ROUND") != "ROUND":
        raise InputError(f"rounding_mode is {node.attributes['rounding_mode']}, expected ROUND")
    signed, narrow = node.number("signed", 1), node.number("narrow", 0)
    low = (-(2.0 ** (bits - 1)) if signed else np.zeros_like(bits)) + (narrow if signed else 0)
    high = 2.0 ** (bits - signed) - 1 - (0 if signed else narrow)
    return (((np.clip(np.round(value / scale + zero), low, high) - zero) * scale),)


def _batch_normalization(node: Node) -> Results:
    if node.number("training_mode", 0):
        raise InputError("training_mode is 1, expected a network exported for inference")
    data = node.data()
    if len(data.axes) < 2 or data.axes[1] != "features":
        raise AxesError(f"normalizes axis 1 of {data.described()}, expected features")
    gamma, beta, mean, variance = (
        reals(node.constant(n), (data.features,), f"input {n}") for n in range(1, 5)
    )
    scale = gamma / np.sqrt(variance + node.real("epsilon", 1e-5))
    factor, offset = (np.repeat(v, data.bins) for v in (scale, beta - mean * scale))
    return (data.each(lambda form: form.scaled(factor).shifted(offset)),)


def _gemm(node: Node) -> Results:
    """Compute alpha A B + beta C; A may be a constant state, C the part of the sum over x."""
    if node.number("transA", 0):
        raise InputError("transA is 1, expected 0")
    matrix = node.constant(1).astype(np.float64) * node.real("alpha", 1.0)
    matrix = matrix.T if node.number("transB", 0) else matrix
    first = node.inputs[0]
    product: Value = (
        first @ matrix if isinstance(first, np.ndarray) else mapped(node.data(), matrix)
    )
    if not node.has(2):
        return (product,)
    addend, beta = node.inputs[2], node.real("beta", 1.0)
    if isinstance(addend, Data):
        addend = addend.each(lambda form: form.scaled(np.full(form.size, beta)))
    else:
        addend = np.asarray(addend) * beta
    return (_added(node, product, addend),)


def _added(node: Node, a: Value, b: Value | None) -> Value:
    """Add two values."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a + b
    pair = Node(op="Add", name=node.name, attributes={}, inputs=(a, b), outputs=())
    return combine(*_operands(pair), Form.plus)


def _activation(name: str) -> Callable[[Node], Results]:
    def apply(node: Node) -> Results:
        return (activated(node.data(), name),)

    return apply


def _leaky_relu(node: Node) -> Results:
    return (activated(node.data(), "leaky_relu", node.real("alpha", 0.01)),)


def _elu(node: Node) -> Results:
    alpha = node.real("alpha", 1.0)
    if alpha != 1:
        raise InputError(f"has alpha {alpha:g}, expected 1")
    return (activated(node.data(), "elu"),)


def _selu(node: Node) -> Results:
    alpha, gamma = node.real("alpha", ALPHAS["selu"]), node.real("gamma", SELU)
    if abs(alpha - ALPHAS["selu"]) > 1e-6 or abs(gamma - SELU) > 1e-6:
        raise InputError(f"has alpha {alpha:g} and gamma {gamma:g}, expected those of SELU")
    return (activated(node.data(), "selu"),)


def _hard_sigmoid(node: Node) -> Results:
    alpha, beta = (node.real(name, default) for name, default in onnx_layers.HARD_DEFAULTS)
    return (hard_sigmoid(node.data(), alpha, beta),)


def _clip(node: Node) -> Results:
    low, high = (
        float(node.constant(n)) if node.has(n) else node.real(name, default)
        for n, name, default in ((1, "min", -np.inf), (2, "max", np.inf))
    )
    if low == 0 and high >= np.finfo(np.float32).max:
        return (activated(node.data(), "relu"),)
    return (node.data().each(lambda form: clip(form, low, high)),)


def _softmax(name: str) -> Callable[[Node], Results]:
    def apply(node: Node) -> Results:
        data = node.data()
        old = node.opset < 13  # takes all axes from this one on
        axis = data.axis(node.number("axis", 1 if old else -1))
        along = [name for name in data.axes[axis : None if old else axis + 1] if name != "one"]
        if along != ["features"]:
            raise AxesError(f"works along {' and '.join(along) or 'one'} of {data.described()}")
        return (activated(data, name),)

    return apply


ROUNDING = (
    "DequantizeLinear",
    "DynamicQuantizeLSTM",
    "DynamicQuantizeLinear",
    "Quant",
    "QuantizeLinear",
)
"""Operators that round values while a file runs; the import takes the values as they are."""

OPERATORS: dict[str, Callable[[Node], Results]] = {
    **MOVING,
    **WINDOWS,
    "Add": _elementwise(Form.plus),
    "BatchNormalization": _batch_normalization,
    "Clip": _clip,
    "Div": _elementwise(_quotient),
    "DynamicQuantizeLSTM": onnx_layers.dynamic_quantize_lstm,
    "DynamicQuantizeLinear": _dynamic_quantize,
    "Elu": _elu,
    "GRU": onnx_layers.gru,
    "Gemm": _gemm,
    "HardSigmoid": _hard_sigmoid,
    "LSTM": onnx_layers.lstm,
    "LeakyRelu": _leaky_relu,
    "LogSoftmax": _softmax("log_softmax"),
    "MatMul": _matmul,
    "MatMulInteger": _matmul_integer,
    "Mul": _elementwise(Form.times),
    "Neg": _neg,
    "Quant": _quant,
    "RNN": onnx_layers.rnn,
    "Relu": _activation("relu"),
    "Selu": _selu,
    "Sigmoid": _activation("sigmoid"),
    "Softmax": _softmax("softmax"),
    "Sub": _elementwise(lambda a, b: a.plus(_negative(b))),
    "Sum": _sum,
    "Tanh": _activation("tanh"),
}
"""Supported operators: function from a node with its inputs to its outputs, by type."""
