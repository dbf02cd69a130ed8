"""Live modules of PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from golden.errors import InputError
from golden.windows import FINAL
from litelstm.importers.torch_modules import import_torch_module
from tests.litelstm.importers.cases import INPUTS, OUTPUTS, TOLERANCE, UNITS, check, samples
from tests.litelstm.importers.torch_files import results
from tests.litelstm.importers.torch_nets import Both, FinalState, Stack, gru_after, stacked_shapes
from tests.litelstm.importers.torch_nets import Loop as LoopModule

pytestmark = pytest.mark.frameworks


class Softmaxed(Stack):
    """Its children stand in the order of the data, its forward is its own."""

    def __init__(self) -> None:
        super().__init__(nn.LSTM, num_layers=2, dropout=0.3)
        self.drop, self.end = nn.Dropout(0.5), nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.drop(super().forward(x)))


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...], str | None]] = {
    "rnn": (lambda: Stack(nn.RNN, batch_first=True), ("rnn logistic",), None),
    "gru": (lambda: Stack(nn.GRU, num_layers=2), ("gru after logistic",) * 2, None),
    "both ways": (Both, ("lstm none logistic bidirectional",) * 2, None),
    "lstm": (Softmaxed, ("lstm none logistic",) * 2, "softmax"),
}


@pytest.mark.parametrize(("make", "cells", "end"), MODULES.values(), ids=MODULES)
def test_modules(make: Callable[[], nn.Module], cells: tuple[str, ...], end: str | None) -> None:
    torch.manual_seed(7)
    module = make().train()
    imported = import_torch_module(module)
    assert module.training
    x, y = results(module, 7)
    check(imported.network, cells=cells, end=end, x=x, y=y)
    usual = ("the file reads", "is bidirectional")
    assert [note for note in imported.notes if not any(words in note for words in usual)] == (
        ["Softmax at the end is left out: the output is its argument"] if end else []
    )


def test_parts_in_sequence_need_no_run() -> None:
    torch.manual_seed(8)
    model = Stack(nn.LSTM, batch_first=True)
    parts = nn.Sequential(model.rnn, nn.Sequential(nn.Dropout(0.5), model.head), nn.Identity())
    x, y = results(model, 8)
    check(import_torch_module(parts).network, cells=("lstm none logistic",), end=None, x=x, y=y)


@pytest.mark.parametrize("both", [False, True])
def test_projection_becomes_part_of_the_matrices(both: bool) -> None:
    torch.manual_seed(10)
    module = nn.LSTM(
        INPUTS, UNITS, 2, batch_first=True, bidirectional=both, proj_size=2, dtype=torch.float64
    )
    network = import_torch_module(module).network
    assert [layer.units for layer in network.layers] == [UNITS, UNITS, 4 if both else 2]
    x = samples(10)
    with torch.no_grad():
        _, (h, _) = module(torch.from_numpy(x.astype(np.float64)))
    want = np.concatenate([*h.numpy()[-2 if both else -1 :]], axis=-1)
    assert np.abs(network.forward(x) - want).max() < 1e-12


def test_input_scale() -> None:
    model = nn.GRU(INPUTS, UNITS)
    assert import_torch_module(model, input_scale=1 / 255).network.input_scale == 1 / 255


def test_activations_and_normalization_in_sequence() -> None:
    torch.manual_seed(8)
    norm: Any = nn.BatchNorm1d(UNITS)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.running_mean)
    rnn, relu = nn.GRU(INPUTS, UNITS, batch_first=True), nn.LeakyReLU(1 / 4)
    first, second = nn.Linear(UNITS, 5), nn.Linear(5, OUTPUTS)
    parts = nn.Sequential(rnn, norm, first, relu, second, nn.Tanh()).eval()
    x = torch.from_numpy(samples(8))
    with torch.no_grad():
        y = torch.tanh(second(relu(first(norm(rnn(x)[0][:, -1]))))).numpy()
    network = import_torch_module(parts).network
    assert [layer.sources for layer in network.layers] == [(0,), (1,), (2,)]
    assert np.abs(network.forward(x.numpy()) - y).max() < 1e-6


class Unordered(nn.Module):
    """Its children are not in the order of the data."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(INPUTS, INPUTS)
        self.rnn = nn.LSTM(INPUTS, INPUTS, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class LastOfBoth(Both):
    """Reads the last step's output of both directions, not what they end with."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class Doubled(Stack):
    """Does something that no child shows."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class Skip(nn.Module):
    """Adds its input to its h, and reads both everywhere; two results of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Linear(INPUTS, UNITS)
        self.rnn = nn.GRU(UNITS, UNITS, 2, batch_first=True)
        self.a, self.b = nn.Linear(2 * UNITS, OUTPUTS), nn.Linear(UNITS, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        front = torch.relu(self.front(x))
        h = self.rnn(front)[0] + front
        return self.a(torch.cat([h, front], 2)), torch.sigmoid(self.b(h))


class Autoencoder(nn.Module):
    """The last h of an encoder is what a decoder reads in every step."""

    def __init__(self, *, expands: bool) -> None:
        super().__init__()
        self.encoder = nn.LSTM(INPUTS, UNITS, batch_first=True)
        self.decoder = nn.GRU(UNITS, UNITS, batch_first=True)
        self.head, self.expands = nn.Linear(UNITS, INPUTS), expands

    def forward(self, x: Tensor) -> Tensor:
        h, steps = self.encoder(x)[0][:, -1:], x.shape[1]
        repeated = h.expand(-1, steps, -1) if self.expands else h.repeat(1, steps, 1)
        return self.head(self.decoder(repeated)[0])


@pytest.mark.parametrize("expands", [False, True])
def test_a_decoder(expands: bool) -> None:
    torch.manual_seed(12)
    module = Autoencoder(expands=expands).eval()
    imported = import_torch_module(module)
    network, x = imported.network, np.random.default_rng(13).normal(size=(3, 7, INPUTS))
    assert network.lags == ((0,), (FINAL,), (0,))
    assert any("--max-steps" in note for note in imported.notes)
    wanted = module(torch.from_numpy(x.astype(np.float32))).detach().numpy()
    assert np.abs(network.run(x).steps - wanted).max() < TOLERANCE


OWN: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...]]] = {
    "children in another order": (Unordered, ("lstm none logistic",)),
    "a factor": (lambda: Doubled(nn.GRU, batch_first=True), ("gru after logistic",)),
    "own parameters": (
        lambda: LoopModule(gru_after, stacked_shapes(3), 1),
        ("gru after hard",),
    ),
}


@pytest.mark.parametrize(("make", "cells"), OWN.values(), ids=OWN)
def test_own_forward(make: Callable[[], nn.Module], cells: tuple[str, ...]) -> None:
    torch.manual_seed(9)
    module = make().eval()
    x, y = results(module, 9)
    imported = import_torch_module(module, input_scale=0.5)
    assert imported.network.input_scale == 0.5
    check(imported.network, cells=cells, end=None, x=2 * x, y=y)


def test_own_forward_with_skips_and_two_results() -> None:
    torch.manual_seed(9)
    module = Skip().eval()
    imported = import_torch_module(module)
    assert [layer.sources for layer in imported.network.layers] == [
        *((0,), (1,), (2,), (1, 3), (1, 3)),
    ]
    x = samples(9)
    with torch.no_grad():
        wanted = torch.cat(module(torch.from_numpy(x)), 2).numpy()
    assert imported.every_step
    assert np.abs(imported.network.run(x).steps - wanted).max() < 1e-6


class EarlyStep(Stack):
    """Reads the fourth step, which is the last one of the sequences that it is followed with."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, 3])


class Attention(Stack):
    """Weights all steps by what it computes from them."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.rnn(x)[0]
        return self.head((h @ h.transpose(1, 2) @ h)[:, -1])


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "a fixed step": (
        lambda: EarlyStep(nn.LSTM, batch_first=True),
        "EarlyStep computes something else than its layers",
    ),
    "attention": (
        lambda: Attention(nn.LSTM, batch_first=True),
        "multiplies two tensors of the network, as attention does",
    ),
    "last step of both ways": (
        lambda: LastOfBoth(),
        "reads step 3 of a reverse layer, expected its final h or a fixed number of steps",
    ),
    "layer": (
        lambda: nn.Sequential(nn.Conv1d(3, 3, 1), nn.GRU(3, 4)),
        "Conv1d '0' works along the last axis",
    ),
    "activation": (
        lambda: nn.Sequential(nn.GRU(3, 4), nn.Linear(4, 4), nn.GELU()),
        "GELU '2' is an activation that no layer here has; train with relu",
    ),
    "activation first": (
        lambda: nn.Sequential(nn.ReLU(), nn.GRU(3, 4)),
        "ReLU '0' stands before any other module",
    ),
    "after the end": (
        lambda: nn.Sequential(nn.GRU(3, 4), nn.Softmax(1), nn.Linear(4, 4)),
        "layers[0].activation is 'softmax', expected 'none' or 'relu'",
    ),
    "no layer": (lambda: nn.Linear(3, 4), "has no recurrent layer"),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_refused_modules(make: Callable[[], nn.Module], says: str) -> None:
    torch.manual_seed(9)
    module = make()
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(InputError) as caught:
        import_torch_module(module)
    assert says in str(caught.value)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_final_state_is_the_last_step() -> None:
    torch.manual_seed(10)
    module = FinalState()
    x, y = results(module, 10)
    network = import_torch_module(nn.Sequential(module.rnn, module.head)).network
    check(network, cells=("lstm none logistic",) * 2, end="logsoftmax", x=x, y=y)
    assert network.outputs == OUTPUTS
