"""Helpers of all importers: gates in the paper's convention, networks from layers and heads.

Other tools differ from the paper in the order of gates, in the hard sigmoid's slope and in the
meaning of a GRU's z. Scaling weights converts them to the paper's form exactly:

    clip(alpha a + beta, 0, 1) = clip(a'/4 + 1/2, 0, 1), eq. (21), of a' = 4 alpha a + 4 beta - 2
    1 - G(a) = G(-a) for the logistic sigmoid and for eq. (21)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from golden.cells import Cell, Floats
from golden.errors import InputError
from golden.layers import dense
from golden.network import Layer, Network


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Result of an import.

    Attributes:
        network: the network.
        notes: one line per assumption or part of the file that is left out (a softmax at the end).
    """

    network: Network
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sigmoid:
    """A tool's gate activation: the logistic sigmoid, or clip(alpha a + beta, 0, 1)."""

    name: str
    alpha: float = 1 / 4
    beta: float = 1 / 2


LOGISTIC = Sigmoid(name="logistic")


def hard_sigmoid(alpha: float, beta: float = 0.5) -> Sigmoid:
    """Make the activation clip(alpha a + beta, 0, 1).

    Raises:
        InputError: ``alpha`` is not a positive number.
    """
    if not (np.isfinite([alpha, beta]).all() and alpha > 0):
        raise InputError(f"hard sigmoid has alpha {alpha}, beta {beta}, expected alpha > 0")
    return Sigmoid(name="hard", alpha=alpha, beta=beta)


@dataclass(frozen=True, kw_only=True)
class GateWeights:
    """One gate's weights as in the equations: matrix times column vector.

    Args:
        b: bias, (units,).
        x, h, c: matrices for these operands, (units, inputs) and (units, units).
        peephole: diagonal weights on c, (units,).
    """

    b: Floats
    x: Floats | None = None
    h: Floats | None = None
    c: Floats | None = None
    peephole: Floats | None = None

    def scaled(self, factor: float, shift: float) -> GateWeights:
        """Scale the weights so that the gate's sum becomes ``factor`` * sum + ``shift``."""
        x, h, c, peephole = (
            None if part is None else part * factor
            for part in (self.x, self.h, self.c, self.peephole)
        )
        return GateWeights(b=self.b * factor + shift, x=x, h=h, c=c, peephole=peephole)

    def standard(self, sigmoid: Sigmoid) -> GateWeights:
        """Scale the weights so that eq. (21) gives the result of ``sigmoid`` with these."""
        if sigmoid.name == "logistic":
            return self
        return self.scaled(4 * sigmoid.alpha, 4 * (sigmoid.beta - 0.5))


def make_layer(
    cell: Cell,
    sigmoid: Sigmoid,
    gates: Mapping[str, GateWeights],
    *,
    complement: Collection[str] = (),
) -> Layer:
    """Make a layer from its gates' weights.

    Args:
        cell: the cell; ``gates`` has a value for each of its gates.
        sigmoid: the tool's gate activation.
        gates: weights in the tool's own scale.
        complement: gates for which the tool uses 1 - G and the paper G.

    Raises:
        InputError: weights are missing, of wrong shapes or not finite.
    """
    weights: dict[str, Floats] = {}
    for gate in cell.gates:
        own = gates[gate.name]
        if not (gate.tanh or gate.wide):
            own = own.standard(sigmoid)
        if gate.name in complement:
            own = own.scaled(-1, 0)
        parts = {gate.matrix(operand): _part(own, operand) for operand in gate.reads}
        if gate.diagonal:
            parts[gate.peephole] = own.peephole
        parts[gate.bias] = own.b
        weights |= {name: value for name, value in parts.items() if value is not None}
    return Layer(cell=cell, sigmoid=sigmoid.name, weights=weights)


def _part(weights: GateWeights, operand: str) -> Floats | None:
    return {"x": weights.x, "h": weights.h, "rh": weights.h, "c": weights.c}[operand]


