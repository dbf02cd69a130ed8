"""Programs and checkpoints of PyTorch: TorchScript, ``.pt2``, and what wraps a state dict."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from golden.errors import InputError
from litelstm.importers.files import import_network
from litelstm.importers.proof import steps_note
from tests.litelstm.importers.cases import BATCH, INPUTS, OUTPUTS, STEPS, UNITS, check
from tests.litelstm.importers.torch_files import described, export, results
from tests.litelstm.importers.torch_nets import Both, Stack

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

CELLS = ("lstm none logistic",) * 2


class Front(nn.Module):
    """A dense layer in front, one behind, with ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Linear(INPUTS, 5)
        self.rnn = nn.LSTM(5, UNITS, 2, batch_first=True)
        self.head = nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.head(self.rnn(torch.relu(self.front(x)))[0][:, -1]))


@pytest.mark.parametrize("make", [Front, Both])
def test_torchscript(
    make: type[nn.Module], tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    torch.manual_seed(41)
    module = make().eval()
    torch.jit.save(torch.jit.script(module), tmp_path / "net.pt")
    recwarn.clear()
    imported = import_network(tmp_path / "net.pt")
    x, y = results(module, 41)
    assert np.abs(imported.network.forward(x) - y).max() < 1e-6
    assert all("--max-steps N" in note for note in imported.notes)
    assert len(imported.notes) == (make is Both)
    assert not recwarn.list


def test_a_program_that_does_not_map(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    with pytest.raises(InputError) as caught:
        import_network(path)
    assert str(caught.value) == f"{path}: RecursiveScriptModule has no recurrent layer"
    told = tmp_path / "net.json"
    told.write_text(json.dumps(described("LSTM", output="last step")))
    with pytest.raises(InputError, match=r"is a program, which .*net\.json does not describe"):
        import_network(path, description=told)


@pytest.mark.slow
def test_an_exported_program(tmp_path: Path) -> None:
    torch.manual_seed(42)
    module = Front().eval()
    program = torch.export.export(module, (torch.zeros(BATCH, STEPS, INPUTS),))
    torch.export.save(program, tmp_path / "net.pt2")
    imported = import_network(tmp_path / "net.pt2")
    x, y = results(module, 42)
    assert np.abs(imported.network.forward(x) - y).max() < 1e-6
    assert imported.notes[0].startswith(f"the file's sequences have {STEPS} steps")


def checkpoint(path: Path, state: Any) -> Path:
    torch.save(state, path)
    path.with_suffix(".json").write_text(json.dumps(described("LSTM", output="last step")))
    return path


@pytest.mark.parametrize("key", ["state_dict", "model", "my_net"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module.model.", "encoder.my."])
def test_checkpoints(key: str, prefix: str, tmp_path: Path) -> None:
    torch.manual_seed(43)
    module = Stack(nn.LSTM, num_layers=2, batch_first=True)
    state = {f"{prefix}{name}": value for name, value in module.state_dict().items()}
    whole = {"epoch": 3, key: state, "optimizer": {"lr": 0.1, "steps": [1, 2]}}
    path = checkpoint(tmp_path / "net.pt", whole)
    network = import_network(path, description=path.with_suffix(".json")).network
    x, y = results(module, 43)
    check(network, cells=CELLS, end=None, x=x, y=y)


def test_a_lightning_checkpoint(tmp_path: Path) -> None:
    """It ends in ``.ckpt``; weights beside the network are named, not left out."""
    torch.manual_seed(44)
    module = Stack(nn.LSTM, num_layers=2, batch_first=True)
    state = {f"model.{name}": value for name, value in module.state_dict().items()}
    path = checkpoint(tmp_path / "last.ckpt", {"state_dict": state, "loops": {"epoch": {}}})
    told = path.with_suffix(".json")
    x, y = results(module, 44)
    check(import_network(path, description=told).network, cells=CELLS, end=None, x=x, y=y)
    more = {**state, "criterion.weight": torch.ones(2)}
    checkpoint(path, {"state_dict": more})
    with pytest.raises(InputError, match="criterion.weight belongs to no module"):
        import_network(path, description=told)


def test_a_state_dict_is_chosen_by_its_usual_name_and_said(tmp_path: Path) -> None:
    torch.manual_seed(45)
    module, other = (Stack(nn.LSTM, num_layers=2, batch_first=True) for _ in range(2))
    whole = {"ema": other.state_dict(), "checkpoint": {"model": module.state_dict()}}
    path = checkpoint(tmp_path / "net.pth", whole)
    imported = import_network(path, description=path.with_suffix(".json"))
    x, y = results(module, 45)
    check(imported.network, cells=CELLS, end=None, x=x, y=y)
    assert "the file's checkpoint.model is read, not its ema" in imported.notes


def test_what_a_pickle_holds_beside_tensors_is_named(tmp_path: Path) -> None:
    state = {"model": Stack(nn.LSTM).state_dict(), "args": argparse.Namespace(rate=1)}
    path = checkpoint(tmp_path / "net.pt", state)
    with pytest.raises(InputError, match="more than tensors: argparse.Namespace"):
        import_network(path, description=path.with_suffix(".json"))


class Flat(nn.Module):
    """Reads all steps of a GRU side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(INPUTS, UNITS, batch_first=True)
        self.head = nn.Linear(9 * UNITS, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0].flatten(1))


class Viewed(nn.Module):
    """Two layers' final states by layers and directions, and a result of two axes."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(INPUTS, UNITS, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * UNITS, 6)

    def forward(self, x: Tensor) -> Tensor:
        h = self.rnn(x)[1].view(2, 2, x.shape[0], UNITS)[-1]
        return self.head(torch.cat([h[0], h[1]], 1)).view(-1, 3, 2)


class Learned(nn.Module):
    """A first state that is a parameter of three axes, as the weights of a convolution have."""

    def __init__(self) -> None:
        super().__init__()
        self.h = nn.Parameter(torch.rand(1, 1, UNITS))
        self.rnn = nn.GRU(INPUTS, UNITS, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x, self.h.expand(-1, x.shape[0], -1).contiguous())[0]


@pytest.mark.parametrize("make", [Flat, Viewed, Learned])
def test_traced_programs(make: type[nn.Module], tmp_path: Path) -> None:
    torch.manual_seed(46)
    module, x = make().eval(), torch.randn(BATCH, 9, INPUTS)
    torch.jit.save(torch.jit.trace(module, (x,)), tmp_path / "net.pt")
    imported = import_network(tmp_path / "net.pt")
    run = imported.network.run(x.numpy())
    found = run.steps if imported.every_step else run.output
    y = module(x).detach().numpy()
    assert np.abs(found.reshape(y.shape) - y).max() < 1e-6


def test_a_sum_with_a_bias_is_for_one_length(tmp_path: Path) -> None:
    """The bias is spread over the steps, so sequences of other lengths would have another one."""

    class Summed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.GRU(INPUTS, UNITS, batch_first=True), nn.Linear(UNITS, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.rnn(x)[0].sum(1))

    export(Summed(), tmp_path / "net.onnx", dynamo=False)
    notes = import_network(tmp_path / "net.onnx").notes
    assert any("the network is right for these alone" in note for note in notes)


class Averaged(nn.Module):
    """The mean of a recurrent layer's h behind a convolution: no weight depends on the length."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(INPUTS, UNITS, 3, stride, padding=1)
        self.rnn = nn.GRU(UNITS, UNITS, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * UNITS, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        return self.head(self.rnn(h)[0].mean(1))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_program_that_takes_any_length_is_imported_so(stride: int, tmp_path: Path) -> None:
    """A trace of one length has its number of steps as a constant; the program has not."""
    module = Averaged(stride).eval()
    torch.jit.script(module).save(tmp_path / "net.pt")
    imported = import_network(tmp_path / "net.pt")
    assert not any("steps; " in note or "these alone" in note for note in imported.notes)
    less = " less 1" if stride == 1 else ""  # the step behind the end, which the padding needs
    note = f"y is a sum over the steps: divide by their number{less} for the mean"
    assert note in imported.notes
    steps = 22
    x = np.random.default_rng(9).normal(size=(3, steps, INPUTS))
    found = imported.network.forward(imported.network.feed(x)) / (steps // stride)
    wanted = module(torch.from_numpy(x.astype(np.float32))).detach().numpy()
    assert np.abs(found - wanted).max() < 1e-5


def test_two_state_dicts_in_one_checkpoint(tmp_path: Path) -> None:
    state = Stack(nn.LSTM).state_dict()
    path = checkpoint(tmp_path / "net.pt", {"state_dict": state, "model": state})
    with pytest.raises(InputError, match="holds state_dict and model, expected one state dict"):
        import_network(path, description=path.with_suffix(".json"))


@pytest.mark.parametrize("suffix", [".pt", ".pt2"])
def test_damaged_programs(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    torch.jit.save(torch.jit.script(Front().eval()), tmp_path / "whole.pt")
    data = (tmp_path / "whole.pt").read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="is not a readable"):
        import_network(path)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        import_network(path)


def test_weights_of_16_bits_are_the_numbers_that_they_are(tmp_path: Path) -> None:
    torch.manual_seed(48)
    module = Stack(nn.LSTM, num_layers=2, batch_first=True).bfloat16()
    save_file(dict(module.state_dict()), tmp_path / "net.safetensors")
    told = checkpoint(tmp_path / "net.pt", {}).with_suffix(".json")
    network = import_network(tmp_path / "net.safetensors", description=told).network
    x, y = results(module.float(), 48)
    check(network, cells=CELLS, end=None, x=x, y=y)


class Windowed(nn.Module):
    """A convolution that pads, in front of a GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Conv1d(INPUTS, 4, 5, padding=1, stride=4)
        self.rnn = nn.GRU(4, UNITS, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(self.front(x.transpose(1, 2)).transpose(1, 2))[0][:, -1]


@pytest.mark.parametrize(("steps", "alone"), [(5, True), (8, False)])
def test_weights_that_read_zeros_alone_make_a_network_for_one_length(
    steps: int, alone: bool, tmp_path: Path
) -> None:
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Windowed().eval(), (torch.zeros(1, steps, INPUTS),), path, dynamo=False)
    note = steps_note(steps, fixed=alone)
    assert note in import_network(path).notes
