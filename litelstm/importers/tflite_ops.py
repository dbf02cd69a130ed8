"""Translation of TFLite's operators to ONNX's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from litelstm.importers.tflite_node import FUSED, Made, Operator
from litelstm.importers.tflite_windows import WINDOWS

FLOAT, INT32, INT64 = 1, 6, 7
"""Types of ONNX."""

CONVERTER_CLIP = 10
"""Limit of c that TFLite's converter adds by itself; a trained network hardly reaches it."""


def _same(kind: str) -> Callable[[Operator], Made]:
    """Translate to an operator with the same inputs, and perhaps an activation."""

    def translate(own: Operator) -> Made:
        made: Made = [(kind, own.inputs, own.outputs, {})]
        fused = kind in ("Add", "Sub", "Mul", "Div")
        return own.finished(made) if fused else made

    return translate


def _first(kind: str, **attributes: Any) -> Callable[[Operator], Made]:
    """Translate to an operator that has the first input alone."""
    return lambda own: [(kind, own.inputs[:1], own.outputs, attributes)]


def _fully_connected(own: Operator) -> Made:
    own.expect(WeightsFormat=0)
    weights = own.constant(1).astype(np.float32)
    made: Made = []
    x, rank = own.inputs[0], len(own.shapes[0])
    if len(own.shape) != rank or own.shapes[0][-1] != weights.shape[1]:
        shape = own.new("shape", np.array([-1, weights.shape[1]]))
        made.append(("Reshape", [x, shape], [f"{own.outputs[0]}/flat"], {}))
        x = f"{own.outputs[0]}/flat"
    product = f"{own.outputs[0]}/product" if own.has(2) else own.outputs[0]
    made.append(("MatMul", [x, own.new("weights", weights.T)], [product], {}))
    if own.has(2):
        bias = own.new("bias", own.real(2, ()))
        made.append(("Add", [product, bias], own.outputs, {}))
    return own.finished(made)


def _lstm(own: Operator) -> Made:
    """Translate UNIDIRECTIONAL_SEQUENCE_LSTM, whose gates are i, f, c, o; ONNX has i, o, f, c."""
    if own.has(16):
        raise own.refused("projects its h; import PyTorch's state dict, or train without")
    if any(own.has(n) for n in range(20, 24)):
        raise own.refused("normalizes its sums; train without layer normalization")
    if not own.has(1):
        raise own.refused("couples its input and forget gates; train with both")
    if own.options.FusedActivationFunction() != 4:
        raise own.refused("has another activation than tanh")
    clip = own.options.CellClip()
    if clip and clip < CONVERTER_CLIP:
        raise own.refused(
            f"clips c to {clip:.6g}; train without, c saturates by its number of bits"
        )
    if clip:
        own.notes.append(f"the file clips c to {clip:.6g} and less, the network does not")
    order = (0, 3, 1, 2)
    x, h = (np.concatenate([own.real(first + n, ()) for n in order])[None] for first in (1, 5))
    units = h.shape[2]
    bias = np.concatenate([own.real(12 + n, (units,)) for n in order])
    inputs = ["", own.new("W", x), own.new("R", h), ""]
    inputs[3] = own.new("B", np.concatenate([bias, np.zeros_like(bias)])[None])
    if own.has(9) or own.has(10):
        peepholes = [own.real(n, (units,)) for n in (9, 11, 10)]
        inputs += ["", "", "", own.new("P", np.concatenate(peepholes)[None])]
    return _sequence(own, "LSTM", inputs, units)


def _rnn(own: Operator) -> Made:
    """Translate UNIDIRECTIONAL_SEQUENCE_RNN."""
    activation = FUSED.get(own.options.FusedActivationFunction())
    if activation not in ("Tanh", "Relu"):
        raise own.refused("has another activation than tanh or ReLU")
    x, h = own.real(1, ())[None], own.real(2, ())[None]
    bias = own.real(3, (h.shape[1],))
    inputs = ["", own.new("W", x), own.new("R", h)]
    inputs.append(own.new("B", np.concatenate([bias, np.zeros_like(bias)])[None]))
    return _sequence(own, "RNN", inputs, h.shape[1], activations=[activation])


