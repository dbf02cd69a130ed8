"""Importer of ONNX files: follows the graph from its input to its single output.

Recurrent operators become layers (:mod:`litelstm.importers.onnx_layers`), and so do loops that an
exporter unrolled (:mod:`litelstm.importers.unrolled`). For a file with unrolled loops, the importer
compares the network with ONNX's reference evaluator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden import packages
from golden.cells import Floats
from golden.errors import InputError
from golden.network import Layer, Network
from litelstm.importers.forms import Form
from litelstm.importers.layers import Chain, Imported
from litelstm.importers.onnx_graph import Graph
from litelstm.importers.outputs import ENDS, check_results, end_note, probe, steps_note
from litelstm.importers.tensors import AxesError
from litelstm.importers.unrolled import read_layer

LAYOUTS = {
    2: (("steps", "features"),),
    3: (("batch", "steps", "features"), ("steps", "batch", "features")),
}
"""Possible meanings of an input's axes, by number of axes."""

PROBES = (5, 8)
"""Sequence lengths for following a graph of free length; both must give the same network."""


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """Result of following the graph: a network, its end, whether loops were unrolled."""

    network: Network
    end: str | None
    unrolled: bool


def load(path: str | Path) -> Imported:
    """Import an ``.onnx`` file.

    Raises:
        InputError: the file cannot be read or mapped; the message names file and operator.
    """
    try:
        return convert(_load_model(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def convert(model: Any) -> Imported:
    """Import an ``onnx.ModelProto``.

    Raises:
        InputError: an operator cannot be mapped.
    """
    graph = Graph(model)
    axes, reading = _read_any_layout(graph)
    if reading.unrolled:
        _compare(model, graph, axes, reading)
    return Imported(network=reading.network, notes=tuple(_notes(graph, axes, reading)))


def _notes(graph: Graph, axes: tuple[str, ...], reading: _Reading) -> Iterator[str]:
    """Yield notes on assumptions, and on differences between network and file."""
    if axes[0] == "steps":
        read = ", ".join(axes).replace("features", "inputs")
        yield f"the file reads ({read}), the network (batch, steps, inputs)"
    fixed = graph.sizes[axes.index("steps")]
    if fixed:
        yield steps_note(fixed)
    else:
        first, second = PROBES
        yield f"assumed for all lengths: {first} and {second} steps give the same network"
    if graph.rounds:
        yield "the file rounds values to 16-bit floats, the network does not"
    if reading.unrolled:
        yield "unrolled loops became layers; the file's results are the network's"
    if reading.end:
        yield end_note(reading.end)


def _load_model(path: str | Path) -> Any:
    onnx = packages.load("onnx", extra="import")
    try:
        model = onnx.load(path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from None
    except Exception as error:
        if type(error).__name__ == "ValidationError":  # a file of external weights is missing
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
    """Read the network with each possible order of batch and steps in the input."""
    rank = len(graph.sizes)
    if rank not in LAYOUTS:
        raise InputError(
            f"input {graph.input} has {rank} axes, expected 3 (batch, steps, features)"
        )
    refusals: list[AxesError] = []
    for axes in LAYOUTS[rank]:
        try:
            return axes, _read_any_length(graph, axes)
        except AxesError as error:
            refusals.append(error)
    raise max(refusals, key=lambda error: error.done)  # the one that got farther


def _read_any_length(graph: Graph, axes: tuple[str, ...]) -> _Reading:
    """Read the network; if the length is free, check that it is the same for all lengths."""
    fixed = graph.sizes[axes.index("steps")]
    if fixed:
        return _read(graph, axes, fixed)
    try:
        first, second = (_read(graph, axes, steps) for steps in PROBES)
    except AxesError:
        raise
    except InputError as error:
        raise InputError(f"{error}; the input's number of steps is free") from None
    if not _same(first.network, second.network):
        raise InputError("is another network for another number of steps")
    return first


def _read(graph: Graph, axes: tuple[str, ...], steps: int) -> _Reading:
    """Follow the graph with sequences of ``steps``, then the output back to the input."""
    output = graph.follow(axes, steps)
    form, end = output.forms[-1], None
    if "steps" in output.axes and len(output.forms) > 1:
        raise InputError(
            f"output {graph.output} has all steps, {output.described()}, expected the last one's"
        )
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
        if atom.kind in ENDS:
            raise InputError(f"has {ENDS[atom.kind]} before the end, expected nothing behind it")
        if atom.kind == "c":
            raise InputError("output Y_c of an LSTM is read, expected h alone")
        is_last = not any(isinstance(part, Layer) for part in parts)
        if atom.kind == "state" and is_last and atom.tag.direction != "forward":
            raise InputError(
                f"step {atom.time} of a {atom.tag.direction} layer is read, expected its final h"
            )
        if atom.kind in ("state", "final"):
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
    """Split a form into matrix and bias, ``None`` for an identity, and its atom."""
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
    if len(a.layers) != len(b.layers):
        return False
    for x, y in zip(a.layers, b.layers, strict=True):
        if (x.cell, x.sigmoid, x.direction) != (y.cell, y.sigmoid, y.direction):
            return False
    pairs = [(x.arrays, y.arrays) for x, y in zip(a.layers, b.layers, strict=True)]
    return all(np.array_equal(array, y[name]) for x, y in pairs for name, array in x.items())


def _compare(model: Any, graph: Graph, axes: tuple[str, ...], reading: _Reading) -> None:
    """Run the file on random sequences; refuse it if the network's results differ."""
    batch, steps = graph.counts(axes, graph.sizes[axes.index("steps")] or PROBES[0])
    x = probe(reading.network, batch, steps).astype(graph.dtype)
    fed = x.transpose([LAYOUTS[3][0].index(axis) for axis in axes]) if "batch" in axes else x[0]
    evaluator = packages.load("onnx.reference", extra="import").ReferenceEvaluator(model)
    try:
        (found,) = evaluator.run([graph.output], {graph.input: fed})
    except Exception as error:
        raise InputError(f"cannot be run by ONNX's reference evaluator: {_line(error)}") from None
    check_results(reading.network, x, reading.end, found)
