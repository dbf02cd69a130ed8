"""State dicts and live modules of PyTorch."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from golden.errors import InputError
from litelstm.importers.torch import from_state_dict
from litelstm.importers.torch_files import load
from litelstm.importers.torch_modules import import_torch_module
from tests.litelstm.importers.cases import INPUTS, OUTPUTS, UNITS, check, samples
from tests.litelstm.importers.torch_files import described, results
from tests.litelstm.importers.torch_nets import Both, FinalState, Stack, gru_after, stacked_shapes
from tests.litelstm.importers.torch_nets import Loop as LoopModule

pytestmark = pytest.mark.frameworks

LSTM = described("LSTM", output="last step")["layers"]
GRU = {"module": "GRU", "name": "", "output": "final state", "activation": "none"}


def lstm_state() -> dict[str, Any]:
    torch.manual_seed(6)
    return dict(Stack(nn.LSTM, num_layers=2).state_dict())


def recurrent_state(prefix: str = "recurrent.") -> dict[str, Any]:
    """The state dict of a stack of LiteLSTM layers, named as in golden.network."""
    rng = np.random.default_rng(6)
    state: dict[str, Any] = {}
    for index, inputs in enumerate((INPUTS, UNITS)):
        for name, width in (("W_fx", inputs), ("U_fh", UNITS), ("W_fc", UNITS)):
            state[f"{prefix}layers.{index}.{name}"] = rng.normal(size=(UNITS, width))
        for name, width in (("W_gx", inputs), ("U_gh", UNITS)):
            state[f"{prefix}layers.{index}.{name}"] = rng.normal(size=(UNITS, width))
        for name in ("b_f", "b_g"):
            state[f"{prefix}layers.{index}.{name}"] = rng.normal(size=UNITS)
    return state


RECURRENT = {
    **{"module": "Recurrent", "name": "recurrent", "gate": "hard"},
    **{"output": "last step", "activation": "none"},
}


def test_names_of_golden_network() -> None:
    state = recurrent_state()
    told = {"layers": [RECURRENT], "input_scale": 0.5}
    network = from_state_dict(state, told).network
    assert network.input_scale == 0.5
    for index, layer in enumerate(network.recurrent):
        assert (layer.cell.kind, layer.sigmoid) == ("litelstm", "hard")
        for name, value in layer.weights.items():
            assert np.array_equal(value, state[f"recurrent.layers.{index}.{name}"])


def test_module_of_its_own_state_dict() -> None:
    torch.manual_seed(6)
    module = nn.GRU(INPUTS, UNITS, batch_first=True)
    network = from_state_dict(module.state_dict(), {"layers": [GRU]}).network
    x = samples(6)
    with torch.no_grad():
        y = module(torch.from_numpy(x))[0][:, -1].numpy()
    check(network, cells=("gru after logistic",), end=None, x=x, y=y)


BAD_STATES: dict[str, tuple[Callable[[dict[str, Any]], object], tuple[str, ...]]] = {
    "missing": (
        lambda s: s.pop("rnn.weight_hh_l1"),
        ("LSTM 'rnn'", "weight weight_hh_l1 is missing"),
    ),
    "no head": (
        lambda s: [s.pop("head.weight"), s.pop("head.bias")],
        ("Linear 'head'", "has no weights head."),
    ),
    "no matrix": (lambda s: s.pop("head.weight"), ("Linear 'head'", "weight is missing")),
    "foreign": (lambda s: s.update(other=torch.ones(2)), ("weight other belongs to no module",)),
    "reverse": (
        lambda s: s.update({"rnn.weight_ih_l0_reverse": torch.ones(16, 3)}),
        ("LSTM 'rnn'", "weight weight_hh_l0_reverse is missing"),
    ),
    "a layer in reverse alone": (
        lambda s: s.update({"rnn.weight_ih_l1_reverse": torch.ones(16, 4)}),
        ("LSTM 'rnn'", "weight weight_ih_l2 is missing"),
    ),
    "projection": (
        lambda s: s.update({"rnn.weight_hr_l0": torch.ones(2, 4)}),
        ("LSTM 'rnn'", "weight_hr_l0", "proj_size 0"),
    ),
    "shape": (
        lambda s: s.update({"rnn.weight_hh_l0": torch.ones(16, 5)}),
        ("LSTM 'rnn'", "weight_hh_l0 is float64 of shape (16, 5)", "(16, 4)"),
    ),
    "rows": (
        lambda s: s.update({"rnn.weight_ih_l0": torch.ones(15, 3)}),
        ("weight_ih_l0 has 15 rows", "4 x units"),
    ),
    "integers": (
        lambda s: s.update({"head.bias": torch.ones(2, dtype=torch.int64)}),
        ("Linear 'head'", "bias is int64"),
    ),
    "not finite": (
        lambda s: s.update({"rnn.bias_ih_l1": torch.full((16,), float("nan"))}),
        ("bias_ih_l1 holds NaN",),
    ),
}


@pytest.mark.parametrize(("spoil", "says"), BAD_STATES.values(), ids=BAD_STATES)
def test_bad_state_dicts(spoil: Callable[[dict[str, Any]], object], says: tuple[str, ...]) -> None:
    state = lstm_state()
    spoil(state)
    with pytest.raises(InputError) as caught:
        from_state_dict(state, {"layers": LSTM})
    for words in says:
        assert words in str(caught.value)


BAD_DESCRIPTIONS: dict[str, tuple[Any, str]] = {
    "list": ([], "has no list layers"),
    "layers": ({"layers": "rnn"}, "has no list layers"),
    "scale": ({"layers": LSTM, "input_scale": "1"}, "input_scale is '1'"),
    "zero": ({"layers": LSTM, "input_scale": 0}, "input_scale is 0.0, expected a positive number"),
    "field": ({"layers": LSTM, "bias": True}, "description has bias"),
    "entry": ({"layers": ["rnn"]}, "layers[0] is 'rnn', expected an object"),
    "module": (
        {"layers": [{"module": "Conv1d", "name": "c"}]},
        "layers[0].module is 'Conv1d', expected RNN or GRU or LSTM or Linear or BatchNorm1d or",
    ),
    "name": ({"layers": [{"module": "LSTM"}]}, "layers[0].name is None, expected a text"),
    "option": (
        {"layers": [LSTM[0] | {"gate": "hard"}]},
        "layers[0] has gate, which a LSTM has not",
    ),
    "kind": (
        {"layers": [LSTM[0] | {"module": "GRU"}, LSTM[1]]},
        "GRU 'rnn': weight_ih_l0 has 16 rows, expected 3 x units",
    ),
    "order": ({"layers": LSTM[::-1]}, "LSTM 'rnn': layer reads 3 values, expected 2"),
    "slope": (
        {"layers": [LSTM[0] | {"activation": "leaky_relu"}, LSTM[1]]},
        "does not say slope of layers[0] (a number)",
    ),
    "slope of 0.01": (
        {"layers": [LSTM[0] | {"activation": "leaky_relu", "slope": 0.01}, LSTM[1]]},
        "LSTM 'rnn': activation is a leaky ReLU of slope 0.01, expected a power of two",
    ),
    "slope of a ReLU": (
        {"layers": [LSTM[0] | {"activation": "relu", "slope": 0.5}, LSTM[1]]},
        "layers[0] has slope, which a LSTM has not",
    ),
}


@pytest.mark.parametrize(("told", "says"), BAD_DESCRIPTIONS.values(), ids=BAD_DESCRIPTIONS)
def test_bad_descriptions(told: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        from_state_dict(lstm_state(), told)
    assert says in str(caught.value)


BAD_RECURRENT: dict[str, tuple[dict[str, Any], str]] = {
    "gate": ({"gate": "soft"}, "layers[0].gate is 'soft', expected 'hard' or 'logistic'"),
    "cell": ({"cell": "mgu"}, "cell is 'mgu', expected rnn or lstm or gru or litelstm"),
    "peephole": ({"peephole": "none"}, "layers.0: weight W_fc is not one of a litelstm"),
    "choice": ({"peephole": "half"}, "peephole must be full or diagonal or none"),
    "another cell": ({"cell": "rnn"}, "layers.0: weight W_hx is missing"),
    "its options": ({"reset": "after"}, "has reset, which a litelstm has not"),
}


@pytest.mark.parametrize(("changes", "says"), BAD_RECURRENT.values(), ids=BAD_RECURRENT)
def test_bad_recurrent(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        from_state_dict(recurrent_state(), {"layers": [RECURRENT | changes]})
    assert says in str(caught.value)


def test_layers_have_no_gap() -> None:
    state = {name: v for name, v in recurrent_state().items() if "layers.0." not in name}
    with pytest.raises(InputError, match=r"has layers \[1\], expected 0, 1"):
        from_state_dict(state, {"layers": [RECURRENT]})


class Harmful:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: {"w": Harmful(path)}, "is not a readable state dict"),
        (lambda _: nn.GRU(INPUTS, UNITS), "is not a readable state dict"),
        (lambda _: {"epoch": 3}, "holds a dict with 'epoch' that is no tensor"),
        (lambda _: [torch.ones(2)], "holds a list, expected a state dict"),
    ],
)
def test_pickles(make: Callable[[Path], Any], says: str, tmp_path: Path) -> None:
    touched, path, told = (tmp_path / name for name in ("touched", "net.pt", "net.json"))
    torch.save(make(touched), path)
    told.write_text(json.dumps({"layers": [GRU]}))
    with pytest.raises(InputError) as caught:
        load(path, told)
    assert str(caught.value).startswith(f"{path}: {says}")
    assert not touched.exists()


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
    assert [note for note in imported.notes if "the file reads" not in note] == (
        ["Softmax at the end is left out: the output is its argument"] if end else []
    )


def test_parts_in_sequence_need_no_run() -> None:
    torch.manual_seed(8)
    model = Stack(nn.LSTM, batch_first=True)
    parts = nn.Sequential(model.rnn, nn.Sequential(nn.Dropout(0.5), model.head), nn.Identity())
    x, y = results(model, 8)
    check(import_torch_module(parts).network, cells=("lstm none logistic",), end=None, x=x, y=y)


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
    "relu": (
        lambda: nn.RNN(3, 4, nonlinearity="relu"),
        "layers[0].nonlinearity is 'relu', expected 'tanh'",
    ),
    "a fixed step": (
        lambda: EarlyStep(nn.LSTM, batch_first=True),
        "EarlyStep computes something else than its layers",
    ),
    "attention": (
        lambda: Attention(nn.LSTM, batch_first=True),
        "multiplies two tensors of the network, as attention does",
    ),
    "projection": (lambda: nn.LSTM(3, 4, proj_size=2), "weight_hr_l0 is a projection"),
    "last step of both ways": (
        lambda: LastOfBoth(),
        "reads step 3 of a reverse layer, expected its final h",
    ),
    "layer": (
        lambda: nn.Sequential(nn.Conv1d(3, 3, 1), nn.GRU(3, 4)),
        "Conv1d '0' reads several steps at once",
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
