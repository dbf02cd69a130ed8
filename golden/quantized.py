"""The quantized network: integer weights and every format, as the hardware will run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import store
from golden.activations import TanhTable
from golden.cells import SIGMOIDS, Cell, cell_options
from golden.directions import BACKWARD, DirectedLayer, check_direction, parts
from golden.errors import InputError
from golden.formats import Format
from golden.layer_formats import (
    BIAS,
    MAX_TENSOR_WIDTH,
    MIN_WEIGHT_WIDTH,
    LayerFormats,
    check_format,
    check_integers,
    check_product_frac,
    check_weight_width,
    format_names,
    weight_format,
)
from golden.network import (
    MAX_LAYERS,
    check_chain,
    check_scale,
    direction_field,
    read_cell,
    read_direction,
    weight_shapes,
)

KIND = "litelstm quantized network"
"""Value of the field ``kind`` in a quantized network's file."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class QuantizedLayer(DirectedLayer):
    """One recurrent layer in integers; matrices and biases are named as in the float layer.

    Both directions of a bidirectional layer have the same formats.

    Raises:
        InputError: a weight is missing, foreign, of a wrong shape or out of its format's range;
            the gate activation or the direction is unknown.
    """

    cell: Cell
    sigmoid: str
    formats: LayerFormats
    weights: Mapping[str, Integers]
    direction: str = "forward"
    backward: Mapping[str, Integers] | None = None

    def __post_init__(self) -> None:
        if self.sigmoid not in SIGMOIDS:
            raise InputError(f"sigmoid is {self.sigmoid!r}, expected hard or logistic")
        check_direction(self.direction, self.backward)
        first = self.cell.gates[0]
        for name in (first.matrix("x"), first.bias):
            if name not in self.weights:
                raise InputError(f"weight {name} is missing")
        for name in format_names(self.cell):
            if getattr(self.formats, name) is None:
                raise InputError(f"a {self.cell.kind} layer has no format {name}")
        gates = [gate.name for gate in self.cell.gates]
        if sorted(self.formats.product_fracs) != sorted(gates):
            found = ", ".join(sorted(self.formats.product_fracs))
            raise InputError(f"product_fracs has {found}, expected {', '.join(sorted(gates))}")
        self._check_weights("", self.weights)
        if self.backward is not None:
            self._check_weights(BACKWARD, self.backward)

    def _check_weights(self, prefix: str, weights: Mapping[str, Integers]) -> None:
        shapes = weight_shapes(self.cell, self.inputs, self.units)
        if shapes.keys() != weights.keys():
            raise InputError(f"{prefix}weights are {sorted(weights)}, expected {sorted(shapes)}")
        for name, shape in shapes.items():
            to = weight_format(name, self.formats)
            check_integers(prefix + name, weights[name], shape, to)

    def bounds(self, gate: int, *, bias: bool) -> tuple[Integers, Integers]:
        """Smallest and largest sum of ``weights`` that any operands in range can reach.

        Args:
            gate: index into ``cell.gates``.
            bias: with the bias and the diagonal, or the matrix products alone (what the
                accumulator holds; every partial sum lies in this range too, because each product's
                range includes 0).

        Returns:
            Two int64 arrays of shape (units,).
        """
        description = self.cell.gates[gate]
        start = self.weights[description.bias] if bias else np.zeros(self.units, dtype=np.int64)
        low, high = start, start
        for operand in description.reads:
            matrix = self.weights[description.matrix(operand)]
            less, more = _product_range(matrix, self.formats.operand(operand))
            low, high = low + less, high + more
        if bias and description.diagonal:
            weights = self.weights[description.peephole]
            less, more = _product_range(weights[:, np.newaxis], self.formats.operand("c"))
            low, high = low + less, high + more
        return low, high


@dataclass(frozen=True, kw_only=True)
class QuantizedDense:
    """The dense head in integers: y = requantize(W h + b).

    Args:
        h: format of the vector that it reads.
        out: format of the logits.
        weight_width: bits of a weight.
        product_frac: fraction bits of products, sums and bias.
        weights: ``W`` (outputs, units) and ``b`` (outputs,).

    Raises:
        InputError: a field is missing, foreign, of a wrong shape or out of range.
    """

    h: Format
    out: Format
    weight_width: int
    product_frac: int
    weights: Mapping[str, Integers]

    def __post_init__(self) -> None:
        if self.weights.keys() != {"W", "b"}:
            raise InputError(f"head weights are {sorted(self.weights)}, expected W and b")
        check_format("out", self.out, widest=32)
        check_weight_width(self.weight_width)
        check_product_frac(self.product_frac, self.h)
        check_integers("W", self.weights["W"], (None, None), self.weight)
        check_integers("b", self.weights["b"], (self.outputs,), self.bias)

    @property
    def weight(self) -> Format:
        """Format of the weights."""
        return Format(width=self.weight_width, frac=self.product_frac - self.h.frac)

    @property
    def bias(self) -> Format:
        """Format of the biases."""
        return Format(width=BIAS.width, frac=self.product_frac)

    @property
    def outputs(self) -> int:
        """Number of logits."""
        return self.weights["W"].shape[0]

    @property
    def units(self) -> int:
        """Length of the vector that it reads."""
        return self.weights["W"].shape[1]

    def bounds(self, *, bias: bool) -> tuple[Integers, Integers]:
        """Smallest and largest sum of each output, as :meth:`QuantizedLayer.bounds`."""
        low, high = _product_range(self.weights["W"], self.h)
        start = self.weights["b"] if bias else 0
        return low + start, high + start


