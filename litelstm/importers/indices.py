"""Networks that read an index: tables that are looked up by the input, as embeddings are.

The input at a step is an atom ``index``. A table makes of it a linear layer that reads vector 0
(:mod:`golden.indices`). Where that takes fewer weights, the layer is folded into the one that reads
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.forms import Atom, Form
from litelstm.importers.tensors import Data


def indices(steps: int, axes: Sequence[str], batch: int = 1) -> Data:
    """Make the tensor of a network's input, an index in each step."""
    return Data(tuple(axes), tuple(Atom("index", 1, time).form for time in range(steps)), batch)


def is_index(data: Data) -> bool:
    """Tell whether a tensor is the input as it is, and that an index."""
    return all(form.atom.kind == "index" for form in data.forms)


def looked_up(data: Data, table: NDArray[np.generic]) -> Data:
    """Look up the rows of a table (values, features) by a tensor."""
    if not is_index(data):
        raise InputError("looks up a table by what is not the file's input as it is")
    if table.ndim != 2:
        raise InputError(f"has a table of shape {table.shape}, expected (values, features)")
    columns = table.T.astype(np.float64)

    def row(form: Form) -> Form:
        return _selected(form.atom, len(table)).form.mapped(columns).apply("linear")

    axes = tuple(axis for axis in data.axes if axis != "features")
    return Data((*axes, "features"), tuple(row(form) for form in data.forms), data.batch)


def _selected(index: Atom, values: int) -> Atom:
    """Make the atom of vector 0, of which an index selects an element."""
    key = str(values).encode()
    if key not in index.parts:
        index.parts[key] = Atom("input", values, index.time, tag="index")
    return index.parts[key]


def folded(layers: Sequence[Layer], results: Sequence[int]) -> tuple[list[Layer], list[int]]:
    """Multiply a table into the layer that reads it, if that takes no more weights.

    Layers that are not forward keep it: a core that buffers sequences selects columns of a forward
    layer alone.

    Args:
        layers: layers of a network, the first of which is a table.
        results: numbers of the vectors that are results.

    Returns:
        Layers and results without the table, or as they are.
    """
    table, *rest = layers
    readers = [n for n, layer in enumerate(rest) if 1 in (layer.sources or ())]
    first, columns = rest[0], table.weights["W_yx"]
    gates = [gate for gate in first.cell.gates if "x" in gate.reads]
    rows = first.units * len(gates)
    alone = readers == [0] and (first.sources, *(first.lags or (0,))) == ((1,), 0)
    larger = rows * columns.shape[1] > columns.size + rows * columns.shape[0]
    if 1 in results or not alone or larger or first.direction != "forward":
        return [*layers], [*results]

    names = [gate.matrix("x") for gate in gates]
    weights = {**first.weights, **{name: first.weights[name] @ columns for name in names}}
    more = [replace(one, sources=tuple(n - 1 for n in one.sources or ())) for one in rest[1:]]
    layers = [replace(first, weights=weights, sources=(0,), lags=None), *more]
    return layers, [vector - 1 for vector in results]
