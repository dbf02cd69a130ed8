"""Products that a delta network saves: the columns of what it does not send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from golden.changes import Changes, Mask
from golden.dataclass import dataclass
from golden.quantized import QuantizedNetwork
from golden.thresholds import Thresholds


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A recurrent layer's products with one vector.

    Attributes:
        layer: number of the layer.
        name: what the vector is to the layer: ``x``, ``h``, ``c`` or ``rh``.
        vector: name of the vector, ``x`` or ``layer0.h``.
        products: per column, that is per element of the vector.
        before: whether the layer multiplies what the step before made.
    """

    layer: int
    name: str
    vector: str
    products: int
    before: bool

    def run(self, masks: Mapping[str, Mask]) -> Mask:
        """Mask of the columns that run, of the masks of a batch (:meth:`Changes.masks`)."""
        mask = masks[self.vector]
        return mask[:, :-1] if self.before else mask


def readings(network: QuantizedNetwork) -> Iterator[Reading]:
    """Yield every vector that a recurrent layer multiplies, once per layer that does."""
    for index, (layer, sources) in enumerate(zip(network.layers, network.sources)):
        if not layer.cell.state:
            continue
        gates = [operand for gate in layer.cell.gates for operand in gate.reads]
        for name in ("x", "h", "c", "rh"):
            if products := gates.count(name) * layer.units:
                own = name != "x"
                vectors = [f"layer{index}.{name}"] if own else [*map(vector_name, sources)]
                for vector in vectors:
                    yield Reading(
                        layer=index,
                        name=name,
                        vector=vector,
                        products=products,
                        before=name in ("h", "c"),
                    )


def vector_name(number: int) -> str:
    """Name a vector of the graph, as :meth:`Changes.masks` does."""
    return f"layer{number - 1}.h" if number else "x"


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """One vector's part of the saving.

    Attributes:
        vector: its name.
        threshold: its threshold.
        products: per column, of all recurrent layers.
        skipped: share of the columns that did not run, 0 to 1.
    """

    vector: str
    threshold: int
    products: int
    skipped: float


@dataclass(frozen=True, kw_only=True)
class Saving:
    """Products of a delta network on samples.

    Attributes:
        vectors: every vector that is sent.
        dense: products per sequence if all columns run.
        kept: products per sequence that remain.
    """

    vectors: tuple[Skipped, ...]
    dense: float
    kept: float

    @property
    def speedup(self) -> float:
        """Ideal speed-up: of an array that never waits and whose lanes are all in use."""
        return self.dense / self.kept if self.kept else np.inf


def saving(network: QuantizedNetwork, changes: Changes) -> Saving:
    """Count products of a batch.

    Args:
        network: the network; without thresholds they are taken as 0.
        changes: what it sends, of a batch.
    """
    masks, thresholds = dict(changes.masks()), network.thresholds or Thresholds.of(network)
    steps = changes.x.shape[1]
    fixed = sum(  # dense layers run all columns
        matrix.size * (1 if index in network.late else steps)
        for index, layer in enumerate(network.layers)
        for matrix in layer.arrays.values()
        if not layer.cell.state and matrix.ndim == 2
    )
    dense = kept = float(fixed)
    columns: dict[str, list[float]] = {}  # per vector: products per column, all columns, those run
    for reading in readings(network):
        run = reading.run(masks)
        counts = steps * run.shape[2], float(run.sum(axis=(1, 2)).mean())
        dense += reading.products * counts[0]
        kept += reading.products * counts[1]
        sums = columns.setdefault(reading.vector, [0, 0, 0])
        sums[0] += reading.products
        sums[1] += reading.products * counts[0]
        sums[2] += reading.products * counts[1]
    named = {
        "x": thresholds.x,
        **{
            f"layer{index}.{name}": value
            for index, own in enumerate(thresholds.layers)
            for name, value in own.items()
        },
    }
    vectors = tuple(
        Skipped(vector=name, threshold=named[name], products=int(products), skipped=1 - run / whole)
        for name, (products, whole, run) in columns.items()
    )
    return Saving(vectors=vectors, dense=dense, kept=kept)
