"""Keras files that cannot be mapped, and those of Keras 2."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from golden.network import Network
from litelstm.importers.keras import load
from tests.litelstm.importers import keras_files
from tests.litelstm.importers.cases import OUTPUTS, STEPS, UNITS, check
from tests.litelstm.importers.keras_files import (
    keras,
    layers,
    randomize,
    refused,
    saved,
    sequential,
)
from tests.litelstm.importers.shipped import shipped

pytestmark = pytest.mark.frameworks

Config = dict[str, Any]
KEPT = shipped("keras_gru.keras")


def rewritten(
    path: Path,
    *,
    config: Callable[[Config], object] = lambda _: None,
    metadata: Callable[[Config], object] = lambda _: None,
    weights: Callable[[Any], object] = lambda _: None,
    source: Path = KEPT.path,
) -> Path:
    """A ``.keras`` file with some of its parts changed."""
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, change in (("config.json", config), ("metadata.json", metadata)):
        fields = json.loads(parts[name])
        change(fields)
        parts[name] = json.dumps(fields).encode()
    buffer = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        weights(file)
    parts["model.weights.h5"] = buffer.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def option(name: str, value: Any, *, layer: int = 1) -> Callable[[Config], object]:
    """Sets an option of a layer; the GRU is layer 1, the Dense layer 2."""
    return lambda config: config["config"]["layers"][layer]["config"].update({name: value})


CONFIGS: dict[str, tuple[Callable[[Config], object], tuple[str, ...]]] = {
    "return_sequences": (
        option("return_sequences", "yes"),
        ("GRU 'gru", "return_sequences is yes", "expected true or false"),
    ),
    "activation": (option("activation", "gelu"), ("activation is gelu", "expected tanh")),
    "recurrent activation": (
        option("recurrent_activation", "relu"),
        ("recurrent_activation is relu", "sigmoid or hard_sigmoid"),
    ),
    "own function": (
        option("recurrent_activation", {"class_name": "function", "config": "mine"}),
        ("recurrent_activation is function",),
    ),
    "units": (option("units", 5), ("GRU 'gru", "of shape (3, 12)", "(any, 15)")),
    "no units": (option("units", None), ("units is None",)),
    "bias": (option("use_bias", False), ("has 3 weights", "kernel, recurrent kernel")),
    "reset": (option("reset_after", False), ("of shape (2, 12)", "(12)")),
    "head": (
        option("activation", "gelu", layer=2),
        ("Dense 'dense", "activation is gelu", "no layer here has; train with relu"),
    ),
    "slope": (
        option("activation", "leaky_relu", layer=2),
        ("Dense 'dense", "leaky ReLU of slope 0.2", "power of two"),
    ),
    "class": (
        lambda config: config["config"]["layers"][1].update(class_name="ConvLSTM1D"),
        ("ConvLSTM1D 'gru", "is not known here"),
    ),
    "model": (lambda config: config.update(class_name="MyModel"), ("is a MyModel",)),
    "no layers": (lambda config: config.pop("config"), ("has no layers",)),
}


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        *(("activation", n) for n in (1, 2)),
        *(("use_bias", n) for n in (1, 2)),
        *((n, 1) for n in ("recurrent_activation", "return_sequences", "go_backwards")),
        ("reset_after", 1),
    ],
)
def test_no_option_that_decides_is_assumed(name: str, layer: int, tmp_path: Path) -> None:
    def drop(config: Config) -> object:
        return config["config"]["layers"][layer]["config"].pop(name)

    refused(rewritten(tmp_path / "net.keras", config=drop), f"has no {name}, which decides")


def test_what_was_assumed_is_said(tmp_path: Path) -> None:
    model = sequential(
        layers.Dropout(0.5),
        layers.GRU(UNITS, recurrent_activation="hard_sigmoid"),
        layers.Dense(OUTPUTS, activation="softmax"),
    )
    dropout = model.layers[0].name
    assert load(saved(model, tmp_path)).notes == (
        f"the file's sequences have {STEPS} steps; assumed that the network takes any number",
        "hard_sigmoid has slope 1/6, that of Keras 3",
        f"Dropout {dropout!r} is left out: assumed that it is for training alone",
        "Softmax at the end is left out: the output is its argument",
    )


@pytest.mark.parametrize(("change", "says"), CONFIGS.values(), ids=CONFIGS)
def test_configurations(
    change: Callable[[Config], object], says: tuple[str, ...], tmp_path: Path
) -> None:
    refused(rewritten(tmp_path / "net.keras", config=change), *says)


def linked(file: Any) -> None:
    del file["layers/dense/vars/1"]
    file["layers/dense/vars"].create_dataset(
        "1", shape=(OUTPUTS,), dtype="f4", external=[("other.bin", 0, 8)]
    )


WEIGHTS: dict[str, tuple[Callable[[Any], object], tuple[str, ...]]] = {
    "missing": (lambda file: file.pop("layers/gru/cell/vars/2"), ("GRU 'gru", "has 2 weights")),
    "no group": (lambda file: file.pop("layers/gru"), ("GRU 'gru", "has 0 weights")),
    "no groups": (lambda file: file.pop("layers"), ("has no group layers",)),
    "foreign": (
        lambda file: file.create_group("layers/lstm"),
        ("weights lstm belong to no layer",),
    ),
    "one more": (
        lambda file: file.create_dataset("layers/dense/vars/2", data=np.ones(2)),
        ("Dense 'dense", "has 3 weights", "expected kernel, bias"),
    ),
    "not finite": (
        lambda file: file["layers/dense/vars/1"].write_direct(np.full(OUTPUTS, np.inf, "f4")),
        ("Dense 'dense", "NaN or infinity"),
    ),
    "of another layer": (
        lambda file: file["layers/gru/vars"].attrs.update(name="other"),
        ("layer 'gru", "has the weights of 'other'"),
    ),
    "in another file": (linked, ("lies in another file",)),
}


@pytest.mark.parametrize(("change", "says"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights(change: Callable[[Any], object], says: tuple[str, ...], tmp_path: Path) -> None:
    refused(rewritten(tmp_path / "net.keras", weights=change), *says)


@pytest.mark.parametrize("version", [None, 3, "4.0.0", "new"])
def test_versions(version: Any, tmp_path: Path) -> None:
    path = rewritten(
        tmp_path / "net.keras", metadata=lambda fields: fields.update(keras_version=version)
    )
    refused(path, f"keras_version is {version!r}", "expected 2.x or 3.x")


def of_keras_2(path: Path, source: Path) -> Path:
    """The file with another version written into it."""
    if source.suffix == ".keras":
        version = {"keras_version": "2.15.0"}
        return rewritten(path, metadata=lambda fields: fields.update(version), source=source)
    path.write_bytes(source.read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["keras_version"] = "2.15.0"
    return path


@pytest.mark.parametrize("name", ["keras_gru.keras", "keras_lstm.h5"])
def test_slope_of_keras_2(name: str, tmp_path: Path) -> None:
    """A slope of 1/6 in Keras 3 is 1/5 in Keras 2; the arrays are equal."""
    kept = shipped(name)
    new, old = load(kept.path).network, load(of_keras_2(tmp_path / name, kept.path)).network
    gates = {"gru": "rz", "lstm": "ifo"}[new.layers[0].cell.kind]
    for key, value in new.layers[0].weights.items():
        factor = 6 / 5 if key.split("_")[1][0] in gates else 1
        assert np.abs(old.layers[0].weights[key] - factor * value).max() < 1e-15


def fifth(x: Any) -> Any:
    """The hard sigmoid of Keras 2."""
    return keras.ops.clip(0.2 * x + 0.5, 0, 1)


def test_results_of_keras_2(tmp_path: Path) -> None:
    """A model with the slope of Keras 2, run by Keras 3 with a function of its own."""
    functions: tuple[Any, ...] = (fifth, "hard_sigmoid")
    models = [
        sequential(layers.LSTM(UNITS, recurrent_activation=function), layers.Dense(OUTPUTS))
        for function in functions
    ]
    for model in models:
        randomize(model, 11)
    models[1].save(tmp_path / "new.keras")
    network = load(of_keras_2(tmp_path / "net.keras", tmp_path / "new.keras")).network
    x = KEPT.x
    y = np.asarray(models[0].predict(x.astype(np.float32), verbose=0))
    check(network, cells=("lstm none hard",), end=None, x=x, y=y)
    models[0].save(tmp_path / "own.keras")
    refused(tmp_path / "own.keras", "LSTM", "recurrent_activation is function")


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    path = tmp_path / "net.weights.h5"
    keras_files.functional().save_weights(path)
    refused(path, "has no model_config and model_weights")


def test_names_and_numbers_of_layers(tmp_path: Path) -> None:
    """Weights are found for several layers of a class, with names of the user's own."""
    model = sequential(
        layers.GRU(5, return_sequences=True, name="zeta"),
        layers.GRU(6, return_sequences=True, name="alpha"),
        layers.GRU(7, name="gru"),
    )
    randomize(model, 12)
    network: Network = load(saved(model, tmp_path)).network
    y = np.asarray(model.predict(KEPT.x.astype(np.float32), verbose=0))
    check(network, cells=("gru after logistic",) * 3, end=None, x=KEPT.x, y=y)
