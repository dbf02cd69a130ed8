"""Bad input: status 2, exactly one line that names what is wrong, nothing left behind."""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from golden import packages
from golden.network import Network
from tests.litelstm import bad_files, bad_options
from tests.litelstm.bad_files import BadFile, spoilt
from tests.litelstm.conftest import Call, Files, Outcome


def refuse(done: Outcome, *says: str) -> None:
    """Check that a command was refused, in one line with these words."""
    assert done.status == 2, done
    assert done.out == ""
    assert done.err.count("\n") == 1, done.err
    assert done.err.startswith("litelstm: ")
    for words in says:
        assert words in done.err


def tree(folder: Path) -> dict[str, str]:
    """Every file and folder below a folder, with a digest of the files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in folder.rglob("*")
    }


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything runs in an empty folder that holds good results, and leaves it as it was."""
    work = tmp_path / "work"
    work.mkdir()
    for name in ("out.npz", "out.json", "out.vcd"):
        (work / name).write_text(f"an older {name}")
    monkeypatch.chdir(work)
    before = tree(work)
    yield
    assert tree(work) == before


def quantize(files: Files, *, network: object = None, samples: object = None) -> list[object]:
    files_ = (network or files.floats, "--calibrate", samples or files.samples)
    return ["quantize", *files_, "-o", "out.npz", "--json", "out.json"]


def simulate(files: Files, *, network: object = None, samples: object = None) -> list[object]:
    files_ = (network or files.network, "--samples", samples or files.samples)
    return ["simulate", *files_, "--lanes", 3, "--sim", "icarus", "--json", "out.json"]


def generate(network: object) -> list[object]:
    return ["generate", network, "--lanes", 3, "-o", "build"]


def named(bad: dict[str, BadFile]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bad", [pytest.param(b, id=name) for name, b in bad.items()])


@named(bad_files.FLOAT)
def test_float_network(bad: BadFile, call: Call, files: Files, tmp_path: Path) -> None:
    path = spoilt(files, "net.npz", bad, tmp_path)
    refuse(call(*quantize(files, network=path)), f"{path}: ", *bad.says)


@named(bad_files.QUANTIZED)
def test_quantized_network(bad: BadFile, call: Call, files: Files, tmp_path: Path) -> None:
    path = spoilt(files, "net.q.npz", bad, tmp_path)
    for line in (generate(path), simulate(files, network=path), ["cycles", path, "--lanes", 3]):
        refuse(call(*line), f"{path}: ", *bad.says)


@named(bad_files.SAMPLES)
def test_samples(bad: BadFile, call: Call, files: Files, tmp_path: Path) -> None:
    path = spoilt(files, "samples.npz", bad, tmp_path)
    refuse(call(*quantize(files, samples=path)), f"{path}: ", *bad.says)
    refuse(call(*simulate(files, samples=path)), f"{path}: ", *bad.says)


def test_networks_of_the_other_kind(call: Call, files: Files) -> None:
    says = "kind is 'litelstm {} network', expected litelstm {} network"
    done = call(*quantize(files, network=files.network))
    refuse(done, f"{files.network}: ", says.format("quantized", "float"))
    for line in (generate(files.floats), simulate(files, network=files.floats)):
        refuse(call(*line), f"{files.floats}: ", says.format("float", "quantized"))


@pytest.mark.parametrize("lanes", [0, -1, 5])
def test_lanes(lanes: int, call: Call, files: Files) -> None:
    for line in (generate(files.network), simulate(files), ["cycles", files.network]):
        done = call(*line, "--lanes", lanes)
        refuse(done, f"--lanes is {lanes}, expected 1 to 4")


@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
def test_directions_that_no_core_runs(
    direction: str, call: Call, files: Files, tmp_path: Path
) -> None:
    """The golden model does: such a network is quantized, but not made into a core."""
    layer = Network.load(files.floats).layers[0]
    backward = layer.weights if direction == "bidirectional" else None
    directed = Network(layers=(replace(layer, direction=direction, backward=backward),))
    floats, path = tmp_path / "net.npz", tmp_path / "net.q.npz"
    directed.save(floats)
    assert call("quantize", floats, "--calibrate", files.samples, "-o", path).status == 0
    for line in (generate(path), simulate(files, network=path), ["cycles", path, "--lanes", 3]):
        refuse(call(*line), f"layer0 is {direction}, expected forward: a core runs the steps in")


@pytest.mark.parametrize(
    ("command", "options", "says"), bad_options.OPTIONS, ids=lambda value: str(value)
)
def test_options(command: str, options: str, says: Sequence[str], call: Call, files: Files) -> None:
    lines = {
        "quantize": quantize(files),
        "simulate": simulate(files),
        "generate": generate(files.network),
        "cycles": ["cycles", files.network, "--lanes", 3],
        "compare": ["compare"],
        "samples": ["samples", "-o", "made.npz"],
        "synth": ["synth", files.network, "--target", "ecp5-25f"],
        "train": ["train", "--task", "digits", "-o", "trained.npz"],
        "build": ["build", files.network, "--board", "ulx3s-85f", "-o", "build"],
        "host": ["host", files.network, "--port", "loop://", "--samples", files.samples],
        "regress": ["regress"],
        "run": ["run", "program.py", "--core", "core.json"],
        "pack": ["pack", files.network, "--for", "out.json", "-o", "image.bin"],
        "import": ["import", "out.npz"],
    }
    refuse(call(*lines[command], *options.split()), *says)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("simulte", ("No such command", "simulte")),
        ("quantize", ("Missing argument", "NETWORK")),
        ("simulate net.npz", ("Missing option", "--samples")),
        ("generate net.npz", ("Missing option", "--output")),
        ("--verbose", ("--verbose",)),
    ],
)
def test_commands(line: str, says: Sequence[str], call: Call) -> None:
    refuse(call(*line.split()), *says)


