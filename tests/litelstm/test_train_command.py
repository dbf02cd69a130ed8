"""``litelstm train``: to a network that the other commands take, and on after an interrupt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.model import IntegerModel
from golden.network import Network
from golden.packages import in_a_checkout
from golden.quantized import QuantizedNetwork
from golden.thresholds import Thresholds
from litelstm.torch.training import Trainer
from tests.golden.files import same
from tests.litelstm.commands import refuse
from tests.litelstm.conftest import Call

pytestmark = pytest.mark.frameworks

SMALL = ("train", "--task", "digits", "--units", 5, "--epochs", 3, "--batch-size", 100)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sequences of two inputs; the label tells which of them is larger."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("iot") / "flows.npz"
    parts: dict[str, Any] = {}
    for part, count in (("train", 400), ("test", 100)):
        x = rng.random((count, 4, 2), dtype=np.float32)
        parts |= {f"x_{part}": x, f"y_{part}": (x[:, :, 0].sum(1) > x[:, :, 1].sum(1)).astype(int)}
    np.savez(path, **parts)
    return path


def test_train_quantize_and_train_on(call: Call, data: Path, tmp_path: Path) -> None:
    """The way of a user: floats, integers by rounding, integers by training."""
    net, rounded, aware = (tmp_path / f"{name}.npz" for name in ("net", "rounded", "aware"))
    report = tmp_path / "report.json"
    options = ("--task", "iot", "--data", data, "--seed", 3)
    done = call("train", *options, "--epochs", 8, "--lr", 0.02, "-o", net, "--json", report)
    assert done.status == 0, done.err
    assert "epoch   8" in done.err
    result = json.loads(report.read_text())
    network = Network.load(net)
    with np.load(data) as arrays:
        x, y = arrays["x_test"], arrays["y_test"]
    assert result["test"]["accuracy"] == np.mean(network.forward(x).argmax(1) == y) > 0.8
    assert network.head is not None
    assert (network.inputs, network.outputs) == (2, 2)
    assert call("quantize", net, "--calibrate", data, "-o", rounded).status == 0
    bits = ("--weight-bits", 3, "--state-bits", 8, "--delta", "h=3")
    done = call(
        "train", *options, "--qat", net, *bits, "--epochs", 2, "-o", aware, "--json", report
    )
    assert done.status == 0, done.err
    integers = QuantizedNetwork.load(aware)
    assert {layer.formats.weight_width for layer in integers.layers} == {3}
    assert integers.thresholds == Thresholds.of(integers, h=3)
    words = IntegerModel(integers).forward(integers.quantize_input(x))
    assert json.loads(report.read_text())["test"]["accuracy"] == np.mean(words.argmax(1) == y)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "aware.npz", "net.npz", "report.json", "rounded.npz"
    ]  # fmt: skip


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "plstm", "litelstm-diagonal"])
def test_other_cells(cell: str, call: Call, tmp_path: Path) -> None:
    net = tmp_path / "net.npz"
    done = call(*SMALL, "--cell", cell, "--sigmoid", "logistic", "--layers", 2, "-o", net)
    assert done.status == 0, done.err
    network = Network.load(net)
    assert [layer.units for layer in network.body] == [5, 5]
    assert network.layers[0].sigmoid == "logistic"


def test_an_interrupted_call_goes_on(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = tmp_path / "whole.npz", tmp_path / "stopped.npz"
    assert call(*SMALL, "-o", whole).status == 0
    run = Trainer._run_epoch

    def interrupt(trainer: Trainer) -> Any:
        if trainer.epoch == 2:
            raise KeyboardInterrupt
        return run(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_run_epoch", interrupt)
        done = call(*SMALL, "-o", stopped)
    assert done.status == 130
    checkpoint = tmp_path / "stopped.npz.checkpoint"
    assert checkpoint.exists()
    assert not stopped.exists()
    done = call(*SMALL, "--seed", 2, "-o", stopped)
    assert done.status == 2
    assert "seed is 1, expected 2; --restart begins anew" in done.err
    done = call(*SMALL, "-o", stopped)
    assert done.status == 0
    assert "goes on after epoch 2" in done.err
    assert not checkpoint.exists()
    assert same(Network.load(stopped), Network.load(whole))
    checkpoint.write_bytes(b"foreign")
    assert "is no checkpoint of this network" in call(*SMALL, "-o", stopped).err
    assert call(*SMALL, "--restart", "-o", stopped).status == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--task", "chess"), "'--task': 'chess' is not one of 'mnist', 'iot', "),
        (("--task", "mnist"), "task mnist needs --data"),
        (("--task", "iot", "--data", "none.npz"), "none.npz: cannot be read"),
        (("--task", "digits", "--cell", "ltsm"), "'--cell': 'ltsm' is not one of 'rnn', 'lstm'"),
        (
            ("--task", "digits", "--sigmoid", "soft"),
            "'--sigmoid': 'soft' is not one of",
        ),
        (("--task", "digits", "--epochs", "0"), "epochs is 0, expected more than 0"),
        (("--task", "digits", "--units", "0"), "units is 0, expected 1 to 2048"),
        (("--task", "digits", "--batch-size", "9999"), "--batch-size is 9999,"),
        (("--task", "digits", "--qat", "none.npz"), "none.npz: cannot be read"),
        (("--task", "digits", "--weight-bits", "4"), "needs --qat"),
        (
            ("--task", "digits", "--qat", "n.npz", "--weight-bits", "40"),
            "--weight-bits is 40,",
        ),
        (("--task", "digits", "--qat", "n.npz", "--cell", "gru"), "is what n.npz has"),
        (("--task", "digits", "--qat", "n.npz", "--sigmoid", "hard"), "is what n.npz has"),
        (("--task", "digits", "--dropout", "1"), "dropout is 1.0, expected 0 or more, less than 1"),
        (("--task", "digits", "--augment", "more"), "augment is 'more', expected one of none"),
        (("--task", "digits", "-o", "no/net.npz"), "no/net.npz: cannot be written"),
    ],
)
def test_bad_input(
    arguments: tuple[str, ...], message: str, capsys: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refuse(capsys, "train", "-o", "net.npz", *arguments)
    assert not list(tmp_path.iterdir())


def test_a_network_of_another_task(call: Call, data: Path, tmp_path: Path) -> None:
    net = tmp_path / "net.npz"
    assert call(*SMALL, "-o", net).status == 0
    done = call("train", "--task", "iot", "--data", data, "--qat", net, "-o", tmp_path / "q.npz")
    assert done.status == 2
    assert "the network's inputs is 8, expected 2 (the task's)" in done.err


def test_without_pytorch_the_extra_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from litelstm.cli import main\n"
        "main(['train', '--task', 'digits', '-o', 'net.npz'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"litelstm: torch is missing: {in_a_checkout('train')}\n"
