"""Helpers of all importers: weights in the paper's convention.

Other tools differ from the paper in the order of gates, in the hard sigmoid's slope and in the
meaning of a GRU's z. Scaling weights converts them to the paper's form exactly:

    clip(alpha a + beta, 0, 1) = clip(a'/4 + 1/2, 0, 1), eq. (21), of a' = 4 alpha a + 4 beta - 2
    1 - G(a) = G(-a) for the logistic sigmoid and for eq. (21)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from golden.cells import Cell, Floats
from golden.errors import InputError
from golden.network import Layer


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
