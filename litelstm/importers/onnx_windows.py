"""ONNX operators over time: convolution, padding, pooling, reduction, repetition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from golden.errors import InputError
from litelstm.importers.onnx_axes import Results
from litelstm.importers.onnx_node import Node
from litelstm.importers.tensors import AxesError, Data
from litelstm.importers.windows import (
    Window,
    averaged,
    convolved,
    largest,
    padded,
    reduced,
)

PADS = {"VALID": (0, 0), "SAME_UPPER": "same", "SAME_LOWER": "same lower"}
"""Padding by the value of ``auto_pad``."""


def _window(node: Node, data: Data, kernel: Sequence[int]) -> tuple[Window, int]:
    """Return the window over the steps, and which of the kernel's axes it moves over."""
    if data.axes[1:2] != ("features",) or len(data.axes) != len(kernel) + 2:
        raise AxesError(f"moves over {data.described()}, expected (batch, features, steps)")
    spatial = data.axes[2:]
    if spatial.count("steps") != 1 or {*spatial} - {"steps", "one"}:
        raise AxesError(f"moves over {data.described()}, expected (batch, features, steps)")
    at = spatial.index("steps")
    if any(size != 1 for n, size in enumerate(kernel) if n != at):
        raise AxesError(f"has a kernel of {tuple(kernel)} over {data.described()}")
    count = len(kernel)
    pads = [int(n) for n in node.attributes.get("pads", [0] * 2 * count)]
    if any(pads[n] for n in range(2 * count) if n % count != at):
        raise InputError(f"pads {pads}, expected zeros for {spatial}")
    auto = str(node.attributes.get("auto_pad", "NOTSET"))
    strides, dilations = (
        node.attributes.get(name, [1] * count) for name in ("strides", "dilations")
    )
    window = Window(
        size=int(kernel[at]),
        stride=int(strides[at]),
        dilation=int(dilations[at]),
        pads=PADS.get(auto, (pads[at], pads[count + at])),
    )
    return window, at


def _conv(node: Node) -> Results:
    data, kernel = node.data(), node.constant(1).astype(np.float64)
    window, at = _window(node, data, kernel.shape[2:])
    weights = np.moveaxis(kernel, 2 + at, -1).reshape(*kernel.shape[:2], window.size)
    bias = node.constant(2).astype(np.float64) if node.has(2) else None
    return (convolved(data, weights, bias, window, node.number("group", 1)),)


def _pool(over: Callable[[Node, Data, Window], Data]) -> Callable[[Node], Results]:
    def apply(node: Node) -> Results:
        data = node.data()
        window, _ = _window(node, data, node.attributes["kernel_shape"])
        if node.number("ceil_mode", 0) and (len(data.forms) - window.span) % window.stride:
            raise InputError(
                f"pools {len(data.forms)} steps, and rounds up; expected a number of steps that "
                "its windows fill"
            )
        return (over(node, data, window),)

    return apply


def _average(node: Node, data: Data, window: Window) -> Data:
    return averaged(data, window, pads_count=bool(node.number("count_include_pad", 0)))


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
        if data.axes[place] not in ("one", "steps") or len(data.forms) != 1:
            raise InputError(f"repeats {data.axes[place]} {count} times")
        raise InputError(repeats(node, count))
    return (data,)


def repeats(node: Node, count: int) -> str:
    """Write why an operator that repeats a vector is refused."""
    places = f"--until {node.names[0]} and --from {node.outputs[0]}" if node.names else "two models"
    return (
        f"repeats one vector for {count} steps, as decoders read it, and a core reads a new one in "
        f"every step; import two networks, with {places}, and let a host feed the result of the "
        f"first to the second {count} times"
    )


WINDOWS: dict[str, Callable[[Node], Results]] = {
    "AveragePool": _pool(_average),
    "Conv": _conv,
    "GlobalAveragePool": _global("mean"),
    "GlobalMaxPool": _global("max"),
    "MaxPool": _pool(lambda node, data, window: largest(data, window)),
    "Pad": _pad,
    "ReduceMax": _reduce("max"),
    "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"),
    "Tile": _tile,
}
"""Operators, by type."""
