"""Binary points of single tensors and of a layer's operands and products."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from numpy.typing import NDArray

from golden.formats import Format
from golden.losses import TensorLoss
from golden.scales import METHODS, Block, LayerScales, Observed
from tests.networks import clipped, square_error

methods = pytest.mark.parametrize("method", METHODS)

tensors = st.lists(
    st.floats(-1e6, 1e6, allow_nan=False).filter(lambda v: v == 0 or abs(v) > 1e-9),
    min_size=1,
    max_size=8,
).map(np.array)


@given(values=tensors, width=st.integers(2, 18))
@bounded(derandomize=True, max_examples=300, deadline=None, database=None)
def test_max_is_the_finest_scale_without_saturation(values: NDArray[Any], width: int) -> None:
    frac = Observed(values).choose_frac(width, "max")
    if not values.any():
        assert frac == width - 1
        return
    assert clipped(values, width, frac) == 0
    assert frac == 64 or clipped(values, width, frac + 1) > 0


@given(values=tensors, width=st.integers(2, 18))
@bounded(derandomize=True, max_examples=300, deadline=None, database=None)
def test_mse_is_never_worse_than_max(values: NDArray[Any], width: int) -> None:
    least = square_error(values, width, Observed(values).choose_frac(width, "mse"))
    assert least <= square_error(values, width, Observed(values).choose_frac(width, "max"))


def test_mse_gives_an_outlier_up_for_the_rest() -> None:
    values = np.concatenate([np.linspace(-1, 1, 999), [4.1]])
    assert Observed(values).choose_frac(4, "max") == 0
    assert Observed(values).choose_frac(4, "mse") == 2


@pytest.mark.parametrize(
    ("value", "frac"),
    [(1.0, 6), (-1.0, 7), (127 / 128, 7), (0.997, 6), (-128.0, 0), (127.4, 0), (127.5, -1)],
)
def test_max_at_the_edges_of_a_power_of_two(value: float, frac: int) -> None:
    assert Observed(np.array([value])).choose_frac(8, "max") == frac


@methods
def test_a_tensor_of_zeros_gets_a_scale_and_loses_nothing(method: str) -> None:
    zeros = np.zeros((3, 4))
    to = Format(width=8, frac=Observed(zeros).choose_frac(8, method))
    loss = TensorLoss.measure("zeros", zeros, to)
    assert (loss.sqnr_db, loss.saturated, loss.max_error) == (math.inf, 0, 0)


# The scales of a layer


VALUES = {
    name: np.random.default_rng(n).normal(size=(40, n)) / (1 if n == 5 else 3)
    for name, n in (("x", 5), ("h", 7))
}
OPERAND_WIDTHS = {"x": 8, "h": 4}


def matrices(shrink: int) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Return matrices of two gates that read x and h; g's weights are divided by ``shrink``."""
    rng = np.random.default_rng(1)
    return {
        (gate, name): rng.normal(size=(7, VALUES[name].shape[1])) / size
        for gate, size in (("f", 1), ("g", shrink))
        for name in "xh"
    }


def choose(
    shrink: int, method: str, given: dict[str, int], *, biases: float = 0.25
) -> tuple[dict[str, int], dict[str, int]]:
    scales = LayerScales(
        [Block(*names, Observed(matrix)) for names, matrix in matrices(shrink).items()],
        {gate: Observed(np.array([0.5, -biases])) for gate in "fg"},
        {name: Observed(values) for name, values in VALUES.items()},
        widths=OPERAND_WIDTHS,
        weight_width=5,
        method=method,
    )
    return scales.choose(given)


@methods
def test_every_gate_has_a_binary_point_of_its_own(method: str) -> None:
    """Weights that are smaller in one gate are as fine as if the others were not there."""
    operands = {"x": 5, "h": 3}
    fracs, products = choose(1, method, operands)
    assert fracs == operands
    _, smaller = choose(64, method, operands)
    assert smaller == {"f": products["f"], "g": products["g"] + 6}


@methods
def test_no_bias_saturates(method: str) -> None:
    """Even if the weights could be finer: 2**24 has 25 bits before the point of 32."""
    _, products = choose(64, method, {"x": 5, "h": 3})
    _, coarser = choose(64, method, {"x": 5, "h": 3}, biases=2.0**24)
    assert products["g"] > 7
    assert coarser == {"f": min(products["f"], 7), "g": 7}


@pytest.mark.parametrize("shrink", [1, 4, 64])
def test_no_other_points_put_less_noise_into_the_sums(shrink: int) -> None:
    def noise(h: int, products: dict[str, int]) -> float:
        fracs = {"x": 5, "h": h}
        errors = {
            name: square_error(VALUES[name], OPERAND_WIDTHS[name], frac)
            for name, frac in fracs.items()
        }
        total = sum(errors.values())
        for (gate, name), matrix in matrices(shrink).items():
            rounding = square_error(matrix, 5, products[gate] - fracs[name])
            signal = float(np.mean(VALUES[name] ** 2))
            both = rounding * signal + errors[name] * float(np.mean(matrix**2))
            total += matrix.shape[1] * both
        return total

    fracs, products = choose(shrink, "mse", {"x": 5})
    least = noise(fracs["h"], products)
    for h in range(
        Observed(VALUES["h"]).choose_frac(OPERAND_WIDTHS["h"], "mse") - 4, fracs["h"] + 1
    ):
        for f, g in itertools.product(range(-2, 3), repeat=2):
            moved = {"f": products["f"] + f, "g": products["g"] + g}
            assert least <= noise(h, moved) * (1 + 1e-12)
