"""What all importers share: gates in one convention, layers and heads put together.

Other tools differ from the paper in the order of gates, in the hard sigmoid's slope and in the
meaning of a GRU's z. All of that is undone here by scaling weights, which is exact:

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
from golden.network import Dense, Layer, Network


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an importer made.

    Attributes:
        network: the network.
        notes: what the file has and the network has not, each one line (a softmax at the end).
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
    """clip(alpha a + beta, 0, 1); the slope must be a positive number.

    Raises:
        InputError: it is not.
    """
    if not (np.isfinite([alpha, beta]).all() and alpha > 0):
        raise InputError(f"hard sigmoid has alpha {alpha}, beta {beta}, expected alpha > 0")
    return Sigmoid(name="hard", alpha=alpha, beta=beta)


@dataclass(frozen=True, kw_only=True)
class GateWeights:
    """One gate's weights as the equations have them: matrix times column vector.

    Args:
        b: bias, (units,).
        x, h, c: matrices on the operands, (units, inputs) and (units, units).
        peephole: diagonal weights on c, (units,).
    """

    b: Floats
    x: Floats | None = None
    h: Floats | None = None
    c: Floats | None = None
    peephole: Floats | None = None

    def scaled(self, factor: float, shift: float) -> GateWeights:
        """The gate whose sum is ``factor`` times this one's, plus ``shift``."""
        x, h, c, peephole = (
            None if part is None else part * factor
            for part in (self.x, self.h, self.c, self.peephole)
        )
        return GateWeights(b=self.b * factor + shift, x=x, h=h, c=c, peephole=peephole)

    def standard(self, sigmoid: Sigmoid) -> GateWeights:
        """Weights with which eq. (21) gives what ``sigmoid`` gives with these ones."""
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
    """A layer from its gates' weights.

    Args:
        cell: the cell; ``gates`` has a value for each of its gates.
        sigmoid: the tool's gate activation.
        gates: weights in the tool's own scale.
        complement: gates of which the tool uses 1 - G where the paper uses G.

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
    """Blocks of rows by gate, for a tool that stacks its gates in the order of ``names``."""
    return dict(zip(names, np.split(array, len(names)), strict=True))


def reals(array: ArrayLike, shape: tuple[int | None, ...], name: str) -> Floats:
    """A weight array as float64, its shape checked (``None`` is any size from 1 up).

    Raises:
        InputError: it is no array of real numbers, of another shape, or not finite.
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
    """A layer's weights with which x does what matrix x + bias did."""
    changed = dict(weights)
    for gate in cell.gates:
        if "x" in gate.reads:
            on_x = weights[gate.matrix("x")]
            changed[gate.matrix("x")] = on_x @ matrix
            changed[gate.bias] = weights[gate.bias] + on_x @ bias
    return changed


@dataclass(kw_only=True)
class Chain:
    """Layers and dense maps in the order of the data, put together to a network.

    A dense map without activation in front of a recurrent layer is folded into that layer's
    weights on x, W (A x + a) = (W A) x + W a; behind the last one it is the head.

    Attributes:
        layers: the recurrent layers so far.
        input_scale: the network's.
    """

    layers: list[Layer] = field(default_factory=list)
    input_scale: float = 1.0
    _dense: tuple[Floats, Floats] | None = None
    _scalars: tuple[float, float] | None = None

    def rescale(self, scale: float, offset: float) -> None:
        """Add y = scale x + offset, of single numbers, in front of anything else.

        Raises:
            InputError: something stands before it.
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
            InputError: it does not fit what stands before it.
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
            InputError: it does not fit a dense map before it.
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
        """The network of all that was added.

        Raises:
            InputError: there is no recurrent layer, or sizes do not fit each other.
        """
        if not self.layers:
            raise InputError("has no recurrent layer")
        head = None
        if self._dense is not None:
            head = Dense(weights=dict(zip("Wb", self._dense, strict=True)))
        return Network(layers=tuple(self.layers), head=head, input_scale=self.input_scale)
