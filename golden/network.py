"""The float network: a stack of recurrent layers with an optional dense head, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import store
from golden.cells import CELLS, SIGMOIDS, Cell, Floats, cell_options
from golden.errors import InputError

KIND = "litelstm float network"
"""Value of the field ``kind`` in a float network's file."""

MAX_LAYERS = 64


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One recurrent layer with its trained parameters.

    Args:
        cell: the kind of cell, with its options.
        sigmoid: gate activation G, ``hard`` (eq. 21) or ``logistic``.
        weights: matrices and biases by their names in the equations (``W_fx`` of shape
            (units, inputs), ``U_fh`` and ``W_fc`` (units, units), ``b_f`` (units,), ...).

    Raises:
        InputError: a matrix is missing, foreign, of a wrong shape or not finite; the gate
            activation is unknown.
    """

    cell: Cell
    sigmoid: str
    weights: Mapping[str, Floats]

    def __post_init__(self) -> None:
        if self.sigmoid not in SIGMOIDS:
            raise InputError(f"sigmoid is {self.sigmoid!r}, expected hard or logistic")
        gate = self.cell.gates[0]
        for name in (gate.matrix("x"), gate.bias):
            if name not in self.weights:
                raise InputError(f"weight {name} is missing")
        shapes = weight_shapes(self.cell, self.inputs, self.units)
        for name in shapes.keys() | self.weights.keys():
            if name not in shapes:
                raise InputError(f"weight {name} is not one of a {self.cell.kind} layer's")
            if name not in self.weights:
                raise InputError(f"weight {name} is missing")
            check_weight(name, self.weights[name], shapes[name])

    @property
    def inputs(self) -> int:
        """Length of the input vector."""
        return self.weights[self.cell.gates[0].matrix("x")].shape[-1]

    @property
    def units(self) -> int:
        """Length of the output vector h."""
        return self.weights[self.cell.gates[0].bias].shape[0]

    def run(self, x: Floats) -> dict[str, Floats]:
        """Float reference from zero state, step by step as the equations stand.

        Args:
            x: inputs of shape (batch, steps, inputs).

        Returns:
            The state tensors of every step (``h``, ``c``, ...) and the pre-activations
            (``pre_f``, ...), each (batch, steps, units).
        """
        batch, steps, _ = x.shape
        state = {name: np.zeros((batch, self.units)) for name in self.cell.state}
        gates = {gate.name: gate for gate in self.cell.gates}
        names = [*self.cell.state, *(f"pre_{name}" for name in gates)]
        trace = {name: np.empty((batch, steps, self.units)) for name in names}
        for t in range(steps):
            operands = {"x": x[:, t], **state}

            def sums(
                name: str,
                t: int = t,
                operands: Mapping[str, Floats] = operands,
                **made: Floats,
            ) -> Floats:
                gate, values = gates[name], {**operands, **made}
                total = self.weights[gate.bias] + sum(
                    values[operand] @ self.weights[gate.matrix(operand)].T for operand in gate.reads
                )
                if gate.diagonal:
                    total = total + self.weights[gate.peephole] * values["c"]
                trace[f"pre_{name}"][:, t] = total
                return total

            state = self.cell.step(sums, state, self.sigmoid)
            for name, value in state.items():
                trace[name][:, t] = value
        return trace


@dataclass(frozen=True, kw_only=True)
class Dense:
    """The dense head: y = W h + b on the last layer's h of the last step.

    Args:
        weights: ``W`` of shape (outputs, units) and ``b`` of shape (outputs,).

    Raises:
        InputError: a field is missing, foreign, of a wrong shape or not finite.
    """

    weights: Mapping[str, Floats]

    def __post_init__(self) -> None:
        if self.weights.keys() != {"W", "b"}:
            raise InputError(f"head weights are {sorted(self.weights)}, expected W and b")
        check_weight("W", self.weights["W"], (None, None))
        check_weight("b", self.weights["b"], (self.outputs,))

    @property
    def outputs(self) -> int:
        """Number of logits."""
        return self.weights["W"].shape[0]

    @property
    def units(self) -> int:
        """Length of the vector that it reads."""
        return self.weights["W"].shape[1]

    def run(self, h: Floats) -> Floats:
        """Logits of shape (batch, outputs) for ``h`` of shape (batch, units)."""
        return h @ self.weights["W"].T + self.weights["b"]


@dataclass(frozen=True)
class FloatRun:
    """What the float reference computed: ``output`` (batch, outputs), and a trace a layer."""

    output: Floats
    layers: tuple[dict[str, Floats], ...]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A trained float network.

    Args:
        layers: recurrent layers, the first one first.
        head: dense head on the last step's h, or ``None`` for h itself.
        input_scale: factor from stored samples to the numbers that the network was trained with
            (1/255 for pixels 0 to 255).

    Raises:
        InputError: sizes do not fit each other, or ``input_scale`` is not a positive number.
    """

    layers: tuple[Layer, ...]
    head: Dense | None = None
    input_scale: float = 1.0

    def __post_init__(self) -> None:
        check_chain([(layer.inputs, layer.units) for layer in self.layers], self.head)
        check_scale(self.input_scale)

    @property
    def inputs(self) -> int:
        """Length of one step's input vector."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Length of the output vector: logits, or h where there is no head."""
        return self.head.outputs if self.head else self.layers[-1].units

    @property
    def parameters(self) -> int:
        """Number of trained parameters, biases included."""
        parts = [*self.layers, *([self.head] if self.head else [])]
        return sum(array.size for part in parts for array in part.weights.values())

    def run(self, samples: ArrayLike) -> FloatRun:
        """Float reference, eqs. (18)-(25), from zero state.

        Args:
            samples: shape (batch, steps, inputs), before scaling by ``input_scale``.
        """
        value = np.asarray(samples, dtype=np.float64) * self.input_scale
        traces = []
        for layer in self.layers:
            traces.append(layer.run(value))
            value = traces[-1]["h"]
        last = value[:, -1]
        return FloatRun(self.head.run(last) if self.head else last, tuple(traces))

    def forward(self, samples: ArrayLike) -> Floats:
        """The output of :meth:`run` alone: logits, or the last h, of shape (batch, outputs)."""
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
            fields |= {
                f"{prefix}cell": layer.cell.kind,
                f"{prefix}sigmoid": layer.sigmoid,
            }
            fields |= {prefix + name: value for name, value in cell_options(layer.cell).items()}
            fields |= {prefix + name: _compact(array) for name, array in layer.weights.items()}
        if self.head:
            fields |= {f"head.{k}": _compact(array) for k, array in self.head.weights.items()}
        store.write(path, KIND, fields)

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read a network that :meth:`save` wrote.

        Raises:
            InputError: anything about the file is not as expected.
        """
        reader = store.Reader(path, [KIND])
        layers = []
        for index in range(reader.integer("layers", 1, MAX_LAYERS)):
            prefix = f"layer{index}."
            cell, sigmoid = read_cell(reader, prefix)
            units = reader.reals(prefix + cell.gates[0].bias, (None,)).shape[0]
            inputs = reader.reals(prefix + cell.gates[0].matrix("x"), (units, None)).shape[1]
            shapes = weight_shapes(cell, inputs, units)
            weights = {name: reader.reals(prefix + name, shape) for name, shape in shapes.items()}
            layers.append(Layer(cell=cell, sigmoid=sigmoid, weights=weights))
        head = None
        if reader.flag("head"):
            matrix = reader.reals("head.W", (None, None))
            bias = reader.reals("head.b", (matrix.shape[0],))
            head = Dense(weights={"W": matrix, "b": bias})
        scale = reader.real("input_scale")
        reader.finish()
        try:
            return cls(layers=tuple(layers), head=head, input_scale=scale)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def read_cell(reader: store.Reader, prefix: str) -> tuple[Cell, str]:
    """The fields that say which cell a layer has, and its gate activation."""
    kind = CELLS[reader.text(f"{prefix}cell", list(CELLS))]
    options = {name: reader.text(prefix + name, list(kind.options[name])) for name in kind.options}
    cell = kind(**options)
    return cell, reader.text(f"{prefix}sigmoid", list(SIGMOIDS))


def weight_shapes(cell: Cell, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a layer's matrices and biases by name, in the order of the equations."""
    shapes: dict[str, tuple[int, ...]] = {}
    for gate in cell.gates:
        for operand in gate.reads:
            shapes[gate.matrix(operand)] = (units, inputs if operand == "x" else units)
        if gate.diagonal:
            shapes[gate.peephole] = (units,)
        shapes[gate.bias] = (units,)
    return shapes


def check_weight(name: str, array: NDArray[Any], shape: tuple[int | None, ...]) -> None:
    """Refuse a weight array of a wrong shape or with numbers that are not finite."""
    fits = len(array.shape) == len(shape) and all(
        have > 0 and want in (None, have) for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InputError(f"weight {name} is of shape {array.shape}, expected ({wanted})")
    if not np.isfinite(array).all():
        raise InputError(f"weight {name} holds NaN or infinity, expected finite numbers")


def check_chain(sizes: list[tuple[int, int]], head: Any) -> None:
    """Refuse layers of (inputs, units) that do not fit each other or the head."""
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
    if not (np.isfinite(scale) and scale > 0):
        raise InputError(f"input_scale is {scale}, expected a positive number")


def _compact(array: Floats) -> NDArray[Any]:
    """The array as float32 where that loses nothing."""
    narrow = array.astype(np.float32)
    return narrow if (narrow == array).all() else array
