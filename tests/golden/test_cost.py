"""The cost model, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden.cells import GRU, LSTM, Cell, LiteLSTM
from golden.cost import LANES, cost
from golden.quantize import quantize
from golden.quantized import signed_width
from golden.settings import Settings
from tests.networks import Recipe, float_network, samples

RECIPE = Recipe(inputs=3, units=(5, 4), outputs=2)
NETWORK = float_network(RECIPE, 1)
SAMPLES = samples(NETWORK, batch=6, steps=5, seed=1)
SETTINGS = Settings(
    weight_width=6, activation_width=7, state_width=10, input_width=9, gate_bits=8, pre_width=11
)


def test_memory_and_arithmetic() -> None:
    network, _ = quantize(NETWORK, SAMPLES, SETTINGS)
    found = cost(network)
    first = 5 * 3 * 2 + 5 * 5 * 3  # W_fx, W_gx; U_fh, W_fc, U_gh
    second = 4 * 5 * 2 + 4 * 4 * 3
    assert found.weights == 6 * (first + second + 2 * 4)
    biases = [
        array for layer in network.layers for k, array in layer.weights.items() if k[0] == "b"
    ]
    assert found.biases == sum(
        len(bias) * signed_width(int(bias.min()), int(bias.max())) for bias in biases
    )
    assert found.state == 2 * 3 * 9 + (5 + 4) * (7 + 10)
    assert found.sums == 2 * (2 * 5 + 2 * 4 + 2) * network.accumulator_width
    assert found.table == 256 * 10
    assert (found.operand_width, found.weight_width) == (10, 6)  # c is read by a matrix
    assert found.lane == 60 + network.accumulator_width
    assert found.arithmetic == LANES * found.lane + 2 * found.update
    assert found.memory == (found.weights + found.biases + found.state + found.sums + found.table)


def test_an_interpolated_table_has_two_columns() -> None:
    network, _ = quantize(NETWORK, SAMPLES, replace(SETTINGS, interpolate=True))
    assert cost(network).table == 2 * 256 * 10


@pytest.mark.parametrize(
    ("cell", "width"), [(LiteLSTM(), 10), (LiteLSTM(peephole="none"), 9), (LSTM(), 9), (GRU(), 9)]
)
def test_only_what_a_matrix_multiplies_is_an_operand(cell: Cell, width: int) -> None:
    network = float_network(replace(RECIPE, cells=(cell, cell)), 1)
    assert cost(quantize(network, SAMPLES, SETTINGS)[0]).operand_width == width


@pytest.mark.parametrize(
    "name",
    ["weight_width", "activation_width", "state_width", "input_width", "gate_bits", "pre_width"],
)
def test_every_bit_costs(name: str) -> None:
    less = cost(quantize(NETWORK, SAMPLES, SETTINGS)[0])
    wider = replace(SETTINGS, **{name: getattr(SETTINGS, name) + 2})
    more = cost(quantize(NETWORK, SAMPLES, wider)[0])
    assert less.relative(less) == 1
    assert more.relative(less) > 1