@dataclass(frozen=True, kw_only=True)
class QuantizedNetwork:
    """A network in integers: everything that decides a bit of the result.

    Args:
        layers: recurrent layers, the first one first.
        head: dense head, or ``None``.
        tanh: the table that every tanh and logistic sigmoid comes from.
        input_scale: factor from stored samples to real inputs.

    Raises:
        InputError: sizes or formats do not fit each other.
    """

    layers: tuple[QuantizedLayer, ...]
    head: QuantizedDense | None
    tanh: TanhTable
    input_scale: float = 1.0

    def __post_init__(self) -> None:
        check_chain([(layer.inputs, layer.outputs) for layer in self.layers], self.head)
        check_scale(self.input_scale)
        check_format("tanh out", self.tanh.out)
        readers = [layer.formats.x for layer in self.layers[1:]]
        readers += [self.head.h] if self.head else []
        for index, (layer, reader) in enumerate(zip(self.layers, readers, strict=False)):
            if layer.formats.h != reader:
                raise InputError(
                    f"layer{index} writes h as {layer.formats.h}, what follows reads {reader}"
                )

    @property
    def inputs(self) -> int:
        """Length of one step's input vector."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Words of one result: logits, or h of the last layer."""
        return self.head.outputs if self.head else self.layers[-1].outputs

    @property
    def x(self) -> Format:
        """Format of the input words."""
        return self.layers[0].formats.x

    @property
    def out(self) -> Format:
        """Format of the output words."""
        return self.head.out if self.head else self.layers[-1].formats.h

    @property
    def products(self) -> int:
        """Matrix products of one step, the head not included."""
        return sum(
            matrix.size
            for layer in self.layers
            for matrix in layer.arrays.values()
            if matrix.ndim == 2
        )

    def sum_bounds(self, *, bias: bool) -> tuple[int, int]:
        """Smallest and largest sum anywhere in the network, with or without the biases."""
        bounds = [
            part.layer.bounds(gate, bias=bias)
            for layer in self.layers
            for part in parts(layer)
            for gate in range(len(layer.cell.gates))
        ]
        bounds += [self.head.bounds(bias=bias)] if self.head else []
        return min(int(low.min()) for low, _ in bounds), max(int(high.max()) for _, high in bounds)

    @property
    def accumulator_width(self) -> int:
        """Bits of an accumulator that no input can overflow."""
        return signed_width(*self.sum_bounds(bias=False))

    def quantize_input(self, samples: ArrayLike) -> Integers:
        """Samples (before ``input_scale``) to input words of format ``x``, any shape."""
        return self.x.quantize(np.asarray(samples, dtype=np.float64) * self.input_scale)

    def save(self, path: str | Path) -> None:
        """Write the network to an ``.npz`` file.

        Raises:
            InputError: the file cannot be written.
        """
        out: dict[str, Any] = {
            "layers": len(self.layers),
            "head": self.head is not None,
            "input_scale": self.input_scale,
            "tanh.log2_entries": self.tanh.log2_entries,
            "tanh.log2_range": self.tanh.log2_range,
            "tanh.interpolate": self.tanh.interpolate,
            "tanh.out": _format_field(self.tanh.out),
            "x": _format_field(self.x),
        }
        for index, layer in enumerate(self.layers):
            prefix = f"layer{index}."
            out |= {
                f"{prefix}cell": layer.cell.kind,
                f"{prefix}sigmoid": layer.sigmoid,
                f"{prefix}weight_width": layer.formats.weight_width,
                f"{prefix}product_frac": np.array(
                    [layer.formats.product_fracs[gate.name] for gate in layer.cell.gates]
                ),
            }
            out |= direction_field(prefix, layer.direction)
            out |= {prefix + name: value for name, value in cell_options(layer.cell).items()}
            for name in format_names(layer.cell):
                out[f"{prefix}{name}"] = _format_field(getattr(layer.formats, name))
            out |= {prefix + name: _compact(array) for name, array in layer.arrays.items()}
        if self.head:
            out |= {
                "head.weight_width": self.head.weight_width,
                "head.product_frac": self.head.product_frac,
                "head.out": _format_field(self.head.out),
            }
            out |= {f"head.{name}": _compact(a) for name, a in self.head.weights.items()}
        store.write(path, KIND, out)

    @classmethod
    def load(cls, path: str | Path) -> QuantizedNetwork:
        """Read a network that :meth:`save` wrote.

        Raises:
            InputError: anything about the file is not as expected.
        """
        reader = store.Reader(path, [KIND])
        try:
            layers: list[QuantizedLayer] = []
            x = _read_format(reader, "x")
            for index in range(reader.integer("layers", 1, MAX_LAYERS)):
                layers.append(_read_layer(reader, f"layer{index}.", x))
                x = layers[-1].formats.h
            head = _read_head(reader, x) if reader.flag("head") else None
            table = TanhTable(
                log2_entries=reader.integer("tanh.log2_entries", 2, 14),
                log2_range=reader.integer("tanh.log2_range", 2, 5),
                interpolate=reader.flag("tanh.interpolate"),
                out=_read_format(reader, "tanh.out"),
            )
            scale = reader.real("input_scale")
            reader.finish()
            return cls(layers=tuple(layers), head=head, tanh=table, input_scale=scale)
        except ValueError as error:
            text = str(error)
            raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from None


