"""Keras models as graphs: branches, sums, several results, every step, against Keras."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from litelstm.importers.keras import load
from litelstm.importers.proof import Imported
from tests.litelstm.importers.cases import INPUTS, OUTPUTS, STEPS, TOLERANCE, UNITS, samples
from tests.litelstm.importers.keras_files import keras, layers, randomize, sequential

pytestmark = pytest.mark.frameworks

Sources = list[tuple[int, ...]]
WHOLE = "the file gives every step's result: generate the core with --every-step"


def branched() -> Any:
    x = keras.Input((STEPS, INPUTS))
    h = layers.LSTM(UNITS, return_sequences=True)(x)
    wide = layers.Dense(6, activation="relu")(x)
    both = layers.Concatenate()([wide, h])
    g = layers.GRU(UNITS)(both)
    return keras.Model(x, layers.Dense(OUTPUTS)(g))


def residual() -> Any:
    x = keras.Input((STEPS, INPUTS))
    h = layers.LSTM(UNITS, return_sequences=True)(x)
    for _ in range(2):
        more = layers.GRU(UNITS, return_sequences=True)(layers.BatchNormalization()(h))
        h = layers.Add()([h, more])
    return keras.Model(x, layers.Dense(OUTPUTS)(layers.GRU(UNITS)(h)))


def two_results() -> Any:
    x = keras.Input((None, INPUTS))
    h = layers.GRU(UNITS, return_sequences=True)(layers.Dense(5, activation="tanh")(x))
    gains = layers.Dense(3, activation="sigmoid", name="gains")(h)
    return keras.Model(x, [gains, layers.Dense(1, activation="sigmoid", name="voice")(h)])


def inside() -> Any:
    inner = keras.Sequential([keras.Input((STEPS, INPUTS)), layers.GRU(UNITS), layers.Dense(5)])
    return sequential(inner, layers.ReLU(), layers.Dense(OUTPUTS))


def normalized() -> Any:
    layer = layers.Normalization(mean=[1.0, -2.0, 0.5], variance=[2.0, 0.25, 1.0])
    return sequential(layer, layers.GRU(UNITS), layers.Dense(OUTPUTS))


def merged(mode: Any) -> Callable[[], Any]:
    def make() -> Any:
        x = keras.Input((STEPS, INPUTS))
        h = layers.Bidirectional(layers.GRU(UNITS), merge_mode=mode)(x)
        return keras.Model(x, layers.Dense(OUTPUTS)(layers.Subtract()(h) if mode is None else h))

    return make


FACTORS: Any = [0.5, 2.0, 3.0]
OFFSETS: Any = [0.0, 1.0, -1.0]

MODELS: dict[str, tuple[Callable[[], Any], Sources, bool]] = {
    "branches": (branched, [(0,), (0,), (1, 2), (3,)], False),
    "residual sums": (residual, [(0,), (1,), (1, 2), (1, 2, 3), (4,)], False),
    "two results": (two_results, [(0,), (1,), (2,), (2,)], True),
    "a model inside": (inside, [(0,), (1,), (2,)], False),
    "normalization": (normalized, [(0,), (1,)], False),
    "batch normalization after": (
        lambda: sequential(
            layers.GRU(UNITS), layers.BatchNormalization(scale=False), layers.Dense(OUTPUTS)
        ),
        [(0,), (1,)],
        False,
    ),
    "a factor per feature": (
        lambda: sequential(layers.Rescaling(FACTORS, offset=OFFSETS), layers.GRU(UNITS)),
        [(0,)],
        False,
    ),
    "a scale inside": (
        lambda: sequential(layers.GRU(UNITS), layers.Rescaling(2.0)),
        [(0,), (1,)],
        False,
    ),
    "tanh head": (
        lambda: sequential(
            layers.GRU(UNITS), layers.Dense(8, activation="tanh"), layers.Dense(OUTPUTS)
        ),
        [(0,), (1,), (2,)],
        False,
    ),
    "sigmoid front, hard sigmoid back": (
        lambda: sequential(
            layers.Dense(5, activation="sigmoid"),
            layers.GRU(UNITS),
            layers.Dense(3, activation="hard_sigmoid"),
        ),
        [(0,), (1,), (2,)],
        False,
    ),
    "activations as layers": (
        lambda: sequential(
            layers.TimeDistributed(layers.Dense(5)),
            layers.LeakyReLU(0.125),
            layers.GRU(UNITS),
            layers.Dense(4, activation=layers.ReLU(max_value=6)),
            layers.Flatten(),
        ),
        [(0,), (1,), (2,)],
        False,
    ),
    "a convolution of kernel 1": (
        lambda: sequential(layers.Conv1D(5, 1, activation="relu"), layers.GRU(UNITS)),
        [(0,), (1,)],
        False,
    ),
    "every step": (
        lambda: sequential(
            layers.GRU(UNITS, return_sequences=True), layers.Dense(OUTPUTS, activation="softmax")
        ),
        [(0,), (1,)],
        True,
    ),
    "every step, both ways": (
        lambda: sequential(
            layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(OUTPUTS, activation="relu")),
        ),
        [(0,), (1,)],
        True,
    ),
    "a decoder": (
        lambda: sequential(
            layers.Bidirectional(layers.LSTM(UNITS)),
            layers.Dense(3),
            layers.RepeatVector(STEPS),
            layers.GRU(UNITS, return_sequences=True),
            layers.GRU(2, return_sequences=True),
            layers.TimeDistributed(layers.Dense(OUTPUTS)),
        ),
        [(0,), (1,), (2,), (3,)],
        True,
    ),
    "a decoder behind ReLU": (
        lambda: sequential(
            layers.LSTM(UNITS),
            layers.Dense(3, activation="relu"),
            layers.RepeatVector(STEPS),
            layers.GRU(2, return_sequences=True),
        ),
        [(0,), (1,), (2,)],
        True,
    ),
    "a turned sequence": (
        lambda: sequential(
            layers.LSTM(UNITS, go_backwards=True, return_sequences=True), layers.GRU(UNITS)
        ),
        [(0,), (1,)],
        False,
    ),
    "sum of both ways": (merged("sum"), [(0,), (1,)], False),
    "mean of both ways": (merged("ave"), [(0,), (1,)], False),
    "difference of both ways": (merged(None), [(0,), (1,)], False),
}


def results(imported: Imported, x: Any) -> list[Any]:
    """A network's results, split by the sizes of its vectors."""
    run, network = imported.network.run(x), imported.network
    value = run.steps if imported.every_step else run.output
    sizes = [network.sizes[n] for n in network.results or ()]
    return np.split(value, np.cumsum(sizes)[:-1], axis=-1)


