"""Parts of ONNX graphs, and the comparison with the file's own results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from golden.errors import InputError
from litelstm.importers import onnx_layers
from litelstm.importers.assemble import Assembled
from litelstm.importers.files import import_network
from litelstm.importers.layers import make_layer
from litelstm.importers.onnx import convert
from litelstm.importers.proof import Imported, compare
from tests.litelstm.importers.cases import (
    INPUTS,
    OUTPUTS,
    STEPS,
    TOLERANCE,
    UNITS,
    samples,
)
from tests.litelstm.importers.onnx_files import model, weights

pytestmark = pytest.mark.frameworks


def convolved(path: Path) -> nn.Module:
    """A file whose front cannot be mapped."""
    torch.manual_seed(57)

    class Front(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(INPUTS, 6, 3, padding=1)
            self.rnn, self.head = nn.GRU(6, UNITS, batch_first=True), nn.Linear(UNITS, OUTPUTS)

        def forward(self, x: Tensor) -> Tensor:
            h = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
            return torch.softmax(self.head(self.rnn(h)[0][:, -1]), 1)

    module = Front().eval()
    torch.onnx.export(module, (torch.zeros(1, STEPS, INPUTS),), path, dynamo=False, verbose=False)
    return module


@pytest.mark.filterwarnings("ignore")
def test_a_part_of_a_graph(tmp_path: Path) -> None:
    module: Any = convolved(tmp_path / "net.onnx")
    whole = import_network(tmp_path / "net.onnx").network
    imported: Imported = import_network(
        tmp_path / "net.onnx", start="/Relu_output_0", until="/head/Gemm"
    )
    assert imported.notes[0].startswith("only the part from /Relu_output_0 to /head/Gemm_output_0")
    x = torch.from_numpy(samples(57))
    with torch.no_grad():
        front = torch.relu(module.conv(x.transpose(1, 2))).transpose(1, 2)
        wanted = module.head(module.rnn(front)[0][:, -1]).numpy()
    assert np.abs(imported.network.forward(front.numpy()) - wanted).max() < TOLERANCE
    assert np.abs(whole.forward(whole.feed(x.numpy())) - wanted).max() < TOLERANCE


@pytest.mark.filterwarnings("ignore")
def test_parts_that_are_none(tmp_path: Path) -> None:
    convolved(tmp_path / "net.onnx")
    for start, until, says in (
        ("/nowhere", None, "has no operator or tensor '/nowhere'"),
        ("/head/Gemm", "/conv/Conv", "does not depend on"),
    ):
        with pytest.raises(InputError, match=says):
            import_network(tmp_path / "net.onnx", start=start, until=until)
    with pytest.raises(InputError, match="--from and --until are for ONNX files"):
        import_network(tmp_path / "net.keras", start="a")


def test_a_wrong_network_is_found_by_running_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is made for files that need no proof, too."""
    made = model("GRU", weights("GRU"))
    assert convert(made).network.layers

    def without_complement(*arguments: Any, complement: Any = (), **options: Any) -> Any:
        return make_layer(*arguments, **options)

    monkeypatch.setattr(onnx_layers, "make_layer", without_complement)
    with pytest.raises(InputError, match="computes something else than its layers, read as gru"):
        convert(made)


def test_results_that_are_no_numbers_are_no_proof() -> None:
    made = convert(model("GRU", weights("GRU"))).network
    assembled = Assembled(network=made, ends=(None,), order=(0,), sums=(False,))
    with pytest.raises(InputError, match="results differ by nan"):
        compare(assembled, lambda x: [np.full((2, OUTPUTS), np.nan)], batch=2, steps=3)
