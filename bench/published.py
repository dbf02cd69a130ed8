"""Networks that others have published: at their sizes with random weights, or their files.

Keras writes the Keras models to files, and the importer reads those; PyTorch's are live modules.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch
from keras import layers
from torch import nn

from bench.published_modules import Activity, Autoencoder, Denoiser
from golden.cells import LSTM
from golden.errors import InputError
from golden.layers import dense
from golden.network import Layer, Network, weight_shapes
from litelstm.importers.files import import_network
from litelstm.importers.proof import Imported
from litelstm.importers.torch_modules import import_torch_module

SEED = 7
RANDOM = "random weights"


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published network, and the core that is made of it.

    Attributes:
        title: its name and what it is for.
        make: imports it; its argument is the folder of other people's files.
        source: origin of its weights.
        samples: samples of a sequence in simulation.
        lanes: multipliers of the core's array.
        max_steps: steps that the core buffers, for a network with reverse layers.
    """

    title: str
    make: Callable[[Path | None], Imported]
    source: str = RANDOM
    samples: int = 6
    lanes: int = 16
    max_steps: int = 0


class Unavailable(Exception):
    """A file that is not part of the project is not there."""


def _keras(shape: tuple[int, ...], *parts: Callable[[], Any]) -> Callable[[Path | None], Imported]:
    """Return what imports a Sequential model of Keras; ``parts`` make its layers."""

    def make(_: Path | None) -> Imported:
        keras.utils.set_random_seed(SEED)
        return _saved(keras.Sequential([keras.Input(shape), *(part() for part in parts)]))

    return make


def _saved(model: Any) -> Imported:
    """Import a Keras model from the file that Keras writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.keras"
        model.save(path)
        made = import_network(path)
        difference = made.check() if made.check else None
    return _checked(made, difference)


def _checked(made: Imported, difference: float | None) -> Imported:
    """Keep the difference from the framework's results, whose file is gone."""
    check = None if difference is None else lambda: difference
    return Imported(**{**vars(made), "check": check})


def _torch(module: Callable[[], nn.Module]) -> Callable[[Path | None], Imported]:
    """Return what imports a live module."""

    def make(_: Path | None) -> Imported:
        torch.manual_seed(SEED)
        return import_torch_module(module().eval())

    return make


def _file(name: str, start: str | None = None) -> Callable[[Path | None], Imported]:
    """Return what imports a file, from an operator on."""

    def make(folder: Path | None) -> Imported:
        if folder is None or not (folder / name).is_file():
            raise Unavailable(f"{name}: not in --dir")
        made = import_network(folder / name, start=start)
        try:
            return _checked(made, made.check() if made.check else None)
        except InputError:  # its framework is not installed
            return _checked(made, None)

    return make


def _rnnoise(_: Path | None) -> Imported:
    """RNNoise (Valin 2018): three GRUs that read each other, and two outputs per step."""
    keras.utils.set_random_seed(SEED)
    x = keras.Input((None, 42))
    gru: dict[str, Any] = {"return_sequences": True, "reset_after": False}
    front = layers.Dense(24, activation="tanh")(x)
    voice = layers.GRU(24, **gru)(front)
    noise_reads = layers.Concatenate()([front, voice, x])
    noise = layers.GRU(48, activation="relu", **gru)(noise_reads)
    gain_reads = layers.Concatenate()([voice, noise, x])
    gains = layers.Dense(22, activation="sigmoid")(layers.GRU(96, **gru)(gain_reads))
    return _saved(keras.Model(x, [gains, layers.Dense(1, activation="sigmoid")(voice)]))


def _beat_tracker(_: Path | None) -> Imported:
    """Beat tracker (Boeck, Schedl 2011): three peephole BLSTMs of 25 units over spectrograms."""
    rng, built, inputs = np.random.default_rng(SEED), [], 266
    cell = LSTM(peephole="current")
    for _layer in range(3):
        shapes = weight_shapes(cell, inputs, 25)
        forward, backward = (
            {name: rng.normal(scale=inputs**-0.5, size=shape) for name, shape in shapes.items()}
            for _way in range(2)
        )
        built.append(
            Layer(
                cell=cell,
                sigmoid="logistic",
                weights=forward,
                direction="bidirectional",
                backward=backward,
            )
        )
        inputs = 50
    built.append(dense(rng.normal(scale=0.3, size=(1, 50)), np.zeros(1), "sigmoid"))
    return Imported(network=Network(layers=tuple(built)), every_step=True)


