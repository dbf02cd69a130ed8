"""The examples of docs/import.md as they stand there: code, commands, and what they print."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import litelstm
from bench import pages
from litelstm.importers.keras_ops import LAYERS
from litelstm.importers.onnx_ops import OPERATORS
from litelstm.importers.operations import WHY, WITHOUT
from litelstm.importers.tflite_ops import TRANSLATIONS
from litelstm.importers.torch_description import REQUIRED
from tests.litelstm import commands
from tests.litelstm.importers.keras_files import keras
from tests.litelstm.importers.torch_nets import Stack

pytestmark = pytest.mark.frameworks

TEXT = pages.read("docs/import.md")
DESCRIPTION = pages.block(TEXT, "json", "input_scale")
COMMANDS = pages.commands(TEXT)
block = partial(pages.block, TEXT, "python")


def run_command(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command of the page and compare what it prints."""
    line, printed = COMMANDS[number]
    capsys.readouterr()
    assert commands.run(capsys, *line.split()) == printed


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_torch(capsys: pytest.CaptureFixture[str]) -> None:
    exec(block("class Net"), {"torch": torch})
    run_command(0, capsys)


@pytest.mark.filterwarnings("ignore")
def test_litelstm(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"torch": torch}
    exec(block("def forward(self, x):  # (batch"), names)

    class Lite(nn.Module):
        forward = names["forward"]

        def __init__(self) -> None:
            super().__init__()
            self.units = 64
            self.f, self.g = nn.Linear(28 + 64 + 64, 64), nn.Linear(28 + 64, 64)
            self.head = nn.Linear(64, 10)

    torch.manual_seed(1)
    torch.onnx.export(
        Lite().eval(), (torch.zeros(1, 4, 28),), "lite.onnx", dynamo=False, verbose=False
    )
    run_command(1, capsys)


def test_state_dict(capsys: pytest.CaptureFixture[str]) -> None:
    module = Stack(nn.GRU)
    save_file(module.state_dict(), "net.safetensors")
    Path("net.json").write_text(DESCRIPTION)
    line, printed = COMMANDS[2]
    assert not printed
    commands.run(capsys, *line.split())
    network = litelstm.Network.load("net.npz")
    assert network.input_scale == 1 / 255 == json.loads(DESCRIPTION)["input_scale"]


def test_keras(capsys: pytest.CaptureFixture[str]) -> None:
    exec(block("keras.Sequential"), {"keras": keras})
    run_command(3, capsys)


def test_python_interface() -> None:
    module = Stack(nn.GRU)
    torch.save(module.state_dict(), "net.pt")
    Path("net.json").write_text(DESCRIPTION)
    _, second, third = block("import_network").splitlines()
    names: dict[str, Any] = {"litelstm": litelstm, "module": module}
    for line in (second, third):
        exec(line, names)
        assert isinstance(names["imported"], litelstm.Imported)


def test_every_operator_and_layer_is_in_the_tables() -> None:
    names = {*OPERATORS, *LAYERS, *TRANSLATIONS, *REQUIRED, "SimpleRNN", "If", "While"}
    plain = TEXT.replace("`WHILE`", "`While`")
    assert [name for name in sorted(names) if f"`{name}`" not in plain] == []
    words = TEXT.lower().replace("_", "")
    assert [why for why in (*WHY, *WITHOUT) if why not in words] == []
