"""``litelstm import`` on the kept files: good ones, and bad ones in one line each."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from golden.network import Network
from litelstm.importers.files import import_network
from tests.litelstm import commands
from tests.litelstm.importers.cases import check
from tests.litelstm.importers.shipped import FILES, shipped


def arguments(path: Path, description: Path | None, output: Path) -> list[str]:
    told = ["--description", str(description)] if description else []
    return ["import", str(path), *told, "-o", str(output)]


@pytest.mark.parametrize("name", FILES)
def test_kept_files(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, output = shipped(name), tmp_path / "net.npz"
    said = commands.run(capsys, *arguments(kept.path, kept.description, output))
    assert f"{output}: 3 in, " in said
    assert ("at the end is left out" in said) == (kept.end is not None)
    check(Network.load(output), cells=kept.cells, end=kept.end, x=kept.x, y=kept.y)


def test_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, output = shipped("torch_litelstm.onnx"), tmp_path / "net.npz"
    said = commands.run(capsys, *arguments(kept.path, None, output))
    assert said.splitlines() == [
        f"{kept.path}: the file's sequences have 4 steps; "
        "assumed that the network takes any number",
        f"{kept.path}: unrolled loops became layers; the file's results are the network's",
        f"{output}: 3 in, litelstm of 4 units (peephole full, hard gates), litelstm of 4 units "
        "(peephole full, hard gates), 2 logits; 178 parameters",
    ]


def test_an_imported_network_can_be_quantized(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, output = shipped("keras_gru.keras"), tmp_path / "net.npz"
    commands.run(capsys, *arguments(kept.path, None, output))
    np.savez(tmp_path / "samples.npz", x=kept.x)
    commands.run(
        capsys,
        *("quantize", str(output), "--calibrate", str(tmp_path / "samples.npz")),
        *("-o", str(tmp_path / "net.q.npz")),
    )
    assert (tmp_path / "net.q.npz").exists()


Spoil = Callable[[Path], object]


def shorten(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOILT: dict[str, tuple[Spoil, str]] = {
    "missing": (Path.unlink, "cannot be read: No such file or directory"),
    "a folder": (become_folder, "cannot be read: Is a directory"),
    "empty": (lambda path: path.write_bytes(b""), " "),
    "text": (lambda path: path.write_text("W = 1\n" * 50), "is not a readable"),
    "cut short": (shorten, "is not a "),
    "zip": (lambda path: zipfile.ZipFile(path, "w").close(), "is not a readable"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("spoil", "says"), SPOILT.values(), ids=SPOILT)
def test_spoilt_files(
    spoil: Spoil, says: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, path = shipped(name), tmp_path / name
    path.write_bytes(kept.path.read_bytes())
    spoil(path)
    output = tmp_path / "net.npz"
    output.write_text("an older network")
    line = commands.refuse(capsys, *arguments(path, kept.description, output))
    assert line.startswith(f"{path}: ")
    assert says in line
    assert output.read_text() == "an older network"


@pytest.mark.parametrize("name", FILES)
def test_files_of_another_kind(name: str, tmp_path: Path) -> None:
    for other in FILES:
        suffix = Path(other).suffix
        same = suffix == Path(name).suffix or {suffix, Path(name).suffix} == {".keras", ".h5"}
        if not same:
            path = tmp_path / f"net{suffix}"
            path.write_bytes((shipped(name).path).read_bytes())
            with pytest.raises(ValueError, match=f"net{suffix}: is not a "):
                import_network(path, description=shipped(other).description)


def test_names_that_say_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = commands.refuse(capsys, *arguments(tmp_path / "net.bin", None, tmp_path / "net.npz"))
    assert "name ends in '.bin', expected .onnx, .keras" in line


def test_output_is_checked_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = shipped("torch_lstm.onnx")
    line = commands.refuse(capsys, *arguments(kept.path, None, tmp_path / "none" / "net.npz"))
    assert "cannot be written" in line


def test_the_framework_is_asked_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, output = shipped("torch_lstm.onnx"), tmp_path / "net.npz"
    said = commands.run(capsys, *arguments(kept.path, None, output), "--check")
    line = next(line for line in said.splitlines() if "results differ by" in line)
    assert float(line.split(" differ by ")[1].split()[0]) < 1e-6
    kept = shipped("torch_gru.safetensors")
    told = commands.refuse(capsys, *arguments(kept.path, kept.description, output), "--check")
    assert "no framework here can run it, so --check has nothing to do" in told


def test_inspection_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    kept = shipped("torch_lstm.onnx")
    said = commands.run(capsys, "import", str(kept.path), "--inspect").splitlines()
    assert said[0].startswith("LSTM '/rnn/LSTM' reads ")
    assert "LSTM '/rnn/LSTM': (steps 4, one 1, batch 2, features 4)" in said
    assert "layer0: lstm of 4 units (peephole none, logistic gates) of x" in said
    assert "layer2: dense linear of 2 units of layer1, a result" in said
    said = commands.run(capsys, "import", str(shipped("keras_gru.keras").path), "--inspect")
    assert said.startswith("layer0: gru of 4 units (reset after, ")


def test_inspection_names_what_stops_an_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.h5"
    path.write_text("no model")
    said = commands.run(capsys, "import", str(path), "--inspect")
    assert said.startswith(f"refused: {path}: is not a readable Keras model")


def test_output_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    line = commands.refuse(capsys, "import", str(shipped("torch_lstm.onnx").path))
    assert line == "--output is missing: the file to write"


def test_descriptions_belong_to_state_dicts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, graph = shipped("torch_gru.safetensors"), shipped("torch_lstm.onnx")
    output = tmp_path / "net.npz"
    line = commands.refuse(capsys, *arguments(state.path, None, output))
    told = "a state dict needs a description of its modules: --description FILE (docs/import.md)"
    assert line.startswith(f"{state.path}: {told}")
    line = commands.refuse(capsys, *arguments(graph.path, state.description, output))
    assert "is for a state dict" in line


def test_a_missing_package_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    line = commands.refuse(
        capsys, *arguments(shipped("keras_lstm.h5").path, None, tmp_path / "net.npz")
    )
    assert line == "h5py is missing: pip install '.[import]' in a checkout of litelstm"


def test_description_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, told = shipped("torch_gru.safetensors"), tmp_path / "told.json"
    output = tmp_path / "net.npz"
    for text, says in (
        (None, "cannot be read: No such file"),
        ("{", "is not a readable JSON file"),
        ("[]", "has no list layers"),
        (json.dumps({"layers": [], "scale": 1}), "description has scale"),
    ):
        if text is not None:
            told.write_text(text)
        line = commands.refuse(capsys, *arguments(kept.path, told, output))
        assert line.startswith(f"{told}: ")
        assert says in line


@pytest.mark.slow
def test_other_packages_are_loaded_when_a_file_asks_for_them() -> None:
    heavy = "'h5py', 'keras', 'onnx', 'safetensors', 'torch'"
    code = f"import sys, litelstm.cli; print({{{heavy}}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