def signed_width(low: int, high: int) -> int:
    """Bits of the narrowest signed integer that holds ``low`` to ``high``, at least 2."""
    return max(2, max(0, high).bit_length() + 1, (-low - 1).bit_length() + 1 if low < 0 else 1)


def _product_range(matrix: Integers, operand: Format) -> tuple[Integers, Integers]:
    """Range of each row's sum of products with an operand vector of any values in range."""
    ends = np.stack([matrix * operand.min, matrix * operand.max])
    return ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)


def _format_field(value: Format) -> Integers:
    return np.array([value.width, value.frac])


def _compact(array: Integers) -> NDArray[Any]:
    """The array in the narrowest integer type that holds it."""
    types = (np.int8, np.int16, np.int32, np.int64)
    fits = (array.min() >= np.iinfo(t).min and array.max() <= np.iinfo(t).max for t in types)
    return array.astype(next(t for t, fit in zip(types, fits, strict=True) if fit))


def _read_format(reader: store.Reader, name: str) -> Format:
    width, frac = reader.integers(name, (2,), -64, 64).tolist()
    try:
        return Format(width=width, frac=frac)
    except ValueError as error:
        raise InputError(f"{reader.path}: {name}: {error}") from None


def _read_layer(reader: store.Reader, prefix: str, x: Format) -> QuantizedLayer:
    cell, sigmoid = read_cell(reader, prefix)
    direction = read_direction(reader, prefix)
    gates = [gate.name for gate in cell.gates]
    # A single number, as the first files had it, is meant for all gates.
    fracs = reader.integers_or_one(f"{prefix}product_frac", len(gates), -64, 64)
    try:
        formats = LayerFormats(
            x=x,
            weight_width=reader.integer(f"{prefix}weight_width", 0, 64),
            product_fracs=dict(zip(gates, fracs, strict=True)),
            **{name: _read_format(reader, prefix + name) for name in format_names(cell)},
        )
    except InputError as error:
        text = str(error)
        place = f"{reader.path}: {prefix.rstrip('.')}: "
        raise InputError(text if text.startswith(str(reader.path)) else place + text) from None
    first = cell.gates[0]

    def read(name: str, shape: tuple[int | None, ...], second: str = "") -> Integers:
        to = weight_format(name, formats)
        return reader.integers(prefix + second + name, shape, to.min, to.max)

    units = read(first.bias, (None,)).shape[0]
    inputs = read(first.matrix("x"), (units, None)).shape[1]
    shapes = weight_shapes(cell, inputs, units)
    backward = None
    if direction == "bidirectional":
        backward = {name: read(name, shape, BACKWARD) for name, shape in shapes.items()}
    return QuantizedLayer(
        cell=cell,
        sigmoid=sigmoid,
        formats=formats,
        weights={name: read(name, shape) for name, shape in shapes.items()},
        direction=direction,
        backward=backward,
    )


def _read_head(reader: store.Reader, h: Format) -> QuantizedDense:
    width = reader.integer("head.weight_width", MIN_WEIGHT_WIDTH, MAX_TENSOR_WIDTH)
    limits = -(1 << (width - 1)), (1 << (width - 1)) - 1
    matrix = reader.integers("head.W", (None, None), *limits)
    bias = reader.integers("head.b", (matrix.shape[0],), BIAS.min, BIAS.max)
    out = _read_format(reader, "head.out")
    product_frac = reader.integer("head.product_frac", -64, 64)
    try:
        return QuantizedDense(
            h=h,
            out=out,
            weight_width=width,
            product_frac=product_frac,
            weights={"W": matrix, "b": bias},
        )
    except InputError as error:
        raise InputError(f"{reader.path}: head: {error}") from None
