"""Layers of a network from atoms: recurrent ones, dense ones, and those that were unrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from golden.cells import Floats, Pool
from golden.errors import InputError
from golden.network import Layer
from golden.windows import FINAL
from litelstm.importers.coefficients import is_identity
from litelstm.importers.forms import ACTIVATIONS, FREE_MEAN, REFUSED, Atom, Call, Form
from litelstm.importers.places import Forms, Place, Reads, Vector, stacked_maps
from litelstm.importers.recurrent import PlacedError, Run, Starts
from litelstm.importers.stack import Stack, both_ways, dense_of, on
from litelstm.importers.times import Times, is_loop, read_at_end
from litelstm.importers.unrolled import ENDS_AT, read_layer


class Builder:
    """Builds layers in the order in which outputs need them.

    Args:
        samples: length of the input.
        outputs: the forms of each output: of every step, or one.
        free: whether sequences may have any length.

    Attributes:
        unrolled: whether a layer was recognized from the equations of its last step.
        starts: the states that layers start at.
        fixed: whether sequences of other lengths have other weights.
        sums: vectors that are the sum over the steps where the file has the mean.
        phases: the most steps that a layer makes at once.
        indexed: whether x is an index.
    """

    def __init__(self, samples: int, outputs: Sequence[Sequence[Form]], *, free: bool) -> None:
        self._stack = Stack()
        self.unrolled = False
        self.sums: set[int] = set()
        self.fixed, self.indexed = False, False
        self.phases = 1
        self._free = free
        self._samples = samples
        self._times = Times(samples, outputs)
        self._places: dict[tuple[Atom, bool], Place | None] = {}
        self._calls: dict[Call, dict[Atom, Place]] = {}
        self._runs: dict[tuple[Run, int | None], int] = {}
        self._ends = set() if free else read_at_end(outputs)
        self._forms = Forms(self._place, self._stack.vectors)
        self.starts = Starts()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers so far."""
        return tuple(self._stack.layers)

    @property
    def fold(self) -> int:
        """Samples in a step."""
        return self._times.fold

    @property
    def flush(self) -> int:
        """Steps behind the last whole one of the samples."""
        return self._times.last + 1 - self._samples // self.fold

    def result(self, forms: Sequence[Form]) -> int:
        """Return the vector of an output, given its form of every step or the last one's alone."""
        if len(forms) > 1:
            return self._result_line(forms)
        (form,) = forms
        if pooled := self._pooled_result(form):
            return pooled
        matrices, bias = self._map([(self._times.last, form)], final=True)
        if not matrices:
            raise InputError("does not depend on the input")
        return self._same(matrices, bias) or self._single("linear", None, [form], final=True)

    def _result_line(self, forms: Sequence[Form]) -> int:
        """Return the vector of an output of every step."""
        ends = self._times.to_end(forms)
        steps = [(time // self.fold, form) for time, form in zip(ends, forms, strict=True)]
        reads = self._map(steps, final=False)
        if not reads[0]:
            raise InputError("does not depend on the input")
        same = self._same(*reads)
        return same or self._stack.dense("linear", None, [reads], [step for step, _ in steps])

    def _same(self, matrices: dict[tuple[int, int], Floats], bias: Floats) -> int | None:
        """Return the vector that is read as it is, if there is one."""
        ((index, lag), matrix), *more = matrices.items()
        unchanged = not (lag or more or bias.any()) and is_identity(matrix)
        return index if unchanged and index else None

    def _pooled_result(self, form: Form) -> int | None:
        """Make the layer of a linear map of a sum over the steps, if the output is one."""
        (pool, coefficient), *more = [*form.terms.items()] or [(form.atom, form.bias)]
        if more or pool.kind != "pool" or pool.tag == "max" or pool.whole:
            return None
        free = self._free and pool.tag == "mean"
        matrix = np.diag(coefficient) if coefficient.ndim == 1 else coefficient
        narrow = len(matrix) < pool.size
        if not (free or narrow) or (self._free and pool.tag == "sum" and form.bias.any()):
            return None
        self.fixed |= not free and (pool.tag == "mean" or bool(form.bias.any()))
        count = 1 if free else len(pool.args)
        scale = matrix / (count if pool.tag == "mean" else 1)
        forms = [arg.mapped(scale).shifted(form.bias / count) for arg in pool.args]
        index = self._pool("sum", forms, self._times.of_pool(pool))
        if free:
            self.sums.add(index)
        return index

    def _map(self, steps: Sequence[tuple[int, Form]], *, final: bool) -> Reads:
        """Return the linear map of vectors that forms are, each in a step of the network."""
        last = self._times.reads_loop(steps[-1][1])  # the caller compares results
        reads = self._forms.map(steps[-1:] if last else steps, final=final)
        self.fixed |= final and any(lag for _, lag in reads[0])
        return reads

    def _place(self, atom: Atom, final: bool) -> Place | None:
        """Find or make the layer of an atom; ``None`` for a sum that is no layer.

        ``final`` says that it is read once, in the last step.
        """
        if (atom, final) not in self._places:
            try:
                self._places[atom, final] = self._make(atom, final)
            except PlacedError:
                raise
            except InputError as error:
                raise PlacedError(f"{atom.place} {error}".strip()) from None
        return self._places[atom, final]

    def _make(self, atom: Atom, final: bool) -> Place | None:
        if atom.whole is not None:
            whole, rows = atom.whole
            place = self._place(whole, final)
            return place and replace(place, rows=place.rows[rows])
        if atom.kind == "input":
            return self._input(atom)
        if atom.kind == "state":
            return self._state(atom, final)
        if atom.kind == "pool":
            scale = 1.0 if atom.tag != "mean" else 1 / len(atom.args)
            self.fixed |= scale != 1
            if self._free and scale != 1:
                raise InputError(FREE_MEAN)
            forms = [arg.scaled(np.full(arg.size, scale)) for arg in atom.args]
            kind = "max" if atom.tag == "max" else "sum"
            index = self._pool(kind, forms, self._times.of_pool(atom))
            return Place(index, np.arange(atom.size), self._times.last)
        if atom.kind in (*ACTIVATIONS, "max") and atom.in_line:
            return self._line(atom.call)[atom]
        if atom.kind in (*ACTIVATIONS, "max") and not is_loop(atom):
            kind, tag, forms, scale = dense_of([atom])
            index = self._single(kind, tag, forms[0], final=final)
            return Place(index, np.arange(atom.size), self._step_of(atom, final), scale)
        if atom.kind in (*ACTIVATIONS, "product", "sum"):
            if atom.kind == "sum" and not any(a.kind == "product" for a in atom.args[0].terms):
                return None
            return self._loop(atom, final)
        raise InputError(REFUSED[atom.kind])

    def _step_of(self, atom: Atom, final: bool) -> int:
        return self._times.last if final else self._times.of(atom) // self.fold

    def _input(self, atom: Atom) -> Place:
        fold, size = self.fold, atom.size
        self.indexed |= atom.tag == "index"
        if not self._stack.vectors[0].size:
            self._stack.vectors[0] = Vector(fold * size, 0, ends=True)
            for sample in range(self._samples):
                start = sample % fold * size
                self._stack.vectors[0].mark(sample // fold, slice(start, start + size))
        rows = atom.time % fold * size + np.arange(size)
        return Place(0, rows, atom.time // fold)

    def _state(self, atom: Atom, final: bool) -> Place:
        run, way, position = atom.tag
        if run in self._ends:
            at = self._times.of(atom) // self.fold
            return Place(self._run(run, way), np.arange(atom.size), at)
        index, layer = self._run(run), run.ways[way]
        first = run.ways[0].units if way != (run.ways[0].direction == "reverse") else 0
        rows = (first if len(run.ways) > 1 else 0) + np.arange(atom.size)
        turned = any(one.direction == "reverse" for one in run.ways)
        if final and run.lengths and atom not in run.finals:
            raise InputError("reads a step that shorter sequences do not have")
        if not (final and turned):
            return Place(index, rows, self._times.of(atom) // self.fold)
        if position != (0 if layer.direction == "reverse" else len(run.forms) - 1):
            what = "layer" if layer.direction == "forward" else f"{layer.direction} layer"
            need = "its final h" + " or a fixed number of steps" * self._free
            raise InputError(f"reads step {position} of a {what}, expected {need}")
        return Place(index, rows, self._times.last)

    def _run(self, run: Run, way: int | None = None) -> int:
        """Make the layer of a recurrent operator, or of one direction alone.

        A reverse direction alone is read in its first step, so it is a forward layer that starts in
        the last one.
        """
        if (run, way) not in self._runs:
            steps, forms = [time // self.fold for time in self._times.of_run(run)], run.forms
            ways = self.starts.of(run)
            if way is not None:
                ways = [replace(ways[way], direction="forward")]
                if run.ways[way].direction == "reverse":
                    self.fixed, steps, forms = True, steps[-1:], forms[-1:]
            reads = (
                self._repeated(forms[0])
                if run.repeats
                else self._map([*zip(steps, forms, strict=True)], final=False)
            )
            layer = both_ways([on(layer, reads) for layer in ways])
            self._runs[run, way] = self._stack.add(layer, steps[0], steps)
        return self._runs[run, way]

    def _repeated(self, form: Form) -> Reads:
        """Return the map of final values that a layer reads in every step."""
        matrices, bias = self._map([(self._times.last, form)], final=True)
        if any(lag for _, lag in matrices):
            raise InputError("reads an earlier step's vector in every step, expected a final one")
        return {(index, FINAL): matrix for (index, _), matrix in matrices.items()}, bias

    def _pool(self, over: str, forms: Sequence[Form], at: Sequence[int]) -> int:
        """Make a layer that sums over the steps, or takes the largest."""
        steps = [time // self.fold for time in at]
        matrices, bias = self._map([*zip(steps, forms, strict=True)], final=False)
        weights = {"W_yx": np.eye(forms[0].size), "b_y": np.zeros(forms[0].size)}
        layer = Layer(cell=Pool(over=over), sigmoid="logistic", weights=weights)
        return self._stack.add(on(layer, (matrices, bias)), steps[0], steps)

    def _loop(self, atom: Atom, final: bool) -> Place | None:
        """Make the layer of an unrolled loop."""
        try:
            loop = read_layer(atom)
        except InputError:
            if atom.kind == "sum":  # of a layer's h and others, perhaps
                return None
            raise
        self._times.loops.add(atom)
        step = self._times.of(atom)
        if step != self._times.last:
            raise InputError(f"{ENDS_AT} {step}, expected {self._times.last}")
        self.starts.given |= {True} if loop.started else set()
        self.unrolled = True
        index = self._stack.add(
            on(loop.layer, self._map([(step, loop.x)], final=False)), None, [step]
        )
        return Place(index, np.arange(atom.size), step)

    def _line(self, call: Call) -> dict[Atom, Place]:
        """Make the dense layer of the activations that an operator has in several steps.

        Several of its steps in one of the network are so many parts of one layer.
        """
        if call in self._calls:
            return self._calls[call]
        at = self._times.of_call(call)
        atoms = sorted(call.atoms, key=lambda atom: at[atom])
        stride = at[atoms[1]] - at[atoms[0]]
        if self.fold % stride:
            raise InputError(
                f"makes a value of {stride} samples, and what follows reads one of {self.fold}; "
                "pool or stride before the recurrent layers, and by whole numbers"
            )
        kind, tag, forms, scale = dense_of(atoms)
        phases = self.fold // stride
        self.phases = max(self.phases, phases)
        parts = [at[atom] % self.fold // stride for atom in atoms]
        steps = [at[atom] // self.fold for atom in atoms]
        reads: list[Reads] = []
        size = atoms[0].size
        for piece in range(len(forms[0])):
            maps = []
            for phase in range(phases):
                own = [n for n, part in enumerate(parts) if part == phase]
                none: Reads = {}, np.zeros(size)
                found = [(steps[n], forms[n][piece]) for n in own]
                maps.append(self._map(found, final=False) if found else none)
            reads.append(stacked_maps(maps, self._stack.vectors))
        index = self._stack.dense(kind, tag, reads, steps, parts=parts)
        self._calls[call] = {
            atom: Place(index, part * size + np.arange(size), step, scale)
            for atom, part, step in zip(atoms, parts, steps, strict=True)
        }
        return self._calls[call]

    def _single(self, kind: str, tag: Any, forms: Sequence[Form], *, final: bool) -> int:
        """Find or make a dense layer that is read once, in the last step or in its own."""
        step = self._times.last if final else max(map(self._times.after, forms)) // self.fold
        reads = [self._map([(step, form)], final=final) for form in forms]
        return self._stack.dense(kind, tag, reads, [step])
