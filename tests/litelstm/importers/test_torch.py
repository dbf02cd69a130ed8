"""State dicts and live modules of PyTorch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from golden.errors import InputError
from litelstm.importers.torch import from_state_dict
from litelstm.importers.torch_files import load
from tests.litelstm.importers.cases import INPUTS, UNITS, check, samples
from tests.litelstm.importers.torch_files import described
from tests.litelstm.importers.torch_nets import Stack

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
    for index, layer in enumerate(network.body):
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
        ("LSTM 'rnn'", "weight_hh_l0", "expected floats of shape (16, 2)"),
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
        {"layers": [{"module": "Conv2d", "name": "c"}]},
        "layers[0].module is 'Conv2d', expected RNN or GRU or LSTM or RNNCell or GRUCell or "
        "LSTMCell or Linear or BatchNorm1d or",
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
