"""Programs of PyTorch that would run code of their own: refused before PyTorch loads them."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from golden.errors import InputError
from litelstm.importers.files import import_network
from tests.litelstm.importers.cases import INPUTS, STEPS
from tests.litelstm.importers.torch_nets import Stack

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]

Members = dict[str, bytes]


class Command:
    """An object whose unpickling makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


class Writer(Stack):
    """Writes a file when it runs."""

    def forward(self, x: Tensor) -> Tensor:
        torch.save(x, "executed")
        return self.head(self.rnn(x)[0][:, -1])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Members:
    path = tmp_path_factory.mktemp("pt2") / "net.pt2"
    module = Stack(nn.GRU, batch_first=True).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(1, STEPS, INPUTS),)), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def member(members: Members, end: str) -> str:
    return next(name for name in members if name.endswith(end))


def changed(members: Members, end: str, change: Callable[[Any], None]) -> None:
    name = member(members, end)
    told = json.loads(members[name])
    change(told)
    members[name] = json.dumps(told).encode()


def pickled(members: Members, folder: Path) -> None:
    def change(told: Any) -> None:
        next(iter(told["config"].values()))["use_pickle"] = True

    changed(members, "model_weights_config.json", change)
    members[member(members, "weight_0")] = pickle.dumps(Command(folder))


def opaque(members: Members, folder: Path) -> None:
    def change(told: Any) -> None:
        told["config"]["x"] = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}

    changed(members, "model_constants_config.json", change)
    name = member(members, "model_constants_config.json").replace("model_constants_config.json", "")
    members[f"{name}opaque_obj_0"] = pickle.dumps(Command(folder))


def example(members: Members, folder: Path) -> None:
    members[member(members, "sample_inputs/model.pt")] = pickle.dumps(Command(folder))


def calls(target: str) -> Callable[[Members, Path], None]:
    def apply(members: Members, folder: Path) -> None:
        def change(told: Any) -> None:
            told["graph_module"]["graph"]["nodes"][0]["target"] = target

        changed(members, "models/model.json", change)

    return apply


def evaluated(members: Members, folder: Path) -> None:
    code = f"__import__('os').mkdir({str(folder)!r})"

    def change(told: Any) -> None:
        size = {"as_expr": {"expr_str": code, "hint": None}}
        values = told["graph_module"]["graph"]["tensor_values"]
        next(iter(values.values()))["sizes"] = [size]

    changed(members, "models/model.json", change)


def compiled(members: Members, folder: Path) -> None:
    members["net/data/aotinductor/model/model.so"] = b""


HARM = {
    "a pickled weight": (pickled, "is not a readable program"),
    "a pickled object": (opaque, "has 'net/data/constants/opaque_obj_0', expected tensors"),
    "a pickled example": (example, "is not a readable program"),
    "a function": (calls("torch.serialization.os.mkdir"), "has 'torch.serialization.os.mkdir'"),
    "a file": (calls("torch.ops.aten.from_file.default"), "has 'torch.ops.aten.from_file"),
    "an expression": (evaluated, 'has "__import__'),
    "compiled code": (compiled, "has 'net/data/aotinductor/model/model.so'"),
}


@pytest.mark.parametrize(("harm", "says"), HARM.values(), ids=HARM)
def test_exported_programs(
    harm: Callable[[Members, Path], None], says: str, exported: Members, tmp_path: Path
) -> None:
    members, path = dict(exported), tmp_path / "net.pt2"
    harm(members, tmp_path / "executed")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(InputError) as caught:
        import_network(path)
    assert str(caught.value).startswith(f"{path}: {says}")
    assert not (tmp_path / "executed").exists()


def test_torchscript_that_writes_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.jit.save(torch.jit.script(Writer(nn.GRU, batch_first=True)), path := tmp_path / "net.pt")
    with pytest.raises(InputError, match="has 'save', expected tensors and aten operators alone"):
        import_network(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "code",
    ['getattr(torch, "sa" "ve")', "a = ops.other", "a = ops\n", "torch . from_file", "x.classes.y"],
)
def test_torchscript_by_other_names(code: str, tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(Stack(nn.GRU)), tmp_path / "good.pt")
    with (
        zipfile.ZipFile(tmp_path / "good.pt") as good,
        zipfile.ZipFile(tmp_path / "net.pt", "w") as archive,
    ):
        for name in good.namelist():
            more = f"# {code}" if name.endswith(".py") else ""
            archive.writestr(name, good.read(name) + more.encode())
    with pytest.raises(InputError, match="expected tensors and aten operators alone"):
        import_network(tmp_path / "net.pt")
