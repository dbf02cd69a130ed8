"""Weights as other tools stack them, to weights by their names in the paper's equations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from golden.cells import Cell

Floats = NDArray[np.float64]
Weights = dict[str, Floats]


def by_gate(order: str, W: Floats, U: Floats, b: Floats) -> Weights:
    """Gates that stand below each other, in this order, as separate matrices and biases.

    Args:
        order: letters of the gates.
        W: (gates * units, inputs), on x.
        U: (gates * units, units), on h.
        b: (gates * units,), the sum of all biases.
    """
    count, weights = len(order), {}
    stacks = zip(order, np.split(W, count), np.split(U, count), np.split(b, count), strict=True)
    for gate, on_x, on_h, bias in stacks:
        weights |= {f"W_{gate}x": on_x, f"U_{gate}h": on_h, f"b_{gate}": bias}
    return {name: np.asarray(array, dtype=np.float64) for name, array in weights.items()}


def gru_weights(
    order: str, W: Floats, U: Floats, b_x: Floats, b_h: Floats, *, reset: str
) -> Weights:
    """Split by gate a GRU with gates r, z and n whose bias on h (``b_h``) stands apart.

    ONNX, PyTorch and Keras have h = z * h + (1 - z) * n. Eq. (17) has (1 - z) * h + z * n, so z
    becomes 1 - z: its weights change their sign, because 1 - G(a) = G(-a) for both kinds of G.
    """
    both = by_gate(order, W, U, b_x + b_h)
    for name in ("W_zx", "U_zh", "b_z"):
        both[name] = -both[name]
    if reset == "after":
        at = order.index("n")
        both["b_n"] = np.split(np.asarray(b_x, dtype=np.float64), 3)[at]
        both["b_m"] = np.split(np.asarray(b_h, dtype=np.float64), 3)[at]
        both["U_mh"] = both.pop("U_nh")
    return both


def with_hard_sigmoid(cell: Cell, weights: Weights, slope: float) -> Weights:
    """Weights that make eq. (21) what clip(slope * a + 1/2, 0, 1) was: a becomes 4 * slope * a."""
    names = {
        name
        for gate in cell.gates
        if not (gate.tanh or gate.wide)
        for name in (*(gate.matrix(operand) for operand in gate.reads), gate.bias, gate.peephole)
    }
    return {name: array * (4 * slope if name in names else 1) for name, array in weights.items()}
