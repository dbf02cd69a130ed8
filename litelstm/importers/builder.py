"""Layers of a network from atoms: recurrent ones, dense ones, and those that were unrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import Cell, Dense, Floats
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.coefficients import as_matrix, columns, digest, is_identity, times
from litelstm.importers.forms import ACTIVATIONS, Atom, Form
from litelstm.importers.recurrent import PlacedError, Run
from litelstm.importers.times import Times
from litelstm.importers.unrolled import read_layer

NO_START = "a core starts at constants, or at a state that it is given (--state load)"


@dataclass(frozen=True, eq=False)
class Place:
    """Place of an atom in a network.

    Attributes:
        index: 0 for the input, k for the output of layer k - 1.
        rows: the atom's elements in that vector.
        scale: factor from that vector to the atom.
    """

    index: int
    rows: NDArray[np.int64]
    scale: float = 1.0


Reads = tuple[dict[int, Floats], Floats]
"""A linear map of a network's vectors: a matrix for each source, in ascending order; and a bias."""


class Builder:
    """Builds layers in the order in which outputs need them.

    Attributes:
        layers: the layers so far.
        unrolled: whether a layer was recognized from the equations of its last step.
    """

    def __init__(self, steps: int) -> None:
        self.layers: list[Layer] = []
        self.unrolled = False
        self._steps = steps
        self._inputs = 0
        self._places: dict[Atom, Place | None] = {}
        self._times = Times(steps)
        self._runs: dict[Run, int] = {}
        self._dense: dict[Any, int] = {}
        self._digests: dict[int, tuple[Floats, bytes]] = {}
        self._starts: set[bool] = set()
        self._used: set[tuple[Atom, int]] = set()

    def result(self, forms: Sequence[Form]) -> int:
        """Return the vector of an output, given its form of every step or the last one's alone."""
        matrices, bias = self._sequence(forms) if len(forms) > 1 else self._reads(forms[-1])
        if len(forms) == 1:
            self._times.check(forms[0], None)
        if not matrices:
            raise InputError("does not depend on the input")
        (index, matrix), *more = matrices.items()
        if index and not more and not bias.any() and is_identity(matrix):
            return index
        return self._dense_layer("linear", None, forms[-1])

    def check_last_steps(self, forms: Sequence[Form]) -> None:
        """Refuse a form that is not of the last step, where results are of every step."""
        for form in forms:
            self._times.check(form, self._steps - 1)

    def carried(self) -> bool:
        """Whether the layers start at a state that the file takes.

        Raises:
            InputError: some do, and others start at zero.
        """
        if len(self._starts) > 1:
            raise InputError("takes the state of some layers, expected that of all or of none")
        return True in self._starts

    def _sequence(self, forms: Sequence[Form]) -> Reads:
        """Read a sequence, given in the order of time: one map for all steps."""
        last = len(forms) - 1
        reads, unrolled = self._reads(forms[last]), self._times.reads_loop(forms[last])
        key = None if unrolled else self._key(forms[last])
        for time, form in enumerate(forms):
            if unrolled and time < last:
                continue  # the caller compares results
            if not unrolled and self._key(form) != key:
                raise InputError(f"reads what differs from step to step (step {time})")
            self._times.check(form, time)
        return reads

    def _reads(self, form: Form) -> Reads:
        """Convert a form to a linear map of vectors."""
        matrices: dict[int, Floats] = {}
        terms, bias = self._terms(form)
        for place, coefficient in terms:
            if place.index not in matrices:
                matrices[place.index] = np.zeros((form.size, self._size(place.index)))
            matrices[place.index][:, place.rows] += as_matrix(coefficient) * place.scale
        return dict(sorted(matrices.items())), bias

    def _size(self, index: int) -> int:
        return self.layers[index - 1].outputs if index else self._inputs

    def _terms(self, form: Form) -> tuple[list[tuple[Place, Floats]], Floats]:
        """Split a form into coefficients of places, and a bias; sums of others are split too."""
        terms, bias = [], form.bias
        for atom, coefficient in form.terms.items():
            place = self._place(atom)
            if place is not None:
                terms.append((place, coefficient))
                continue
            parts, shift = self._terms(atom.args[0])
            terms += [(part, times(coefficient, value)) for part, value in parts]
            bias = bias + (coefficient @ shift if coefficient.ndim == 2 else coefficient * shift)
        return terms, bias

    def _key(self, form: Form) -> Any:
        """Make a key that is equal for equal maps."""
        terms, bias = self._terms(form)
        return (
            tuple((p.index, p.rows.tobytes(), p.scale, self._digest(c)) for p, c in terms),
            bias.tobytes(),
        )

    def _digest(self, array: Floats) -> bytes:
        if id(array) not in self._digests:  # keeps the array, so that no other has its id
            self._digests[id(array)] = array, digest(array)
        return self._digests[id(array)][1]

    def _place(self, atom: Atom) -> Place | None:
        """Find or make the layer of an atom; ``None`` for a sum that is no layer."""
        if atom not in self._places:
            try:
                self._places[atom] = self._make(atom)
            except PlacedError:
                raise
            except InputError as error:
                raise PlacedError(f"{atom.place} {error}".strip()) from None
        return self._places[atom]

    def _make(self, atom: Atom) -> Place | None:
        if atom.whole is not None:
            whole, rows = atom.whole
            place = self._place(whole)
            return place and Place(place.index, place.rows[rows], place.scale)
        if atom.kind == "input":
            self._inputs = atom.size
            return Place(0, np.arange(atom.size))
        if atom.kind == "state":
            run, way = atom.tag
            index = self._run(run)
            first = run.ways[0].units if way != (run.ways[0].direction == "reverse") else 0
            first = first if len(run.ways) > 1 else 0
            return Place(index, first + np.arange(atom.size))
        if atom.kind in ACTIVATIONS and not _is_loop(atom):
            return self._activation(atom)
        if atom.kind in (*ACTIVATIONS, "product", "sum"):
            if atom.kind == "sum" and not any(a.kind == "product" for a in atom.args[0].terms):
                return None
            return self._loop(atom)
        raise InputError(REFUSED[atom.kind])

    def _run(self, run: Run) -> int:
        """Make the layer of a recurrent operator."""
        if run not in self._runs:
            ways = self._started(run)
            reads = self._sequence(run.forms)
            first, *second = sorted(
                (_on(layer, reads) for layer in ways), key=lambda layer: layer.direction
            )
            if second:
                starts = [layer.start(1) for layer in (first, second[0])]
                both = {n: np.concatenate([s[n][0] for s in starts]) for n in first.cell.state}
                first = replace(
                    first,
                    direction="bidirectional",
                    backward=second[0].weights,
                    first=both if first.first or second[0].first else None,
                )
            self._runs[run] = self._added(first)
        return self._runs[run]

    def _started(self, run: Run) -> list[Layer]:
        """Return an operator's layers, with states that are constants as their first ones."""
        ways = []
        for start, layer in zip(run.starts, run.ways, strict=True):
            constants = {name: form.bias for name, form in start.items() if not form.terms}
            taken = {name: form for name, form in start.items() if form.terms}
            for name, form in taken.items():
                read = {(atom, int(n)) for atom, c in form.terms.items() for n in columns(c)}
                if not self._used.isdisjoint(read):
                    raise InputError(f"starts {name} at a state that is started at before")
                self._used |= read
                if any(atom.kind != "start" for atom in form.terms) or form.bias.any():
                    raise InputError(f"initial_{name} depends on the input: {NO_START}")
            self._starts.add(bool(taken))
            if taken and set(taken) != set(layer.cell.state):
                raise InputError("takes a part of a layer's state, expected all of it")
            ways.append(replace(layer, first=constants or None))
        return ways

    def _loop(self, atom: Atom) -> Place | None:
        """Make the layer of an unrolled loop."""
        try:
            layer, x, started = read_layer(atom)
        except InputError:
            if atom.kind == "sum":  # of a layer's h and others, perhaps
                return None
            raise
        self._times.loops.add(atom)
        if started:
            self._starts.add(True)
        self.unrolled = True
        index = self._added(_on(layer, self._reads(x)))
        return Place(index, np.arange(atom.size))

    def _activation(self, atom: Atom) -> Place:
        """Make the dense layer of an activation."""
        form, kind, scale = atom.args[0], atom.kind, 1.0
        if kind == "hard" and atom.tag == 6:  # 6 G(4 a / 6 - 2)
            form = form.shifted(np.full(form.size, 2.0)).scaled(np.full(form.size, 6 / 4))
            kind, scale = "relu6", 1 / 6
        index = self._dense_layer(kind, atom.tag, form)
        return Place(index, np.arange(atom.size), scale)

    def _dense_layer(self, kind: str, tag: Any, form: Form) -> int:
        """Find or make a dense layer."""
        key = (kind, tag, self._key(form))
        if key not in self._dense:
            matrices, bias = self._reads(form)
            if not matrices:
                raise InputError(f"has {kind} of a constant")
            options = {"activation": {"hard": "sigmoid"}.get(kind, kind)}
            if kind == "leaky":
                options["slope"] = f"1/{round(1 / tag)}"
            names = ["W_yx", *(f"W_yx{n}" for n in range(1, len(matrices)))]
            weights = dict(zip(names, matrices.values(), strict=True)) | {"b_y": bias}
            sigmoid = "hard" if kind == "hard" else "logistic"
            layer = Layer(
                cell=Dense(**options), sigmoid=sigmoid, weights=weights, sources=tuple(matrices)
            )
            self._dense[key] = self._added(layer)
        return self._dense[key]

    def _added(self, layer: Layer) -> int:
        self.layers.append(layer)
        return len(self.layers)


REFUSED = {
    "c": "gives its state c to others, expected h alone",
    "start": "has no steps, and is not only a state that a layer starts at; append it to the input "
    "of each step",
    "softmax": "stands before other layers, expected it at the end",
    "logsoftmax": "stands before other layers, expected it at the end",
}
"""Atoms that no layer computes."""


def _is_loop(atom: Atom) -> bool:
    """Whether an activation is the h of an unrolled RNN: it reads itself, one step before."""
    return any(
        before.kind in (atom.kind, "start") and before.time == atom.time - 1
        for before in atom.args[0].terms
    )


def _on(layer: Layer, reads: Reads) -> Layer:
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
    return replace(layer, weights=weights, sources=tuple(matrices))
