"""Operations of all tools on tensors of forms: dense maps, activations, affine maps, reductions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from golden.cells import Floats
from golden.errors import InputError
from litelstm.importers.axes import FLAT
from litelstm.importers.forms import ACTIVATIONS, Atom, Form, clip, stacked
from litelstm.importers.joining import as_data, combine
from litelstm.importers.recurrent import Outputs
from litelstm.importers.tensors import AxesError, Data

SLOPES = tuple(2.0**-n for n in range(1, 8))
"""Slopes of a leaky ReLU below 0 that a layer can have."""

PARTS = (
    "import the recurrent part alone (of an ONNX file with --from and --until) and compute the "
    "rest on a host"
)

COMPARED = (
    "compares values, as masking does; leave it out, and end each sequence where its steps end"
)
WHY = {
    "conv": "works along the last axis, a recurrent layer along the one before; import a module "
    "with a forward of its own, or an ONNX file",
    "transpose": f"gives more steps than it reads; {PARTS}",
    "upsampling": f"gives more steps than it reads; {PARTS}",
    "attention": f"reads all steps at once; {PARTS}",
    "equal": COMPARED,
    "greater": COMPARED,
    "less": COMPARED,
    "embedding": "looks up a table; a core reads vectors: look it up on a host, and import the "
    "layers behind it alone (of an ONNX file with --from)",
    "layernormalization": "divides by what depends on the data; train with batch normalization, "
    "which becomes weights",
    "groupnormalization": "divides by what depends on the data; train with batch normalization, "
    "which becomes weights",
    "pow": "is of the data, as in layer normalization; train with batch normalization, which "
    "becomes weights",
    "sqrt": "is of the data, as in layer normalization; train with batch normalization, which "
    "becomes weights",
    "loop": f"is control flow; export with a fixed number of steps, unrolled, or {PARTS}",
    "scan": f"is control flow; export with a fixed number of steps, unrolled, or {PARTS}",
    "while": f"is control flow; convert with unroll=True, or to the fused operator, or {PARTS}",
    "if": f"is control flow; export one branch alone, or {PARTS}",
    "masking": "skips steps by their values; leave it out, and end each sequence where its steps "
    "end: a core's sequence may have any number of steps",
    "multiply": "multiplies vectors; cells do so inside alone",
    "lambda": "holds code, which is not executed; write it with layers",
}
"""Operations that are refused: why, and what to do instead. Names without digits at the end."""

SELU = 1.0507009873554805
"""Factor of SELU, which goes to what reads the result."""

WITHOUT = {
    "gelu": "relu",
    "silu": "relu6",
    "swish": "relu6",
    "mish": "relu6",
    "softplus": "relu",
    "softsign": "tanh",
    "exponential": "relu",
    "prelu": "leaky_relu with one slope of 1/128 to 1/2",
}
"""Activations that no layer has, with one to train with instead."""


def mapped(data: Data, matrix: NDArray[np.generic]) -> Data:
    """Multiply by a matrix of shape (features, results)."""
    if data.axes and data.axes[-1] in FLAT:
        return _mapped_flat(data, matrix)
    if not data.axes or data.axes[-1] != "features" or "directions" in data.axes or data.bins > 1:
        raise AxesError(f"multiplies {data.described()} by a matrix, expected features at the end")
    if matrix.ndim != 2 or matrix.shape[0] != data.features:
        raise InputError(
            f"weights are of shape {matrix.shape}, expected ({data.features}, any) for "
            f"{data.described()}"
        )
    rows = matrix.T.astype(np.float64)
    return data.each(lambda form: form.mapped(rows))


def _mapped_flat(data: Data, matrix: NDArray[np.generic]) -> Data:
    """Multiply all steps' features, side by side, by a matrix."""
    steps, size = len(data.forms), data.features
    if matrix.ndim != 2 or matrix.shape[0] != steps * size:
        raise InputError(
            f"weights are of shape {matrix.shape}, expected ({steps * size}, any) for "
            f"{data.described()}"
        )
    shape = (steps, size, -1) if data.axes[-1] == FLAT[0] else (size, steps, -1)
    blocks = matrix.astype(np.float64).reshape(shape)
    blocks = blocks if data.axes[-1] == FLAT[0] else blocks.swapaxes(0, 1)
    parts = [form.mapped(block.T) for form, block in zip(data.forms, blocks, strict=True)]
    return Data((*data.axes[:-1], "features"), (reduce(Form.plus, parts),), data.batch)


def affine(data: Data, scale: Floats, offset: Floats) -> Data:
    """Multiply by a vector and add one, feature by feature."""
    if data.axes[-1:] != () and data.axes[-1] in FLAT:
        scales, offsets = (as_data(np.asarray(value), data) for value in (scale, offset))
        return combine(combine(data, scales, Form.times), offsets, Form.plus)
    if data.axes[-1:] != ("features",) or "directions" in data.axes:
        raise AxesError(f"scales {data.described()}, expected features at the end")
    scale, offset = (
        np.repeat(np.broadcast_to(v, data.features), data.bins) for v in (scale, offset)
    )
    return data.each(lambda form: form.scaled(scale).shifted(offset))


