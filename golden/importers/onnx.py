"""ONNX files: the graph is followed from its input to its one output.

Recurrent operators become layers (:mod:`golden.importers.onnx_layers`), and so do loops that an
exporter unrolled (:mod:`golden.importers.unrolled`); a file with unrolled loops is run by ONNX's
reference evaluator and must give the imported network's results.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import Floats
from golden.errors import InputError
from golden.importers import packages
from golden.importers.forms import Form
from golden.importers.layers import Chain, Imported
from golden.importers.onnx_graph import Graph
from golden.importers.tensors import AxesError
from golden.importers.unrolled import read_layer
from golden.network import Layer, Network

ENDS = {"softmax": "Softmax", "logsoftmax": "LogSoftmax", "sigmoid": "Sigmoid"}
"""What may stand behind the head and is left out."""

LAYOUTS = {
    2: (("steps", "features"),),
    3: (("batch", "steps", "features"), ("steps", "batch", "features")),
}
"""What the axes of an input may mean, by their number."""

PROBES = (5, 8)
"""Numbers of steps with which a graph of free length is followed; both must give one network."""

CHECK_TOLERANCE = 1e-4
"""How far a file's results, in float32, may be from the imported network's."""


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What one way through the graph gave: a network, its end, whether loops were unrolled."""

    network: Network
    end: str | None
    unrolled: bool


