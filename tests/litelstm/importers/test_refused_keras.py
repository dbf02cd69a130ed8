"""Keras models that cannot be mapped: refused in one line with the layer, its name and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.litelstm.importers.cases import INPUTS, STEPS, UNITS
from tests.litelstm.importers.keras_files import keras, layers, refused, saved, sequential

pytestmark = pytest.mark.frameworks


def both_ends() -> Any:
    x = keras.Input((STEPS, INPUTS))
    ways = [layers.GRU(UNITS, go_backwards=n, return_sequences=True)(x) for n in (False, True)]
    return keras.Model(x, layers.GRU(UNITS, name="gru")(layers.Add()(ways)))


def masked() -> Any:
    x = keras.Input((STEPS, INPUTS))
    mask = keras.Input((STEPS,), dtype="bool")
    return keras.Model([x, mask], layers.LSTM(UNITS)(x, mask=mask))


def trained() -> Any:
    x = keras.Input((STEPS, INPUTS))
    return keras.Model(x, layers.BatchNormalization()(layers.GRU(UNITS)(x), training=True))


def static() -> Any:
    x, more = keras.Input((STEPS, INPUTS)), keras.Input((2,), name="static")
    return keras.Model([x, more], layers.Concatenate()([layers.GRU(UNITS)(x), more]))


def two_inputs() -> Any:
    x, y = (keras.Input((STEPS, INPUTS)) for _ in range(2))
    return keras.Model([x, y], layers.GRU(UNITS)(layers.Add()([x, y])))


def gated() -> Any:
    x = keras.Input((STEPS, INPUTS))
    h = layers.GRU(UNITS)(x)
    return keras.Model(x, layers.Multiply()([h, layers.Dense(UNITS, activation="sigmoid")(h)]))


def half_stateful() -> Any:
    first = layers.GRU(UNITS, stateful=True, return_sequences=True)
    return keras.Sequential([keras.Input(batch_shape=(1, STEPS, INPUTS)), first, layers.GRU(UNITS)])


def initial_state() -> Any:
    x, h = keras.Input((STEPS, INPUTS)), keras.Input((UNITS,))
    return keras.Model([x, h], layers.LSTM(UNITS, name="lstm")(x, initial_state=[h, h]))


def with_constants(combine: Callable[[Any], Any]) -> Any:
    x = keras.Input((STEPS, INPUTS))
    return keras.Model(x, combine(layers.GRU(UNITS)(x)))


def averaged() -> Any:
    x = keras.Input((STEPS, INPUTS))
    return keras.Model(x, keras.ops.average(layers.GRU(UNITS, return_sequences=True)(x), axis=1))


@keras.saving.register_keras_serializable(package="mine")
class Dense(layers.Dense):
    """Has the name of a layer of Keras, and computes something else."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        found: Any = super().call(inputs)
        return 2 * found


