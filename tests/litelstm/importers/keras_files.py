"""Files that Keras 3 writes: ``.keras``, ``.h5`` and ONNX."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import pytest
from keras import layers

from golden.errors import InputError
from litelstm.importers.keras import load
from tests.litelstm.importers.cases import INPUTS, OUTPUTS, STEPS, UNITS, Case, samples


def randomize(model: Any, seed: int) -> None:
    """Random weights, biases too, which Keras starts at zero."""
    rng = np.random.default_rng(seed)
    model.set_weights([0.5 * rng.normal(size=w.shape) for w in model.get_weights()])


def sequential(*parts: Any) -> Any:
    """A Sequential model on samples of a fixed length."""
    return keras.Sequential([keras.Input((STEPS, INPUTS)), *parts])


def refused(path: Path, *says: str) -> None:
    """Check that a file is refused in one line with these words."""
    with pytest.raises(InputError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for words in says:
        assert words in message


def saved(model: Any, folder: Path) -> Path:
    path = folder / "net.keras"
    model.save(path)
    return path


def functional() -> Any:
    """A Functional model with layers that are nothing after training, and a scaled input."""
    x = keras.Input((None, INPUTS), name="samples")
    h = layers.Rescaling(1 / 2, offset=0.25)(x)
    h = layers.LSTM(UNITS, return_sequences=True, dropout=0.2, recurrent_dropout=0.1)(h)
    h = layers.Dropout(0.5)(h)
    h = layers.LSTM(UNITS, name="second")(h)
    return keras.Model(x, layers.Activation("softmax")(layers.Dense(OUTPUTS)(h)))


def _case(
    make: Callable[[], Any], cells: Sequence[str], *, suffix: str = ".keras", end: str | None = None
) -> Case:
    def write(path: Path) -> tuple[Any, Any]:
        model = make()
        randomize(model, 3)
        x = samples(3)
        y = np.asarray(model.predict(x, verbose=0))
        if suffix == ".onnx":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.export(path, format="onnx", verbose=False)
        else:
            model.save(path)
        return x, y

    return Case(write=write, suffix=suffix, cells=tuple(cells), end=end)


def _gru(*, reset_after: bool, **options: Any) -> Any:
    gru = layers.GRU(UNITS, reset_after=reset_after, **options)
    return sequential(gru, layers.Dense(OUTPUTS))


def _rnn() -> Any:
    first = layers.SimpleRNN(UNITS, return_sequences=True)
    return sequential(first, layers.SimpleRNN(UNITS), layers.Dense(OUTPUTS, activation="sigmoid"))


def _relu() -> Any:
    first = layers.SimpleRNN(UNITS, return_sequences=True, activation="relu")
    second = layers.LSTM(UNITS, return_sequences=True, activation="relu")
    options: dict[str, Any] = {"activation": "relu", "recurrent_activation": "hard_sigmoid"}
    third = layers.GRU(UNITS, return_sequences=True, reset_after=False, **options)
    return sequential(first, second, third, layers.GRU(UNITS, **options), layers.Dense(OUTPUTS))


def _selu() -> Any:
    first = layers.SimpleRNN(UNITS, return_sequences=True, activation="selu")
    second = layers.GRU(UNITS, return_sequences=True, activation="selu")
    third = layers.GRU(UNITS, return_sequences=True, reset_after=False, activation="selu")
    dense = layers.Dense(UNITS, activation="selu"), layers.Dense(UNITS), layers.ELU()
    last = layers.LSTM(UNITS, activation="elu"), layers.Dense(OUTPUTS)
    return sequential(first, second, third, *dense, *last)


def _both_ways() -> Any:
    first = layers.LSTM(UNITS, return_sequences=True, recurrent_activation="hard_sigmoid")
    second = layers.Bidirectional(layers.GRU(UNITS), name="backward_one")
    return sequential(layers.Bidirectional(first), second, layers.Dense(OUTPUTS))


def _lstm() -> Any:
    scaled = (layers.Rescaling(1 / 8), layers.Dense(INPUTS + 2))
    lstm = layers.LSTM(UNITS, recurrent_activation="hard_sigmoid")
    return sequential(*scaled, lstm, layers.Dense(OUTPUTS, use_bias=False), layers.Softmax())


RNN = ("rnn logistic", "rnn logistic", "dense sigmoid 1/2 logistic")
BOTH_WAYS = ("lstm none hard bidirectional", "gru after logistic bidirectional")

RELU = ("rnn relu logistic", "lstm none relu logistic", "gru before relu hard")
RELU = (*RELU, "gru after relu hard")
SELU = ("rnn selu logistic", "gru after selu logistic", "gru before selu logistic")
SELU = (*SELU, "dense selu 1/2 logistic", "dense elu 1/2 logistic", "lstm none elu logistic")

FILES = {
    "SimpleRNN": _case(_rnn, RNN),
    "ReLU": _case(_relu, RELU),
    "SELU, ELU": _case(_selu, SELU),
    "GRU, reset after": _case(lambda: _gru(reset_after=True), ("gru after logistic",)),
    "GRU, reset after, hard": _case(
        lambda: _gru(reset_after=True, recurrent_activation="hard_sigmoid"), ("gru after hard",)
    ),
    "GRU, reset before": _case(lambda: _gru(reset_after=False), ("gru before logistic",)),
    "GRU, reset before, hard, no bias": _case(
        lambda: _gru(reset_after=False, use_bias=False, recurrent_activation="hard_sigmoid"),
        ("gru before hard",),
    ),
    "LSTM, hard": _case(_lstm, ("lstm none hard",), end="softmax"),
    "LSTM, Functional": _case(functional, ("lstm none logistic",) * 2, end="softmax"),
    "LSTM, Functional, h5": _case(
        functional, ("lstm none logistic",) * 2, suffix=".h5", end="softmax"
    ),
    "GRU, reverse": _case(
        lambda: _gru(reset_after=True, go_backwards=True), ("gru after logistic reverse",)
    ),
    "both ways": _case(_both_ways, BOTH_WAYS),
    "both ways, h5": _case(_both_ways, BOTH_WAYS, suffix=".h5"),
    "GRU, h5": _case(
        lambda: _gru(reset_after=True, recurrent_activation="hard_sigmoid"),
        ("gru after hard",),
        suffix=".h5",
    ),
}
"""Models as Keras saves them."""

ONNX = {
    "SimpleRNN": _case(_rnn, RNN, suffix=".onnx"),
    "ReLU": _case(_relu, RELU, suffix=".onnx"),
    "LSTM, hard": _case(_lstm, ("lstm none hard",), suffix=".onnx", end="softmax"),
    "GRU, reset after, hard": _case(
        lambda: _gru(reset_after=True, recurrent_activation="hard_sigmoid"),
        ("gru after hard",),
        suffix=".onnx",
    ),
    "GRU, reset before": _case(
        lambda: _gru(reset_after=False), ("gru before logistic",), suffix=".onnx"
    ),
}
"""Models as Keras exports them on its PyTorch backend: loops, unrolled."""
