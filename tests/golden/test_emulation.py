"""The emulation: integer equations on real numbers, with any choice of rounded tensors."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.cells import GRU, Cell, Dense, LiteLSTM
from golden.emulation import Emulation
from golden.model import IntegerModel
from golden.network import Layer, Network, weight_shapes
from golden.quantize import quantize
from golden.ranking import rank
from golden.settings import Settings
from tests.networks import EVERY_CELL, Recipe, float_network, in_turns, samples

pytestmark = pytest.mark.slow

SETTINGS = {
    "default": Settings(),
    "narrow": Settings(weight_width=4, activation_width=5, state_width=6, pre_width=7),
    "wide": Settings(
        weight_width=16,
        activation_width=15,
        state_width=18,
        pre_width=18,
        log2_entries=10,
        interpolate=True,
    ),
}


def bidirectional(network: Network) -> Network:
    """The first layer both ways; the second reads both."""
    first, second, *rest = network.layers
    back = {name: -0.5 * values for name, values in first.weights.items()}
    both = replace(first, direction="bidirectional", backward=back)
    gates = {gate.matrix("x") for gate in second.cell.gates if "x" in gate.reads}
    doubled = {
        name: np.hstack([values, values[:, ::-1]]) if name in gates else values
        for name, values in second.weights.items()
    }
    second = replace(second, weights=doubled, direction="reverse")
    return replace(network, layers=(both, second, *rest))


def case(cell: Cell, sigmoid: str, *, both_ways: bool = False) -> Network:
    recipe = Recipe(inputs=3, units=(5, 4), outputs=3, cells=(cell, cell), sigmoid=sigmoid)
    network = float_network(recipe, 3)
    return bidirectional(network) if both_ways else network


@pytest.mark.parametrize(
    ("cell", "sigmoid", "settings"), in_turns(EVERY_CELL, ("hard", "logistic"), SETTINGS), ids=str
)
def test_with_everything_rounded_it_is_the_integer_model(
    cell: Cell, sigmoid: str, settings: str
) -> None:
    network = case(cell, sigmoid)
    x = samples(network, batch=5, steps=6, seed=2)
    quantized, _ = quantize(network, x, SETTINGS[settings])
    emulation = Emulation(network, quantized)
    words = IntegerModel(quantized).forward(quantized.quantize_input(x))
    assert (emulation.output(x, emulation.tensors) == quantized.out.to_float(words)).all()
    exact = emulation.output(x, ())
    assert np.abs(exact - network.forward(x)).max() < 1e-12
    assert (exact != quantized.out.to_float(words)).any()


@pytest.mark.parametrize("cell", [LiteLSTM(), GRU(reset="after")], ids=str)
def test_directions(cell: Cell) -> None:
    network = case(cell, "hard", both_ways=True)
    x = samples(network, batch=5, steps=6, seed=2)
    quantized, _ = quantize(network, x)
    emulation = Emulation(network, quantized)
    words = IntegerModel(quantized).forward(quantized.quantize_input(x))
    assert "layer0.backward.W_fx" in emulation.tensors or cell.kind == "gru"
    assert (emulation.output(x, emulation.tensors) == quantized.out.to_float(words)).all()
    assert np.abs(emulation.output(x, ()) - network.forward(x)).max() < 1e-12


def test_without_head() -> None:
    network = case(LiteLSTM(), "hard")
    network = replace(network, layers=network.body)
    x = samples(network, batch=5, steps=6, seed=2)
    quantized, _ = quantize(network, x)
    emulation = Emulation(network, quantized)
    words = IntegerModel(quantized).forward(quantized.quantize_input(x))
    assert (emulation.output(x, emulation.tensors) == quantized.out.to_float(words)).all()


def test_one_matrix_alone_is_the_float_network_with_that_matrix_rounded() -> None:
    network = case(LiteLSTM(), "hard")
    x = samples(network, batch=5, steps=6, seed=2)
    quantized, _ = quantize(network, x, SETTINGS["narrow"])
    emulation = Emulation(network, quantized)
    layer, formats = network.layers[1], quantized.layers[1].formats
    rounded = formats.weight("g", "h").to_float(quantized.layers[1].weights["U_gh"])
    other = replace(layer, weights={**layer.weights, "U_gh": rounded})
    want = replace(network, layers=(network.layers[0], other, network.layers[2])).forward(x)
    got = emulation.output(x, {"layer1.U_gh"})
    assert np.abs(got - want).max() < 1e-12
    assert np.abs(got - network.forward(x)).max() > 1e-3


# The ranking


NARROW = {
    "x": {"input_width": 3},
    "c": {"state_width": 4},
    "pre": {"pre_width": 5},
    "gates": {"gate_bits": 2},
}


@pytest.mark.parametrize(("kind", "widths"), NARROW.items(), ids=NARROW)
def test_the_tensors_that_are_narrow_hurt_most(kind: str, widths: dict[str, int]) -> None:
    """In a network whose other widths are large."""
    network = case(LiteLSTM(), "hard")
    x = samples(network, batch=20, steps=6, seed=2)
    quantized, _ = quantize(network, x, replace(SETTINGS["wide"], **widths))
    first, second, third = rank(network, quantized, x)[:3]
    assert first.name.split(".")[-1] == kind
    if kind != "x":  # one in each layer
        assert second.name.split(".")[-1] == kind
        second = third
    assert first.alone_db < second.alone_db - 20


def test_every_tensor_is_ranked_once_and_worst_first() -> None:
    network = case(LiteLSTM(), "hard")
    x = samples(network, batch=20, steps=6, seed=2)
    settings = replace(SETTINGS["wide"], input_width=3)
    quantized, report = quantize(network, x, settings)
    told: list[int] = []
    ranking = rank(network, quantized, x, told.append)
    assert told == list(range(1, len(ranking) + 1))
    assert sorted(one.name for one in ranking) == sorted(Emulation(network, quantized).tensors)
    alone = [one.alone_db for one in ranking]
    assert alone == sorted(alone)
    # x has 3 bits, all else 15 and more: it makes nearly all of the error.
    assert ranking[0].name == "x"
    assert abs(ranking[0].alone_db - report.tensors[-1].sqnr_db) < 0.5
    assert ranking[0].gain_db > 20
    assert max(one.gain_db for one in ranking[1:]) < 1


@pytest.mark.slow
def test_long_sequences_are_ranked_by_pieces_of_them() -> None:
    """A hundred thousand steps are not run through for every tensor."""
    network = float_network(Recipe(inputs=2, units=(3,), outputs=2), 1)
    x = samples(network, batch=1, steps=100_000, seed=2)
    quantized, _ = quantize(network, x[:, :1000])
    begin = time.process_time()
    ranking = rank(network, quantized, x)
    assert time.process_time() - begin < 5
    pieces = x[:, : 781 * 128].reshape(781, 128, 2)[np.linspace(0, 780, 64).astype(int)]
    assert ranking == rank(network, quantized, pieces)


@pytest.mark.parametrize("warmup", [0, 140])
def test_pieces_are_longer_than_a_window(warmup: int) -> None:
    """A piece of 128 steps would end before the first result, or before x that it reads."""
    rng = np.random.default_rng(3)
    shapes = weight_shapes(Dense(), (2, 2), 3)
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    lagging: Any = {"sources": (0, 0), "lags": (140, 0), "warmup": warmup}
    network = Network(layers=(Layer(cell=Dense(), sigmoid="hard", weights=weights, **lagging),))
    assert (network.first, network.reach) == (warmup, 140)
    x = rng.normal(size=(3, 400, 2))
    quantized, _ = quantize(network, x)
    ranking = rank(network, quantized, x)
    assert ranking == rank(network, quantized, x[:, :268])
    names = {one.name for one in ranking}
    assert {name for name in names if name.startswith("layer0.W")} == {
        "layer0.W_yx",
        "layer0.W_yx1",
    }
