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
from tests.litelstm import bad_files
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


OPTIONS: list[tuple[str, str, Sequence[str]]] = [
    ("simulate", "--sim modelsim", ("'--sim': 'modelsim' is not one of 'icarus', 'verilator'.",)),
    ("simulate", "--count 0", ("--count is 0, expected 1 to 6",)),
    ("simulate", "--count 7", ("--count is 7, expected 1 to 6",)),
    ("simulate", "--count many", ("--count", "'many'", "integer")),
    ("simulate", "--jobs 0", ("--jobs", "0 is not 1 or more")),
    ("simulate", "--stall", ("--stall", "needs --batch")),
    ("simulate", "--batch", ("--batch", "icarus", "needs verilator")),
    ("simulate", "--sim verilator --batch --waves out.vcd", ("--waves", "--batch")),
    ("simulate", "--waves out.vcd --jobs 2", ("--waves", "--jobs 1")),
    ("simulate", "--waves out.ghw", ("--waves", "out.ghw", ".fst or .vcd")),
    ("simulate", "--cycles", ("--cycles",)),
    ("simulate", "more", ("more",)),
    ("quantize", "--count 7", ("--count is 7, expected 1 to 6",)),
    ("quantize", "--weight-bits 1", ("--weight-bits is 1, expected 2 to 18 bits",)),
    ("quantize", "--activation-bits 19", ("--activation-bits is 19, expected 2 to 18 bits",)),
    ("quantize", "--input-bits 1", ("--input-bits is 1, expected 2 to 18 bits",)),
    ("quantize", "--gate-bits 17", ("--gate-bits is 17, expected 2 to 16 bits",)),
    ("quantize", "--auto --max-drop -1", ("--max-drop is -1.0, expected 0 to 100",)),
    ("quantize", "--auto --max-drop nan", ("--max-drop is nan, expected 0 to 100",)),
    (
        "quantize",
        "--auto --max-drop 0",
        ("--max-drop is 0, expected", "an interpolated tanh table"),
    ),
    ("quantize", "--auto --weight-bits 6", ("--weight-bits is what --auto searches",)),
    ("quantize", "--auto --tanh-range 8", ("--tanh-range is what --auto searches",)),
    ("quantize", "--max-drop 1", ("--max-drop needs --auto",)),
    ("quantize", "--state-bits 19", ("--state-bits is 19, expected 2 to 18 bits",)),
    ("quantize", "--pre-bits 4", ("--pre-bits is 4, expected 5 to 18 bits",)),
    ("quantize", "--logit-bits 33", ("--logit-bits is 33, expected 2 to 32 bits",)),
    ("quantize", "--method best", ("'--method': 'best' is not one of 'mse', 'max'.",)),
    ("quantize", "--tanh-entries 100", ("--tanh-entries is 100, expected 4, 8, 16, 32,",)),
    ("quantize", "--tanh-entries 32768", ("--tanh-entries is 32768", "8192 or 16384")),
    ("quantize", "--tanh-range 0", ("--tanh-range is 0, expected 4, 8, 16 or 32",)),
    ("quantize", "--tanh-range 2", ("--tanh-range is 2, expected 4, 8, 16 or 32",)),
    ("generate", "--name 9core", ("--name is '9core'", "expected a Verilog identifier")),
    ("generate", "--name", ("--name", "requires an argument")),
    ("generate", "--lanes 1.5", ("--lanes", "'1.5'", "integer")),
    ("generate", "--tail-multipliers -1", ("--tail-multipliers is -1, expected 0 or more",)),
    ("generate", "--streams 0", ("--streams is 0, expected 1 to 256",)),
    ("generate", "--sums rows", ("'--sums': 'rows' is not one of 'lanes', 'block'.",)),
    ("generate", "--axi --packing no", ("'--packing': 'no' is not one of 'extended', 'tight'.",)),
    ("generate", "--uart 0 --clock 1000", ("--uart is 0, expected a rate that 1000 Hz",)),
    ("cycles", "--steps 0", ("--steps", "0 is not 1 or more")),
    ("cycles", "--state kept", ("'--state': 'kept' is not one of 'clear', 'keep', 'load'.",)),
    ("cycles", "--storage flash", ("'--storage': 'flash' is not one of 'rom', 'ram', 'double'.",)),
    ("compare", "--weight-bits 1", ("--weight-bits is 1, expected 2 to 18 bits",)),
    ("compare", "--units 8 --lanes 9", ("--lanes is 9, expected 1 to 8",)),
    ("compare", "--sigmoid soft", ("'--sigmoid': 'soft' is not one of 'hard', 'logistic'.",)),
    ("compare", "--target none", ("'--target': 'none' is not one of 'ecp5-25f', ",)),
    ("samples", "--task none", ("'--task': 'none' is not one of 'mnist', ",)),
    ("samples", "--task iot --random 0", ("--random is 0, expected 1 or more",)),
    ("samples", "--task iot --random 1 --seed -1", ("--seed is -1, expected 0 or more",)),
    ("synth", "--lanes 0", ("--lanes is 0, expected 1 to 4",)),
    ("synth", "--target none", ("'--target': 'none' is not one of 'ecp5-25f', ",)),
    ("train", "--task none", ("'--task': 'none' is not one of 'mnist', ",)),
    ("train", "--qat net.npz --weight-bits 1", ("--weight-bits is 1, expected 2 to 18 bits",)),
    ("train", "--qat net.npz --state-bits 1", ("--state-bits is 1, expected 2 to 18 bits",)),
    ("regress", "--cases 0", ("--cases", "0 is not 1 or more")),
]


@pytest.mark.parametrize(("command", "options", "says"), OPTIONS, ids=lambda value: str(value))
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
        "regress": ["regress"],
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
