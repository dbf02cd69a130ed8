"""The float network: a stack of recurrent layers with an optional dense head, and its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import store
from golden.cells import CELLS, SIGMOIDS, Cell, Floats, cell_options
from golden.checks import check_numbers, check_shape
from golden.dataclass import dataclass
from golden.directions import BACKWARD, DIRECTIONS, check_lengths, final
from golden.errors import InputError
from golden.layers import Dense, Layer, weight_shapes

KIND = "litelstm float network"
"""Value of the field ``kind`` in a float network's file."""

MAX_LAYERS = 64


@dataclass(frozen=True)
class FloatRun:
    """Results and traces of one run of the float reference.

    Attributes:
        output: the result, (batch, outputs), from the last layer's final h.
        layers: one trace per layer, see :meth:`Layer.run`.
        steps: the result computed from each step's h, (batch, steps, outputs); undefined beyond a
            sequence's length.
        state: each layer's final state by name, each (batch, outputs of the layer).
    """

    output: Floats
    layers: tuple[dict[str, Floats], ...]
    steps: Floats
    state: tuple[dict[str, Floats], ...]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A trained float network.

    Args:
        layers: recurrent layers, in order from the input.
        head: dense head on the last layer's final h, or ``None`` if that h is the output.
        input_scale: factor from stored samples to the numbers that the network was trained on
            (1/255 for pixels 0 to 255).

    Raises:
        InputError: sizes do not fit each other, or ``input_scale`` is not a positive number.
    """

    layers: tuple[Layer, ...]
    head: Dense | None = None
    input_scale: float = 1.0

    def __post_init__(self) -> None:
        check_chain([(layer.inputs, layer.outputs) for layer in self.layers], self.head)
        check_scale(self.input_scale)

    @property
    def inputs(self) -> int:
        """Length of one step's input vector."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Length of the output vector: logits, or h without a head."""
        return self.head.outputs if self.head else self.layers[-1].outputs

    @property
    def parameters(self) -> int:
        """Number of trained parameters, biases included."""
        arrays = [array for layer in self.layers for array in layer.arrays.values()]
        arrays += self.head.weights.values() if self.head else []
        return sum(array.size for array in arrays)

    @np.errstate(over="ignore", invalid="ignore")  # infinite results are refused below
    def run(
        self,
        samples: ArrayLike,
        *,
        state: Sequence[Mapping[str, ArrayLike]] | None = None,
        lengths: ArrayLike | None = None,
    ) -> FloatRun:
        """Compute the float reference of the network.

        Args:
            samples: shape (batch, steps, inputs), before scaling by ``input_scale``.
            state: each layer's start values, see :meth:`Layer.run`; by default zero.
            lengths: steps of each sequence; by default all of them.

        Raises:
            InputError: ``samples``, ``state`` or ``lengths`` are not real finite numbers or do not
                fit, or sums become too large for float64.
        """
        words = check_shape(samples, self.inputs)
        batch, steps, _ = words.shape
        ends = check_lengths(lengths, batch, steps)
        inside = np.arange(steps) < ends[:, np.newaxis]
        value = check_numbers("samples", words, used=inside[:, :, np.newaxis]) * self.input_scale
        if state is not None and len(state) != len(self.layers):
            raise InputError(f"state is of {len(state)} layers, expected {len(self.layers)}")
        traces, finals = [], []
        for index, layer in enumerate(self.layers):
            trace = layer.run(value, state=state[index] if state else None, lengths=ends)
            finals.append({name: final(layer, trace[name], ends) for name in layer.cell.state})
            traces.append(trace)
            value = trace["h"]
        output, every = finals[-1]["h"], value
        if self.head:
            output, every = self.head.run(output), self.head.run(every)
        if not np.isfinite(every).all():
            raise InputError("samples or weights are too large: sums are beyond float64")
        return FloatRun(output, tuple(traces), every, tuple(finals))

    def forward(self, samples: ArrayLike) -> Floats:
        """Compute only the output: logits, or the final h, of shape (batch, outputs).

        Raises:
            InputError: see :meth:`run`.
        """
        return self.run(samples).output

    def save(self, path: str | Path) -> None:
        """Write the network to an ``.npz`` file; weights as float32 where that is exact.

        Raises:
            InputError: the file cannot be written.
        """
        fields: dict[str, Any] = {
            "layers": len(self.layers),
            "head": self.head is not None,
            "input_scale": self.input_scale,
        }
        for index, layer in enumerate(self.layers):
            prefix = f"layer{index}."
            fields[f"{prefix}cell"] = layer.cell.kind
            fields[f"{prefix}sigmoid"] = layer.sigmoid
            fields.update(direction_field(prefix, layer.direction))
            fields.update(
                (prefix + name, value) for name, value in cell_options(layer.cell).items()
            )
            fields.update((prefix + name, _compact(array)) for name, array in layer.arrays.items())
        if self.head:
            fields.update((f"head.{k}", _compact(array)) for k, array in self.head.weights.items())
        store.write(path, KIND, fields)

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read a network that :meth:`save` wrote.

        Raises:
            InputError: the file is not a float network, or a field is not as expected.
        """
        reader = store.Reader(path, [KIND])
        count = reader.integer("layers", 1, MAX_LAYERS)
        layers = tuple(_read_layer(reader, f"layer{index}.") for index in range(count))
        head = None
        if reader.flag("head"):
            matrix = reader.reals("head.W", (None, None))
            bias = reader.reals("head.b", (matrix.shape[0],))
            head = Dense(weights={"W": matrix, "b": bias})
        scale = reader.real("input_scale")
        reader.finish()
        try:
            return cls(layers=layers, head=head, input_scale=scale)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def _read_layer(reader: store.Reader, prefix: str) -> Layer:
    cell, sigmoid = read_cell(reader, prefix)
    direction = read_direction(reader, prefix)
    units = reader.reals(prefix + cell.gates[0].bias, (None,)).shape[0]
    inputs = reader.reals(prefix + cell.gates[0].matrix("x"), (units, None)).shape[1]
    shapes = weight_shapes(cell, inputs, units)

    def read(prefix: str) -> dict[str, Floats]:
        return {name: reader.reals(prefix + name, shape) for name, shape in shapes.items()}

    return Layer(
        cell=cell,
        sigmoid=sigmoid,
        weights=read(prefix),
        direction=direction,
        backward=read(prefix + BACKWARD) if direction == "bidirectional" else None,
    )


def direction_field(prefix: str, direction: str) -> dict[str, str]:
    """Make the file's field for a layer's direction; none for ``forward``."""
    return {} if direction == "forward" else {f"{prefix}direction": direction}


def read_direction(reader: store.Reader, prefix: str) -> str:
    """Read a layer's direction; ``forward`` if the file has no field for it."""
    field = f"{prefix}direction"
    return reader.text(field, DIRECTIONS) if reader.has(field) else "forward"


