"""Conventions of other tools, undone by scaling weights: shown on the cells themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.activations import hard_sigmoid as eq_21
from golden.activations import logistic
from golden.cells import GRU, LSTM, LiteLSTM
from golden.errors import InputError
from litelstm.importers.layers import (
    LOGISTIC,
    GateWeights,
    Sigmoid,
    hard_sigmoid,
    make_layer,
    reals,
    split,
)

Floats = NDArray[np.float64]
RNG = np.random.default_rng(7)
INPUTS, UNITS = 3, 4


def gate(**extra: Floats) -> GateWeights:
    parts = {"x": RNG.normal(size=(UNITS, INPUTS)), "h": RNG.normal(size=(UNITS, UNITS))}
    return GateWeights(b=RNG.normal(size=UNITS), **(parts | extra))


SLOPES = [(0.2, 0.5), (1 / 6, 0.5), (0.25, 0.5), (0.4, 0.3), (1.0, -0.75), (0.05, 1.25)]


@pytest.mark.parametrize(("alpha", "beta"), SLOPES)
def test_any_slope_becomes_eq_21(alpha: float, beta: float) -> None:
    a = np.linspace(-40, 40, 8001)
    scaled = GateWeights(b=a).standard(hard_sigmoid(alpha, beta)).b
    difference = eq_21(scaled) - np.clip(alpha * a + beta, 0, 1)
    assert np.abs(difference).max() < 1e-14


def test_slopes_that_are_powers_of_two_lose_no_bit() -> None:
    a = RNG.normal(scale=8, size=1000)
    for alpha in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0):
        scaled = GateWeights(b=a).standard(hard_sigmoid(alpha)).b
        assert (eq_21(scaled) == np.clip(alpha * a + 0.5, 0, 1)).all()


@pytest.mark.parametrize("function", [eq_21, logistic])
def test_the_complement_of_a_gate_is_the_gate_of_the_negative_sum(function: Any) -> None:
    a = np.linspace(-9, 9, 4001)
    assert np.abs(function(-a) - (1 - function(a))).max() < 1e-15


@pytest.mark.parametrize("reset", ["before", "after"])
@pytest.mark.parametrize("sigmoid", [LOGISTIC, hard_sigmoid(0.2), hard_sigmoid(0.4, 0.3)])
def test_gru_with_the_other_z(reset: str, sigmoid: Sigmoid) -> None:
    gates = {name: gate() for name in "rzn"}
    if reset == "after":
        m = gate()
        gates["m"] = GateWeights(b=m.b, h=m.h)
    layer = make_layer(GRU(reset=reset), sigmoid, gates, complement=("z",))
    x = RNG.normal(scale=2, size=(5, 6, INPUTS))
    h = np.zeros((5, UNITS))

    def activation(total: Floats) -> Floats:
        if sigmoid.name == "logistic":
            return 1 / (1 + np.exp(-total))
        return np.clip(sigmoid.alpha * total + sigmoid.beta, 0, 1)

    def times(matrix: Floats | None, value: Floats) -> Floats:
        assert matrix is not None
        return value @ matrix.T

    for t in range(x.shape[1]):
        r, z = (
            activation(times(gates[n].x, x[:, t]) + times(gates[n].h, h) + gates[n].b) for n in "rz"
        )
        from_x = times(gates["n"].x, x[:, t]) + gates["n"].b
        if reset == "before":
            n = np.tanh(from_x + times(gates["n"].h, r * h))
        else:
            n = np.tanh(from_x + r * (times(gates["m"].h, h) + gates["m"].b))
        h = (1 - z) * n + z * h  # z as ONNX, PyTorch and Keras have it
    assert np.abs(layer.run(x)["h"][:, -1] - h).max() < 1e-14


def test_peepholes_and_matrices_on_c_are_scaled_too() -> None:
    lstm = {name: gate(peephole=RNG.normal(size=UNITS)) for name in "ifo"} | {"g": gate()}
    layer = make_layer(LSTM(peephole="current"), hard_sigmoid(0.5), lstm)
    assert np.array_equal(layer.weights["w_oc"], 2 * _given(lstm["o"].peephole))
    assert np.array_equal(layer.weights["W_gx"], _given(lstm["g"].x))
    lite = {"f": gate(c=RNG.normal(size=(UNITS, UNITS))), "g": gate()}
    layer = make_layer(LiteLSTM(), hard_sigmoid(0.5, 0.25), lite)
    assert np.array_equal(layer.weights["W_fc"], 2 * _given(lite["f"].c))
    assert np.array_equal(layer.weights["b_f"], 2 * lite["f"].b - 1)
    assert np.array_equal(layer.weights["b_g"], lite["g"].b)


def _given(part: Floats | None) -> Floats:
    assert part is not None
    return part


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.ones((2, 3), dtype=np.int32), "w is int32 of shape (2, 3), expected floats"),
        (np.ones(2), "expected floats of shape (any, 3)"),
        (np.ones((2, 4)), "expected floats of shape (any, 3)"),
        (np.ones((0, 3)), "expected floats of shape (any, 3)"),
        (np.full((2, 3), np.inf), "w holds NaN or infinity"),
        (np.array([[object()]]), "w is object"),
    ],
)
def test_arrays(array: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        reals(array, (None, 3), "w")
    assert says in str(caught.value)


@pytest.mark.parametrize("alpha", [0.0, -0.25, float("nan"), float("inf")])
def test_slopes_that_are_none(alpha: float) -> None:
    with pytest.raises(InputError, match="expected alpha > 0"):
        hard_sigmoid(alpha)


def test_a_sigmoid_without_a_slope_has_that_of_eq_21() -> None:
    assert hard_sigmoid(0.25) == Sigmoid(name="hard")
    assert (LOGISTIC.alpha, LOGISTIC.beta) == (0.25, 0.5)


def test_stacked_gates_come_apart_in_their_order() -> None:
    found = split(np.arange(12.0).reshape(6, 2), "iof")
    assert {name: block.tolist() for name, block in found.items()} == {
        "i": [[0, 1], [2, 3]],
        "o": [[4, 5], [6, 7]],
        "f": [[8, 9], [10, 11]],
    }