def with_statistics(model: Any, seed: int) -> None:
    """Random weights; variances are positive."""
    randomize(model, seed)
    weights = [
        np.abs(w) + 0.1 if "variance" in v.path else w
        for v, w in zip(model.weights, model.get_weights(), strict=True)
    ]
    model.set_weights(weights)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", MODELS)
def test_results(name: str, suffix: str, tmp_path: Path) -> None:
    make, sources, every = MODELS[name]
    if (name, suffix) == ("a model inside", ".h5"):
        suffix = ".keras"  # the other one is refused: test_refused_keras.py
    model = make()
    with_statistics(model, 31)
    x = samples(31)
    wanted = model.predict(x, verbose=0)
    wanted = wanted if isinstance(wanted, list) else [wanted]
    model.save(tmp_path / f"net{suffix}")
    imported = load(tmp_path / f"net{suffix}")
    assert [layer.sources for layer in imported.network.layers] == sources
    assert imported.every_step == (WHOLE in imported.notes) == every
    for found, y in zip(results(imported, x), wanted, strict=True):
        if any("Softmax" in note for note in imported.notes):
            found = np.exp(found) / np.exp(found).sum(axis=-1, keepdims=True)
        assert found.shape == y.shape
        assert np.abs(found - y).max() < TOLERANCE
        assert np.abs(y).max() > 1e-2
    assert imported.check is not None
    assert imported.check() < 1e-4


def test_statistics_of_adapt(tmp_path: Path) -> None:
    x = samples(36)
    layer = layers.Normalization()
    layer.adapt(x)
    model = sequential(layer, layers.GRU(UNITS))
    y = np.asarray(model.predict(x, verbose=0))
    model.save(tmp_path / "net.keras")
    assert np.abs(load(tmp_path / "net.keras").network.forward(x) - y).max() < TOLERANCE


