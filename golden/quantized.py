"""The quantized network: integer weights and every format, as the hardware will run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import store
from golden.activations import TanhTable
from golden.cells import cell_options
from golden.checks import check_numbers
from golden.dataclass import dataclass
from golden.directions import BACKWARD, parts
from golden.errors import InputError
from golden.formats import Format
from golden.layer_formats import (
    BIAS,
    MAX_TENSOR_WIDTH,
    MIN_WEIGHT_WIDTH,
    LayerFormats,
    check_format,
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
from golden.quantized_layers import Integers, QuantizedDense, QuantizedLayer, signed_width

KIND = "litelstm quantized network"
"""Value of the field ``kind`` in a quantized network's file."""


@dataclass(frozen=True, kw_only=True)
class QuantizedNetwork:
    """A network in integers: everything that decides a bit of the result.

    Args:
        layers: recurrent layers, in order from the input.
        head: dense head, or ``None``.
        tanh: the table for every tanh and logistic sigmoid.
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
        for index, (layer, reader) in enumerate(zip(self.layers, readers)):
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
        """Multiplications of one step's matrix products, without the head."""
        return sum(
            matrix.size
            for layer in self.layers
            for matrix in layer.arrays.values()
            if matrix.ndim == 2
        )

    def sum_bounds(self, *, bias: bool) -> tuple[int, int]:
        """Smallest and largest possible sum in the network, with or without the biases."""
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
            out[f"{prefix}cell"] = layer.cell.kind
            out[f"{prefix}sigmoid"] = layer.sigmoid
            out[f"{prefix}weight_width"] = layer.formats.weight_width
            out[f"{prefix}product_frac"] = np.array(
                [layer.formats.product_fracs[gate.name] for gate in layer.cell.gates]
            )
            out.update(direction_field(prefix, layer.direction))
            out.update((prefix + name, value) for name, value in cell_options(layer.cell).items())
            for name in format_names(layer.cell):
                out[f"{prefix}{name}"] = _format_field(getattr(layer.formats, name))
            out.update((prefix + name, _compact(array)) for name, array in layer.arrays.items())
        if self.head:
            out["head.weight_width"] = self.head.weight_width
            out["head.product_frac"] = self.head.product_frac
            out["head.out"] = _format_field(self.head.out)
            out.update((f"head.{name}", _compact(a)) for name, a in self.head.weights.items())
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
            InputError: the file is not a quantized network, or a field is not as expected.
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


def _format_field(value: Format) -> Integers:
    return np.array([value.width, value.frac])


def _compact(array: Integers) -> NDArray[Any]:
    """Convert an array to the narrowest integer type that holds it."""
    types = (np.int8, np.int16, np.int32, np.int64)
    fits = (array.min() >= np.iinfo(t).min and array.max() <= np.iinfo(t).max for t in types)
    return array.astype(next(t for t, fit in zip(types, fits) if fit))


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
    # The first files had a single number for all gates.
    fracs = reader.integers_or_one(f"{prefix}product_frac", len(gates), -64, 64)
    try:
        formats = LayerFormats(
            x=x,
            weight_width=reader.integer(f"{prefix}weight_width", 0, 64),
            product_fracs=dict(zip(gates, fracs)),
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
