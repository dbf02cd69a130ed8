"""Networks whose input is an index: one column of a matrix is the sum."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.cells import GRU, LSTM
from golden.errors import InputError
from golden.formats import Format
from golden.layers import Layer, dense, weight_shapes
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.ranking import rank
from golden.settings import Settings
from golden.thresholds import check_delta

VALUES, STEPS = 9, 6
RNG = np.random.default_rng(0)
X = RNG.integers(VALUES, size=(12, STEPS, 1))


def recurrent(cell: Any, inputs: int, units: int = 5) -> Layer:
    shapes = weight_shapes(cell, inputs, units)
    weights = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
    return Layer(cell=cell, sigmoid="logistic", weights=weights)


def head(inputs: int) -> Layer:
    return dense(RNG.normal(size=(3, inputs)), RNG.normal(size=3))


TABLE = dense(RNG.normal(size=(4, VALUES)), np.zeros(4))
NETWORKS = {
    "columns of gates": Network(layers=(recurrent(LSTM(), VALUES), head(5)), indexed=1),
    "a table": Network(layers=(TABLE, recurrent(GRU(), 4), head(5)), indexed=1),
}
CHOSEN = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


@CHOSEN
def test_an_index_is_an_element_that_is_one(network: Network) -> None:
    plain = replace(network, indexed=0)
    assert (network.inputs, plain.inputs, network.sizes) == (1, VALUES, plain.sizes)
    one_hot = np.eye(VALUES)[X[..., 0]]
    want, got = plain.run(one_hot), network.run(X)
    assert np.array_equal(got.output, want.output)
    assert np.array_equal(got.steps, want.steps)
    cut = network.run(np.where(np.arange(STEPS)[:, np.newaxis] < 3, X, VALUES), lengths=[3] * 12)
    assert np.array_equal(cut.output, plain.run(one_hot[:, :3]).output)


@CHOSEN
def test_words_are_those_of_a_vector_whose_element_is_one(network: Network) -> None:
    made, _ = quantize(network, X)
    assert made.x == Format(width=5, frac=0)
    frac = made.layers[0].formats.x.frac
    words = np.eye(VALUES, dtype=np.int64)[X[..., 0]] << frac
    plain = replace(made, indexed=0)
    assert np.array_equal(IntegerModel(made).forward(X), IntegerModel(plain).forward(words))
    assert np.array_equal(made.quantize_input(X), X)


@CHOSEN
def test_sums_are_of_one_column(network: Network) -> None:
    """An accumulator is as wide as the largest column needs, not as all of them together."""
    made, _ = quantize(network, X)
    layer = made.layers[0]
    gate = layer.cell.gates[0]
    table = layer.weights[gate.matrix("x")] << layer.formats.x.frac
    low, high = layer.bounds(0, bias=False, selects=True)
    wide = layer.bounds(0, bias=False)
    others = [layer.weights[gate.matrix(n)] for n in layer.reads(gate) if n != "x"]
    rest = sum(np.abs(one).sum(axis=1) << (layer.formats.h.width - 1) for one in others)
    assert (high >= table.max(axis=1)).all()
    assert (low <= table.min(axis=1)).all()
    assert (np.maximum(high, -low) <= np.abs(table).max(axis=1) + rest).all()
    assert (high < wide[1]).all()
    assert made.accumulator_width <= replace(made, indexed=0).accumulator_width
    own, table_size = made.products, layer.weights[gate.matrix("x")].size
    gates = len(layer.cell.gates)
    assert replace(made, indexed=0).products - own == gates * (table_size - table_size // VALUES)


def test_weights_of_x_and_of_h_use_their_range() -> None:
    """Columns that are smaller than h's weights, or about as large, cost neither of them bits."""
    for factor in (1 / 30, 1 / 3, 1.0):
        layer = NETWORKS["columns of gates"].layers[0]
        weights = {
            name: value * (factor if name.startswith("W_") else 1 / 3)
            for name, value in layer.weights.items()
        }
        network = Network(layers=(replace(layer, weights=weights), head(5)), indexed=1)
        made = quantize(network, X)[0].layers[0]
        largest = [
            max(np.abs(w).max() for name, w in made.weights.items() if name.startswith(kind))
            for kind in ("W_", "U_")
        ]
        assert max(largest) > 63, (factor, largest)
        assert min(largest) > 30, (factor, largest)


def test_it_is_quantized_and_ranked_like_others() -> None:
    network = NETWORKS["a table"]
    made, report = quantize(network, X, Settings(weight_width=4))
    assert report.tensors[0].name == "x"
    assert report.tensors[0].sqnr_db > 100
    assert {one.name for one in rank(network, made, X.astype(float))} >= {"x", "layer0.W_yx"}


def test_files(tmp_path: Path) -> None:
    network = NETWORKS["a table"]
    network.save(tmp_path / "net.npz")
    again = Network.load(tmp_path / "net.npz")
    assert again.indexed == 1
    assert np.array_equal(again.forward(X), network.forward(X))
    made, _ = quantize(network, X)
    made.save(tmp_path / "quantized.npz")
    again = QuantizedNetwork.load(tmp_path / "quantized.npz")
    assert np.array_equal(IntegerModel(again).forward(X), IntegerModel(made).forward(X))


@pytest.mark.parametrize("value", [-1, VALUES, 0.5])
def test_other_numbers_are_refused(value: float) -> None:
    network, x = NETWORKS["a table"], X.astype(float)
    x[0, 0, 0] = value
    with pytest.raises(InputError, match=r"indices are .*, expected integers from 0 to 8"):
        network.run(x)
    made, _ = quantize(network, X)
    if value == int(value):
        with pytest.raises(InputError, match="indices are .* to 8"):
            IntegerModel(made).forward(x.astype(int))


def test_what_goes_with_no_index_is_refused() -> None:
    table, layer, last = NETWORKS["a table"].layers
    shapes = weight_shapes(GRU(), (4, VALUES), 5)
    both = {name: np.ones(shape) for name, shape in shapes.items()}
    twice = replace(layer, sources=(1, 0), weights=both)
    refused: list[tuple[Any, dict[str, Any], str]] = [
        ((table, twice, last), {}, "read by layer0 at lag 0, layer1 at lag 0"),
        ((replace(table, lags=(1,)), layer, last), {}, "read by layer0 at lag 1"),
        ((table, layer, last), {"flush": 1}, "flush is 1, expected 0"),
        ((table, layer, last), {"input_scale": 0.5}, "scale is 0.5, expected 1"),
    ]
    for layers, more, said in refused:
        with pytest.raises(InputError, match=said):
            Network(layers=layers, indexed=1, **more)
    with pytest.raises(InputError, match="x is an index, expected numbers"):
        check_delta(NETWORKS["a table"])
    made, _ = quantize(NETWORKS["a table"], X)
    first = made.layers[0]
    one = Format(width=first.formats.x.width, frac=first.formats.x.width - 1)
    with pytest.raises(InputError, match="expected a format that has 1"):
        replace(
            made, layers=(replace(first, formats=replace(first.formats, x=one)), *made.layers[1:])
        )
