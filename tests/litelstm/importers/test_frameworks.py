"""Every kind of file, written by its framework here and now, against the framework's results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from litelstm.importers.files import import_network
from tests.litelstm.importers import keras_files, onnx_files, torch_files
from tests.litelstm.importers.cases import INPUTS, UNITS, Case, check
from tests.litelstm.importers.make_files import make
from tests.litelstm.importers.shipped import FILES, shipped

pytestmark = pytest.mark.frameworks


class Narrow(nn.Module):
    """Two LSTM layers of one unit."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.LSTM(1, 1, 2, batch_first=True), nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class Single(nn.Module):
    """Reads (steps, inputs)."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.GRU(INPUTS, UNITS), nn.Linear(UNITS, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][-1])


CASES = {
    f"{maker} {name}": case
    for maker, cases in (
        ("torch", torch_files.ONNX),
        ("torch", torch_files.STATES),
        ("keras", keras_files.FILES),
        ("keras to onnx", keras_files.ONNX),
        ("onnx", onnx_files.OPERATORS),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_results(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"net{case.suffix}"
    x, y = case.write(path)
    description = tmp_path / "net.json"
    imported = import_network(path, description=description if description.exists() else None)
    check(imported.network, cells=case.cells, end=case.end, x=x, y=y)
    assert any("at the end is left out" in note for note in imported.notes) == (
        case.end is not None
    )


def test_kept_files_are_what_the_script_makes(tmp_path: Path) -> None:
    make(tmp_path)
    for name in FILES:
        kept, made = shipped(name), shipped(name, tmp_path)
        assert (kept.cells, kept.end) == (made.cells, made.end)
        assert np.array_equal(kept.x, made.x)
        assert np.abs(kept.y - made.y).max() < 1e-6  # another order of sums at most
        networks = [
            import_network(one.path, description=one.description).network for one in (kept, made)
        ]
        for a, b in zip(*(network.layers for network in networks), strict=True):
            assert all(np.array_equal(a.weights[k], b.weights[k]) for k in a.weights)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("size", [1, 2])
def test_sizes_of_one(size: int, tmp_path: Path) -> None:
    """One unit, one input, one sample or two: axes of size 1 have no name to go by."""
    torch.manual_seed(3)
    module = Narrow().eval()
    x = torch.randn(size, 5, 1)
    torch.onnx.export(module, (x,), tmp_path / "net.onnx", dynamo=False, verbose=False)
    network = import_network(tmp_path / "net.onnx").network
    with torch.no_grad():
        assert np.abs(network.forward(x.numpy()) - module(x).numpy()).max() < 1e-6


@pytest.mark.filterwarnings("ignore")
def test_a_single_sequence_without_batch(tmp_path: Path) -> None:
    torch.manual_seed(3)
    module = Single().eval()
    x = torch.randn(6, INPUTS)
    torch.onnx.export(module, (x,), tmp_path / "net.onnx", dynamo=False, verbose=False)
    network = import_network(tmp_path / "net.onnx").network
    with torch.no_grad():
        assert np.abs(network.forward(x.numpy()[None]) - module(x).numpy()).max() < 1e-6
