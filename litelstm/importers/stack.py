"""The layers of a network while it is built, with what its vectors hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from golden.cells import Cell, Dense, Floats
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.coefficients import digest, is_identity
from litelstm.importers.forms import ACTIVATIONS, Atom, Form
from litelstm.importers.places import Reads, Vector


class Stack:
    """Layers, each after those that it reads.

    Attributes:
        layers: the layers.
        vectors: their vectors, the input first.
    """

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.vectors: list[Vector] = [Vector(0, 0, ends=True)]
        self._dense: dict[Any, int] = {}

    def dense(
        self,
        kind: str,
        tag: Any,
        reads: Sequence[Reads],
        steps: Sequence[int],
        parts: Sequence[int] = (),
    ) -> int:
        """Find or make a dense layer.

        Args:
            kind, tag: those of its atoms.
            reads: what each of its pieces reads.
            steps: the network's steps in which its file has values.
            parts: the part of the vector for each of them, if there are several.
        """
        at = sorted({key for matrices, _ in reads for key in matrices})
        if not at:
            raise InputError(f"has {kind} of a constant")
        start = None if len(steps) == 1 else steps[0]
        told = tuple((*m.keys(), *map(digest, m.values()), b.tobytes()) for m, b in reads)
        key = (kind, tag, told, start)
        if key not in self._dense:
            weights: dict[str, Floats] = {}
            for piece, (matrices, bias) in enumerate(reads):
                gate = f"y{piece or ''}"
                for n, (index, lag) in enumerate(at):
                    zero = np.zeros((len(bias), self.vectors[index].size))
                    weights[f"W_{gate}x{n or ''}"] = matrices.get((index, lag), zero)
                weights[f"b_{gate}"] = bias
            options = {"activation": {"hard": "sigmoid"}.get(kind, kind), "pieces": str(len(reads))}
            if kind == "leaky":
                options["slope"] = f"1/{round(1 / tag)}"
            sigmoid = "hard" if kind == "hard" else "logistic"
            layer = Layer(cell=Dense(**options), sigmoid=sigmoid, weights=weights, **sources_of(at))
            self._dense[key] = self.add(layer, start, ())
        vector = self.vectors[self._dense[key]]
        size = vector.size // (1 + max(parts, default=0))
        for step, part in zip(steps, parts or (0,) * len(steps), strict=True):
            vector.mark(step, slice(part * size, (part + 1) * size))
        return self._dense[key]

    def add(self, layer: Layer, start: int | None, steps: Sequence[int]) -> int:
        """Add a layer whose vector counts from ``start`` on; ``None``: once it reads no zeros."""
        assert layer.sources is not None
        before = [self.vectors[source].start for source in layer.sources]
        lags = layer.lags or (0,) * len(before)
        if start is None:
            start = max(a + lag for a, lag in zip(before, lags, strict=True))
        if start < max(before):
            raise InputError("begins before the layers that it reads; pad the input alone")
        self.layers.append(replace(layer, warmup=start - max(before)))
        self.vectors.append(Vector(layer.outputs, start))
        for step in steps:
            self.vectors[-1].mark(step)
        return len(self.layers)


def dense_of(atoms: Sequence[Atom]) -> tuple[str, Any, Sequence[Sequence[Form]], float]:
    """Return what makes atoms of one operator: activation, its tag, pieces, factor of the result.

    The largest of several activations is the activation of the largest.
    """
    kind, tag, forms = atoms[0].kind, atoms[0].tag, [atom.args for atom in atoms]
    if kind == "max":
        inner = [[_alone(form) for form in group] for group in forms]
        kinds = {(one.kind, one.tag) if one else ("linear", None) for g in inner for one in g}
        kind, tag = kinds.pop() if len(kinds) == 1 else ("linear", None)
        if kind != "linear":
            forms = [[one.args[0] for one in group if one] for group in inner]
    if kind == "hard" and tag == 6:  # 6 G(4 a / 6 - 2)
        two, scale = np.full(atoms[0].size, 2.0), np.full(atoms[0].size, 6 / 4)
        forms = [[form.shifted(two).scaled(scale) for form in group] for group in forms]
        return "relu6", None, forms, 1 / 6
    return kind, tag, forms, 1.0


def _alone(form: Form) -> Atom | None:
    """Return the activation that a form is, if it is nothing else."""
    atom = form.atom
    return atom if atom.kind in ACTIVATIONS else None


def sources_of(at: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return the fields of a layer that say what it reads."""
    lags = tuple(lag for _, lag in at)
    return {"sources": tuple(n for n, _ in at), "lags": lags if any(lags) else None}


def on(layer: Layer, reads: Reads) -> Layer:
    """Fold x := sum of matrices times sources + bias into a layer's weights."""
    matrices, bias = reads
    if not matrices:
        raise InputError("has a layer that reads no input")
    cell: Cell = layer.cell
    weights = dict(layer.weights)
    for gate in cell.gates:
        if "x" in gate.reads:
            on_x = layer.weights[gate.matrix("x")]
            for n, matrix in enumerate(matrices.values()):
                product = on_x if is_identity(matrix) else on_x @ matrix
                weights[gate.matrix(f"x{n or ''}")] = product
            if bias.any():
                weights[gate.bias] = weights[gate.bias] + on_x @ bias
    return replace(layer, weights=weights, **sources_of([*matrices]))


def both_ways(ways: Sequence[Layer]) -> Layer:
    """Make one layer of one direction, or of both."""
    first, *second = sorted(ways, key=lambda layer: layer.direction)
    if not second:
        return first
    starts = [layer.start(1) for layer in (first, second[0])]
    both = {n: np.concatenate([s[n][0] for s in starts]) for n in first.cell.state}
    return replace(
        first,
        direction="bidirectional",
        backward=second[0].weights,
        first=both if first.first or second[0].first else None,
    )
