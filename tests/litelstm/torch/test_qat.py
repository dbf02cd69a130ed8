"""Quantization-aware training: its integers are the golden model's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell
from golden.errors import InputError
from golden.formats import Format
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import Settings, quantize
from golden.quantized import QuantizedNetwork
from golden.thresholds import Thresholds
from litelstm.architectures import CELLS, Architecture
from litelstm.torch import Recurrent, from_network, to_network
from litelstm.torch.qat import QuantizationAware, requantize
from litelstm.torch.sent import TensorSender
from sim.draw.cells import PLAIN_CELLS
from tests.networks import Recipe, float_network

pytestmark = pytest.mark.frameworks

SETTINGS = {
    "W8 A8": Settings(),
    "W4": Settings(weight_width=4, state_width=8),
    "W16 A16, interpolated": Settings(
        weight_width=16, activation_width=14, state_width=16, interpolate=True, log2_entries=5
    ),
}


def samples(network: Network, batch: int = 40) -> NDArray[np.float64]:
    """Inputs large enough for saturation."""
    rng = np.random.default_rng(1)
    return rng.normal(scale=2, size=(batch, 9, network.inputs)).astype(np.float32).astype(float)


def module(cell: str, sigmoid: str, settings: Settings, **sizes: Any) -> QuantizationAware:
    """A small network, quantized with samples that do not reach as far as those of the tests."""
    sizes = {"inputs": 5, "units": 7, "layers": 2, "head": 3} | sizes
    floats = Architecture(cell=cell, sigmoid=sigmoid, **sizes).floats()
    network = rounded(floats)
    quantized, _ = quantize(network, samples(network) / 3, settings)
    return QuantizationAware(network, quantized)


def rounded(network: Network) -> Network:
    """The network with weights that float32 holds, as a module's parameters are."""
    module = from_network(network)
    if isinstance(module, Recurrent):
        return to_network(module)
    return to_network(module.recurrent, module.head)


def golden(network: QuantizedNetwork, x: NDArray[Any]) -> NDArray[np.int64]:
    """The golden model's output words."""
    return IntegerModel(network).forward(network.quantize_input(x))


def step(aware: QuantizationAware, x: NDArray[Any], optimizer: torch.optim.Optimizer) -> float:
    """One step of training towards fixed random classes."""
    logits = aware(torch.from_numpy(x))
    labels = torch.arange(len(x)) % logits.shape[1]
    loss = torch.nn.functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@pytest.mark.parametrize(
    ("name", "sigmoid"), [("W8 A8", "hard"), ("W4", "logistic"), ("W16 A16, interpolated", "hard")]
)
@pytest.mark.parametrize("cell", CELLS)
def test_exported_integers_give_the_words_of_the_forward_pass(
    cell: str, sigmoid: str, name: str
) -> None:
    """Before training, where they are the nearest numbers, and after it, where they are others."""
    aware = module(cell, sigmoid, SETTINGS[name])
    network = Architecture(cell=cell, inputs=5, units=7, layers=2, head=3).floats()
    x = samples(network)
    start = aware.export()
    assert np.array_equal(aware.words(torch.from_numpy(x)).numpy(), golden(start, x))
    optimizer = torch.optim.Adam(aware.parameters(), lr=0.05)
    for _ in range(4):
        step(aware, x, optimizer)
    exported = aware.export()
    assert any(
        (exported.layers[n].weights[k] != v).any()
        for n in range(2)
        for k, v in start.layers[n].weights.items()
    )
    assert np.array_equal(aware.words(torch.from_numpy(x)).numpy(), golden(exported, x))
    logits = aware(torch.from_numpy(x)).detach().numpy()
    assert np.array_equal(logits, exported.out.to_float(golden(exported, x)))


def test_without_a_head_the_words_are_h() -> None:
    aware = module("litelstm", "hard", Settings(), head=None)
    x = samples(Architecture(cell="litelstm", inputs=5, units=7, layers=2).floats())
    assert np.array_equal(aware.words(torch.from_numpy(x)).numpy(), golden(aware.export(), x))