def read_cell(reader: store.Reader, prefix: str) -> tuple[Cell, str]:
    """Read a layer's cell and its gate activation."""
    kind = CELLS[reader.text(f"{prefix}cell", list(CELLS))]
    options = {name: reader.text(prefix + name, list(kind.options[name])) for name in kind.options}
    cell = kind(**options)
    return cell, reader.text(f"{prefix}sigmoid", list(SIGMOIDS))


def check_chain(sizes: list[tuple[int, int]], head: Any) -> None:
    """Refuse layer sizes (inputs, units) that do not fit each other or the head."""
    if not 1 <= len(sizes) <= MAX_LAYERS:
        raise InputError(f"layers is {len(sizes)}, expected 1 to {MAX_LAYERS}")
    for index in range(1, len(sizes)):
        before, here = sizes[index - 1][1], sizes[index][0]
        if before != here:
            raise InputError(f"layer{index} has {here} inputs, expected {before} (units before it)")
    if head is not None and head.units != sizes[-1][1]:
        raise InputError(f"head reads {head.units} units, expected {sizes[-1][1]} (the last layer)")


def check_scale(scale: float) -> None:
    """Refuse an input scale that is not a positive finite number."""
    if not (isinstance(scale, Real) and np.isfinite(scale) and scale > 0):
        raise InputError(f"input_scale is {scale!r}, expected a positive number")


def _compact(array: Floats) -> NDArray[Any]:
    """Convert an array to float32 if that is exact."""
    narrow = array.astype(np.float32)
    return narrow if (narrow == array).all() else array
