"""Modules whose ONNX export cannot be mapped, or for sequences of one length alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from litelstm.importers.onnx import convert
from tests.litelstm.importers import torch_nets
from tests.litelstm.importers.cases import INPUTS, STEPS, TOLERANCE, UNITS
from tests.litelstm.importers.onnx_files import refusal
from tests.litelstm.importers.torch_files import export
from tests.litelstm.importers.torch_nets import Loop, Stack, stacked_shapes


def exported(module: nn.Module, path: Path, **how: Any) -> Any:
    """A module as PyTorch exports it."""
    export(module, path, dynamo=False, **how)
    return onnx.load(path)


class EarlyStep(Stack):
    """Reads the second step instead of the last."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, 1])


class Bidirectional(nn.Module):
    """Read at its last step, where one direction has only begun."""

    def __init__(self, layers: int = 1) -> None:
        super().__init__()
        self.rnn = nn.LSTM(INPUTS, UNITS, layers, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x)[0][:, -1]


def logistic(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """An RNN with the logistic sigmoid."""
    return torch.sigmoid(x @ p["W"].T + h @ p["U"].T + p["b"]), c


def half_relu(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """An LSTM whose candidate is a ReLU, but not its c."""
    i, f, o, g = (x @ p["W"].T + h @ p["U"].T + p["b"]).chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * torch.relu(g)
    return o.sigmoid() * torch.tanh(c), c


def shared(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """An LSTM with 1 - f for i, and f for o."""
    f, g = (x @ p["W"].T + h @ p["U"].T + p["b"]).chunk(2, dim=1)
    c = f.sigmoid() * c + (1 - f.sigmoid()) * torch.tanh(g)
    return f.sigmoid() * torch.tanh(c), c


class FirstStepElse(Loop):
    """A loop whose first step has another bias: the last step does not show it."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.cat([x[:, :1] + 1, x[:, 1:]], 1))


class TinyResults(FirstStepElse):
    """The difference is as small as the results."""

    def forward(self, x: Tensor) -> Tensor:
        return 1e-5 * super().forward(x)


MODULES: dict[str, tuple[Callable[[], nn.Module], dict[str, Any], tuple[str, ...]]] = {
    "early step": (
        lambda: EarlyStep(nn.LSTM, batch_first=True),
        {"free": ("batch", "steps")},
        ("is another network for another number of steps", "export with a fixed number"),
    ),
    "bidirectional": (
        Bidirectional,
        {"free": ("batch", "steps")},
        ("of a reverse layer", "expected its final h"),
    ),
    "two activations": (
        lambda: Loop(half_relu, stacked_shapes(4), 1),
        {},
        ("is no step of RNN, GRU, LSTM or LiteLSTM",),
    ),
    "one gate": (
        lambda: Loop(shared, stacked_shapes(2), 1),
        {},
        ("is no step of RNN, GRU, LSTM or LiteLSTM",),
    ),
    "logistic": (
        lambda: Loop(logistic, stacked_shapes(1), 1),
        {},
        ("activation must be tanh or relu or elu or selu, not 'sigmoid'",),
    ),
    "another first step": (
        lambda: FirstStepElse(torch_nets.litelstm, torch_nets.litelstm_shapes, 1),
        {},
        ("read as litelstm", "results differ by", "an unrolled loop must start at zero"),
    ),
    "another first step, tiny results": (
        lambda: TinyResults(torch_nets.litelstm, torch_nets.litelstm_shapes, 1),
        {},
        ("read as litelstm", "results differ by"),
    ),
    "unrolled with free steps": (
        lambda: Loop(torch_nets.litelstm, torch_nets.litelstm_shapes, 1),
        {"free": ("steps",)},
        ("is written out for 4 steps, and reads 5", "number of steps is free"),
    ),
}


@pytest.mark.parametrize(("make", "how", "says"), MODULES.values(), ids=MODULES)
def test_modules(
    make: Callable[[], nn.Module], how: dict[str, Any], says: tuple[str, ...], tmp_path: Path
) -> None:
    torch.manual_seed(5)
    message = refusal(exported(make(), tmp_path / "net.onnx", **how))
    for words in says:
        assert words in message


@pytest.mark.parametrize("layers", [1, 2])
def test_one_step_of_a_reverse_layer_for_sequences_of_one_length(
    layers: int, tmp_path: Path
) -> None:
    torch.manual_seed(6)
    module = Bidirectional(layers).eval()
    imported = convert(exported(module, tmp_path / "net.onnx"))
    network, x = imported.network, np.random.default_rng(7).normal(size=(3, STEPS, INPUTS))
    found = [(layer.direction, layer.warmup) for layer in network.layers if layer.cell.state]
    assert found[layers - 1 :] == [("forward", 0), ("forward", STEPS - 1)]
    assert any("right for these alone" in note for note in imported.notes)
    wanted = module(torch.from_numpy(x.astype(np.float32))).detach().numpy()
    assert np.abs(network.forward(x) - wanted).max() < TOLERANCE
