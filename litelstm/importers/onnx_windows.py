"""ONNX operators over time: convolution, padding, pooling, reduction, repetition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from golden.errors import InputError
from litelstm.importers.axes import BINS
from litelstm.importers.onnx_axes import Results
from litelstm.importers.onnx_node import Node
from litelstm.importers.operations import reduced
from litelstm.importers.tensors import AxesError, Data
from litelstm.importers.windows import (
    ALONE,
    Window,
    averaged,
    convolved,
    largest,
    padded,
)

PADS = {"VALID": (0, 0), "SAME_UPPER": "same", "SAME_LOWER": "same lower"}
"""Padding by the value of ``auto_pad``."""


def _windows(node: Node, data: Data, kernel: Sequence[int]) -> dict[str, tuple[int, Window]]:
    """Return the windows over ``steps`` and ``bins``, and which of the kernel's axes each is."""
    if data.axes[1:2] != ("features",) or len(data.axes) != len(kernel) + 2:
        raise AxesError(f"moves over {data.described()}, expected (batch, features, steps)")
    count, spatial = len(kernel), [axis.rstrip("0123456789") for axis in data.axes[2:]]
    if spatial.count("steps") != 1 or {*spatial} - {"steps", "one", BINS}:
        raise AxesError(f"moves over {data.described()}, expected (batch, features, steps)")
    pads = [int(n) for n in node.attributes.get("pads", [0] * 2 * count)]
    auto = str(node.attributes.get("auto_pad", "NOTSET"))
    ones = [1] * count
    strides, dilations = (node.attributes.get(name, ones) for name in ("strides", "dilations"))
    found: dict[str, tuple[int, Window]] = {}
    for n, axis in enumerate(spatial):
        both = pads[n], pads[count + n]
        if axis == "one" and (kernel[n] != 1 or any(both)):
            raise AxesError(f"has a kernel of {tuple(kernel)} over {data.described()}")
        window = Window(
            size=int(kernel[n]),
            stride=int(strides[n]),
            dilation=int(dilations[n]),
            pads=PADS.get(auto, both),
        )
        found[axis] = n, window
    return found


def _conv(node: Node) -> Results:
    data, kernel = node.data().spectrogram(), node.constant(1).astype(np.float64)
    windows = _windows(node, data, kernel.shape[2:])
    alone = (-1, ALONE)
    (at, window), (beside, over) = windows["steps"], windows.get(BINS, alone)
    order = [0, 1, 2 + at, *([2 + beside] if beside >= 0 else [])]
    rest = [n for n in range(kernel.ndim) if n not in order]
    weights = kernel.transpose([*order, *rest]).reshape(*(kernel.shape[n] for n in order))
    bias = node.constant(2).astype(np.float64) if node.has(2) else None
    groups = node.number("group", 1)
    return (convolved(data, weights, bias, window, groups=groups, over=over),)


def _pool(pool: Callable[[Node, Data, Window, Window], Data]) -> Callable[[Node], Results]:
    def apply(node: Node) -> Results:
        data = node.data().spectrogram()
        windows = _windows(node, data, node.attributes["kernel_shape"])
        _, window = windows["steps"]
        _, over = windows.get(BINS, (-1, ALONE))
        if node.number("ceil_mode", 0) and (len(data.forms) - window.span) % window.stride:
            raise InputError(
                f"pools {len(data.forms)} steps, and rounds up; expected a number of steps that "
                "its windows fill"
            )
        return (pool(node, data, window, over),)

    return apply


def _average(node: Node, data: Data, window: Window, over: Window) -> Data:
    counts = bool(node.number("count_include_pad", 0))
    return averaged(data, window, pads_count=counts, over=over)


def _largest(node: Node, data: Data, window: Window, over: Window) -> Data:
    return largest(data, window, over=over)


def _global(kind: str) -> Callable[[Node], Results]:
    def apply(node: Node) -> Results:
        data = node.data()
        if data.axes[1:2] != ("features",):
            raise AxesError(f"pools {data.described()}, expected (batch, features, steps)")
        return (reduced(data, range(2, len(data.axes)), kind, keep=True),)

    return apply


def _reduce(kind: str) -> Callable[[Node], Results]:
    def apply(node: Node) -> Results:
        axes = node.integers(1, "axes")
        if not axes and node.number("noop_with_empty_axes", 0):
            return (node.data(),)
        return (reduced(node.data(), axes or None, kind, keep=bool(node.number("keepdims", 1))),)

    return apply


def _pad(node: Node) -> Results:
    data, mode = node.data(), str(node.attributes.get("mode", "constant"))
    pads = node.integers(1, "pads") or []
    value = float(node.constant(2)) if node.has(2) else node.real("value", 0.0)
    if mode != "constant" or value:
        raise InputError(f"pads with {value if mode == 'constant' else mode}, expected zeros")
    axes = node.integers(3, "axes") or list(range(len(data.axes)))
    for n, axis in enumerate(axes):
        front, behind = pads[n], pads[len(axes) + n]
        if not (front or behind):
            continue
        if data.axes[data.axis(axis)] != "steps":
            raise AxesError(f"pads axis {axis} of {data.described()}, expected steps")
        data = padded(data, front, behind)
    return (data,)


def _tile(node: Node) -> Results:
    data, times = node.data(), node.integers(1, "repeats") or []
    for place, count in enumerate(times):
        if count == 1:
            continue
        data = data.tiled(place, count)
    return (data,)


WINDOWS: dict[str, Callable[[Node], Results]] = {
    "AveragePool": _pool(_average),
    "Conv": _conv,
    "GlobalAveragePool": _global("mean"),
    "GlobalMaxPool": _global("max"),
    "MaxPool": _pool(_largest),
    "Pad": _pad,
    "ReduceMax": _reduce("max"),
    "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"),
    "Tile": _tile,
}
"""Operators, by type."""
