"""Required fields of a description: a state dict alone does not define its modules' work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from golden.errors import InputError
from litelstm.importers.torch import from_state_dict
from litelstm.importers.torch_modules import import_torch_module
from tests.litelstm.importers.cases import INPUTS, OUTPUTS, UNITS, check, samples
from tests.litelstm.importers.torch_files import described, results
from tests.litelstm.importers.torch_nets import Both, Stack

STEPS = "'all steps' or 'last step' or 'final state' or 'mean' or 'max'"
ANYWHERE = "'none' or 'relu' or 'relu6' or 'leaky_relu' or 'tanh' or 'sigmoid' or 'hardsigmoid'"
ANYWHERE += " or 'elu' or 'selu'"
ACTIVATIONS = f"{ANYWHERE} or 'softmax' or 'log_softmax'"


class TwoDense(nn.Module):
    """A GRU and two dense layers, with something between them or nothing."""

    def __init__(self, between: Any) -> None:
        super().__init__()
        self.rnn = nn.GRU(INPUTS, UNITS, batch_first=True)
        self.a, self.b = nn.Linear(UNITS, 5), nn.Linear(5, OUTPUTS)
        self.between = between

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.between(self.a(self.rnn(x)[0][:, -1])))


def two_dense(between: str) -> list[dict[str, str]]:
    recurrent = described("GRU", output="last step")["layers"][0]
    dense = {"module": "Linear", "activation": "none"}
    return [recurrent, {**dense, "name": "a", "activation": between}, {**dense, "name": "b"}]


def refusal(state: Any, layers: Any) -> str:
    with pytest.raises(InputError) as caught:
        from_state_dict(state, {"layers": layers})
    return str(caught.value)


def test_all_that_is_missing_is_named_at_once() -> None:
    bare = [{"module": m, "name": n} for m, n in (("RNN", "rnn"), ("Linear", "a"), ("Linear", "b"))]
    assert refusal({}, bare) == (
        "does not say nonlinearity of layers[0] ('tanh' or 'relu'); "
        f"output of layers[0] ({STEPS}); "
        f"activation of layers[0], layers[1], layers[2] ({ACTIVATIONS})"
    )


@pytest.mark.parametrize("module", ["RNN", "GRU", "LSTM", "Linear", "Recurrent"])
def test_every_field_that_decides_the_result_must_be_there(module: str) -> None:
    last = described("GRU", output="last step")["layers"][0]
    entry = {"module": module, "name": "it", "activation": "none"}
    if module != "Linear":
        entry["output"] = "all steps"
    if module == "RNN":
        entry["nonlinearity"] = "tanh"
    if module == "Recurrent":
        entry["gate"] = "hard"
    assert "it" in refusal({}, [entry, last])  # complete: its weights are looked for
    for field in entry.keys() - {"module", "name"}:
        left = {name: value for name, value in entry.items() if name != field}
        assert f"does not say {field} of layers[0] (" in refusal({}, [left, last])


def test_dense_layers_are_multiplied_only_where_nothing_stands_between() -> None:
    torch.manual_seed(21)
    module = TwoDense(nn.Identity())
    network = from_state_dict(module.state_dict(), {"layers": two_dense("none")}).network
    x, y = results(module, 21)
    check(network, cells=("gru after logistic",), end=None, x=x, y=y)
    left = [{k: v for k, v in e.items() if k != "activation"} for e in two_dense("none")]
    assert "does not say activation of layers[0], layers[1]" in refusal(module.state_dict(), left)
    said = refusal(module.state_dict(), two_dense("softmax"))
    assert said.startswith("layers[1].activation is 'softmax', expected 'none'")


BETWEEN = {
    "relu": nn.ReLU(),
    "relu6": nn.ReLU6(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "hardsigmoid": nn.Hardsigmoid(),
    "leaky_relu": nn.LeakyReLU(1 / 16),
}


@pytest.mark.parametrize("between", BETWEEN)
def test_an_activation_between_dense_layers_is_a_layer(between: str) -> None:
    torch.manual_seed(21)
    module = TwoDense(BETWEEN[between])
    told: list[dict[str, Any]] = [dict(entry) for entry in two_dense(between)]
    told[1] |= {"slope": 1 / 16} if between == "leaky_relu" else {}
    network = from_state_dict(module.state_dict(), {"layers": told}).network
    x, y = results(module, 21)
    assert [layer.cell.kind for layer in network.layers] == ["gru", "dense", "dense"]
    assert np.abs(network.forward(x) - y).max() < 1e-6


def test_all_steps_of_the_last_module_are_the_result() -> None:
    torch.manual_seed(21)
    module = Stack(nn.LSTM, batch_first=True)
    imported = from_state_dict(module.state_dict(), described("LSTM", output="all steps"))
    x = samples(21)
    with torch.no_grad():
        y = module.head(module.rnn(torch.from_numpy(x))[0]).numpy()
    assert imported.every_step
    assert "--every-step" in imported.notes[0]
    assert np.abs(imported.network.run(x).steps - y).max() < 1e-6


@pytest.mark.parametrize("output", ["mean", "max"])
def test_pooling_over_steps(output: str) -> None:
    """The mean over any number of steps is the sum, which the host divides."""
    torch.manual_seed(23)
    module = Stack(nn.GRU, batch_first=True)
    imported = from_state_dict(module.state_dict(), described("GRU", output=output))
    x = samples(23)
    with torch.no_grad():
        h = module.rnn(torch.from_numpy(x))[0]
        y = module.head(h.mean(1) if output == "mean" else h.amax(1)).numpy()
    found = imported.network.forward(x)
    if output == "mean":
        assert "y is a sum over the steps: divide by their number for the mean" in imported.notes
        found = found / x.shape[1]
    assert np.abs(found - y).max() < 1e-6


def test_a_convolution_in_front() -> None:
    torch.manual_seed(24)
    conv = nn.Conv1d(INPUTS, 4, 3, stride=2, padding=1)
    rnn = nn.GRU(4, UNITS, batch_first=True)
    state = {f"conv.{name}": value for name, value in conv.state_dict().items()}
    state |= {f"rnn.{name}": value for name, value in rnn.state_dict().items()}
    numbers = {"stride": 2, "padding": 1, "dilation": 1, "groups": 1}
    layers = [
        {"module": "Conv1d", "name": "conv", "activation": "relu", **numbers},
        {"module": "GRU", "name": "rnn", "output": "last step", "activation": "none"},
    ]
    imported = from_state_dict(state, {"layers": layers})
    network = imported.network
    assert any("use sequences of whole steps: samples at the end" in n for n in imported.notes)
    x = np.random.default_rng(24).normal(size=(2, 12, INPUTS)).astype(np.float32)
    with torch.no_grad():
        front = torch.relu(conv(torch.from_numpy(x).transpose(1, 2))).transpose(1, 2)
        y = rnn(front)[0][:, -1].numpy()
    assert network.fold == 2
    assert np.abs(network.forward(network.feed(x)) - y).max() < 1e-6
    del layers[0]["stride"]
    assert "does not say stride of layers[0] (a number)" in refusal(state, layers)


def test_the_first_of_two_recurrent_modules_hands_on_all_steps() -> None:
    first = {"module": "GRU", "name": "first", "output": "final state", "activation": "none"}
    said = refusal({}, [first, *described("GRU", output="last step")["layers"]])
    assert said.startswith("layers[0].output is 'final state', expected 'all steps'")


def test_the_nonlinearity_of_an_rnn_decides() -> None:
    module = Stack(nn.RNN, batch_first=True, nonlinearity="relu")
    x, y = results(module, 5)
    for name in ("relu", "tanh"):
        told = described("RNN", output="last step", nonlinearity=name)
        got = from_state_dict(module.state_dict(), told).network.forward(x)
        assert (np.abs(got - y).max() < 1e-6) == (name == "relu")
    told["layers"][0]["nonlinearity"] = "elu"
    assert refusal(module.state_dict(), told["layers"]).startswith(
        "layers[0].nonlinearity is 'elu', expected 'tanh' or 'relu'"
    )


def test_last_step_of_both_directions_is_refused_and_the_final_state_is_right() -> None:
    torch.manual_seed(22)
    module = Both()
    said = refusal(module.state_dict(), described("LSTM", output="last step")["layers"])
    assert said.startswith("LSTM 'rnn': output is 'last step' of a bidirectional module")
    told = described("LSTM", output="final state")
    x, y = results(module, 22)
    cells = ("lstm none logistic bidirectional",) * 2
    check(from_state_dict(module.state_dict(), told).network, cells=cells, end=None, x=x, y=y)


def test_both_words_for_the_end_of_a_forward_module_give_one_network() -> None:
    torch.manual_seed(23)
    module = Stack(nn.LSTM, batch_first=True)
    x, y = results(module, 23)
    for output in ("last step", "final state"):
        told = described("LSTM", output=output)
        network = from_state_dict(module.state_dict(), told).network
        check(network, cells=("lstm none logistic",), end=None, x=x, y=y)


@pytest.mark.parametrize("activation", ["softmax", "log_softmax"])
def test_an_activation_at_the_end_is_left_out_and_said(activation: str) -> None:
    torch.manual_seed(24)
    module = Stack(nn.GRU, batch_first=True)
    told = described("GRU", output="last step")
    told["layers"][-1]["activation"] = activation
    imported = from_state_dict(module.state_dict(), told)
    (note,) = imported.notes
    assert note.endswith("at the end is left out: the output is its argument")
    x, y = results(module, 24)
    check(imported.network, cells=("gru after logistic",), end=None, x=x, y=y)


def test_modules_that_are_not_run_are_taken_with_a_note() -> None:
    parts = Stack(nn.GRU)
    imported = import_torch_module(nn.Sequential(parts.rnn, parts.head))
    (note,) = imported.notes
    assert "assumed that the last recurrent one hands on" in note


class Clipped(nn.Sequential):
    """Inherits from a known module and does something else."""

    def forward(self, input: Tensor) -> Tensor:
        return torch.relu(self[1](self[0](input)[0][:, -1]))


class Doubling(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


class Last(nn.Module):
    """A module with a forward of its own, of parts that are given."""

    def __init__(self, rnn: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.rnn, self.head = rnn, head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, -1])


def test_what_inherits_from_a_known_module_is_run() -> None:
    torch.manual_seed(25)
    parts = nn.GRU(INPUTS, UNITS, batch_first=True), nn.Linear(UNITS, OUTPUTS)
    for module in (Clipped(*parts), Last(parts[0], Doubling(UNITS, OUTPUTS)), Last(*parts)):
        imported = import_torch_module(module)
        x, y = results(module, 25)
        assert np.abs(imported.network.forward(x) - y).max() < 1e-6
        assert not imported.notes
    with pytest.raises(InputError, match="Sequential cannot be run"):
        import_torch_module(nn.Sequential(parts[0], Doubling(UNITS, OUTPUTS)))


def test_a_cell_in_a_loop_is_a_module_of_one_layer() -> None:
    torch.manual_seed(36)
    module = nn.Sequential(nn.LSTMCell(INPUTS, UNITS), nn.Linear(UNITS, OUTPUTS))
    cell = {"module": "LSTMCell", "name": "0", "output": "last step", "activation": "none"}
    head = {"module": "Linear", "name": "1", "activation": "none"}
    imported = from_state_dict(module.state_dict(), {"layers": [cell, head]})
    x, state = samples(36), None
    for step in torch.from_numpy(x).unbind(1):
        state = module[0](step, state)
    assert state is not None
    y = module[1](state[0]).detach().numpy()
    check(imported.network, cells=("lstm none logistic",), end=None, x=x, y=y)
