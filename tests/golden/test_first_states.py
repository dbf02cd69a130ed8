"""First states that are not zero: floats, integers, files, and what does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.cells import GRU, Cell
from golden.emulation import Emulation
from golden.errors import InputError
from golden.layers import Layer
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from sim.draw.networks import with_first_states
from tests.golden.scalar_model import ScalarModel
from tests.networks import (
    SOME_CELLS,
    Recipe,
    float_network,
    input_words,
    quantized_network,
    samples,
)

some_cells = pytest.mark.parametrize("cell", SOME_CELLS, ids=str)


def started(cell: Cell) -> Network:
    """Two layers with first states, and a head."""
    recipe = Recipe(units=(4, 5), cells=(cell, cell), outputs=2, sigmoid="logistic")
    rng, layers = np.random.default_rng(6), list[Layer]()
    for layer in float_network(recipe, 6).layers:
        first = {name: rng.normal(size=layer.outputs) for name in layer.cell.state}
        layers.append(replace(layer, first=first or None))
    return Network(layers=tuple(layers))


def without(network: Any) -> tuple[Any, list[dict[str, Any]]]:
    """The network without first states, and these as a state of two samples."""
    plain = tuple(replace(layer, first=None) for layer in network.layers)
    return replace(network, layers=plain), [layer.start(2) for layer in network.layers]


@some_cells
def test_a_run_starts_at_them(cell: Cell) -> None:
    network = started(cell)
    plain, state = without(network)
    x = samples(network, batch=2, steps=4, seed=7)
    got, want = network.run(x), plain.run(x, state=state)
    assert np.array_equal(got.steps, want.steps)
    assert not np.array_equal(got.layers[0]["h"], plain.run(x).layers[0]["h"])
    other = [{name: values + 1 for name, values in part.items()} for part in state]
    assert np.array_equal(network.run(x, state=other).steps, plain.run(x, state=other).steps)


@some_cells
def test_integers_start_at_them(cell: Cell) -> None:
    recipe = Recipe(units=(4, 5), cells=(cell, cell))
    network = quantized_network(recipe, 3)
    network = with_first_states(network, np.random.default_rng(3), share=1)
    plain, state = without(network)
    words = input_words(network, batch=2, steps=3, seed=3)
    want = IntegerModel(plain).run(words, state=tuple(state)).output
    assert np.array_equal(IntegerModel(network).forward(words), want)


@some_cells
def test_quantized_and_emulated(cell: Cell, tmp_path: Path) -> None:
    network = started(cell)
    x = samples(network, batch=3, steps=4, seed=8)
    made, report = quantize(network, x)
    real, whole = network.layers[0].start(1)["h"], made.layers[0].start(1)["h"]
    assert np.array_equal(whole, made.layers[0].formats.h.quantize(real))
    assert "layer1.first.h" in [tensor.name for tensor in report.tensors]
    emulation = Emulation(network, made)
    words = IntegerModel(made).forward(made.quantize_input(x))
    assert np.array_equal(emulation.output(x, emulation.tensors), made.out.to_float(words))
    assert np.allclose(emulation.output(x, ()), network.forward(x), atol=1e-12, rtol=0)

    for kind, one in (("float", network), ("integers", made)):
        path = tmp_path / f"{kind}.npz"
        one.save(path)
        read = type(one).load(path)
        assert [layer.first is None for layer in read.layers] == [False, False, True]
        if isinstance(read, QuantizedNetwork):
            assert np.array_equal(IntegerModel(read).forward(made.quantize_input(x)), words)
        else:
            assert np.allclose(read.forward(x), network.forward(x), atol=1e-6)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_both_directions_and_the_page(direction: str, tmp_path: Path) -> None:
    """A state has the words of both directions; the model from docs/arithmetic.md agrees."""
    network = quantized_network(Recipe(units=(3,), outputs=None), 4)
    (layer,) = network.layers
    both = direction == "bidirectional"
    backward = {n: w[::-1] for n, w in layer.weights.items()} if both else None
    layer = replace(layer, direction=direction, backward=backward)
    rng = np.random.default_rng(5)
    network = with_first_states(replace(network, layers=(layer,)), rng, share=1)
    network.save(tmp_path / "n.q.npz")
    model = ScalarModel(tmp_path / "n.q.npz")
    words = input_words(network, batch=2, steps=3, seed=5)
    assert IntegerModel(network).forward(words).tolist() == [
        model.result(s) for s in words.tolist()
    ]


@pytest.mark.parametrize(
    ("first", "says"),
    [
        ({"c": np.zeros(4)}, "first.c is not one of a gru layer's states"),
        ({"h": np.zeros(5)}, "weight first.h is of shape (5,), expected (4)"),
        ({"h": np.full(4, np.nan)}, "weight first.h holds NaN or infinity"),
    ],
)
def test_what_does_not_fit(first: Any, says: str) -> None:
    layer = float_network(Recipe(units=(4,), cells=(GRU(),)), 1).layers[0]
    with pytest.raises(InputError) as caught:
        replace(layer, first=first)
    assert str(caught.value).startswith(says)


def test_integers_out_of_range() -> None:
    layer = quantized_network(Recipe(units=(2,)), 1).layers[0]
    with pytest.raises(InputError, match="weight first.c is 0 to 2048, expected -2048 to 2047"):
        replace(layer, first={"c": np.array([0, 2048])})
