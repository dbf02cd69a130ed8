"""The cells of litelstm.torch: live, as a state dict, and through both of PyTorch's exporters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from golden.cells import LSTM, cell_options
from golden.network import Network
from litelstm.architectures import CELLS, Architecture
from litelstm.importers.files import import_network
from litelstm.importers.torch import from_state_dict
from litelstm.importers.torch_modules import import_torch_module
from litelstm.torch import Classifier, Recurrent
from tests.litelstm.importers.cases import INPUTS, OUTPUTS, TOLERANCE, UNITS, Floats, samples
from tests.litelstm.importers.torch_files import export, results

pytestmark = pytest.mark.frameworks

SIGMOIDS = ("hard", "logistic")


def classifier(cell: str, sigmoid: str) -> tuple[Any, Floats, Floats]:
    """A module of two layers and a head, samples, and what it makes of them."""
    torch.manual_seed(13)
    shape = Architecture(
        cell=cell, inputs=INPUTS, units=UNITS, layers=2, head=OUTPUTS, sigmoid=sigmoid
    )
    module = Classifier.of(shape)
    x, y = results(module, 13)
    return module, x, y


def check(network: Network, cell: str, sigmoid: str, x: Floats, y: Floats) -> None:
    assert [layer.cell for layer in network.body] == [CELLS[cell]] * 2
    assert cell == "rnn" or [layer.sigmoid for layer in network.body] == [sigmoid] * 2
    assert np.abs(network.forward(x) - y).max() < TOLERANCE


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
@pytest.mark.parametrize("cell", CELLS)
def test_modules(cell: str, sigmoid: str) -> None:
    module, x, y = classifier(cell, sigmoid)
    check(import_torch_module(module).network, cell, sigmoid, x, y)
    recurrent = {"module": "Recurrent", "name": "recurrent", "gate": sigmoid}
    recurrent |= {"cell": CELLS[cell].kind, **cell_options(CELLS[cell])}
    recurrent |= {"output": "last step", "activation": "none"}
    layers = [recurrent, {"module": "Linear", "name": "head", "activation": "none"}]
    imported = from_state_dict(module.state_dict(), {"layers": layers})
    check(imported.network, cell, sigmoid, x, y)


def test_options_that_came_later() -> None:
    torch.manual_seed(13)
    cell = LSTM(activation="relu", forget="coupled")
    module = Recurrent(cell, INPUTS, UNITS, gate="hard", batch_first=True)
    x, layers = samples(13), [{"module": "Recurrent", "name": "", "gate": "hard"}]
    layers[0] |= {"cell": "lstm", "nonlinearity": "relu", "forget": "coupled"}
    layers[0] |= {"output": "last step", "activation": "none"}
    told = from_state_dict(module.state_dict(), {"layers": layers})
    with torch.no_grad():
        y = module(torch.from_numpy(x))[0][:, -1].numpy()
    for network in (told.network, import_torch_module(module).network):
        assert network.layers[0].cell == cell
        assert np.abs(network.forward(x) - y).max() < TOLERANCE


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
@pytest.mark.parametrize("cell", CELLS)
def test_onnx(cell: str, sigmoid: str, tmp_path: Path) -> None:
    module, x, y = classifier(cell, sigmoid)
    export(module, tmp_path / "net.onnx", dynamo=False)
    check(import_network(tmp_path / "net.onnx").network, cell, sigmoid, x, y)


@pytest.mark.parametrize("cell", ["litelstm", "gru-after"])
def test_onnx_by_the_other_exporter(cell: str, tmp_path: Path) -> None:
    module, x, y = classifier(cell, "hard")
    export(module, tmp_path / "net.onnx", dynamo=True)
    check(import_network(tmp_path / "net.onnx").network, cell, "hard", x, y)


def test_input_scale_of_a_classifier(tmp_path: Path) -> None:
    """It is part of the graph, of a file's and of a live module's."""
    torch.manual_seed(13)
    shape = Architecture(cell="litelstm", inputs=INPUTS, units=UNITS, head=OUTPUTS)
    module = Classifier.of(shape, input_scale=1 / 8)
    x, y = results(module, 13)
    export(module, tmp_path / "net.onnx", dynamo=False)
    network = import_network(tmp_path / "net.onnx").network
    assert np.abs(network.forward(x) - y).max() < TOLERANCE
    assert np.abs(module.export().forward(x) - y).max() < TOLERANCE
    assert np.abs(import_torch_module(module).network.forward(x) - y).max() < TOLERANCE