def load(path: str | Path) -> Imported:
    """Import an ``.onnx`` file.

    Raises:
        InputError: it cannot be read, or something in it cannot be mapped; the line names file
            and operator.
    """
    try:
        return convert(_load_model(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def convert(model: Any) -> Imported:
    """Import an ``onnx.ModelProto``.

    Raises:
        InputError: something in it cannot be mapped.
    """
    graph = Graph(model)
    axes, reading = _read_any_layout(graph)
    if reading.unrolled:
        _compare(model, graph, axes, reading)
    notes = []
    if axes[0] == "steps" and len(axes) == 3:
        notes.append("the file reads (steps, batch, inputs), the network (batch, steps, inputs)")
    if reading.unrolled:
        notes.append("unrolled loops became layers; the file's results are the network's")
    if reading.end:
        notes.append(f"{ENDS[reading.end]} at the end is left out: the output is its argument")
    return Imported(network=reading.network, notes=tuple(notes))


def _load_model(path: str | Path) -> Any:
    onnx = packages.load("onnx")
    try:
        model = onnx.load(path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from None
    except Exception as error:
        if type(error).__name__ == "ValidationError":  # weights in a file that is not there
            raise InputError(f"cannot be read: {_line(error)}") from None
        raise InputError("is not a readable ONNX file (foreign, damaged or cut short)") from None
    try:
        onnx.checker.check_model(model)
        return onnx.inliner.inline_local_functions(model) if model.functions else model
    except Exception as error:
        raise InputError(f"is not a valid ONNX model: {_line(error)}") from None


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _read_any_layout(graph: Graph) -> tuple[tuple[str, ...], _Reading]:
    """The network, whichever of batch and steps comes first in the input."""
    rank = len(graph.sizes)
    if rank not in LAYOUTS:
        raise InputError(
            f"input {graph.input} has {rank} axes, expected 3 (batch, steps, features)"
        )
    refused: AxesError | None = None
    for axes in LAYOUTS[rank]:
        try:
            return axes, _read_any_length(graph, axes)
        except AxesError as error:
            refused = refused or error
    raise refused or InputError("has no axes")


def _read_any_length(graph: Graph, axes: tuple[str, ...]) -> _Reading:
    """The network, which must be the same for all lengths where the length is free."""
    fixed = graph.sizes[axes.index("steps")]
    first, *others = (_read(graph, axes, steps) for steps in ((fixed,) if fixed else PROBES))
    for other in others:
        if not _same(first.network, other.network):
            raise InputError("is another network for another number of steps")
    return first


def _read(graph: Graph, axes: tuple[str, ...], steps: int) -> _Reading:
    """Follow the graph with sequences of ``steps``, then the output back to the input."""
    output = graph.follow(axes, steps)
    if "steps" in output.axes and len(output.forms) > 1:
        raise InputError(
            f"output {graph.output} has all steps, {output.described()}, expected the last one's"
        )
    form, end = output.forms[-1], None
    if form.atom.kind in ENDS:
        end, form = form.atom.kind, form.atom.args[0]
    if form.time != steps - 1:
        raise InputError(f"output {graph.output} is of step {form.time}, expected the last one")
    parts: list[Layer | tuple[Floats, Floats]] = []  # from the output back
    unrolled = False
    while True:
        dense, atom = _last_map(form)
        if dense is not None:
            parts.append(dense)
        if atom.kind == "input":
            break
        if atom.kind == "c":
            raise InputError("output Y_c of an LSTM is read, expected h alone")
        if atom.kind == "state":
            parts.append(atom.tag)
            form = atom.args[0]
        else:
            unrolled = True
            layer, x = read_layer(atom)
            parts.append(layer)
            form = x.form
    chain = Chain()
    for part in reversed(parts):
        if isinstance(part, Layer):
            chain.layer(part)
        else:
            chain.dense(*part)
    return _Reading(network=chain.network(), end=end, unrolled=unrolled)


def _last_map(form: Form) -> tuple[tuple[Floats, Floats] | None, Any]:
    """A form as matrix and bias (``None`` where they change nothing) and what they are applied to."""
    if form.pointwise and len(form.terms) > 1:
        return None, form.atom
    if len(form.terms) != 1:
        raise InputError(
            f"output depends on {len(form.terms)} values at once, expected one layer's"
        )
    atom, matrix = next(iter(form.terms.items()))
    matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
    if np.array_equal(matrix, np.eye(atom.size)) and not form.bias.any():
        return None, atom
    return (matrix, form.bias), atom


def _same(a: Network, b: Network) -> bool:
    """Whether two networks are the same."""
    if len(a.layers) != len(b.layers) or (a.head is None) != (b.head is None):
        return False
    pairs: list[tuple[Any, Any]] = list(zip(a.layers, b.layers, strict=True))
    if any(x.cell != y.cell or x.sigmoid != y.sigmoid for x, y in pairs):
        return False
    pairs += [(a.head, b.head)] if a.head else []
    return all(
        np.array_equal(value, y.weights[name])
        for x, y in pairs
        for name, value in x.weights.items()
    )


def _compare(model: Any, graph: Graph, axes: tuple[str, ...], reading: _Reading) -> None:
    """Run the file on random sequences and refuse it where the network gives something else."""
    batch, steps = graph.counts(axes, graph.sizes[axes.index("steps")] or PROBES[0])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, steps, reading.network.inputs)).astype(graph.dtype)
    fed = (
        x[0]
        if len(axes) == 2
        else x.transpose([("batch", "steps", "features").index(a) for a in axes])
    )
    evaluator = packages.load("onnx.reference").ReferenceEvaluator(model)
    try:
        (found,) = evaluator.run([graph.output], {graph.input: fed})
    except Exception as error:
        raise InputError(f"cannot be run by ONNX's reference evaluator: {_line(error)}") from None
    wanted = _ended(reading.network.forward(x), reading.end)
    found = np.asarray(found, dtype=np.float64).reshape(wanted.shape)
    error = np.abs(found - wanted).max() / max(1.0, np.abs(wanted).max())
    if not error <= CHECK_TOLERANCE:
        raise InputError(
            f"has a loop that is read as {'+'.join(n.cell.kind for n in reading.network.layers)}, "
            f"but its results differ by {error:.1e}"
        )


def _ended(logits: Floats, end: str | None) -> NDArray[np.float64]:
    """What the file puts out for the network's output."""
    if end == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    if end is None:
        return logits
    log = logits - logits.max(axis=1, keepdims=True)
    log = log - np.log(np.exp(log).sum(axis=1, keepdims=True))
    return np.exp(log) if end == "softmax" else log