@pytest.mark.parametrize(
    "cell",
    [
        RNN(activation="selu"),
        LSTM(activation="elu", forget="coupled"),
        LSTM(activation="relu", peephole="current"),
        GRU(reset="after", activation="elu"),
    ],
    ids=str,
)
def test_options_that_came_later(cell: Cell) -> None:
    recipe = Recipe(inputs=5, units=(7, 7), cells=(cell, cell), outputs=3)
    network = rounded(float_network(recipe, 2))
    x = samples(network)
    before, _ = quantize(network, x / 3, Settings())
    aware = QuantizationAware(network, before)
    step(aware, x, torch.optim.Adam(aware.parameters(), lr=0.01))
    after = aware.export()
    assert np.array_equal(aware.words(torch.from_numpy(x)).numpy(), golden(after, x))
    assert not np.array_equal(golden(after, x), golden(before, x))


@pytest.mark.parametrize("cell", PLAIN_CELLS, ids=str)
def test_thresholds_are_in_the_loop(cell: Cell) -> None:
    """The golden model's words of a delta network, before and after training."""
    recipe = Recipe(inputs=5, units=(7, 7), cells=(cell, cell), outputs=3)
    network = rounded(float_network(recipe, 2))
    x = samples(network)
    dense, _ = quantize(network, x / 3, Settings())
    before = replace(dense, thresholds=Thresholds.of(dense, x=9, h=12, c=70, rh=10))
    aware = QuantizationAware(network, before)
    assert np.array_equal(aware.words(torch.from_numpy(x)).numpy(), golden(before, x))
    step(aware, x, torch.optim.Adam(aware.parameters(), lr=0.01))
    after = aware.export()
    assert after.thresholds == before.thresholds
    assert np.array_equal(aware.words(torch.from_numpy(x)).numpy(), golden(after, x))
    others = dense, before, replace(after, thresholds=None)
    assert not any(np.array_equal(golden(after, x), golden(other, x)) for other in others)


def test_the_gradient_of_a_value_sent_goes_to_the_true_value() -> None:
    send = TensorSender({"h": 3})
    steps = [torch.tensor([[value, 5.0]], requires_grad=True) for value in (4.0, 6.0, 8.0)]
    sent = [send("h", step) for step in steps]
    assert [step[0, 0].item() for step in sent] == [4, 4, 8]
    assert send("c", steps[0]) is steps[0]
    torch.stack(sent).sum().backward()
    assert all(step.grad is not None and (step.grad == 1).all() for step in steps)


@pytest.mark.parametrize("cell", ["litelstm", "gru", "plstm"])
def test_it_learns_in_integers_of_three_bits(cell: str) -> None:
    aware = module(cell, "hard", Settings(weight_width=3))
    x = samples(Architecture(cell=cell, inputs=5, units=7, layers=2, head=3).floats())
    optimizer = torch.optim.Adam(aware.parameters(), lr=0.02)
    losses = [step(aware, x, optimizer) for _ in range(40)]
    assert min(losses[-5:]) < 0.8 * losses[0]


def test_gradients_are_straight_through() -> None:
    """The identity times the scale inside the range, nothing where it saturated."""
    raw = torch.tensor([-900.0, -128.4, -3.0, 0.0, 5.0, 126.0, 900.0], requires_grad=True)
    rounded = requantize(raw, 2, Format(width=6, frac=0))
    assert rounded.tolist() == [-32, -32, -1, 0, 1, 31, 31]
    rounded.sum().backward()
    assert raw.grad is not None
    assert raw.grad.tolist() == [0, 0.25, 0.25, 0.25, 0.25, 0, 0]


def test_wide_sums_travel_in_float64_and_reverse_layers_are_refused() -> None:
    wide = Settings(weight_width=18, activation_width=16, state_width=18, out_width=32)
    floats = rounded(Architecture(cell="litelstm", inputs=5, units=7, head=3).floats())
    quantized, _ = quantize(floats, samples(floats), wide)
    assert {layer.dtype for layer in QuantizationAware(floats, quantized).layers} == {torch.float64}
    both = replace(floats, layers=(replace(floats.layers[0], direction="reverse"),))
    with pytest.raises(InputError, match="layer0 is reverse, expected forward"):
        QuantizationAware(both, quantized)
