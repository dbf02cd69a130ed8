"""Every cell: the integer model against the scalar reference, the float one against equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.cells import RNN, Cell
from golden.formats import Format
from golden.layer_model import LayerModel
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from sim.draw.cells import PLAIN_CELLS
from tests import reference
from tests.golden.equations import naive
from tests.networks import (
    EVERY_CELL,
    SOME_CELLS,
    Recipe,
    float_network,
    in_turns,
    input_words,
    quantized_network,
    random_recipe,
    samples,
)

Floats = NDArray[np.float64]

every_cell = pytest.mark.parametrize("cell", EVERY_CELL, ids=str)
every_cell_with_a_sigmoid = pytest.mark.parametrize(
    ("cell", "sigmoid"), list(zip(EVERY_CELL, cycle(("hard", "logistic")))), ids=str
)


def check(network: QuantizedNetwork, words: NDArray[np.int64]) -> list[reference.Run]:
    """Compare every state of every step with the reference; returns its runs."""
    got = IntegerModel(network).run(words)
    runs = [reference.run(network, sequence) for sequence in words.tolist()]
    for b, want in enumerate(runs):
        for index, trace in enumerate(got.layers):
            assert trace["h"][b].tolist() == [step[index] for step in want.h]
            has_c = "c" in network.layers[index].cell.state
            assert ("c" in trace) == has_c
            assert not has_c or trace["c"][b].tolist() == [step[index] for step in want.c]
        assert got.output[b].tolist() == want.y[-1]
    return runs


def lively(runs: list[reference.Run]) -> bool:
    """Whether h took many values: a constant one would hide a wrong equation."""
    return all(
        len({value for run in runs for step in run.h for value in step[layer]}) > 8
        for layer in range(len(runs[0].h[0]))
    )


@pytest.mark.parametrize("seed", range(120))
def test_random_networks(seed: int) -> None:
    """One to three layers of any kinds, sizes, formats, tables and gate activations."""
    recipe = random_recipe((seed, 1), units=7, cells=EVERY_CELL)
    network = quantized_network(recipe, seed)
    check(network, input_words(network, batch=2, steps=1 + seed % 6, seed=seed))


def test_random_networks_are_of_every_kind() -> None:
    recipes = [random_recipe((seed, 1), units=7, cells=EVERY_CELL) for seed in range(400)]
    assert {cell for recipe in recipes for cell in recipe.cells or ()} == set(EVERY_CELL)
    stacks = [{cell.kind for cell in recipe.cells or ()} for recipe in recipes]
    assert max(len(stack) for stack in stacks) == 3


@pytest.mark.parametrize(
    ("cell", "sigmoid", "interpolate", "outputs"),
    in_turns(EVERY_CELL, ("hard", "logistic"), (False, True), (None, 3)),
    ids=str,
)
def test_every_option(cell: Cell, sigmoid: str, interpolate: bool, outputs: int | None) -> None:
    recipe = Recipe(
        inputs=3,
        units=(5,),
        outputs=outputs,
        cells=(cell,),
        sigmoid=sigmoid,
        interpolate=interpolate,
    )
    network = quantized_network(recipe, 7)
    assert lively(check(network, input_words(network, batch=3, steps=6, seed=7)))


@pytest.mark.parametrize(
    ("cell", "below"),
    [
        (cell, PLAIN_CELLS[(number + step) % len(PLAIN_CELLS)])
        for number, cell in enumerate(SOME_CELLS)
        for step in range(0, len(PLAIN_CELLS), 2)
    ],
    ids=str,
)
def test_every_kind_on_every_kind(cell: Cell, below: Cell) -> None:
    recipe = Recipe(units=(4, 5), cells=(below, cell), sigmoid=("logistic", "hard"), mixed=True)
    network = quantized_network(recipe, 2)
    check(network, input_words(network, batch=2, steps=4, seed=2))


@pytest.mark.parametrize(
    ("cell", "width", "extremes"),
    [
        (cell, width, (number + place) % 2 == 0)
        for number, cell in enumerate(SOME_CELLS)
        for place, width in enumerate((2, 5, 9, 16))
    ],
    ids=str,
)
def test_widths_and_extreme_weights(cell: Cell, width: int, extremes: bool) -> None:
    recipe = Recipe(
        units=(4,),
        cells=(cell,),
        weight_width=width,
        activation_width=max(3, width),
        state_width=min(18, width + 3),
        pre_width=min(18, width + 3),
        log2_state=width % 3,
        extremes=extremes,
    )
    network = quantized_network(recipe, width)
    check(network, input_words(network, batch=2, steps=5, seed=width))


@every_cell
def test_saturated_gates_and_states(cell: Cell) -> None:
    """Biases alone decide: gates are at their ends, and c or h saturates."""
    recipe = Recipe(
        units=(5,), cells=(cell,), outputs=None, state_width=8, log2_state=1, drive=True
    )
    network = quantized_network(recipe, 1)
    check(network, input_words(network, batch=1, steps=8, seed=1))


SMALL = Recipe(inputs=3, units=(4,), outputs=None, weight_width=6, activation_width=6)
WIDE = replace(SMALL, weight_width=16, activation_width=16, state_width=18, pre_width=18)


def dtype_of(network: QuantizedNetwork) -> type[np.generic]:
    """Return the NumPy type that carries the first layer's integers."""
    return LayerModel(network.layers[0], network.tanh).arithmetic.dtype


