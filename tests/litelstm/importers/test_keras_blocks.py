"""Keras models that reshape: blocks in each step, flat inputs, results of several axes, cells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from litelstm.importers.files import import_network
from litelstm.importers.keras import load
from tests.litelstm.importers.cases import BATCH, TOLERANCE, UNITS
from tests.litelstm.importers.keras_files import keras, layers, randomize, refused, saved
from tests.litelstm.importers.test_keras_graphs import MODELS, results
from tests.litelstm.importers.test_keras_graphs import samples as usual

pytestmark = pytest.mark.frameworks


def in_steps(*parts: Any) -> list[Any]:
    return [*(layers.TimeDistributed(part) for part in parts), layers.GRU(UNITS)]


SHAPES: dict[str, tuple[tuple[int, ...], Callable[[], list[Any]]]] = {
    "a convolution in each step": (
        (5, 8, 2),
        lambda: in_steps(
            layers.Conv1D(3, 3, activation="relu"), layers.MaxPooling1D(2), layers.Flatten()
        ),
    ),
    "pools in each step": (
        (5, 8, 2),
        lambda: in_steps(
            layers.Conv1D(3, 3, padding="same", strides=2),
            layers.Dropout(0.5),
            layers.GlobalMaxPooling1D(),
        ),
    ),
    "a spectrogram of two features": (
        (5, 6, 2),
        lambda: [
            layers.Conv2D(3, (2, 3), activation="relu"),
            layers.Reshape((4, 12)),
            layers.GRU(UNITS),
        ],
    ),
    "blocks side by side": ((5, 3, 2), lambda: in_steps(layers.Flatten())),
    "a flat input": ((20,), lambda: [layers.Reshape((5, 4)), layers.GRU(UNITS)]),
    "a flat input of one feature": ((6,), lambda: [layers.Reshape((-1, 1)), layers.GRU(UNITS)]),
    "flat, and back": ((5, 3), lambda: [layers.Flatten(), layers.Reshape((5, 3)), layers.GRU(4)]),
    "a result of two axes": (
        (5, 3),
        lambda: [layers.LSTM(UNITS), layers.Dense(6), layers.Reshape((3, 2))],
    ),
    "a cell": ((5, 3), lambda: [layers.RNN(layers.GRUCell(UNITS), return_sequences=True)]),
    "cells, backwards": (
        (5, 3),
        lambda: [layers.RNN([layers.LSTMCell(3), layers.LSTMCell(UNITS)], go_backwards=True)],
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_results_are_those_of_keras(name: str, tmp_path: Path) -> None:
    shape, make = SHAPES[name]
    model: Any = keras.Sequential([keras.Input(shape), *make()])
    randomize(model, 5)
    x = np.random.default_rng(5).normal(size=(BATCH, *shape)).astype(np.float32)
    y = model.predict(x, verbose=0)
    imported = load(saved(model, tmp_path))
    network = imported.network
    run = network.run(x.reshape(BATCH, -1, network.inputs))
    found = run.steps if imported.every_step else run.output
    assert np.abs(found.reshape(y.shape) - y).max() < TOLERANCE
    assert imported.check is not None
    assert imported.check() < TOLERANCE


@pytest.mark.parametrize(
    "name", ["every step", "every step, both ways", "mean of both ways", "a turned sequence"]
)
def test_exports_of_every_step_and_both_ways(name: str, tmp_path: Path) -> None:
    """Keras' exporter writes loops out on its PyTorch backend."""
    make, sources, every = MODELS[name]
    model = make()
    randomize(model, 32)
    x = usual(32)
    y = model.predict(x, verbose=0)
    model.export(tmp_path / "net.onnx", format="onnx", verbose=False)
    imported = import_network(tmp_path / "net.onnx")
    assert len(imported.network.layers) >= len(sources)
    assert imported.every_step == every
    (found,) = results(imported, x)
    if any("Softmax" in note for note in imported.notes):
        found = np.exp(found) / np.exp(found).sum(axis=-1, keepdims=True)
    assert np.abs(found - y).max() < TOLERANCE


def test_an_exported_pool_in_front_of_a_loop(tmp_path: Path) -> None:
    """The loop's steps are then two samples apart."""
    front = layers.Conv1D(4, 3, activation="relu"), layers.MaxPooling1D(2)
    model: Any = keras.Sequential([keras.Input((10, 3)), *front, layers.LSTM(UNITS)])
    x = np.random.default_rng(2).normal(size=(BATCH, 10, 3)).astype(np.float32)
    y = model.predict(x, verbose=0)
    model.export(tmp_path / "net.onnx", format="onnx", verbose=False)
    network = import_network(tmp_path / "net.onnx").network
    assert network.fold == 2
    assert np.abs(network.forward(network.feed(x)) - y).max() < TOLERANCE


@pytest.mark.parametrize("causal", [True, False])
def test_a_window_longer_than_the_lengths_that_are_followed(causal: bool, tmp_path: Path) -> None:
    """With few steps its first weights read zeros alone: an earlier version left them out."""
    padding: Any = (12, 0)
    front: Any = (
        layers.ZeroPadding1D(padding),
        layers.Conv1D(4, 3, dilation_rate=6, activation="tanh"),
    )
    if causal:
        front = (layers.Conv1D(4, 3, padding="causal", dilation_rate=6, activation="tanh"),)
    model: Any = keras.Sequential([keras.Input((None, 3)), *front, layers.GRU(UNITS)])
    randomize(model, 8)
    x = np.random.default_rng(8).normal(size=(BATCH, 20, 3)).astype(np.float32)
    network = load(saved(model, tmp_path)).network
    assert network.layers[0].lags == (0, 6, 12)
    assert np.abs(network.forward(x) - model.predict(x, verbose=0)).max() < TOLERANCE


def test_an_exported_embedding(tmp_path: Path) -> None:
    """Keras' exporter reads the index as a float, and adds the table's size to one below 0."""
    model: Any = keras.Sequential([keras.Input((5,)), layers.Embedding(7, 3), layers.GRU(UNITS)])
    x = np.random.default_rng(1).integers(7, size=(BATCH, 5))
    y = model.predict(x, verbose=0)
    model.export(tmp_path / "net.onnx", format="onnx", verbose=False)
    network = import_network(tmp_path / "net.onnx").network
    assert network.indexed
    assert np.abs(network.forward(x[..., None]) - y).max() < TOLERANCE


def test_an_index_has_no_longer_steps(tmp_path: Path) -> None:
    parts = layers.Embedding(7, 3), layers.Conv1D(3, 3), layers.MaxPooling1D(2), layers.GRU(UNITS)
    model = keras.Sequential([keras.Input((12,)), *parts])
    refused(saved(model, tmp_path), "reads an index", "a step of 2 of them")


def test_cells_of_two_classes_are_refused(tmp_path: Path) -> None:
    cells = layers.RNN([layers.LSTMCell(3), layers.GRUCell(UNITS)])
    model = keras.Sequential([keras.Input((5, 3)), cells])
    refused(saved(model, tmp_path), "has the cells LSTMCell, GRUCell, expected up to ten of one")
