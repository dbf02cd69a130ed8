"""The float equations of every cell, written out once more, a step at a time for one sequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, LiteLSTM, Pool
from golden.network import Layer

Floats = NDArray[np.float64]


def sigma(value: Floats, sigmoid: str) -> Floats:
    """Eq. (21), or the logistic function."""
    if sigmoid == "hard":
        return np.minimum(1, np.maximum(0, value / 4 + 0.5))
    return 1 / (1 + np.exp(-value))


def naive(layer: Layer, x: Floats, *start: Floats) -> tuple[Floats, Floats]:
    """h and c after every step of one sequence (steps, inputs).

    They start as ``start``, which is nothing, h, or h and c; what is not given is zero. Steps are
    taken from the first to the last with ``layer.weights``, whatever the layer's direction.
    """
    cell, w = layer.cell, layer.weights
    zeros = np.zeros(layer.units)
    h, c = [*start, zeros, zeros][:2]
    trace: list[tuple[Floats, Floats]] = []

    def G(value: Floats) -> Floats:
        return sigma(value, layer.sigmoid)

    def A(value: Floats) -> Floats:
        name = getattr(cell, "activation", "tanh")
        if name in ("elu", "selu"):
            alpha = 1 if name == "elu" else 1.6732632423543772
            return np.where(value > 0, value, alpha * np.expm1(np.minimum(value, 0)))
        return np.maximum(value, 0) if name == "relu" else np.tanh(value)

    def a(gate: str, x: Floats, h: Floats) -> Floats:
        return w[f"W_{gate}x"] @ x + w[f"U_{gate}h"] @ h + w[f"b_{gate}"]

    for x_t in x:
        match cell:
            case RNN():
                h = A(a("h", x_t, h))
            case LSTM(peephole=peephole, forget=forget):
                p = {k: w.get(f"w_{k}c", zeros) for k in "ifo"}
                i = G(a("i", x_t, h) + p["i"] * c)
                f = 1 - i if forget == "coupled" else G(a("f", x_t, h) + p["f"] * c)
                c_new = f * c + i * A(a("g", x_t, h))
                o = G(a("o", x_t, h) + p["o"] * (c_new if peephole == "current" else c))
                h, c = o * A(c_new), c_new
            case GRU(reset=reset):
                r, z = G(a("r", x_t, h)), G(a("z", x_t, h))
                if reset == "before":
                    n = A(a("n", x_t, r * h))
                else:
                    n = A(w["W_nx"] @ x_t + w["b_n"] + r * (w["U_mh"] @ h + w["b_m"]))
                h = (1 - z) * h + z * n
            case LiteLSTM(peephole=peephole):
                seen = {
                    "full": lambda c: w["W_fc"] @ c,
                    "diagonal": lambda c: w["w_fc"] * c,
                    "none": np.zeros_like,
                }[peephole](c)
                f = G(a("f", x_t, h) + seen)
                c = f * c + f * np.tanh(a("g", x_t, h))
                h = f * np.tanh(c)
            case Pool(over=over):
                y = w["W_yx"] @ x_t + w["b_y"]
                h = h + y if over == "sum" else np.maximum(h, y) if trace else y
            case _:
                raise AssertionError(cell)
        trace.append((h, c))
    return np.array([h for h, _ in trace]), np.array([c for _, c in trace])