def _projected() -> nn.Module:
    """LSTM with projection of Hello Edge (Zhang et al. 2017), the small one: 25 x 10, 12 words."""
    return nn.Sequential(nn.LSTM(10, 144, proj_size=98, batch_first=True), nn.Linear(98, 12))


def _dense(units: int, activation: str | None = None) -> Callable[[], Any]:
    return lambda: layers.Dense(units, activation=activation)


def _both(units: int) -> Callable[[], Any]:
    return lambda: layers.Bidirectional(layers.LSTM(units, return_sequences=True))


def _tagger(recurrent: Any) -> Callable[[Path | None], Imported]:
    """Top tagging of hls4ml's authors (Khoda et al. 2022)."""
    return _keras((20, 6), lambda: recurrent(20), _dense(64, "relu"), _dense(1, "sigmoid"))


PUBLISHED = {
    "top-lstm": Published(title="hls4ml top tagging, LSTM", make=_tagger(layers.LSTM), lanes=5),
    "top-gru": Published(title="hls4ml top tagging, GRU", make=_tagger(layers.GRU), lanes=5),
    "top-alone": Published(
        title="hls4ml top tagging, its LSTM alone",
        make=_keras((20, 6), lambda: layers.LSTM(20)),
        lanes=5,
    ),
    "flavour": Published(
        title="hls4ml flavour tagging, LSTM",
        make=_keras(
            (15, 6),
            lambda: layers.LSTM(120),
            _dense(50, "relu"),
            _dense(10, "relu"),
            _dense(3, "softmax"),
        ),
    ),
    "quickdraw": Published(
        title="hls4ml QuickDraw, LSTM",
        make=_keras(
            (100, 3),
            lambda: layers.LSTM(128),
            _dense(256, "relu"),
            _dense(128, "relu"),
            _dense(5, "softmax"),
        ),
    ),
    "rnnoise": Published(title="RNNoise", make=_rnnoise, lanes=12),
    "silero": Published(
        title="silero-vad 6.2.3, from its LSTM on",
        make=_file("silero_vad_16k_sequence.onnx", "/recurrent/LSTM"),
        source="its file",
        samples=50,
    ),
    "dtln": Published(title="DTLN, part 1", make=_file("dtln_1.onnx"), source="its file", lanes=32),
    "nsnet2": Published(title="NSNet2", make=_torch(Denoiser), samples=3, lanes=100),
    "beats": Published(
        title="beat tracker, 3 peephole BLSTMs", make=_beat_tracker, lanes=25, max_steps=8
    ),
    "nilm": Published(
        title="neural NILM, convolution and BLSTMs",
        make=_keras(
            (32, 1),
            lambda: layers.Conv1D(16, 4, padding="same"),
            _both(128),
            _both(256),
            _dense(128, "tanh"),
            _dense(1),
        ),
        lanes=64,
        max_steps=8,
    ),
    "hello-lstm": Published(title="Hello Edge, LSTM with projection", make=_torch(_projected)),
    "hello-crnn": Published(
        title="Hello Edge, CRNN",
        make=_keras(
            (49, 10, 1),
            lambda: layers.Conv2D(48, (10, 4), strides=(2, 2), activation="relu"),
            lambda: layers.Reshape((20, 4 * 48)),
            lambda: layers.GRU(60, return_sequences=True),
            lambda: layers.GRU(60),
            _dense(84, "relu"),
            _dense(12),
        ),
        samples=24,
    ),
    "activity": Published(title="activity recognition, 2 LSTMs", make=_torch(Activity)),
    "cnn-lstm": Published(
        title="activity recognition, CNN-LSTM",
        make=_keras(
            (64, 9),
            lambda: layers.Conv1D(64, 3, activation="relu"),
            lambda: layers.Conv1D(64, 3, activation="relu"),
            lambda: layers.MaxPooling1D(2),
            lambda: layers.LSTM(100),
            _dense(100, "relu"),
            _dense(6, "softmax"),
        ),
        samples=16,
    ),
    "ecg": Published(title="ECG autoencoder", make=_torch(Autoencoder), samples=10, max_steps=10),
    "maintenance": Published(
        title="predictive maintenance, Keras 2.0.5",
        make=_file("pm_binary.h5"),
        source="its file",
    ),
    "tflm-float": Published(
        title="tflite-micro MNIST LSTM, float",
        make=_file("tflm_mnist_lstm.tflite"),
        source="its file",
        samples=28,
        lanes=10,
    ),
    "tflm-int8": Published(
        title="tflite-micro MNIST LSTM, int8",
        make=_file("tflm_mnist_lstm_int8.tflite"),
        source="its file",
        samples=28,
        lanes=10,
    ),
}
"""Published networks by their short names."""