def activated(data: Data, name: str, slope: float | None = None) -> Data:
    """Apply an activation by its usual name.

    Args:
        data: the tensor.
        name: ``linear``, ``relu``, ``relu6``, ``leaky_relu``, ``tanh``, ``sigmoid``, ``elu``,
            ``selu``, ``softmax``, ``log_softmax``, ``hard_tanh``.
        slope: slope of ``leaky_relu`` below 0.

    Raises:
        InputError: no layer has it; the message names another one.
    """
    kind = name.replace("_", "").lower()
    if kind in ("linear", "none", "identity"):
        return data
    if kind == "relu6":
        return data.each(lambda form: clip(form, 0.0, 6.0))
    if kind == "hardtanh":
        return data.each(lambda form: clip(form, -1.0, 1.0))
    if kind == "leakyrelu" and slope is not None:
        if slope not in SLOPES:
            raise InputError(
                f"is a leaky ReLU of slope {slope:.6g}, expected a power of two from 1/2 to 1/128"
            )
        return data.each(lambda form: form.apply("leaky", slope))
    if kind in ("softmax", "logsoftmax"):
        if data.axes[-1:] != ("features",) or "directions" in data.axes:
            raise AxesError(f"is a {name} of {data.described()}, expected features at the end")
        return data.each(lambda form: form.apply(kind))
    if kind in ACTIVATIONS:
        scale = SELU if kind == "selu" else 1.0
        return data.each(lambda form: form.apply(kind).scaled(np.full(form.size, scale)))
    instead = WITHOUT.get(kind, "relu, tanh or sigmoid")
    raise InputError(f"is {name}, an activation that no layer here has; train with {instead}")


def refusal(name: str) -> InputError:
    """Make the error for an operation that is not known; its kind and place stand before."""
    word = name.lower().replace("_", "").rstrip("123d")
    if word in WITHOUT:
        return InputError(f"is an activation that no layer here has; train with {WITHOUT[word]}")
    known = max((key for key in WHY if word.endswith(key)), key=len, default=None)
    return InputError(WHY[known] if known else f"is not known here; {PARTS}")


def hard_sigmoid(data: Data, alpha: float, beta: float) -> Data:
    """Apply clip(alpha a + beta, 0, 1)."""

    def change(form: Form) -> Form:
        scaled = form.scaled(np.full(form.size, alpha)).shifted(np.full(form.size, beta))
        return clip(scaled, 0.0, 1.0)

    return data.each(change)


def features(data: Data, outputs: Outputs, *, steps: bool, final: bool = False) -> Data:
    """Make the tensor (batch, steps, features) of a recurrent layer, directions side by side.

    Args:
        data: what the layer read, with these axes.
        outputs: its results.
        steps: all steps; otherwise one.
        final: the final h of each direction instead of that of the last step.
    """
    if steps:
        forms = tuple(stacked(forms) for forms in zip(*outputs.steps, strict=True))
        return Data(data.axes, forms, data.batch)
    one = outputs.h if final else tuple(forms[-1] for forms in outputs.steps)
    axes = tuple(axis for axis in data.axes if axis != "steps")
    return Data(axes, (stacked(one),), data.batch)


def sequence(inputs: int, steps: int, axes: Sequence[str], batch: int = 1) -> Data:
    """Make the tensor of a network's input."""
    forms = tuple(Atom("input", inputs, time).form for time in range(steps))
    return Data(tuple(axes), forms, batch)


def pooled(data: Data, kind: str, *, keep: bool = False) -> Data:
    """Compute the ``mean``, ``sum`` or ``max`` over the steps; ``keep`` leaves an axis of 1."""
    if data.axes.count("steps") != 1 or "directions" in data.axes:
        raise AxesError(f"pools over {data.described()}, expected an axis of steps")
    place = data.axes.index("steps")
    one = data.forms
    if len(one) > 1:
        time = max(form.time for form in one)
        one = (Atom("pool", one[0].size, time, one, tag=kind).form,)
    axes = (*data.axes[:place], *("one",) * keep, *data.axes[place + 1 :])
    return Data(axes, one, data.batch)


def reduced(data: Data, places: Sequence[int] | None, kind: str, *, keep: bool) -> Data:
    """Compute the ``mean``, ``sum`` or ``max`` over axes: steps, features, directions."""
    wanted = sorted({data.axis(n) for n in (range(len(data.axes)) if places is None else places)})
    names = [data.axes[n] for n in wanted]
    left = [name for name in names if name != "one"]
    if left == ["steps"]:
        made = pooled(data, kind, keep=True)
    elif left == ["features"] and kind != "max" and "directions" not in data.axes:
        row = np.full((1, data.features), 1 / data.features if kind == "mean" else 1.0)
        made = data.each(lambda form: form.mapped(row))
    elif left == ["directions"] and kind != "max":
        both = np.hstack([np.eye(data.features)] * 2) / (2 if kind == "mean" else 1)
        axes = tuple("one" if axis == "directions" else axis for axis in data.axes)
        made = Data(axes, tuple(form.mapped(both) for form in data.forms), data.batch)
    elif not left:
        made = data
    else:
        raise AxesError(f"takes the {kind} over {', '.join(left)} of {data.described()}")
    if keep:
        return made
    axes = tuple(name for n, name in enumerate(made.axes) if n not in wanted)
    return Data(axes, made.forms, made.batch)
