"""The float network: a stack of recurrent layers with an optional dense head, and its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import store
from golden.cells import CELLS, SIGMOIDS, Activations, Cell, Floats, cell_options
from golden.directions import (
    BACKWARD,
    DIRECTIONS,
    blanked,
    check_direction,
    check_lengths,
    final,
    parts,
    turned,
)
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
        direction: ``forward``, ``reverse`` or ``bidirectional``, see :mod:`golden.directions`.
        backward: of a bidirectional layer, the weights of the direction from the last step to the
            first; they have the same names and shapes.

    Raises:
        InputError: a matrix is missing, foreign, of a wrong shape or not finite; the gate
            activation or the direction is unknown.
    """

    cell: Cell
    sigmoid: str
    weights: Mapping[str, Floats]
    direction: str = "forward"
    backward: Mapping[str, Floats] | None = None

    def __post_init__(self) -> None:
        if self.sigmoid not in SIGMOIDS:
            raise InputError(f"sigmoid is {self.sigmoid!r}, expected hard or logistic")
        check_direction(self.direction, self.backward)
        gate = self.cell.gates[0]
        for name in (gate.matrix("x"), gate.bias):
            if name not in self.weights:
                raise InputError(f"weight {name} is missing")
        shapes = weight_shapes(self.cell, self.inputs, self.units)
        self._check_weights("", self.weights, shapes)
        if self.backward is not None:
            self._check_weights(BACKWARD, self.backward, shapes)

    def _check_weights(
        self, prefix: str, weights: Mapping[str, Floats], shapes: dict[str, tuple[int, ...]]
    ) -> None:
        for name in shapes.keys() | weights.keys():
            if name not in shapes:
                raise InputError(f"weight {prefix}{name} is not one of a {self.cell.kind} layer's")
            if name not in weights:
                raise InputError(f"weight {prefix}{name} is missing")
            check_weight(prefix + name, weights[name], shapes[name])

    @property
    def inputs(self) -> int:
        """Length of the input vector."""
        return self.weights[self.cell.gates[0].matrix("x")].shape[-1]

    @property
    def units(self) -> int:
        """Length of h of one direction."""
        return self.weights[self.cell.gates[0].bias].shape[0]

    @property
    def outputs(self) -> int:
        """Length of the output vector: h of all directions."""
        return self.units * (1 if self.backward is None else 2)

    @property
    def arrays(self) -> dict[str, Floats]:
        """All weights by name; those of ``backward`` with a prefix."""
        second = {BACKWARD + name: array for name, array in (self.backward or {}).items()}
        return {**self.weights, **second}

    def run(
        self,
        x: Floats,
        *,
        state: Mapping[str, ArrayLike] | None = None,
        lengths: NDArray[np.int64] | None = None,
    ) -> dict[str, Floats]:
        """Float reference, step by step as the equations stand.

        Args:
            x: inputs of shape (batch, steps, inputs).
            state: what to start from by name (``h``, ``c``), each (batch, outputs): in reverse it
                precedes a sequence's last step. What is not given is zero.
            lengths: steps of each sequence, shape (batch,); by default all of them.

        Returns:
            The state tensors of every step (``h``, ``c``, ...) and the pre-activations
            (``pre_f``, ...), each (batch, steps, outputs), zero beyond a sequence's length.

        Raises:
            InputError: ``state`` or ``lengths`` do not fit.
        """
        batch, steps, _ = x.shape
        lengths = check_lengths(lengths, batch, steps)
        start = self._start(state or {}, batch)
        traces = []
        for part in parts(self):
            begin = {name: value[:, part.columns] for name, value in start.items()}
            trace = part.layer._run_forward(turned(x, lengths) if part.reverse else x, begin)
            if part.reverse:
                trace = {name: turned(value, lengths) for name, value in trace.items()}
            traces.append({name: blanked(value, lengths) for name, value in trace.items()})
        if len(traces) == 1:
            return traces[0]
        return {name: np.concatenate([t[name] for t in traces], axis=-1) for name in traces[0]}

    def _start(self, state: Mapping[str, ArrayLike], batch: int) -> dict[str, Floats]:
        """The state before the first step, checked and complete."""
        shape = batch, self.outputs
        start = {name: np.zeros(shape) for name in self.cell.state}
        for name, values in state.items():
            if name not in start:
                raise InputError(f"state {name} is not one of a {self.cell.kind} layer's")
            start[name] = np.asarray(values, dtype=np.float64)
            if start[name].shape != shape:
                raise InputError(f"state {name} is of shape {start[name].shape}, expected {shape}")
        return start

    def _run_forward(self, x: Floats, state: dict[str, Floats]) -> dict[str, Floats]:
        """:meth:`run` of a forward layer over whole sequences."""
        batch, steps, _ = x.shape
        real = Activations(sigmoid=SIGMOIDS[self.sigmoid])
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

            state = self.cell.step(sums, state, real)
            for name, value in state.items():
                trace[name][:, t] = value
        return trace


