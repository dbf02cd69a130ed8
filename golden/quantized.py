"""The quantized network: integer weights and every format, as the hardware will run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import store
from golden.activations import TanhTable
from golden.checks import check_numbers
from golden.dataclass import dataclass
from golden.directions import BACKWARD, parts
from golden.errors import InputError
from golden.formats import Format
from golden.graph import MAX_LAYERS, Graph
from golden.indices import check_element, index_format
from golden.layer_formats import MAX_TENSOR_WIDTH, LayerFormats, check_format, weight_format
from golden.network import (
    check_scale,
    graph_fields,
    read_description,
    read_feeding,
    read_vectors,
    read_weights,
)
from golden.quantized_layers import Integers, QuantizedLayer, signed_width
from golden.thresholds import NAMES, Thresholds, check_thresholds

KIND = "litelstm quantized network"
"""Value of the field ``kind`` in a quantized network's file."""


@dataclass(frozen=True, kw_only=True)
class QuantizedNetwork(Graph[QuantizedLayer]):
    """A network in integers: everything that decides a bit of the result.

    Args:
        layers: the layers, each after those that it reads (:mod:`golden.graph`).
        results: numbers of the vectors whose words form a result, in ascending order; ``None`` for
            the last vector. They all have one format.
        tanh: the table for every tanh and logistic sigmoid.
        input_scale: factor from stored samples to real inputs.
        flush, fold, indexed: see :class:`golden.network.Network`.
        thresholds: those of a delta network (:mod:`golden.thresholds`).

    Raises:
        InputError: sizes, formats or thresholds do not fit each other.
    """

    layers: tuple[QuantizedLayer, ...]
    results: tuple[int, ...] | None = None
    tanh: TanhTable
    input_scale: float = 1.0
    flush: int = 0
    fold: int = 1
    indexed: int = 0
    thresholds: Thresholds | None = None

    def __post_init__(self) -> None:
        self._check()
        check_scale(self.input_scale)
        check_format("tanh out", self.tanh.out)
        vectors = self.formats
        if self.indexed:
            check_element(vectors[0])
        for index, (layer, sources) in enumerate(zip(self.layers, self.sources)):
            for name, source in zip(layer.operands, sources):
                if layer.formats.operand(name) != vectors[source]:
                    made = f"layer{source - 1} writes" if source else "layer0 reads"
                    raise InputError(
                        f"layer{index} reads {name} as {layer.formats.operand(name)}, "
                        f"{made} it as {vectors[source]}"
                    )
        for result in self.result_vectors:
            if vectors[result] != self.out:
                raise InputError(
                    f"layer{result - 1} makes results of {vectors[result]}, another layer of "
                    f"{self.out}: expected one format"
                )
        if self.thresholds is not None:
            check_thresholds(self, self.thresholds)

    @property
    def formats(self) -> tuple[Format, ...]:
        """Format of every vector."""
        return self.layers[0].formats.x, *(layer.formats.h for layer in self.layers)

    @property
    def x(self) -> Format:
        """Format of the input words."""
        return index_format(self.sizes[0]) if self.indexed else self.formats[0]

    def first_vector(self, x: NDArray[Any], axis: int) -> NDArray[Any]:
        vector = super().first_vector(x, axis)
        return vector << self.formats[0].frac if self.indexed else vector

    @property
    def out(self) -> Format:
        """Format of the output words."""
        return self.formats[self.result_vectors[-1]]

    @property
    def products(self) -> int:
        """Multiplications of one step's matrix products, without those of late layers."""
        on_x = [gate.matrix("x") for gate in self.layers[0].cell.gates]
        return sum(
            matrix.size // (matrix.shape[1] if self.selects(index) and name in on_x else 1)
            for index, layer in enumerate(self.layers)
            for name, matrix in layer.arrays.items()
            if matrix.ndim == 2 and index not in self.late
        )

    def sum_bounds(self, *, bias: bool) -> tuple[int, int]:
        """Smallest and largest possible sum in the network, with or without the biases."""
        bounds = [
            part.layer.bounds(gate, bias=bias, selects=self.selects(index))
            for index, layer in enumerate(self.layers)
            for part in parts(layer)
            for gate in range(len(layer.cell.gates))
        ]
        return min(int(low.min()) for low, _ in bounds), max(int(high.max()) for _, high in bounds)

    @property
    def accumulator_width(self) -> int:
        """Bits of an accumulator that cannot overflow for any input."""
        return signed_width(*self.sum_bounds(bias=False))

    def quantize_input(self, samples: ArrayLike) -> Integers:
        """Convert samples (before ``input_scale``) to input words of format ``x``, any shape.

        Raises:
            InputError: the samples are not real finite numbers.
        """
        with np.errstate(over="ignore"):  # infinities saturate
            return self.x.quantize(check_numbers("samples", samples) * self.input_scale)

    def fields(self) -> dict[str, Any]:
        """All fields of the network's file, by name."""
        out = graph_fields(self)
        out["tanh.log2_entries"] = self.tanh.log2_entries
        out["tanh.log2_range"] = self.tanh.log2_range
        out["tanh.interpolate"] = self.tanh.interpolate
        out["tanh.out"] = _format_field(self.tanh.out)
        out["x"] = _format_field(self.formats[0])
        for index, layer in enumerate(self.layers):
            prefix = f"layer{index}."
            out[f"{prefix}weight_width"] = layer.formats.weight_width
            out[f"{prefix}product_frac"] = np.array(
                [layer.formats.product_fracs[gate.name] for gate in layer.cell.gates]
            )
            for name in layer.cell.formats:
                out[f"{prefix}{name}"] = _format_field(getattr(layer.formats, name))
            out.update((prefix + name, _compact(array)) for name, array in layer.arrays.items())
        if self.thresholds is not None:
            out["threshold.x"] = self.thresholds.x
            for index, own in enumerate(self.thresholds.layers):
                out.update((f"layer{index}.threshold.{name}", own[name]) for name in own)
        return out

    def save(self, path: str | Path) -> None:
        """Write the network to an ``.npz`` file.

        Raises:
            InputError: the file cannot be written.
        """
        store.write(path, KIND, self.fields())

    @classmethod
    def load(cls, path: str | Path) -> QuantizedNetwork:
        """Read a network that :meth:`save` wrote.

        Raises:
            InputError: the file is not a quantized network, or a field has an unexpected value.
        """
        reader = store.Reader(path, [KIND])
        with reader.placed():
            layers: list[QuantizedLayer] = []
            vectors = [_read_format(reader, "x")]
            count = reader.integer("layers", 1, MAX_LAYERS)
            for index in range(count):
                with reader.placed(f"layer{index}: "):
                    layers.append(_read_layer(reader, index, vectors))
                vectors.append(layers[-1].formats.h)
            results = read_vectors(reader, "results", 1, count)
            table = TanhTable(
                log2_entries=reader.integer("tanh.log2_entries", 2, 14),
                log2_range=reader.integer("tanh.log2_range", 2, 5),
                interpolate=reader.flag("tanh.interpolate"),
                out=_read_format(reader, "tanh.out"),
            )
            scale, feeding = reader.real("input_scale"), read_feeding(reader)
            thresholds = _read_thresholds(reader, count)
            reader.finish()
            return cls(
                layers=tuple(layers),
                results=results,
                tanh=table,
                input_scale=scale,
                thresholds=thresholds,
                **feeding,
            )


