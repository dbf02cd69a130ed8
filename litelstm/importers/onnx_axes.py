"""ONNX operators that move axes, steps or features: they rename axes and reorder forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from litelstm.importers.forms import Form
from litelstm.importers.indices import is_index, looked_up
from litelstm.importers.joining import as_data, joined
from litelstm.importers.onnx_node import Node, Value
from litelstm.importers.operations import refusal
from litelstm.importers.tensors import AxesError, Data

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
    if node.number("to", 1) not in FLOAT_TYPES and not is_index(node.data()):
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


def _size(node: Node) -> Results:
    return (np.array(np.prod(node.data().shape), dtype=np.int64),)


def _gather(node: Node) -> Results:
    if isinstance(node.inputs[0], np.ndarray) and node.number("axis", 0) == 0:
        return (looked_up(node.data(1), node.inputs[0]),)
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
        data = data.taken(axis, index)
    return (data,)


def _split(node: Node) -> Results:
    data = node.data()
    axis = data.axis(node.number("axis", 0))
    size, parts = data.shape[axis], len(node.outputs)
    each = -(-size // parts)
    sizes = node.integers(1, "split") or [min(each, size - n * each) for n in range(parts)]
    ends = np.cumsum(sizes)
    if ends[-1] != size and data.axes[axis] == "steps":
        raise InputError(
            f"is written out for {ends[-1]} steps, and reads {size}; export with a fixed number of "
            "steps, or by a recurrent operator"
        )
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


def _reverse_sequence(node: Node) -> Results:
    data, lengths = node.data(), node.constant(1)
    axis = data.axis(node.number("time_axis", 0))
    if data.axes[axis] != "steps" or (lengths != data.shape[axis]).any():
        raise AxesError(
            f"turns {lengths.tolist()[:4]} along {data.axes[axis]} of {data.described()}, expected "
            "all steps"
        )
    return (data.taken(axis, np.arange(data.shape[axis])[::-1]),)


def _less(node: Node) -> Results:
    """Compare an index with 0, as Keras does to count from a table's end: it never is below."""
    if isinstance(node.inputs[0], Data) and is_index(node.data()) and node.constant(1) == 0:
        return (np.zeros(node.data().shape, dtype=bool),)
    raise refusal(node.op)


def _where(node: Node) -> Results:
    condition = node.constant(0).astype(bool)
    if condition.all() == condition.any():
        chosen = node.inputs[1 if condition.all() else 2]
        if chosen is not None:
            return (chosen,)
    raise InputError("chooses between values element by element")


MOVING: dict[str, Callable[[Node], Results]] = {
    "Cast": _cast,
    "Concat": _concat,
    "DequantizeLinear": _identity,
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Identity": _identity,
    "Less": _less,
    "QuantizeLinear": _identity,
    "Reshape": _reshape,
    "ReverseSequence": _reverse_sequence,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
"""Operators, by type."""
