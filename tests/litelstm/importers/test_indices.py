"""Embeddings: networks that read an index, from every kind of file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from golden.errors import InputError
from litelstm.importers import torch as torch_reader
from litelstm.importers.files import import_network
from litelstm.importers.onnx import convert
from litelstm.importers.proof import Imported
from litelstm.importers.torch_modules import import_torch_module
from tests.litelstm.importers.cases import STEPS, TOLERANCE

pytestmark = pytest.mark.frameworks

SIZES = {"table": (20, 6, 8), "columns": (20, 40, 8)}
"""Values of the index, features of the table, units of the layer behind."""

X = np.random.default_rng(0).integers(20, size=(3, STEPS + 3, 1))


def net(values: int, size: int, units: int, *, convolved: bool = False) -> Any:
    """A PyTorch module: Embedding, Conv1d now and then, LSTM, Linear."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(values, size)
            self.conv = torch.nn.Conv1d(size, size, 3)
            self.rnn = torch.nn.LSTM(size, units, batch_first=True)
            self.head = torch.nn.Linear(units, 3)

        def forward(self, x: Any) -> Any:
            x = self.table(x)
            if convolved:
                x = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
            return self.head(self.rnn(x)[0][:, -1])

    torch.manual_seed(0)
    made = Net().eval()
    if not convolved:
        del made.conv
    return made


def results(module: Any, x: Any) -> Any:
    import torch

    with torch.no_grad():
        return module(torch.from_numpy(x[..., 0])).numpy()


def exported(module: Any, path: Path) -> Imported:
    import torch

    x = torch.zeros(2, STEPS, dtype=torch.int64)
    torch.onnx.export(module, (x,), str(path), dynamo=False, opset_version=17)
    return import_network(path)


def program(module: Any, path: Path) -> Imported:
    import torch

    x = torch.zeros(2, STEPS, dtype=torch.int64)
    torch.export.save(torch.export.export(module, (x,)), path.with_suffix(".pt2"))
    return import_network(path.with_suffix(".pt2"))


def described(module: Any, path: Path) -> Imported:
    layers = [
        {"module": "Embedding", "name": "table", "activation": "none"},
        {"module": "LSTM", "name": "rnn", "output": "last step", "activation": "none"},
        {"module": "Linear", "name": "head", "activation": "none"},
    ]
    told = path.with_suffix(".json")
    told.write_text(json.dumps({"layers": layers}))
    description = torch_reader.torch_description.read(told)
    return torch_reader.from_description(module.state_dict(), description)


def live(module: Any, path: Path) -> Imported:
    return import_torch_module(module)


@pytest.mark.parametrize("read", [exported, program, described, live])
def test_pytorch(read: Callable[[Any, Path], Imported], tmp_path: Path) -> None:
    for name, sizes in SIZES.items():
        module = net(*sizes)
        made = read(module, tmp_path / "net.onnx")
        network = made.network
        assert (network.indexed, network.inputs, network.sizes[0]) == (1, 1, 20)
        kinds = [layer.cell.kind for layer in network.layers]
        assert kinds == ["dense"] * (name == "table") + ["lstm", "dense"]
        assert "x is an index from 0 to 19" in made.notes[-1]
        difference = network.forward(X) - results(module, X)
        assert np.abs(difference).max() < TOLERANCE


def test_a_table_that_is_read_at_lags(tmp_path: Path) -> None:
    """A convolution reads the table's vectors of earlier steps, never the index."""
    module = net(20, 6, 8, convolved=True)
    network = exported(module, tmp_path / "net.onnx").network
    assert network.lags[:2] == ((0,), (0, 1, 2))
    assert np.abs(network.forward(X) - results(module, X)).max() < TOLERANCE


def test_keras(tmp_path: Path) -> None:
    from tests.litelstm.importers.keras_files import keras, layers, randomize

    for shape in ((STEPS,), (None,)):
        parts = [layers.Embedding(20, 9), layers.BatchNormalization(), layers.GRU(8)]
        model = keras.Sequential([keras.Input(shape), *parts, layers.Dense(3)])
        randomize(model, 3)
        model.layers[1].set_weights([np.full(9, n + 0.5) for n in range(4)])
        for suffix in (".keras", ".h5"):
            model.save(tmp_path / f"net{suffix}")
            made = import_network(tmp_path / f"net{suffix}")
            assert made.network.indexed
            x = X[:, :STEPS]
            want = model.predict_on_batch(x[..., 0])
            assert np.abs(made.network.forward(x) - want).max() < TOLERANCE
    both = keras.Sequential([keras.Input((STEPS,)), parts[0], layers.Bidirectional(layers.GRU(2))])
    both.save(tmp_path / "both.keras")
    network = import_network(tmp_path / "both.keras").network
    assert [layer.direction for layer in network.layers] == ["forward", "bidirectional"]
    parts[0] = layers.Embedding(20, 9, mask_zero=True)
    keras.Sequential([keras.Input((STEPS,)), *parts]).save(tmp_path / "masked.keras")
    with pytest.raises(InputError, match="has mask_zero, which skips steps by their values"):
        import_network(tmp_path / "masked.keras")


def test_a_second_table_is_refused() -> None:
    """Two tables would be two passes over x."""
    rng = np.random.default_rng(0)
    shapes = {"W": (1, 4, 5), "R": (1, 4, 4), "E": (9, 5)}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}

    def model(*nodes: Any) -> Any:
        graph = helper.make_graph(
            [
                helper.make_node("Gather", ["E", "tokens"], ["e"], name="first"),
                *nodes,
                helper.make_node("RNN", ["x", "W", "R"], ["", "h"], hidden_size=4),
            ],
            "net",
            [helper.make_tensor_value_info("tokens", TensorProto.INT64, [STEPS, 2])],
            [helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, 2, 4])],
            [numpy_helper.from_array(array, name) for name, array in arrays.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    second = helper.make_node("Gather", ["T", "tokens"], ["f"], name="second")
    turned = helper.make_node("Neg", ["E"], ["T"])
    total = helper.make_node("Add", ["e", "f"], ["x"])
    with pytest.raises(InputError, match="x is an index and read by layer0 at lag 0, layer1"):
        convert(model(turned, second, total))
