"""The float network's layers, with their float reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.cells import SIGMOIDS, Activations, Cell, Dense, Floats
from golden.checks import check_numbers
from golden.dataclass import dataclass
from golden.directions import (
    BACKWARD,
    FIRST,
    DirectedLayer,
    blanked,
    check_direction,
    check_lengths,
    operand_names,
    parts,
    turned,
)
from golden.errors import InputError
from golden.windows import check_window


@dataclass(frozen=True, kw_only=True)
class Layer(DirectedLayer):
    """One layer with its trained parameters.

    Args:
        cell: the kind of cell, with its options.
        sigmoid: gate activation G, ``hard`` (eq. 21) or ``logistic``.
        weights: matrices and biases by their names in the equations (``W_fx`` of shape
            (units, inputs), ``U_fh`` and ``W_fc`` (units, units), ``b_f`` (units,), ...). Each
            further source has its own matrix: ``W_fx1``, ``W_fx2``, ...
        direction: ``forward``, ``reverse`` or ``bidirectional``, see :mod:`golden.directions`.
        backward: weights of a bidirectional layer's reverse half, with the same names and shapes.
        sources: numbers of the vectors that it reads, see :mod:`golden.graph`; ``None`` for the
            previous vector.
        lags: for each of ``sources`` the number of steps by which it is read late, see
            :mod:`golden.windows`; ``None`` for 0.
        warmup: steps that it needs, after those of its sources, before its vector counts.
        first: state before a sequence's first step by name (``h``, ``c``), each (outputs,); what is
            missing is the cell's ``empty``, zero.

    Raises:
        InputError: a matrix is missing, unknown, of a wrong shape or not finite; the gate
            activation or the direction is unknown.
    """

    cell: Cell
    sigmoid: str
    weights: Mapping[str, Floats]
    direction: str = "forward"
    backward: Mapping[str, Floats] | None = None
    sources: tuple[int, ...] | None = None
    lags: tuple[int, ...] | None = None
    warmup: int = 0
    first: Mapping[str, Floats] | None = None

    def __post_init__(self) -> None:
        for name, array, shape in named_weights(self):
            check_weight(name, array, shape)

    def run(
        self,
        x: Floats,
        *,
        state: Mapping[str, ArrayLike] | None = None,
        lengths: NDArray[np.int64] | None = None,
    ) -> dict[str, Floats]:
        """Compute the float reference, step by step as in the equations.

        Args:
            x: inputs of shape (batch, steps, inputs), all sources concatenated.
            state: start values by name (``h``, ``c``), each (batch, outputs); missing ones are
                those of ``first``. A reverse layer starts from them before a sequence's last step.
            lengths: steps of each sequence, shape (batch,); by default all steps.

        Returns:
            The vectors of every step (``h``, ``c``, ...) and the pre-activations
            (``pre_f``, ...), each (batch, steps, outputs), zero beyond a sequence's length.

        Raises:
            InputError: ``state`` or ``lengths`` do not fit the layer or ``x``.
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
        """Return the state before the first step, checked and complete."""
        shape = batch, self.outputs
        start = self.start(batch)
        for name, values in state.items():
            if name not in start:
                raise InputError(f"state {name} is not one of a {self.cell.kind} layer's")
            start[name] = check_numbers(f"values of state {name}", values)
            if start[name].shape != shape:
                raise InputError(f"state {name} is of shape {start[name].shape}, expected {shape}")
        return start

    def _run_forward(self, x: Floats, state: dict[str, Floats]) -> dict[str, Floats]:
        """Run a forward layer over whole sequences, see :meth:`run`."""
        batch, steps, _ = x.shape
        real = Activations(sigmoid=SIGMOIDS[self.sigmoid])
        gates = {gate.name: gate for gate in self.cell.gates}
        names = [*self.cell.makes, *(f"pre_{name}" for name in gates)]
        trace = {name: np.empty((batch, steps, self.units)) for name in names}
        places = {name: self.place(name) for name in self.operands}
        # Without state all steps are one product.
        for t in range(steps) if state else (slice(None),):
            operands = {**{name: x[:, t, place] for name, place in places.items()}, **state}

            def sums(
                name: str,
                t: Any = t,
                operands: Mapping[str, Floats] = operands,
                **made: Floats,
            ) -> Floats:
                gate, values = gates[name], {**operands, **made}
                total = self.weights[gate.bias] + sum(
                    values[operand] @ self.weights[gate.matrix(operand)].T
                    for operand in self.reads(gate)
                )
                if gate.diagonal:
                    total = total + self.weights[gate.peephole] * values["c"]
                trace[f"pre_{name}"][:, t] = total
                return total

            state = self.cell.step(sums, state, real)
            for name, value in state.items():
                trace[name][:, t] = value
        return trace