def _sequence(own: Operator, kind: str, inputs: list[str], units: int, **more: Any) -> Made:
    """Make a recurrent operator, with the axes of a TFLite sequence around it."""
    major, name = own.options.TimeMajor(), own.outputs[0]
    made: Made = []
    inputs[0] = own.inputs[0] if major else f"{name}/turned"
    if not major:
        made.append(("Transpose", [own.inputs[0]], [inputs[0]], {"perm": [1, 0, 2]}))
    made.append((kind, inputs, [f"{name}/all"], {"hidden_size": units, **more}))
    axes = own.new("axes", np.array([1]))
    steps = name if major else f"{name}/steps"
    made.append(("Squeeze", [f"{name}/all", axes], [steps], {}))
    if not major:
        made.append(("Transpose", [steps], [name], {"perm": [1, 0, 2]}))
    return made


def _reshape(own: Operator) -> Made:
    shape = own.integers(1) if own.has(1) and own.values[1] is not None else own.shape
    return [("Reshape", [own.inputs[0], own.new("shape", np.array(shape))], own.outputs, {})]


def _squeeze(own: Operator) -> Made:
    return [("Reshape", [own.inputs[0], own.new("shape", np.array(own.shape))], own.outputs, {})]


def _transpose(own: Operator) -> Made:
    return [("Transpose", own.inputs[:1], own.outputs, {"perm": own.integers(1)})]


def _strided_slice(own: Operator) -> Made:
    """Translate a slice with masks: whole axes, and axes that fall away."""
    starts, ends, steps = (own.integers(n) for n in (1, 2, 3))
    options = own.options
    own.expect(EllipsisMask=0, NewAxisMask=0, Offset=False)
    gone = [n for n in range(len(starts)) if options.ShrinkAxisMask() >> n & 1]
    for n, size in enumerate(own.shapes[0][: len(starts)]):
        if n in gone:
            starts[n] %= size
            ends[n], steps[n] = starts[n] + 1, 1
            continue
        if options.BeginMask() >> n & 1:
            starts[n] = 0 if steps[n] > 0 else size - 1
        if options.EndMask() >> n & 1:
            ends[n] = size if steps[n] > 0 else -size - 1
    axes = list(range(len(starts)))
    named = [
        own.new(n, np.array(v))
        for n, v in (("starts", starts), ("ends", ends), ("axes", axes), ("steps", steps))
    ]
    if not gone:
        return [("Slice", [own.inputs[0], *named], own.outputs, {})]
    part = f"{own.outputs[0]}/part"
    squeezed = own.new("gone", np.array(gone))
    return [
        ("Slice", [own.inputs[0], *named], [part], {}),
        ("Squeeze", [part, squeezed], own.outputs, {}),
    ]


def _slice(own: Operator) -> Made:
    starts, sizes = own.integers(1), own.integers(2)
    ends = [
        whole if size < 0 else start + size
        for start, size, whole in zip(starts, sizes, own.shapes[0], strict=True)
    ]
    named = [own.new(n, np.array(v)) for n, v in (("starts", starts), ("ends", ends))]
    return [("Slice", [own.inputs[0], *named], own.outputs, {})]


def _split(own: Operator) -> Made:
    axis = own.integers(0)[0]
    return [("Split", [own.inputs[1]], own.outputs, {"axis": axis})]


def _split_v(own: Operator) -> Made:
    sizes, axis = own.new("sizes", np.array(own.integers(1))), own.integers(2)[0]
    return [("Split", [own.inputs[0], sizes], own.outputs, {"axis": axis})]


def _concatenation(own: Operator) -> Made:
    return own.finished([("Concat", own.inputs, own.outputs, {"axis": own.options.Axis()})])


def _pack(own: Operator) -> Made:
    axis = own.options.Axis()
    axes = own.new("axes", np.array([axis]))
    parts = [f"{own.outputs[0]}/part{n}" for n in range(len(own.inputs))]
    pairs = zip(own.inputs, parts, strict=True)
    made: Made = [("Unsqueeze", [name, axes], [part], {}) for name, part in pairs]
    return [*made, ("Concat", parts, own.outputs, {"axis": axis})]