def _format_field(value: Format) -> Integers:
    return np.array([value.width, value.frac])


def _compact(array: Integers) -> NDArray[Any]:
    """Convert an array to the narrowest integer type that holds it."""
    types = (np.int8, np.int16, np.int32, np.int64)
    fits = (array.min() >= np.iinfo(t).min and array.max() <= np.iinfo(t).max for t in types)
    return array.astype(next(t for t, fit in zip(types, fits) if fit))


def _read_format(reader: store.Reader, name: str) -> Format:
    width, frac = reader.integers(name, (2,), -64, 64).tolist()
    with reader.placed(f"{name}: "):
        return Format(width=width, frac=frac)


def _read_thresholds(reader: store.Reader, layers: int) -> Thresholds | None:
    """Read the thresholds of a delta network; which ones it has is checked with the network."""
    if not reader.has("threshold.x"):
        return None

    def read(field: str) -> int:
        return reader.integer(field, 0, (1 << MAX_TENSOR_WIDTH) - 1)

    prefixes = [f"layer{index}.threshold." for index in range(layers)]
    return Thresholds(
        x=read("threshold.x"),
        layers=tuple(
            {name: read(prefix + name) for name in NAMES if reader.has(prefix + name)}
            for prefix in prefixes
        ),
    )


def _read_layer(reader: store.Reader, index: int, vectors: list[Format]) -> QuantizedLayer:
    """Read a layer; ``vectors`` are the formats of all earlier vectors."""
    described, prefix = read_description(reader, index), f"layer{index}."
    cell = described["cell"]
    gates = [gate.name for gate in cell.gates]
    x, *more = (vectors[source] for source in described["sources"] or (index,))
    # The first version of files had one number for all gates.
    fracs = reader.integers_or_one(f"{prefix}product_frac", len(gates), -64, 64)
    formats = LayerFormats(
        x=x,
        more=tuple(more),
        weight_width=reader.integer(f"{prefix}weight_width", 0, 64),
        product_fracs=dict(zip(gates, fracs)),
        **{name: _read_format(reader, prefix + name) for name in cell.formats},
    )

    def read(field: str, shape: tuple[int | None, ...]) -> Integers:
        to = weight_format(field[len(prefix) :].replace(BACKWARD, ""), formats)
        return reader.integers(field, shape, to.min, to.max)

    weights = read_weights(described, prefix, reader.has, read)
    return QuantizedLayer(formats=formats, **described, **weights)
