"""Published networks with convolutions, at their sizes, with random weights: float and integers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from golden.interface import Control
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.settings import Settings
from hdl.verilog import generate
from litelstm.importers.files import import_network
from litelstm.importers.torch_modules import import_torch_module
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.run import Run, Source
from sim.streams import of_steps
from tests.conformance.conftest import Within
from tests.litelstm.importers.keras_files import keras, layers, saved

pytestmark = pytest.mark.frameworks

TOLERANCE = 1e-5


def cnn_lstm() -> Any:
    """Activity recognition: two convolutions and a pool in front of an LSTM; 64 x 9 samples."""
    return keras.Sequential(
        [
            keras.Input((64, 9)),
            layers.Conv1D(64, 3, activation="relu"),
            layers.Conv1D(64, 3, activation="relu"),
            layers.Dropout(0.5),
            layers.MaxPooling1D(2),
            layers.LSTM(100),
            layers.Dropout(0.5),
            layers.Dense(100, activation="relu"),
            layers.Dense(6, activation="softmax"),
        ]
    )


def nilm() -> Any:
    """Neural NILM (Kelly, Knottenbelt 2015): the power of one appliance in every step."""
    return keras.Sequential(
        [
            keras.Input((32, 1)),
            layers.Conv1D(16, 4, padding="same"),
            layers.Bidirectional(layers.LSTM(128, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(256, return_sequences=True)),
            layers.Dense(128, activation="tanh"),
            layers.Dense(1),
        ]
    )


def hello_edge() -> Any:
    """CRNN of Hello Edge (Zhang et al. 2017), the small one: 49 x 10 coefficients, 12 words."""
    return keras.Sequential(
        [
            keras.Input((49, 10, 1)),
            layers.Conv2D(48, (10, 4), strides=(2, 2), activation="relu"),
            layers.Reshape((20, 4 * 48)),
            layers.GRU(60, return_sequences=True),
            layers.GRU(60),
            layers.Dense(84, activation="relu"),
            layers.Dense(12),
        ]
    )


class Spotter(nn.Module):
    """Keyword spotter: a Conv1D of stride 2 over coefficients, a GRU and the mean of its steps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(13, 32, 5, stride=2, padding=2)
        self.norm = nn.BatchNorm1d(32)
        self.rnn = nn.GRU(32, 48, batch_first=True)
        self.head = nn.Linear(48, 12)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm(self.conv(x.transpose(1, 2)))).transpose(1, 2)
        return self.head(self.rnn(y)[0].mean(1))


def integers(network: Network, x: Any) -> float:
    """Power of the output over the power of the integers' error, in decibels."""
    fed = network.feed(x)
    quantized, _ = quantize(network, fed, Settings(activation_width=10, weight_width=10))
    found = quantized.out.to_float(IntegerModel(quantized).forward(quantized.quantize_input(fed)))
    wanted = network.forward(fed)
    return float(10 * np.log10(np.mean(wanted**2) / np.mean((found - wanted) ** 2)))


KERAS: dict[str, tuple[Callable[[], Any], tuple[str, ...], int]] = {
    "CNN-LSTM": (cnn_lstm, ("dense", "dense", "lstm", "dense", "dense"), 2),
    "NILM": (nilm, ("lstm", "lstm", "dense", "dense"), 1),
    "Hello Edge CRNN": (hello_edge, ("dense", "gru", "gru", "dense", "dense"), 2),
}


@pytest.mark.parametrize("name", KERAS)
def test_keras(name: str, tmp_path: Path, within: Within) -> None:
    make, cells, fold = KERAS[name]
    keras.utils.set_random_seed(7)
    imported = import_network(saved(make(), tmp_path))
    network = imported.network
    assert tuple(layer.cell.kind for layer in network.layers) == cells
    assert network.fold == fold
    assert imported.check is not None
    within(f"{name} of Keras", imported.check(), TOLERANCE)
    steps, size = {"NILM": (32, 1), "CNN-LSTM": (64, 9)}.get(name, (49, 10))
    assert integers(network, np.random.default_rng(3).normal(size=(12, steps, size))) > 10


@pytest.mark.filterwarnings("ignore")
def test_a_keyword_spotter(within: Within) -> None:
    torch.manual_seed(5)
    module = Spotter().eval()
    imported = import_torch_module(module)
    network = imported.network
    assert (network.fold, [layer.cell.kind for layer in network.layers]) == (
        2,
        ["dense", "gru", "pool"],
    )
    assert imported.check is not None
    within("keyword spotter of PyTorch", imported.check(), TOLERANCE)
    x = np.random.default_rng(4).normal(size=(12, 48, 13))
    with torch.no_grad():
        wanted = module(torch.from_numpy(x.astype(np.float32))).numpy()
    assert "y is a sum over the steps: divide by their number less 1 for the mean" in imported.notes
    found = network.forward(network.feed(x)) / (x.shape[1] // network.fold)
    assert np.abs(found - wanted).max() < TOLERANCE
    assert integers(network, x) > 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["keyword spotter", "Hello Edge CRNN"])
def test_rtl(name: str, tmp_path: Path) -> None:
    """The core gives the words of the integer model, for 2 sequences back to back."""
    keras.utils.set_random_seed(7)
    torch.manual_seed(5)
    if name == "keyword spotter":
        network, shape = import_torch_module(Spotter().eval()).network, (2, 48, 13)
    else:
        network, shape = import_network(saved(hello_edge(), tmp_path)).network, (2, 49, 10)
    fed = network.feed(np.random.default_rng(3).normal(size=shape))
    quantized, _ = quantize(network, fed)
    words = quantized.quantize_input(fed)
    core = generate(quantized, lanes=16)
    ends = [Control(last=step == words.shape[1] - 1) for step in range(words.shape[1])]
    beats = of_steps([*ends, *ends], quantized.inputs)
    run = Run(sources={"i": Source(words.reshape(-1), beats)}, sinks={"o": 2 * quantized.outputs})
    with CompiledBench.of(core, library=bench_library([Design.of(core)], optimize=True)) as bench:
        found = bench.run(run)
    assert np.array_equal(found.words, IntegerModel(quantized).forward(words).reshape(-1))