UNWRITABLE = ("/proc/{}", "file/{}", "file/deep/{}")
"""Places where not even root can write, the last two below a regular file."""


@pytest.mark.parametrize("place", UNWRITABLE)
def test_outputs_that_cannot_be_written(
    place: str, call: Call, files: Files, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / place.format("out")
    refuse(call("generate", files.network, "--lanes", 3, "-o", target), f"{target}: cannot be")
    refuse(call(*quantize(files), "-o", target), f"{target}: cannot be written")
    refuse(call(*quantize(files), "--json", target), f"{target}: cannot be written")
    refuse(call(*simulate(files), "--json", target), f"{target}: cannot be written")
    refuse(call(*simulate(files), "--logs", target), f"{target}: cannot be")
    waves = f"{target}.fst"
    refuse(call(*simulate(files), "--waves", waves), f"{waves}: cannot be written")
    refuse(call("demo", "-o", target), f"{target}: cannot be")


def test_outputs_in_the_wrong_place(call: Call, files: Files, tmp_path: Path) -> None:
    (tmp_path / "a.vcd").mkdir()
    refuse(call(*quantize(files), "-o", "absent/out.npz"), "absent/out.npz: cannot be written")
    refuse(call(*quantize(files), "-o", tmp_path), f"{tmp_path}: cannot be written", "directory")
    refuse(call(*simulate(files), "--waves", tmp_path / "a.vcd"), "a.vcd: cannot be written")
    refuse(call(*simulate(files), "--json", tmp_path), f"{tmp_path}: cannot be written")
    refuse(call("generate", files.network, "--lanes", 3, "-o", "out.npz"), "out.npz: cannot be")
    assert list((tmp_path / "a.vcd").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "tool"),
    [("--sim icarus", "iverilog"), ("--sim verilator", "g++"), ("--sim verilator --batch", "g++")],
)
def test_missing_simulator(
    options: str, tool: str, call: Call, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: "")
    done = call(*simulate(files), *options.split())
    refuse(done, f"{tool} is missing: ")
    if "--batch" not in options:
        refuse(call("demo", "-o", "build"), "iverilog is missing")


def test_missing_packages(call: Call, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == "cocotb" else 1)
    says = "cocotb is missing: pip install '.[sim]' in a checkout of litelstm"
    refuse(call(*simulate(files)), says)
    refuse(call("demo", "-o", "build"), says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--compiled 0", ("--compiled", "0 is not 1 to 5000")),
        ("--compiled 5001", ("--compiled", "5001 is not 1 to 5000")),
        ("--icarus 0", ("--icarus", "0 is not 1 to 5000")),
        ("--verilator 6 --icarus 1 --compiled 5", ("--verilator", "6 is not 1 to 5")),
        ("--verilator -1", ("--verilator", "-1 is not 1 to 5000")),
    ],
)
def test_demo_counts(options: str, says: Sequence[str], call: Call) -> None:
    refuse(call("demo", "-o", "build", *options.split()), *says)
