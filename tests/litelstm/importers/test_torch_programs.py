"""Programs and checkpoints of PyTorch: TorchScript, ``.pt2``, and what wraps a state dict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from golden.errors import InputError
from litelstm.importers.files import import_network
from tests.litelstm.importers.cases import BATCH, INPUTS, OUTPUTS, STEPS, UNITS, check
from tests.litelstm.importers.torch_files import described, results
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
    assert not imported.notes
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


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "_orig_mod.", "module.model."])
def test_checkpoints(key: str, prefix: str, tmp_path: Path) -> None:
    torch.manual_seed(43)
    module = Stack(nn.LSTM, num_layers=2, batch_first=True)
    state = {f"{prefix}{name}": value for name, value in module.state_dict().items()}
    whole = {"epoch": 3, key: state, "optimizer": {"lr": 0.1, "steps": [1, 2]}}
    path = checkpoint(tmp_path / "net.pt", whole)
    network = import_network(path, description=path.with_suffix(".json")).network
    x, y = results(module, 43)
    check(network, cells=CELLS, end=None, x=x, y=y)


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
