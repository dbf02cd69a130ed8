"""Derivatives of results by sums, against differences of whole runs."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from golden.derivatives import Derivatives
from golden.directions import parts
from golden.network import Network
from tests.golden.graphs import decoder, graphs
from tests.networks import EVERY_CELL, Recipe, float_network

pytestmark = pytest.mark.slow


def differences(network: Network, x: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    """Derivatives of the weighted results by every bias, from runs with one bias moved."""
    found, step = [], 1e-6
    for index, layer in enumerate(network.layers):
        for field in ("weights", "backward")[: len(parts(layer))]:
            for gate in layer.cell.gates:
                slope = np.empty(layer.units)
                for unit in range(layer.units):
                    ends = []
                    for by in (step, -step):
                        moved = dict(getattr(layer, field))
                        moved[gate.bias] = moved[gate.bias] + by * (np.arange(layer.units) == unit)
                        layers = list(network.layers)
                        layers[index] = replace(layer, **{field: moved})
                        output = replace(network, layers=tuple(layers)).forward(x)
                        ends.append(float((output * weights).sum()))
                    slope[unit] = (ends[0] - ends[1]) / (2 * step)
                found.append(slope)
    return found


def carried(network: Network, x: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    """Derivatives carried back."""
    through = Derivatives(network, x)
    assert np.allclose(through.output, network.forward(x), rtol=1e-12, atol=1e-12)
    totals: dict[tuple[int, int, str], np.ndarray] = {}
    for one in through.backward(weights.astype(np.float32)):
        for name, values in one.sums.items():
            key = one.layer, one.part, name
            totals[key] = totals.get(key, 0) + values.sum(axis=(0, 1))
    return [
        totals[index, part, gate.name]
        for index, layer in enumerate(network.layers)
        for part in range(len(parts(layer)))
        for gate in layer.cell.gates
    ]


def check(network: Network, steps: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, steps, network.inputs))
    weights = rng.normal(size=(3, network.outputs))
    pairs = zip(carried(network, x, weights), differences(network, x, weights), strict=True)
    for got, wanted in pairs:
        assert np.allclose(got, wanted, rtol=1e-3, atol=1e-4)


def test_every_cell() -> None:
    for seed, cell in enumerate(EVERY_CELL):
        check(
            float_network(Recipe(inputs=2, units=(3, 4), outputs=2, cells=(cell, cell)), seed), 4, 1
        )


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_a_repeated_final_value(direction: str) -> None:
    check(decoder(direction), 4, 3)


@settings(max_examples=40, deadline=None)
@given(graphs(), st.integers(0, 99))
def test_any_graph_and_direction(network: Network, seed: int) -> None:
    check(network, 4, seed)


@settings(max_examples=40, deadline=None)
@given(graphs(windows=True), st.integers(0, 99))
def test_windows_over_time(network: Network, seed: int) -> None:
    check(network, network.first + 3, seed)