def dense(
    W: Floats | Sequence[Floats],
    b: Floats,
    activation: str = "linear",
    sources: tuple[int, ...] | None = None,
    lags: tuple[int, ...] | None = None,
    warmup: int = 0,
) -> Layer:
    """Make a dense layer A(W x + b).

    Args:
        W: matrix of shape (units, inputs), or one per source.
        b: bias of shape (units,).
        activation: A, see :class:`golden.cells.Dense`.
        sources, lags, warmup: see :class:`Layer`.
    """
    matrices = [W] if isinstance(W, np.ndarray) else W
    names = operand_names(len(matrices))
    weights = {f"W_y{name}": matrix for name, matrix in zip(names, matrices)}
    return Layer(
        cell=Dense(activation=activation),
        sigmoid="logistic",
        weights={**weights, "b_y": b},
        sources=sources,
        lags=lags,
        warmup=warmup,
    )


def weight_shapes(
    cell: Cell, inputs: int | Sequence[int], units: int
) -> dict[str, tuple[int, ...]]:
    """Shapes of a layer's matrices and biases by name, in the order of the equations.

    Args:
        cell: the cell.
        inputs: length of the vector that the layer reads, or lengths of several.
        units: length of h.
    """
    sizes = [inputs] if isinstance(inputs, int) else inputs
    shapes: dict[str, tuple[int, ...]] = {}
    for gate in cell.gates:
        for operand in gate.reads:
            if operand != "x":
                shapes[gate.matrix(operand)] = (units, units)
                continue
            for name, size in zip(operand_names(len(sizes)), sizes):
                shapes[gate.matrix(name)] = (units, size)
        if gate.diagonal:
            shapes[gate.peephole] = (units,)
        shapes[gate.bias] = (units,)
    return shapes


def named_weights(
    layer: DirectedLayer,
) -> list[tuple[str, NDArray[Any], tuple[int, ...]]]:
    """List a float or integer layer's weights and first states, with their expected shapes.

    Returns:
        (name, array, expected shape) of each, named as :attr:`DirectedLayer.arrays` does.

    Raises:
        InputError: a weight is missing or unknown; the gate activation or the direction is unknown.
    """
    if layer.sigmoid not in SIGMOIDS:
        raise InputError(f"sigmoid is {layer.sigmoid!r}, expected hard or logistic")
    check_direction(layer.direction, layer.backward)
    if not layer.cell.state and layer.direction != "forward":
        raise InputError(f"a {layer.cell.kind} layer is {layer.direction}, expected forward")
    if layer.sources is not None and not layer.sources:
        raise InputError("sources are empty, expected one vector or more")
    check_window(len(layer.operands), layer.lags, layer.warmup)
    gate = layer.cell.gates[0]
    for name in (*map(gate.matrix, layer.operands), gate.bias):  # the layer's sizes come from these
        if name not in layer.weights:
            raise InputError(f"weight {name} is missing")
        check_array(name, layer.weights[name])
    shapes = weight_shapes(layer.cell, layer.input_sizes, layer.units)
    named: list[tuple[str, NDArray[Any], tuple[int, ...]]] = []
    for prefix, weights in (("", layer.weights), (BACKWARD, layer.backward)):
        if weights is None:
            continue
        for name in weights:
            if name not in shapes:
                raise InputError(f"weight {prefix}{name} is not one of a {layer.cell.kind} layer's")
        for name, shape in shapes.items():
            if name not in weights:
                raise InputError(f"weight {prefix}{name} is missing")
            named.append((prefix + name, weights[name], shape))
    for name, array in (layer.first or {}).items():
        if name not in layer.cell.state:
            raise InputError(f"{FIRST}{name} is not one of a {layer.cell.kind} layer's states")
        named.append((FIRST + name, array, (layer.outputs,)))
    return named


def check_array(name: str, array: Any) -> None:
    """Refuse a weight that is not an array of real numbers with at least one dimension."""
    if not isinstance(array, np.ndarray) or array.ndim == 0 or array.dtype.kind not in "fiu":
        found = f"{array.dtype} of shape {array.shape}" if hasattr(array, "dtype") else repr(array)
        raise InputError(f"weight {name} is {found[:40]}, expected an array of real numbers")


def check_weight(name: str, array: NDArray[Any], shape: tuple[int | None, ...]) -> None:
    """Refuse a weight that is not an array of finite numbers, or has a wrong shape."""
    check_array(name, array)
    fits = len(array.shape) == len(shape) and all(
        have > 0 and want in (None, have) for have, want in zip(array.shape, shape)
    )
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InputError(f"weight {name} is of shape {array.shape}, expected ({wanted})")
    if not np.isfinite(array).all():
        raise InputError(f"weight {name} holds NaN or infinity, expected finite numbers")