MODELS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "a constant": (
        lambda: with_constants(lambda h: h + 1.0),
        ("Add is called with the constant 1.0", "use a Rescaling"),
    ),
    "a constant in front": (
        lambda: with_constants(lambda h: 1.0 - h),
        ("Subtract is called with the constant 1.0",),
    ),
    "an array": (
        lambda: with_constants(lambda h: h + np.ones(UNITS)),
        ("Add is called with the constant",),
    ),
    "an operation with a layer's name": (averaged, ("Average 'average", "has an axis")),
    "a class with a layer's name": (
        lambda: sequential(layers.GRU(UNITS), Dense(2)),
        ("has mine>Dense, a class of its own",),
    ),
    "masking": (
        lambda: sequential(layers.Masking(), layers.LSTM(UNITS)),
        (
            "Masking 'masking",
            "skips steps by their values",
            "end each sequence where its steps end",
        ),
    ),
    "product of both ways": (
        lambda: sequential(layers.Bidirectional(layers.LSTM(UNITS), merge_mode="mul")),
        ("Bidirectional 'bidirectional", "merge_mode is mul", "expected concat, sum or ave"),
    ),
    "two cells": (
        lambda: sequential(
            layers.Bidirectional(
                layers.LSTM(UNITS), backward_layer=layers.GRU(UNITS, go_backwards=True)
            )
        ),
        ("Bidirectional 'bidirectional", "different cells in both directions"),
    ),
    "turned results": (
        lambda: sequential(layers.GRU(UNITS, go_backwards=True, return_sequences=True)),
        ("gives its steps from the last to the first; turn them on a host",),
    ),
    "both ends": (
        both_ends,
        (
            "GRU 'gru",
            "reads",
        ),
    ),
    "one state for h and c": (initial_state, ("starts c at a state that is started at before",)),
    "a mask": (masked, ("LSTM is called with mask, expected its inputs alone",)),
    "statistics of the batch": (
        trained,
        ("BatchNormalization is called with training, expected inference",),
    ),
    "an input without steps": (
        static,
        ("input 'static' has no steps", "append it to the input of each step"),
    ),
    "two sequences": (two_inputs, ("has 2 inputs of sequences, expected one",)),
    "product": (gated, ("Multiply 'multiply", "multiplies vectors")),
    "zeros behind a layer": (
        lambda: sequential(
            layers.Conv1D(4, 3, padding="same", activation="relu"),
            layers.Conv1D(4, 3, padding="same", activation="relu"),
            layers.GRU(UNITS),
        ),
        ("Conv1D 'conv1d", "reads zeros behind or before the steps of layer0", "input alone"),
    ),
    "zeros for a scaled input": (
        lambda: sequential(
            layers.Rescaling(1.0, offset=2.0),
            layers.Conv1D(4, 3, padding="same"),
            layers.GRU(UNITS),
        ),
        ("GRU 'gru", "reads zeros behind or before the steps of layer0"),
    ),
    "a pool with fewer values at an end": (
        lambda: sequential(layers.MaxPooling1D(3, padding="same"), layers.GRU(UNITS)),
        ("MaxPooling1D 'max_pooling1d", "takes the largest of fewer values at an end"),
    ),
    "pooling behind": (
        lambda: sequential(
            layers.GRU(UNITS, return_sequences=True), layers.AveragePooling1D(2), layers.GRU(UNITS)
        ),
        ("has recurrent layers, pools or results at steps of 1 and 2 samples",),
    ),
    "a vector repeated for fewer steps": (
        lambda: sequential(
            layers.LSTM(UNITS), layers.RepeatVector(3), layers.LSTM(3, return_sequences=True)
        ),
        ("reads the same vector in 3 steps, expected 4", "import two networks"),
    ),
    "transposed convolution": (
        lambda: sequential(layers.Conv1DTranspose(4, 3), layers.GRU(UNITS)),
        ("Conv1DTranspose 'conv1d", "gives more steps than it reads"),
    ),
    "softmax inside": (
        lambda: sequential(layers.Dense(5, activation="softmax"), layers.GRU(UNITS)),
        ("Dense 'dense", "stands before other layers, expected it at the end"),
    ),
    "stateful in part": (half_stateful, ("has layers that are stateful and others that are not",)),
    "no recurrent layer": (lambda: sequential(layers.Dense(2)), ("has no recurrent layer",)),
    "lambda": (
        lambda: sequential(layers.Lambda(lambda x: 2 * x), layers.GRU(UNITS)),
        ("Lambda 'lambda", "holds code, which is not executed"),
    ),
}


@pytest.mark.parametrize(("make", "says"), MODELS.values(), ids=MODELS)
def test_models(make: Callable[[], Any], says: tuple[str, ...], tmp_path: Path) -> None:
    refused(saved(make(), tmp_path), *says)


def test_a_model_inside_an_h5_file(tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((STEPS, INPUTS)), layers.GRU(UNITS)])
    sequential(inner).save(tmp_path / "net.h5")
    refused(tmp_path / "net.h5", "is a model inside; save as .keras")
