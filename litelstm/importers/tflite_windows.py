"""Translation of TFLite's operators over time to ONNX's: the channels of TFLite come last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from litelstm.importers.tflite_node import Made, Operator

FIRST, LAST = [0, 3, 1, 2], [0, 2, 3, 1]
"""Orders that move the channels to the second axis, and back."""


def _moved(own: Operator, kind: str, inputs: list[str], attributes: dict[str, Any]) -> Made:
    """Put an operator of ONNX between two transpositions."""
    front, made = (f"{own.outputs[0]}/{name}" for name in ("first", "made"))
    pads = {0: "SAME_UPPER", 1: "VALID"}[own.options.Padding()]
    strides = [own.options.StrideH(), own.options.StrideW()]
    own_attributes = {**attributes, "auto_pad": pads, "strides": strides}
    inner = own.finished([(kind, [front, *inputs], own.outputs, own_attributes)])
    inner = [
        (name, [made if n == own.outputs[0] else n for n in reads], [made], told)
        if outputs == own.outputs
        else (name, reads, outputs, told)
        for name, reads, outputs, told in inner
    ]
    return [
        ("Transpose", own.inputs[:1], [front], {"perm": FIRST}),
        *inner,
        ("Transpose", [made], own.outputs, {"perm": LAST}),
    ]


def _convolution(own: Operator) -> Made:
    """Translate a kernel (results, height, width, channels)."""
    kernel = own.constant(1).transpose(0, 3, 1, 2)
    return _convolved(own, kernel, 1)


def _depthwise(own: Operator) -> Made:
    """Translate a kernel (1, height, width, results)."""
    kernel = own.constant(1).transpose(3, 0, 1, 2)
    return _convolved(own, kernel, own.shapes[0][-1])


def _convolved(own: Operator, kernel: np.ndarray, groups: int) -> Made:
    inputs = [own.new("kernel", kernel.astype(np.float32))]
    if own.has(2):
        inputs.append(own.new("bias", own.real(2, (len(kernel),))))
    options = own.options
    dilations = [max(1, options.DilationHFactor()), max(1, options.DilationWFactor())]
    return _moved(own, "Conv", inputs, {"dilations": dilations, "group": groups})


def _pool(kind: str) -> Callable[[Operator], Made]:
    def translate(own: Operator) -> Made:
        shape = [own.options.FilterHeight(), own.options.FilterWidth()]
        return _moved(own, kind, [], {"kernel_shape": shape})

    return translate


def _reduce(kind: str) -> Callable[[Operator], Made]:
    def translate(own: Operator) -> Made:
        axes = own.new("axes", np.array(own.integers(1), dtype=np.int64))
        keep = {"keepdims": int(own.options.KeepDims())}
        if kind == "ReduceSum":
            return [(kind, [own.inputs[0], axes], own.outputs, keep)]
        return [(kind, own.inputs[:1], own.outputs, {**keep, "axes": own.integers(1)})]

    return translate


def _pad(own: Operator) -> Made:
    pads = own.constant(1).astype(np.int64).T.ravel()
    return [("Pad", [own.inputs[0], own.new("pads", pads)], own.outputs, {})]


WINDOWS: dict[str, Callable[[Operator], Made]] = {
    "AVERAGE_POOL_2D": _pool("AveragePool"),
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "MAX_POOL_2D": _pool("MaxPool"),
    "MEAN": _reduce("ReduceMean"),
    "PAD": _pad,
    "REDUCE_MAX": _reduce("ReduceMax"),
    "SUM": _reduce("ReduceSum"),
}
"""Function that translates an operator, by its name."""
