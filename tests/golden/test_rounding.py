"""Weights that are rounded for the least error of the results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from golden import rounding
from golden.calibration import Calibration
from golden.cells import LSTM, Cell
from golden.directions import parts
from golden.layer_formats import weight_format
from golden.layers import dense
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.rounding import COMPENSATED
from golden.settings import Settings
from tests.golden.graphs import graphs
from tests.networks import SOME_CELLS, Recipe, float_network, samples

pytestmark = pytest.mark.slow

NARROW = Settings(weight_width=4)


def error(network: Network, quantized: QuantizedNetwork, x: np.ndarray) -> float:
    """Mean squared error of the output."""
    words = IntegerModel(quantized).forward(quantized.quantize_input(x))
    return float(np.mean((quantized.out.to_float(words) - network.forward(x)) ** 2))


def same(one: QuantizedNetwork, other: QuantizedNetwork) -> bool:
    fields = one.fields(), other.fields()
    return all(np.array_equal(fields[0][name], fields[1][name]) for name in fields[0])


@pytest.mark.parametrize("cell", SOME_CELLS, ids=str)
def test_the_output_is_nearer_on_other_samples_too(cell: Cell) -> None:
    gains = []
    for seed in range(4):
        recipe = Recipe(inputs=4, units=(8, 6), outputs=3, cells=(cell, cell))
        network = float_network(recipe, seed)
        x = samples(network, batch=400, steps=5, seed=seed)
        calibration = Calibration(network, x[:200])
        nearest, made = calibration.nearest(NARROW), calibration.quantize(NARROW, fit=True)
        assert error(network, made, x[:200]) <= error(network, nearest, x[:200])
        gains.append(error(network, nearest, x[200:]) / error(network, made, x[200:]))
        for one, other in zip(nearest.layers, made.layers, strict=True):
            assert one.formats == other.formats
    assert np.exp(np.mean(np.log(gains))) > 1.4


def test_weights_are_symmetric_and_wide_ones_are_the_nearest_numbers() -> None:
    network = float_network(Recipe(inputs=3, units=(6,), outputs=2, cells=(LSTM(),)), 1)
    x = samples(network, batch=100, steps=5, seed=1)
    for width in (2, 4, COMPENSATED):
        made, _ = quantize(network, x, Settings(weight_width=width))
        for layer in made.layers:
            for name, weights in layer.weights.items():
                limit = weight_format(name, layer.formats).max
                assert np.abs(weights).max() <= limit
    wide = Settings(weight_width=COMPENSATED + 1)
    assert same(quantize(network, x, wide)[0], Calibration(network, x).nearest(wide))


@settings(max_examples=25, deadline=None)
@given(graphs(windows=True) | graphs())
def test_any_graph(network: Network) -> None:
    steps = network.first + 3
    x = np.random.default_rng(1).normal(size=(30, steps, network.inputs))
    calibration = Calibration(network, x)
    nearest, made = calibration.nearest(NARROW), calibration.quantize(NARROW, fit=True)
    assert error(network, made, x) <= error(network, nearest, x)
    again = Calibration(network, x).quantize(NARROW, fit=True)
    assert same(made, again)


def test_a_search_rounds_without_running_the_network() -> None:
    """And asks for the same weights once."""
    network = float_network(Recipe(inputs=3, units=(6,), outputs=2, cells=(LSTM(),)), 2)
    calibration = Calibration(network, samples(network, batch=50, steps=5, seed=2))
    made = calibration.quantize(NARROW)
    fitted = calibration.quantize(NARROW, fit=True)
    assert same(made, calibration.quantize(NARROW))
    biased = False
    for one, other in zip(made.layers, fitted.layers, strict=True):
        for name, weights in one.weights.items():
            if name.startswith("b_"):
                biased |= bool((weights != other.weights[name]).any())
            else:
                assert (weights == other.weights[name]).all()
    assert biased


@pytest.mark.parametrize(("limit", "groups"), [(18 * 18, 1), (3 * 18 * 18, 3)])
def test_many_units_share_their_moments(
    monkeypatch: pytest.MonkeyPatch, limit: int, groups: int
) -> None:
    network = float_network(Recipe(inputs=9, units=(8,), outputs=3, cells=(LSTM(),)), 3)
    x = samples(network, batch=400, steps=5, seed=3)
    monkeypatch.setattr(rounding, "_MOST_MOMENTS", limit)
    calibration = Calibration(network, x[:200])
    nearest, made = calibration.nearest(NARROW), calibration.quantize(NARROW, fit=True)
    key: Any = (0, 0, "i")
    assert len(calibration._rounding._moments[key].second) == groups
    assert error(network, made, x[:200]) < error(network, nearest, x[:200])


def test_rows_that_are_too_long_get_the_nearest_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    network = float_network(Recipe(inputs=3, units=(6,), outputs=2, cells=(LSTM(),)), 4)
    x = samples(network, batch=50, steps=5, seed=4)
    monkeypatch.setattr(rounding, "_MOST_COLUMNS", 8)  # the LSTM's rows have 10, the head's 7
    calibration = Calibration(network, x)
    nearest, made = calibration.nearest(NARROW), calibration.quantize(NARROW)
    weights = nearest.layers[0].weights, made.layers[0].weights
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    assert (nearest.layers[1].weights["W_yx"] != made.layers[1].weights["W_yx"]).any()


def test_long_sequences_are_cut_and_samples_are_spread() -> None:
    network = float_network(Recipe(inputs=2, units=(3,), outputs=None, cells=(LSTM(),)), 5)
    x = np.arange(1200 * 2 * 1.0).reshape(1, 1200, 2)
    pieces = rounding.chosen(network, x)
    assert pieces.shape == (9, 128, 2)
    assert (pieces.reshape(-1, 2) == x[0, : 9 * 128]).all()
    many = rounding.chosen(network, np.arange(2000 * 2.0).reshape(1000, 2, 2))
    assert len(many) == rounding.MOST_SAMPLES
    assert many[-1, -1, -1] == 3999


def test_a_result_that_nothing_moves_is_left_alone() -> None:
    network = Network(layers=(dense(np.zeros((2, 3)), np.zeros(2), "relu"),))
    network = replace(network, layers=(dense(np.ones((2, 3)), np.full(2, -99.0), "relu"),))
    x = np.random.default_rng(0).normal(size=(20, 1, 3))
    made, _ = quantize(network, x, NARROW)
    assert error(network, made, x) == 0
    assert [len(parts(layer)) for layer in made.layers] == [1]
