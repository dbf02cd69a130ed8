"""ONNX operators around recurrent layers, on tensors of forms.

Operators that move axes rename them, linear ones change forms, activations make atoms. An operator
that is not in ``OPERATORS`` is refused by name, unless all its inputs are constant.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from litelstm.importers import onnx_layers
from litelstm.importers.forms import Form, clip
from litelstm.importers.onnx_node import Node, Value
from litelstm.importers.tensors import AxesError, Data, as_data, combine, joined

HALF_TYPES = (10, 16)
"""float16 and bfloat16 in ``TensorProto.DataType``."""

FLOAT_TYPES = (1, 11, *HALF_TYPES)
"""float32, float64, and ``HALF_TYPES``."""

Results = tuple[Value, ...]


def _identity(node: Node) -> Results:
    return (node.data(),)


def _dropout(node: Node) -> Results:
    if node.has(2) and bool(node.constant(2)):
        raise InputError("training_mode is true, expected a network exported for inference")
    return (node.data(),)


def _cast(node: Node) -> Results:
    if node.number("to", 1) not in FLOAT_TYPES:
        raise InputError("casts the network's values to a type that is not a float")
    return (node.data(),)


def _transpose(node: Node) -> Results:
    data = node.data()
    order = node.attributes.get("perm") or range(len(data.axes) - 1, -1, -1)
    return (data.transposed([int(n) for n in order]),)


def _squeeze(node: Node) -> Results:
    return (node.data().squeezed(node.integers(1, "axes")),)


def _unsqueeze(node: Node) -> Results:
    return (node.data().unsqueezed(node.integers(1, "axes") or []),)


def _reshape(node: Node) -> Results:
    shape = node.integers(1, "shape") or []
    if node.number("allowzero", 0) and 0 in shape:
        raise InputError("makes an axis of size 0")
    return (node.data().reshaped(shape),)


def _flatten(node: Node) -> Results:
    data, axis = node.data(), node.number("axis", 1)
    axis = axis + len(data.axes) if axis < 0 else axis
    front = int(np.prod(data.shape[:axis], dtype=np.int64))
    return (data.reshaped([front, -1]),)


def _expand(node: Node) -> Results:
    return (node.data().repeated(node.integers(1, "shape") or []),)


def _shape(node: Node) -> Results:
    shape = node.data().shape
    start, end = node.number("start", 0), node.number("end", len(shape))
    return (np.array(shape[start:end], dtype=np.int64),)


def _gather(node: Node) -> Results:
    index = node.constant(1)
    if index.dtype.kind not in "iu":
        raise InputError(f"indices are {index.dtype}, expected integers")
    return (node.data().taken(node.number("axis", 0), index.astype(np.int64)),)


def _slice(node: Node) -> Results:
    data = node.data()
    starts, ends = node.integers(1, "starts"), node.integers(2, "ends")
    if starts is None or ends is None:
        raise InputError("has no starts or no ends")
    axes = node.integers(3, "axes") or list(range(len(starts)))
    steps = node.integers(4, "steps") or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        index = np.arange(data.shape[data.axis(axis)])[slice(start, end, step)]
        if step < 0:
            raise InputError(f"goes backwards along {data.axes[axis]}, expected forwards")
        data = data.taken(axis, index)
    return (data,)


def _split(node: Node) -> Results:
    data = node.data()
    axis = data.axis(node.number("axis", 0))
    size, parts = data.shape[axis], len(node.outputs)
    each = -(-size // parts)
    sizes = node.integers(1, "split") or [min(each, size - n * each) for n in range(parts)]
    ends = np.cumsum(sizes)
    if ends[-1] != size:
        raise InputError(f"splits {data.axes[axis]} of size {size} into {sizes}")
    ranges = (np.arange(end - n, end) for n, end in zip(sizes, ends, strict=True))
    return tuple(data.taken(axis, index) for index in ranges)


def _concat(node: Node) -> Results:
    like = next(value for value in node.inputs if isinstance(value, Data))
    axis = like.axis(node.number("axis", 0))
    parts = [v if isinstance(v, Data) else _beside(v, like, axis) for v in node.inputs]
    return (joined(parts, axis),)


def _beside(value: NDArray[np.generic] | None, like: Data, axis: int) -> Data:
    """Convert a constant for joining it with a tensor along ``axis``, where its size may differ."""
    if value is None or value.ndim != len(like.axes) or like.axes[axis] != "features":
        raise InputError(f"joins a constant with {like.described()}, expected one of features")
    blank = like.each(lambda _: Form({}, np.zeros(value.shape[axis])))
    return as_data(value, blank)


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
    return (_mapped(node.data(0), node.constant(1)),)


def _gemm(node: Node) -> Results:
    """Compute alpha A B + beta C; A may be a constant state, C the part of the sum over x."""
    if node.number("transA", 0):
        raise InputError("transA is 1, expected 0")
    matrix = node.constant(1).astype(np.float64) * node.real("alpha", 1.0)
    matrix = matrix.T if node.number("transB", 0) else matrix
    first = node.inputs[0]
    product: Value = (
        first @ matrix if isinstance(first, np.ndarray) else _mapped(node.data(), matrix)
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


def _mapped(data: Data, matrix: NDArray[np.generic]) -> Data:
    """Multiply by a matrix of shape (features, results)."""
    if not data.axes or data.axes[-1] != "features" or "directions" in data.axes:
        raise AxesError(f"multiplies {data.described()} by a matrix, expected features at the end")
    if matrix.ndim != 2 or matrix.shape[0] != data.features:
        raise InputError(
            f"weights are of shape {matrix.shape}, expected ({data.features}, any) for "
            f"{data.described()}"
        )
    rows = matrix.T.astype(np.float64)
    return data.each(lambda form: form.mapped(rows))


def _activation(kind: str) -> Callable[[Node], Results]:
    def apply(node: Node) -> Results:
        return (node.data().each(lambda form: form.apply(kind)),)

    return apply


def _hard_sigmoid(node: Node) -> Results:
    alpha, beta = (node.real(name, default) for name, default in onnx_layers.HARD_DEFAULTS)

    def change(form: Form) -> Form:
        scaled = form.scaled(np.full(form.size, alpha)).shifted(np.full(form.size, beta))
        return clip(scaled, 0.0, 1.0)

    return (node.data().each(change),)


def _clip(node: Node) -> Results:
    low, high = (
        float(node.constant(n)) if node.has(n) else node.real(name, default)
        for n, name, default in ((1, "min", -np.inf), (2, "max", np.inf))
    )
    return (node.data().each(lambda form: clip(form, low, high)),)


def _softmax(kind: str) -> Callable[[Node], Results]:
    def apply(node: Node) -> Results:
        data = node.data()
        axis = data.axis(node.number("axis", -1))
        if data.axes[axis] != "features" or axis != len(data.axes) - 1 or "directions" in data.axes:
            raise AxesError(f"works along {data.axes[axis]} of {data.described()}")
        return (data.each(lambda form: form.apply(kind)),)

    return apply


def _where(node: Node) -> Results:
    condition = node.constant(0).astype(bool)
    if condition.all() == condition.any():
        chosen = node.inputs[1 if condition.all() else 2]
        if chosen is not None:
            return (chosen,)
    raise InputError("chooses between values element by element")


OPERATORS: dict[str, Callable[[Node], Results]] = {
    "Add": _elementwise(Form.plus),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Div": _elementwise(_quotient),
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "GRU": onnx_layers.gru,
    "Gather": _gather,
    "Gemm": _gemm,
    "HardSigmoid": _hard_sigmoid,
    "Identity": _identity,
    "LSTM": onnx_layers.lstm,
    "LogSoftmax": _softmax("logsoftmax"),
    "MatMul": _matmul,
    "Mul": _elementwise(Form.times),
    "Neg": _neg,
    "RNN": onnx_layers.rnn,
    "Reshape": _reshape,
    "Shape": _shape,
    "Sigmoid": _activation("sigmoid"),
    "Slice": _slice,
    "Softmax": _softmax("softmax"),
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": _elementwise(lambda a, b: a.plus(_negative(b))),
    "Sum": _sum,
    "Tanh": _activation("tanh"),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
"""Supported operators: function from a node with its inputs to its outputs, by type."""
