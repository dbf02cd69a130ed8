"""A network's graph: which vectors each layer reads, which are results, and when layers run.

Vector 0 is the input x; vector k is the output of layer k - 1. Layers are in topological order: a
layer reads earlier vectors only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic

import numpy as np
from numpy.typing import NDArray

from golden.cells import Dense
from golden.directions import L
from golden.errors import InputError

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

    def _check(self) -> None:
        """Check the graph.

        Raises:
            InputError: a source is no earlier vector, sizes do not fit each other, or nothing reads
                a layer's vector.
        """
        count = len(self.layers)
        if not 1 <= count <= MAX_LAYERS:
            raise InputError(f"layers is {count}, expected 1 to {MAX_LAYERS}")
        for index, (layer, sources) in enumerate(zip(self.layers, self.sources)):
            self._check_sources(index, sources, layer.input_sizes)
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
        if len({*sources}) < len(sources) or not {*sources} <= {*range(index + 1)}:
            raise InputError(
                f"layer{index} has sources {sources}, expected vectors from 0 to {index}, each once"
            )
        for source, here in zip(sources, sizes):
            if here != self.sizes[source]:
                before = f"layer{source - 1} makes" if source else "layer0 reads"
                raise InputError(
                    f"layer{index} has {here} inputs, expected {self.sizes[source]} ({before} them)"
                )

    @property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """The vectors that each layer reads."""
        return tuple(layer.sources or (index,) for index, layer in enumerate(self.layers))

    @property
    def result_vectors(self) -> tuple[int, ...]:
        """The vectors whose words form a result."""
        return (len(self.layers),) if self.results is None else self.results

    @property
    def sizes(self) -> tuple[int, ...]:
        """Length of every vector."""
        return self.layers[0].inputs, *(layer.outputs for layer in self.layers)

    @property
    def inputs(self) -> int:
        """Length of one step's input vector."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Words of one result."""
        return sum(self.sizes[vector] for vector in self.result_vectors)

    def is_read(self, vector: int) -> bool:
        """Whether a layer reads a vector."""
        return any(vector in sources for sources in self.sources)

    @property
    def late(self) -> frozenset[int]:
        """Indices of the layers that run only when a result is due: no recurrent layer follows.

        They read the final values of their sources: those of the last step, of a reverse layer
        those of the first. All others run in every step.
        """
        every_step: set[int] = set()  # vectors
        for index, (layer, sources) in reversed([*enumerate(zip(self.layers, self.sources))]):
            if layer.cell.state or index + 1 in every_step:
                every_step.update((*sources, index + 1))
        return frozenset(n for n in range(len(self.layers)) if n + 1 not in every_step)

    @property
    def classes(self) -> bool:
        """Whether the only result is that of a linear dense layer at the end: logits."""
        last = self.layers[-1].cell
        return self.result_vectors == (len(self.layers),) and last == Dense()

    @property
    def head(self) -> L | None:
        """The dense layer of the logits, if there is one behind other layers."""
        return self.layers[-1] if self.classes and len(self.layers) > 1 else None

    @property
    def recurrent(self) -> tuple[L, ...]:
        """The layers without the ``head``."""
        return self.layers[:-1] if self.head else self.layers

    def flow(
        self,
        x: Vector,
        end: Vector,
        *,
        run: Callable[[int, Vector], Vector],
        final: Callable[[int, Vector], Vector],
        axis: int,
        every_step: bool,
    ) -> tuple[list[Any], list[Vector]]:
        """Compute every vector, of all steps and its final value.

        Args:
            x: the input of all steps.
            end: the input of the last step.
            run: makes a layer's vector of what it reads: all steps or, of a dense layer, the final.
            final: selects the final value of a recurrent layer's vector.
            axis: axis of a vector's elements.
            every_step: whether late layers run in every step, too; otherwise they have ``None``.
        """
        steps: list[Any] = [x]
        ends = [end]
        late = self.late

        for index, (layer, sources) in enumerate(zip(self.layers, self.sources)):
            skip = index in late and not every_step
            steps.append(None if skip else run(index, _joined(steps, sources, axis)))
            if layer.cell.state:
                ends.append(final(index, steps[-1]))
            else:
                ends.append(run(index, _joined(ends, sources, axis)))
        return steps, ends

    def joined(self, vectors: Sequence[Vector], axis: int) -> Vector:
        """Concatenate the results of all vectors."""
        return _joined(vectors, self.result_vectors, axis)


def _joined(vectors: Sequence[Vector], chosen: Sequence[int], axis: int) -> Vector:
    """Concatenate chosen vectors; a single one is not copied."""
    parts = [vectors[vector] for vector in chosen]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)


def check_chain(network: Graph[Any], user: str) -> None:
    """Refuse what is no chain of recurrent layers, with or without logits at the end.

    Args:
        network: the network.
        user: what wants a chain, used in messages.

    Raises:
        InputError: names the first layer that is in no such chain.
    """
    for index, (layer, sources) in enumerate(zip(network.layers, network.sources)):
        if not layer.cell.state and layer is not network.head:
            raise InputError(
                f"layer{index} is dense, expected a recurrent one: {user} takes a dense layer only "
                "at the end, linear, and as the only result"
            )
        if sources != (index,):
            raise InputError(
                f"layer{index} reads vectors {sources}, expected ({index},): {user} takes a chain"
            )
    last = (len(network.layers),)
    if network.result_vectors != last:
        raise InputError(
            f"results are vectors {network.result_vectors}, expected {last}: {user} takes one"
        )