def split(array: Floats, names: str) -> dict[str, Floats]:
    """Split stacked gates into blocks of rows by gate, in the order of ``names``."""
    return dict(zip(names, np.split(array, len(names)), strict=True))


def reals(array: ArrayLike, shape: tuple[int | None, ...], name: str) -> Floats:
    """Convert a weight array to float64 and check its shape (``None``: any size from 1 up).

    Raises:
        InputError: it is no array of real numbers, has a wrong shape, or is not finite.
    """
    array = np.asarray(array)
    wanted = ", ".join("any" if n is None else str(n) for n in shape)
    fits = array.ndim == len(shape) and all(
        have > 0 and want in (None, have) for have, want in zip(array.shape, shape, strict=True)
    )
    if array.dtype.kind != "f" or not fits:
        raise InputError(
            f"{name} is {array.dtype} of shape {array.shape}, expected floats of shape ({wanted})"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinity, expected finite numbers")
    return array.astype(np.float64)


def _on(
    cell: Cell, weights: Mapping[str, Floats], matrix: Floats, bias: Floats
) -> dict[str, Floats]:
    """Fold x := matrix x + bias into a layer's weights."""
    changed = dict(weights)
    for gate in cell.gates:
        if "x" in gate.reads:
            on_x = weights[gate.matrix("x")]
            changed[gate.matrix("x")] = on_x @ matrix
            changed[gate.bias] = weights[gate.bias] + on_x @ bias
    return changed


@dataclass(kw_only=True)
class Chain:
    """Builds a network from layers and dense maps in the order of the data.

    It folds a dense map before a recurrent layer into that layer's weights for x,
    W (A x + a) = (W A) x + W a; a dense map after the last layer becomes the head.

    Attributes:
        layers: the recurrent layers so far.
        input_scale: the network's input scale.
    """

    layers: list[Layer] = field(default_factory=list)
    input_scale: float = 1.0
    _dense: tuple[Floats, Floats] | None = None
    _scalars: tuple[float, float] | None = None

    def rescale(self, scale: float, offset: float) -> None:
        """Add y = scale x + offset (scalars) as the first map.

        Raises:
            InputError: the chain is not empty.
        """
        if self.layers or self._dense is not None or self._scalars is not None:
            raise InputError("rescales inside the network, expected its input alone")
        if offset == 0 and scale > 0:
            self.input_scale *= scale
        else:
            self._scalars = scale, offset

    def dense(self, matrix: Floats, bias: Floats) -> None:
        """Add y = matrix x + bias.

        Raises:
            InputError: the matrix does not fit the map or layer before it.
        """
        if self._scalars is not None:
            scale, offset = self._scalars
            matrix, bias = matrix * scale, bias + offset * matrix.sum(axis=1)
            self._scalars = None
        if self._dense is None:
            self._dense = matrix, bias
            return
        first, first_bias = self._dense
        if matrix.shape[1] != first.shape[0]:
            raise InputError(f"dense map reads {matrix.shape[1]} values, expected {first.shape[0]}")
        self._dense = matrix @ first, matrix @ first_bias + bias

    def layer(self, layer: Layer) -> None:
        """Add a recurrent layer.

        Raises:
            InputError: the layer does not fit a dense map before it.
        """
        if self._scalars is not None:
            self.dense(np.eye(layer.inputs), np.zeros(layer.inputs))
        if self._dense is not None:
            matrix, bias = self._dense
            if layer.inputs != matrix.shape[0]:
                raise InputError(f"layer reads {layer.inputs} values, expected {matrix.shape[0]}")
            layer = replace(
                layer,
                weights=_on(layer.cell, layer.weights, matrix, bias),
                backward=layer.backward and _on(layer.cell, layer.backward, matrix, bias),
            )
            self._dense = None
        self.layers.append(layer)

    def network(self) -> Network:
        """Make the network.

        Raises:
            InputError: there is no recurrent layer, or sizes do not fit each other.
        """
        if not self.layers:
            raise InputError("has no recurrent layer")
        head = () if self._dense is None else (dense(*self._dense),)
        return Network(layers=(*self.layers, *head), input_scale=self.input_scale)