def _unpack(own: Operator) -> Made:
    axis = own.options.Axis()
    axes = own.new("axes", np.array([axis]))
    parts = [f"{name}/part" for name in own.outputs]
    made: Made = [("Split", own.inputs[:1], parts, {"axis": axis})]
    return made + [
        ("Squeeze", [part, axes], [name], {}) for part, name in zip(parts, own.outputs, strict=True)
    ]


def _gather(own: Operator) -> Made:
    own.expect(BatchDims=0)
    index = own.inputs[1]
    if own.values[1] is not None:
        index = own.new("index", own.constant(1).astype(np.int64))
    return [("Gather", [own.inputs[0], index], own.outputs, {"axis": own.options.Axis()})]


def _cast(own: Operator) -> Made:
    whole = own.options is None or own.options.OutDataType() != 0  # a type that is not float
    return [("Cast", own.inputs, own.outputs, {"to": INT32 if whole else FLOAT})]


def _reverse(own: Operator) -> Made:
    axes = own.integers(1)
    named = [
        own.new(n, np.array(v))
        for n, v in (
            ("starts", [-1] * len(axes)),
            ("ends", [-own.shapes[0][n] - 1 for n in axes]),
            ("axes", axes),
            ("steps", [-1] * len(axes)),
        )
    ]
    return [("Slice", [own.inputs[0], *named], own.outputs, {})]


def _clip(low: float, high: float) -> Callable[[Operator], Made]:
    def translate(own: Operator) -> Made:
        limits = [own.new(n, np.float32(v)) for n, v in (("low", low), ("high", high))]
        return [("Clip", [own.inputs[0], *limits], own.outputs, {})]

    return translate


def _batch_matmul(own: Operator) -> Made:
    if own.options and (own.options.AdjX() or own.options.AdjY()):
        raise own.refused("transposes what it multiplies")
    return [("MatMul", own.inputs, own.outputs, {})]


def _shape(own: Operator) -> Made:
    """Give a shape as 32-bit integers, like everything that is computed from it."""
    wide = f"{own.outputs[0]}/wide"
    narrow = {"to": INT32}
    return [("Shape", own.inputs, [wide], {}), ("Cast", [wide], own.outputs, narrow)]


def _fill(own: Operator) -> Made:
    wide = f"{own.outputs[0]}/wide"
    return [
        ("Cast", own.inputs[:1], [wide], {"to": INT64}),
        ("Expand", [own.inputs[1], wide], own.outputs, {}),
    ]


def _softmax(own: Operator) -> Made:
    own.expect(Beta=1)
    return [("Softmax", own.inputs, own.outputs, {"axis": -1})]


def _leaky_relu(own: Operator) -> Made:
    return [("LeakyRelu", own.inputs[:1], own.outputs, {"alpha": own.options.Alpha()})]


TRANSLATIONS: dict[str, Callable[[Operator], Made]] = {
    **WINDOWS,
    "ADD": _same("Add"),
    "BATCH_MATMUL": _batch_matmul,
    "CAST": _cast,
    "CONCATENATION": _concatenation,
    "DEQUANTIZE": _first("Identity"),
    "DIV": _same("Div"),
    "EXPAND_DIMS": _squeeze,
    "FILL": _fill,
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": _gather,
    "ELU": _first("Elu"),
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _first("Sigmoid"),
    "LOG_SOFTMAX": _first("LogSoftmax", axis=-1),
    "MUL": _same("Mul"),
    "NEG": _first("Neg"),
    "PACK": _pack,
    "QUANTIZE": _first("Identity"),
    "RELU": _first("Relu"),
    "RELU6": _clip(0.0, 6.0),
    "RELU_N1_TO_1": _clip(-1.0, 1.0),
    "RESHAPE": _reshape,
    "REVERSE_V2": _reverse,
    "SHAPE": _shape,
    "SLICE": _slice,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "SUB": _same("Sub"),
    "TANH": _first("Tanh"),
    "TRANSPOSE": _transpose,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _rnn,
    "UNPACK": _unpack,
}
"""Function that translates an operator, by its name."""
