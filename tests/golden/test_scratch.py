"""Arrays used again leave no trace in results: blocks of a batch, later runs, other threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from golden import layer_model
from golden import scratch as scratch_module
from golden.cells import GRU, LSTM, RNN, Cell, LiteLSTM
from golden.model import IntegerModel
from golden.scratch import Scratch
from tests.networks import Recipe, input_words, quantized_network

CELLS = (LiteLSTM(), LSTM(peephole="current"), GRU(reset="after"), RNN())


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("kept", [0, 1 << 24])
def test_blocks_give_the_same_words(cell: Cell, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = quantized_network(Recipe(units=(6, 5), cells=(cell, cell)), 1)
    x = input_words(network, batch=11, steps=4, seed=2)
    whole = IntegerModel(network).run(x)
    monkeypatch.setattr(layer_model, "_BLOCK_BYTES", 300)
    monkeypatch.setattr(scratch_module, "KEPT_BYTES", kept)
    blocks = IntegerModel(network).run(x)
    assert np.array_equal(whole.output, blocks.output)
    for one, other in zip(whole.layers, blocks.layers, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_results_outlive_the_next_run() -> None:
    network = quantized_network(Recipe(units=(6,)), 1)
    model = IntegerModel(network)
    first, second = (input_words(network, batch=5, steps=4, seed=seed) for seed in (1, 2))
    run, words = model.run(first), model.forward(first)
    before = {name: value.copy() for name, value in run.layers[0].items()}, words.copy()
    model.run(second)
    model.forward(second)
    assert all(np.array_equal(run.layers[0][name], before[0][name]) for name in before[0])
    assert np.array_equal(words, before[1])


def test_threads_share_a_model() -> None:
    network = quantized_network(Recipe(units=(7,)), 1)
    model = IntegerModel(network)
    inputs = [input_words(network, batch=9, steps=5, seed=seed) for seed in range(40)]
    expected = [model.forward(x) for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        for words, right in zip(pool.map(model.forward, inputs), expected, strict=True):
            assert np.array_equal(words, right)


def test_an_array_is_the_same_until_its_shape_or_type_changes() -> None:
    scratch = Scratch()
    first = scratch.array("a", (2, 3), np.float32)
    assert scratch.array("a", (2, 3), np.float32) is first
    assert scratch.array("b", (2, 3), np.float32) is not first
    assert scratch.array("a", (2, 3), np.float64).dtype == np.float64
    assert scratch.array("a", (3, 3), np.float32).shape == (3, 3)


def test_large_arrays_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_module, "KEPT_BYTES", 8)
    scratch = Scratch()
    assert scratch.array("a", (3,), np.float32) is not scratch.array("a", (3,), np.float32)