def test_order_of_results_is_said(tmp_path: Path) -> None:
    two_results().save(tmp_path / "net.keras")
    notes = load(tmp_path / "net.keras").notes
    assert notes[-1] == "a result has the outputs gains (3 words), voice (1 words), in this order"


def state_in_and_out() -> Any:
    x, h, c = keras.Input((None, INPUTS)), keras.Input((UNITS,)), keras.Input((UNITS,))
    y, *state = layers.LSTM(UNITS, return_sequences=True, return_state=True)(
        x, initial_state=[h, c]
    )
    return keras.Model([x, h, c], [layers.Dense(OUTPUTS)(y), *state])


def test_state_as_inputs_and_outputs_is_the_core_s(tmp_path: Path) -> None:
    model = state_in_and_out()
    randomize(model, 32)
    model.save(tmp_path / "net.keras")
    imported = load(tmp_path / "net.keras")
    assert imported.state == "keep"
    assert "--state keep" in imported.notes[-1]
    x = samples(32)
    zero = np.zeros((len(x), UNITS), np.float32)
    y, h, c = model.predict([x, zero, zero], verbose=0)
    more, _, _ = model.predict([x, h, c], verbose=0)
    run = imported.network.run(np.concatenate([x, x], axis=1))
    assert np.abs(run.steps - np.concatenate([y, more], axis=1)).max() < TOLERANCE


def test_stateful_keeps_the_state(tmp_path: Path) -> None:
    batch = keras.Input(batch_shape=(1, STEPS, INPUTS))
    model = keras.Sequential([batch, layers.GRU(UNITS, stateful=True), layers.Dense(OUTPUTS)])
    randomize(model, 33)
    model.save(tmp_path / "net.keras")
    imported = load(tmp_path / "net.keras")
    x = samples(33)[:1]
    found: Any = [keras.ops.convert_to_numpy(model(x)) for _ in range(2)]
    twice = np.concatenate([x, x], axis=1)
    assert imported.state == "keep"
    assert np.abs(imported.network.forward(x) - found[0]).max() < TOLERANCE
    assert np.abs(imported.network.forward(twice) - found[1]).max() < TOLERANCE


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the configuration inside an ``.h5`` file, and make it one of Keras 2."""
    with h5py.File(path, "r+") as file:
        config = json.loads(str(file.attrs["model_config"]))
        config = change(config) or config
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.0.5"


def test_sequential_as_a_list_with_the_shape_in_its_first_layer(tmp_path: Path) -> None:
    """Keras 2.0 to 2.2.2 wrote no input layer, and perhaps no shape at all."""
    model = sequential(layers.GRU(UNITS, reset_after=False), layers.Dense(OUTPUTS))
    randomize(model, 34)
    x = samples(34)
    y = np.asarray(model.predict(x, verbose=0))

    for shape in ({"batch_input_shape": [None, STEPS, INPUTS]}, {}):
        model.save(tmp_path / "net.h5")

        def old(config: Any, shape: Any = shape) -> Any:
            rest = config["config"]["layers"][1:]
            rest[0]["config"].pop("reset_after")
            rest[0]["config"] |= shape
            return {"class_name": "Sequential", "config": rest}

        rewritten(tmp_path / "net.h5", old)
        imported = load(tmp_path / "net.h5")
        assert np.abs(imported.network.forward(x) - y).max() < TOLERANCE
        assert len(imported.notes) == len(shape)


def test_bidirectional_without_a_backward_layer(tmp_path: Path) -> None:
    model = sequential(layers.Bidirectional(layers.LSTM(UNITS)), layers.Dense(OUTPUTS))
    randomize(model, 35)
    model.save(tmp_path / "net.h5")

    def old(config: Any) -> None:
        config["config"]["layers"][1]["config"].pop("backward_layer")

    rewritten(tmp_path / "net.h5", old)
    x = samples(35)
    y = np.asarray(model.predict(x, verbose=0))
    assert np.abs(load(tmp_path / "net.h5").network.forward(x) - y).max() < TOLERANCE