@dataclass(frozen=True, kw_only=True)
class Dense:
    """The dense head: y = W h + b on the last layer's h.

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
        """Logits of shape (..., outputs) for ``h`` of shape (..., units)."""
        return h @ self.weights["W"].T + self.weights["b"]


@dataclass(frozen=True)
class FloatRun:
    """What the float reference computed.

    Attributes:
        output: the result, (batch, outputs): from the h that the last layer ends with.
        layers: a trace a layer, see :meth:`Layer.run`.
        steps: the result after every step, (batch, steps, outputs), for what it is worth in
            reverse; without meaning beyond a sequence's length.
        state: the state that each layer ends with, by name, each (batch, outputs of the layer).
    """

    output: Floats
    layers: tuple[dict[str, Floats], ...]
    steps: Floats
    state: tuple[dict[str, Floats], ...]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A trained float network.

    Args:
        layers: recurrent layers, the first one first.
        head: dense head on the h that the last layer ends with, or ``None`` for h itself.
        input_scale: factor from stored samples to the numbers that the network was trained with
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
        """Length of the output vector: logits, or h where there is no head."""
        return self.head.outputs if self.head else self.layers[-1].outputs

    @property
    def parameters(self) -> int:
        """Number of trained parameters, biases included."""
        arrays = [array for layer in self.layers for array in layer.arrays.values()]
        arrays += self.head.weights.values() if self.head else []
        return sum(array.size for array in arrays)

    def run(
        self,
        samples: ArrayLike,
        *,
        state: Sequence[Mapping[str, ArrayLike]] | None = None,
        lengths: ArrayLike | None = None,
    ) -> FloatRun:
        """Float reference of every cell's equations.

        Args:
            samples: shape (batch, steps, inputs), before scaling by ``input_scale``.
            state: what each layer starts from, see :meth:`Layer.run`; by default zero.
            lengths: steps of each sequence; by default all of them.

        Raises:
            InputError: ``state`` or ``lengths`` do not fit.
        """
        value = np.asarray(samples, dtype=np.float64) * self.input_scale
        batch, steps, _ = value.shape
        ends = check_lengths(lengths, batch, steps)
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
        return FloatRun(output, tuple(traces), every, tuple(finals))

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
            fields |= direction_field(prefix, layer.direction)
            fields |= {prefix + name: value for name, value in cell_options(layer.cell).items()}
            fields |= {prefix + name: _compact(array) for name, array in layer.arrays.items()}
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
    """The field that says which way a layer runs: none for a forward one."""
    return {} if direction == "forward" else {f"{prefix}direction": direction}


def read_direction(reader: store.Reader, prefix: str) -> str:
    """Which way a layer runs: forward if its file does not say."""
    field = f"{prefix}direction"
    return reader.text(field, DIRECTIONS) if reader.has(field) else "forward"


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