def far_h(recipe: Recipe, seed: int) -> QuantizedNetwork:
    """A layer whose h counts in steps so large that its sums need int64."""
    network = quantized_network(recipe, seed)
    (layer,) = network.layers
    for frac in range(0, -30, -1):
        formats = replace(layer.formats, h=Format(width=16, frac=frac))
        far = replace(network, layers=(replace(layer, formats=formats),))
        if dtype_of(far) is np.int64:
            return far
    raise AssertionError(f"no such h for {layer.cell}")


CARRIERS: dict[str, tuple[Recipe, Callable[[Recipe, int], QuantizedNetwork], type[np.generic]]] = {
    "float32": (SMALL, quantized_network, np.float32),
    "float64": (WIDE, quantized_network, np.float64),
    "int64": (WIDE, far_h, np.int64),
}


@pytest.mark.slow
@pytest.mark.parametrize("cell", SOME_CELLS, ids=str)
@pytest.mark.parametrize(("seed", "carrier"), list(enumerate(CARRIERS)))
def test_every_carrier(cell: Cell, carrier: str, seed: int) -> None:
    recipe, make, dtype = CARRIERS[carrier]
    network = make(replace(recipe, cells=(cell,)), seed)
    assert dtype_of(network) is dtype
    check(network, input_words(network, batch=2, steps=5, seed=seed))


# The float reference, against the equations written out once more


@every_cell_with_a_sigmoid
def test_float_reference_follows_the_equations(cell: Cell, sigmoid: str) -> None:
    recipe = Recipe(inputs=3, units=(4, 6), cells=(RNN(), cell), sigmoid=sigmoid, outputs=2)
    network = float_network(recipe, 5)
    x = samples(network, batch=3, steps=7, seed=5)
    run = network.run(x)
    below, layer, _ = network.layers
    for b, sequence in enumerate(x):
        first, _ = naive(below, sequence)
        h, c = naive(layer, first)
        np.testing.assert_allclose(run.layers[0]["h"][b], first, rtol=0, atol=1e-12)
        np.testing.assert_allclose(run.layers[1]["h"][b], h, rtol=0, atol=1e-12)
        assert ("c" in run.layers[1]) == ("c" in cell.state)
        if "c" in cell.state:
            np.testing.assert_allclose(run.layers[1]["c"][b], c, rtol=0, atol=1e-12)
        assert network.head
        y = network.head.weights["W_yx"] @ h[-1] + network.head.weights["b_y"]
        np.testing.assert_allclose(run.output[b], y, rtol=0, atol=1e-12)
