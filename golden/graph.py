"""A network's graph: which vectors each layer reads, which are results, and when layers run.

Vector 0 is the input x; vector k is the output of layer k - 1. Layers are in topological order: a
layer reads earlier vectors only, each as it was a number of steps ago (:mod:`golden.windows`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Generic

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.cells import Dense, Pool
from golden.checks import check_shape
from golden.directions import L
from golden.errors import InputError
from golden.indices import check_indexed, selected
from golden.windows import FINAL, check_count, delayed, folded, held, padded

MAX_LAYERS = 64

Vector = NDArray[Any]


class Graph(Generic[L]):
    """Base class of the float network (:mod:`golden.network`) and the integer one.

    Both are dataclasses with these fields, which they document.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    layers: tuple[L, ...]
    results: tuple[int, ...] | None
    input_scale: float
    flush: int
    fold: int
    indexed: int

    def _check(self) -> None:
        """Check the graph.

        Raises:
            InputError: a source is no earlier vector, sizes do not fit each other, nothing reads a
                layer's vector, or it is read at a lag from an end that it does not have.
        """
        count = len(self.layers)
        if not 1 <= count <= MAX_LAYERS:
            raise InputError(f"layers is {count}, expected 1 to {MAX_LAYERS}")
        for index, (layer, sources) in enumerate(zip(self.layers, self.sources)):
            self._check_sources(index, sources, layer.input_sizes)
        self._check_lags()
        check_count("flush", self.flush, 0)
        check_count("fold", self.fold, 1)
        if self.inputs % self.fold:
            raise InputError(f"fold is {self.fold}, expected a divisor of the {self.inputs} inputs")
        if self.indexed:
            graph = enumerate(zip(self.sources, self.lags))
            reads = [(n, lag) for n, own in graph for source, lag in zip(*own) if not source]
            check_indexed(reads, flush=self.flush, fold=self.fold, input_scale=self.input_scale)
        results = self.result_vectors
        if list(results) != sorted({*results} & {*range(1, count + 1)}) or not results:
            raise InputError(
                f"results are {results}, expected vectors from 1 to {count} in ascending order"
            )
        for vector in range(1, count + 1):
            if not self.is_read(vector) and vector not in results:
                raise InputError(f"nothing reads layer{vector - 1}, and it is no result")

    def _check_sources(self, index: int, sources: Sequence[int], sizes: Sequence[int]) -> None:
        """Refuse sources that are no earlier vectors, or of other lengths than the layer reads."""
        lags = self.lags[index]
        reads = [*zip(sources, lags)]
        if len({*reads}) < len(reads) or not {*sources} <= {*range(index + 1)}:
            at = f" at lags {lags}" if any(lags) else ""
            raise InputError(
                f"layer{index} has sources {sources}{at}, expected vectors from 0 to {index}, "
                f"each once{' at a lag' if at else ''}"
            )
        for source, here in zip(sources, sizes):
            if here != self.sizes[source]:
                before = f"layer{source - 1} makes" if source else "layer0 reads"
                raise InputError(
                    f"layer{index} has {here} inputs, expected {self.sizes[source]} ({before} them)"
                )

    def _check_lags(self) -> None:
        """Refuse a late layer that reads steps of a vector which ends with its first step."""
        turned = [False]
        for index, (layer, sources, lags) in enumerate(zip(self.layers, self.sources, self.lags)):
            turned.append(layer.direction != "forward" or any(turned[n] for n in sources))
            for source, lag in zip(sources, lags):
                state = source and self.layers[source - 1].cell.state
                if lag == FINAL and turned[source] and not state:
                    raise InputError(
                        f"layer{index} reads the final value of layer{source - 1} in every step, "
                        "expected that of a recurrent layer, or no reverse layer before it"
                    )
                if lag > 0 and turned[source] and index in self.late:
                    raise InputError(
                        f"layer{index} reads layer{source - 1} at lag {lag}, expected 0: a reverse "
                        "layer is at or before it, and no recurrent layer follows"
                    )

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """The vectors that each layer reads."""
        return tuple(layer.sources or (index,) for index, layer in enumerate(self.layers))

    @cached_property
    def lags(self) -> tuple[tuple[int, ...], ...]:
        """For each layer the lags of the vectors that it reads."""
        return tuple(layer.lags or (0,) * len(layer.operands) for layer in self.layers)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """For each vector the first step in which it counts."""
        starts = [0]
        for layer, sources in zip(self.layers, self.sources):
            starts.append(layer.warmup + max(starts[source] for source in sources))
        return tuple(starts)

    @property
    def first(self) -> int:
        """First step with a result."""
        return max(self.starts[vector] for vector in self.result_vectors)

    @property
    def reach(self) -> int:
        """Most steps back that a result reads, through the lags of all layers."""
        reach = [0]
        for sources, lags in zip(self.sources, self.lags):
            reach.append(max(reach[source] + lag for source, lag in zip(sources, lags)))
        return max(reach[vector] for vector in self.result_vectors)

    @property
    def windowed(self) -> bool:
        """Whether a step's result depends on earlier steps' vectors beside the state."""
        return any(layer.warmup or any(layer.lags or ()) for layer in self.layers)

    @property
    def repeats(self) -> bool:
        """Whether a layer reads a final value in every step."""
        return any(FINAL in lags for lags in self.lags)

    def check_steps(self, steps: int) -> None:
        """Refuse a sequence without result.

        Raises:
            InputError: it has too few steps.
        """
        if steps <= self.first:
            raise InputError(
                f"a sequence has {steps} steps, expected {self.first + 1} or more: the first "
                f"{self.first} have no result"
            )

    def feed(self, samples: ArrayLike) -> Vector:
        """Make the steps that a network takes of samples: fold, then flush.

        Args:
            samples: shape (batch, samples, inputs / fold).

        Returns:
            Shape (batch, samples // fold + flush, inputs): a step is ``fold`` samples one behind
            the other. Zeros follow the samples; without flush, those that fill no step are left
            out.

        Raises:
            InputError: the samples have another shape.
        """
        return folded(check_shape(samples, self.inputs // self.fold), self.fold, self.flush)

    @property
    def result_vectors(self) -> tuple[int, ...]:
        """The vectors whose words form a result."""
        return (len(self.layers),) if self.results is None else self.results

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Length of every vector."""
        return self.layers[0].input_sizes[0], *(layer.outputs for layer in self.layers)

    @property
    def inputs(self) -> int:
        """Numbers of one step's input: the elements of vector 0, or an index of one of them."""
        return 1 if self.indexed else self.sizes[0]

    def selects(self, layer: int) -> bool:
        """Tell whether a layer reads an index, and so one column of its matrices for x."""
        return bool(self.indexed) and layer == 0

    def first_vector(self, x: Vector, axis: int) -> Vector:
        """Make vector 0 of the input of all steps; ``axis`` is that of a vector's elements."""
        return selected(x, self.sizes[0], axis) if self.indexed else x

    @property
    def outputs(self) -> int:
        """Words of one result."""
        return sum(self.sizes[vector] for vector in self.result_vectors)

    def is_read(self, vector: int) -> bool:
        """Whether a layer reads a vector."""
        return any(vector in sources for sources in self.sources)

    @cached_property
    def late(self) -> frozenset[int]:
        """Indices of the layers that run only when a result is due: no recurrent layer follows.

        They read the final values of their sources: those of the last step, of a reverse layer
        those of the first. All others run in every step; so does what is read at a lag.
        """
        every_step: set[int] = set()  # vectors
        graph = zip(self.layers, self.sources, self.lags)
        for index, (layer, sources, lags) in reversed([*enumerate(graph)]):
            if layer.cell.state or index + 1 in every_step:
                every_step.update((*sources, index + 1))
            every_step.update(source for source, lag in zip(sources, lags) if lag)
        return frozenset(n for n in range(len(self.layers)) if n + 1 not in every_step)

    @property
    def classes(self) -> bool:
        """Whether the only result is that of a linear layer at the end, or of its sum: logits."""
        last = self.layers[-1].cell
        return self.result_vectors == (len(self.layers),) and last in (Dense(), Pool())

    @property
    def head(self) -> L | None:
        """The dense layer of the logits, if there is one behind other layers."""
        last = self.layers[-1]
        return last if self.classes and len(self.layers) > 1 and last.cell == Dense() else None

    @property
    def body(self) -> tuple[L, ...]:
        """The layers without the ``head``: recurrent, dense and pooling ones."""
        return self.layers[:-1] if self.head else self.layers

    def flow(
        self,
        x: Vector,
        *,
        run: Callable[[int, Vector], Vector],
        final: Callable[[int, Vector], Vector],
        end: Callable[[Vector, int, int], Vector],
        axis: int,
        time: int,
        every_step: bool,
    ) -> tuple[list[Any], list[Vector]]:
        """Compute every vector, of all steps and its final value.

        Args:
            x: the input of all steps.
            run: makes a layer's vector of what it reads: of all steps from the first that counts
                or, of a dense layer, the final.
            final: selects the final value of a recurrent layer's vector, as ``run`` returned it.
            end: selects the value at a lag before the last step, zero before a first step.
            axis, time: axis of a vector's elements, and of the steps.
            every_step: whether late layers run in every step, too; otherwise they have ``None``.
        """
        x = self.first_vector(x, axis)
        steps: list[Any] = [x]
        ends = [end(x, 0, 0)]
        late, starts = self.late, self.starts
        for index, layer in enumerate(self.layers):
            reads = [(n, lag, starts[n]) for n, lag in zip(self.sources[index], self.lags[index])]
            first = starts[index + 1]
            if index in late and not every_step:
                steps.append(None)
            else:
                read = [
                    held(ends[n], x.shape[time], time)
                    if lag == FINAL
                    else delayed(steps[n], lag, start, time)
                    for n, lag, start in reads
                ]
                counted = (*(slice(None),) * time, slice(first, None))
                made = run(index, _concatenated(read, axis)[counted])
                steps.append(padded(made, first, time))
                if layer.cell.state:
                    ends.append(final(index, made))
                    continue
            read = [end(steps[n], lag, start) if lag > 0 else ends[n] for n, lag, start in reads]
            ends.append(run(index, _concatenated(read, axis)))
        return steps, ends

    def joined(self, vectors: Sequence[Vector], axis: int) -> Vector:
        """Concatenate the results of all vectors."""
        return _concatenated([vectors[vector] for vector in self.result_vectors], axis)


def _concatenated(parts: Sequence[Vector], axis: int) -> Vector:
    """Concatenate vectors; a single one is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)
