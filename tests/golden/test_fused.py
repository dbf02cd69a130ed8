"""Compiled loops, against NumPy's words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from golden import fused, layer_model
from golden.cells import GRU, LSTM, Cell, Dense, Pool
from golden.fused import Clock
from golden.kernels import trace
from golden.layer_model import LayerModel
from golden.model import IntegerModel
from golden.network import Layer, Network, weight_shapes
from golden.quantize import quantize
from golden.quantized import QuantizedLayer, QuantizedNetwork
from tests.networks import SOME_CELLS, Recipe, input_words, quantized_network, random_recipe

pytestmark = pytest.mark.slow
pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def _numpy_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "PATIENCE", np.inf)


def both(network: QuantizedNetwork, x: np.ndarray) -> None:
    """Run with NumPy and compiled, with the state of all steps, and again from that state."""
    runs = []
    for patience in (np.inf, 0.0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fused, "PATIENCE", patience)
            model = IntegerModel(network)
            first = model.run(x)
            second = model.run(x, first.state)
            runs.append((first, second, model.forward(x)))
    for one, other in zip(runs[0][:2], runs[1][:2], strict=True):
        assert np.array_equal(one.output, other.output)
        assert np.array_equal(one.steps, other.steps)
        for layers in zip(one.layers, other.layers, strict=True):
            assert all(np.array_equal(layers[0][name], layers[1][name]) for name in layers[0])
    assert np.array_equal(runs[0][2], runs[1][2])


@pytest.mark.parametrize(
    ("cell", "sigmoid"),
    list(zip([*SOME_CELLS, Pool(), Pool(over="max")], cycle(("hard", "logistic")))),
    ids=str,
)
def test_every_cell(cell: Cell, sigmoid: str) -> None:
    """In blocks of a batch and one by one."""
    recipe = Recipe(inputs=3, units=(5, 4), outputs=3, cells=(cell, cell))
    if isinstance(cell, Pool):
        recipe = Recipe(inputs=3, units=(5,), outputs=3)
    network = quantized_network(recipe, 1)
    layers = [replace(layer, sigmoid=sigmoid) for layer in network.layers]
    if isinstance(cell, Pool):
        layers = [_pool(cell, layers[0]), *layers[1:]]
    network = replace(network, layers=tuple(layers))
    for batch in (1, 7):
        both(network, input_words(network, batch=batch, steps=4, seed=batch))


def _pool(cell: Pool, layer: QuantizedLayer) -> QuantizedLayer:
    """Make a pooling layer with a layer's formats and sizes."""
    gate = layer.cell.gates[0].name
    weights = {"W_yx": layer.weights[f"W_{gate}x"], "b_y": layer.weights[f"b_{gate}"]}
    formats = replace(
        layer.formats,
        **dict.fromkeys(("c", "pre", "hidden", "gate")),
        product_fracs={"y": layer.formats.product_fracs[gate]},
    )
    return replace(layer, cell=cell, formats=formats, weights=weights)


@pytest.mark.parametrize("pieces", ["1", "3"])
@pytest.mark.parametrize("activation", Dense.options["activation"])
def test_dense_layers(activation: str, pieces: str) -> None:
    rng = np.random.default_rng(3)
    cell = Dense(activation=activation, pieces=pieces)
    weights = {name: rng.normal(size=s) for name, s in weight_shapes(cell, 4, 5).items()}
    network = Network(layers=(Layer(cell=cell, sigmoid="logistic", weights=weights),))
    x = rng.normal(size=(9, 3, 4))
    made, _ = quantize(network, x)
    both(made, made.quantize_input(x))
    both(made, made.quantize_input(x[:1]))


@pytest.mark.parametrize("seed", range(2))
def test_random_networks(seed: int) -> None:
    network = quantized_network(random_recipe(seed), seed)
    for batch in (1, 5):
        both(network, input_words(network, batch=batch, steps=3, seed=seed))


def test_a_batch_goes_through_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_model, "_BLOCK_BYTES", 300)
    network = quantized_network(Recipe(inputs=3, units=(5, 4), outputs=3), 1)
    both(network, input_words(network, batch=23, steps=4, seed=1))


def test_more_numbers_than_a_strip_has() -> None:
    network = quantized_network(Recipe(inputs=3, units=(41,), outputs=3), 1)
    both(network, input_words(network, batch=31, steps=4, seed=1))


def test_threads_share_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    network = quantized_network(Recipe(inputs=3, units=(5, 4), outputs=3), 1)
    inputs = [input_words(network, batch=1 + n % 2 * 6, steps=4, seed=n) for n in range(20)]
    expected = [IntegerModel(network).forward(x) for x in inputs]
    monkeypatch.setattr(fused, "PATIENCE", 0.0)
    model = IntegerModel(network)
    with ThreadPoolExecutor(4) as pool:
        for words, right in zip(pool.map(model.forward, inputs), expected, strict=True):
            assert np.array_equal(words, right)


def test_without_a_folder_for_machine_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LITELSTM_CACHE", str(tmp_path / "file"))
    fused._compiled.cache_clear()
    network = quantized_network(Recipe(inputs=3, units=(5,), outputs=None), 1)
    both(network, input_words(network, batch=1, steps=4, seed=1))
    fused._compiled.cache_clear()


def test_numpy_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """And compiled loops after a while, if Numba is there."""
    clock = Clock()
    monkeypatch.setattr(fused, "PATIENCE", 1.0)
    clock.add(0.7)
    assert not clock.up
    clock.add(0.7)
    assert clock.up
    missing = Clock()
    missing.add(2)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not missing.up


def test_layers_of_a_kind_change_over_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers of other kinds go on with NumPy: compiling theirs would take longer."""
    monkeypatch.setattr(fused, "PATIENCE", 1.0)
    layers = [
        quantized_network(Recipe(units=(5,), cells=(cell,), outputs=None, weight_width=width), 1)
        for cell, width in ((LSTM(), 8), (LSTM(), 10), (GRU(), 8))
    ]
    clocks = [LayerModel(made.layers[0], made.tanh)._clock for made in layers]
    for clock, spent in zip(clocks, (2.0, 2.0, 0.0), strict=True):
        monkeypatch.setattr(clock, "_spent", spent)
    assert clocks[0] is clocks[1]
    assert [clock.up for clock in clocks] == [True, True, False]


def test_layers_of_other_formats_share_their_loops() -> None:
    made = set()
    for width in (8, 10):
        recipe = Recipe(inputs=3, units=(5,), outputs=None, weight_width=width)
        network = quantized_network(recipe, 1)
        arithmetic = LayerModel(network.layers[0], network.tanh).arithmetic
        made.add(trace(arithmetic).source)
    assert len(made) == 1
