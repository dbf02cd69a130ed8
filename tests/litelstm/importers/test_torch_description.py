"""Required fields of a description: a state dict alone does not define its modules' work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from golden.errors import InputError
from litelstm.importers.files import import_network
from litelstm.importers.torch import from_state_dict
from litelstm.importers.torch_modules import import_torch_module
from tests.litelstm.importers.cases import INPUTS, OUTPUTS, UNITS, check
from tests.litelstm.importers.torch_files import described, results
from tests.litelstm.importers.torch_nets import Both, Stack

STEPS = "'all steps' or 'last step' or 'final state'"
ACTIVATIONS = "'none' or 'softmax' or 'log_softmax' or 'sigmoid'"


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
        "does not say nonlinearity of layers[0] ('tanh'); "
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
    for between in ("relu", "tanh", "softmax"):
        said = refusal(TwoDense(nn.ReLU()).state_dict(), two_dense(between))
        assert said.startswith(f"layers[1].activation is '{between}', expected 'none'")


@pytest.mark.parametrize("output", ["mean", "max", "all steps"])
def test_pooling_over_steps_is_refused(output: str) -> None:
    said = refusal(Stack(nn.GRU).state_dict(), described("GRU", output=output)["layers"])
    assert said.startswith(f"layers[0].output is '{output}', expected ")
    assert said.endswith("nothing else can be mapped to a core here")


def test_the_first_of_two_recurrent_modules_hands_on_all_steps() -> None:
    first = {"module": "GRU", "name": "first", "output": "final state", "activation": "none"}
    said = refusal({}, [first, *described("GRU", output="last step")["layers"]])
    assert said.startswith("layers[0].output is 'final state', expected 'all steps'")


def test_relu_of_an_rnn_is_refused() -> None:
    layers = described("RNN", output="last step")["layers"]
    layers[0]["nonlinearity"] = "relu"
    said = refusal(nn.RNN(INPUTS, UNITS, nonlinearity="relu").state_dict(), layers)
    assert said.startswith("layers[0].nonlinearity is 'relu', expected 'tanh'")


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


@pytest.mark.parametrize("activation", ["softmax", "log_softmax", "sigmoid"])
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
    with pytest.raises(InputError, match="Clipped computes something else than its layers"):
        import_torch_module(Clipped(*parts))
    with pytest.raises(InputError, match="Last computes something else than its layers"):
        import_torch_module(Last(parts[0], Doubling(UNITS, OUTPUTS)))
    assert not import_torch_module(Last(*parts)).notes
    with pytest.raises(InputError, match="Sequential cannot be run"):
        import_torch_module(nn.Sequential(parts[0], Doubling(UNITS, OUTPUTS)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_refused_without_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    recwarn.clear()
    with pytest.raises(InputError) as caught:
        import_network(path)
    assert str(caught.value).startswith(f"{path}: is a TorchScript file, expected a state dict")
    assert not recwarn.list
