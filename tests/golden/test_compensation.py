"""Rounding of rows with compensation, against the best of all roundings and against each alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from golden.compensation import Moments


def second_moments(groups: int, columns: int, seed: int) -> np.ndarray:
    """Moments of correlated columns, the last of which is 1."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(groups, 50, columns)) @ rng.normal(size=(columns, columns))
    rows[:, :, -1] = 1
    return np.matmul(rows.transpose(0, 2, 1), rows)


def loss(moments: Moments, unit: int, error: np.ndarray) -> float:
    """Damped squared error of a unit's sum, columns in their own order."""
    ordered = error[moments.order]
    return float(ordered @ moments.second[unit] @ ordered)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_near_the_best_of_all_roundings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    moments = Moments.of(second_moments(1, 5, seed))
    weights, steps = rng.normal(size=(1, 5)), np.array([0.5, 0.25, 0.5, 1.0])
    made = moments.round(weights, steps, limit=3)[0]
    assert (made[:-1] == np.floor(made[:-1])).all()
    assert np.abs(made[:-1]).max() <= 3
    scale = np.append(steps, 1)

    def rounded(integers: np.ndarray) -> float:
        """Least loss with these integers, with the best bias."""
        error = np.append(weights[0, :-1] - integers * steps, 0)
        place = int(np.argmax(moments.order == 4))
        second = moments.second[0]
        error[4] = -(error[moments.order] @ second[:, place]) / second[place, place]
        return loss(moments, 0, error)

    nearest = np.clip(np.floor(weights[0, :-1] / steps + 0.5), -3, 3)
    every = itertools.product(range(-3, 4), repeat=4)
    best = min(rounded(np.array(integers)) for integers in every)
    got = loss(moments, 0, weights[0] - made * scale)
    assert got == pytest.approx(rounded(made[:-1]))  # the bias is the best one
    assert best <= got * (1 + 1e-9)
    assert got <= rounded(nearest)
    assert got <= 2.5 * best


def test_on_the_whole_the_loss_is_a_fraction_of_that_of_the_nearest_numbers() -> None:
    rng = np.random.default_rng(1)
    moments = Moments.of(second_moments(8, 40, 1))
    weights, steps = rng.normal(size=(8, 40)), np.full(39, 0.25)
    made = moments.round(weights, steps, limit=100)
    nearest = np.column_stack([np.floor(weights[:, :-1] / 0.25 + 0.5), weights[:, -1]])
    scale = np.append(steps, 1)
    losses = [
        sum(loss(moments, unit, weights[unit] - one[unit] * scale) for unit in range(8))
        for one in (made, nearest)
    ]
    assert losses[0] < losses[1] / 2


def test_units_share_moments() -> None:
    """Two groups for six units: three neighbours each."""
    rng = np.random.default_rng(2)
    second = second_moments(2, 5, 2)
    weights, steps = rng.normal(size=(6, 5)), np.full(4, 0.5)
    shared = Moments.of(second).round(weights, steps, limit=7)
    each = Moments.of(np.repeat(second, 3, axis=0)).round(weights, steps, limit=7)
    assert (shared == each).all()


def test_a_unit_without_influence_gets_the_nearest_numbers() -> None:
    rng = np.random.default_rng(3)
    weights = rng.normal(size=(2, 5))
    made = Moments.of(np.zeros((2, 5, 5))).round(weights, np.full(4, 0.5), limit=7)
    assert (made[:, :-1] == np.floor(weights[:, :-1] / 0.5 + 0.5)).all()
    assert np.allclose(made[:, -1], weights[:, -1])
