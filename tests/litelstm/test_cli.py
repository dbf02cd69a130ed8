"""Every command on a tiny network: what it says, what it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim.samples
from golden.formats import Format
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from hdl import cycles
from hdl.export import verilog_header
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm import commands
from sim.patterns import Stalls
from sim.samples import SampleRun, run_compiled
from tests.litelstm.conftest import SAMPLES, STEPS, Call, Files

SCRIPT = Path(sysconfig.get_path("scripts")) / "litelstm"
WORDS = SAMPLES * 2
BENCHES = {
    "icarus": ("--sim", "icarus"),
    "verilator": ("--sim", "verilator"),
    "compiled bench": ("--batch",),
}


def test_quantize(call: Call, files: Files, tmp_path: Path) -> None:
    output, report = tmp_path / "net.q.npz", tmp_path / "report.json"
    done = call(
        "quantize", files.floats, "--calibrate", files.samples, "-o", output, "--json", report
    )
    assert done.status == 0
    assert str(output) in done.out
    assert output.read_bytes() == files.network.read_bytes()
    with np.load(files.samples) as samples:
        expected, losses = quantize(Network.load(files.floats), samples["x"])
    assert "layer0.W_fx" in done.out
    assert "What hurts most" in done.out
    assert f"{expected.accumulator_width}-bit accumulators" in done.out
    document = json.loads(report.read_text())
    assert document.keys() == {"tensors", "ranking", "cost"}
    every = len(document["ranking"])
    assert f"{min(10, every)} of {every} tensors" in " ".join(done.out.split())
    rows = document["tensors"]
    assert [row["name"] for row in rows] == [loss.name for loss in losses.tensors]
    assert rows[0].keys() == {"name", "format", "sqnr_db", "saturated", "max_error"}
    assert rows[0]["sqnr_db"] == losses.tensors[0].sqnr_db
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.q.npz", "report.json"]


def test_quantize_obeys_its_options(call: Call, files: Files, tmp_path: Path) -> None:
    output = tmp_path / "net.q.npz"
    widths = (
        "--weight-bits 5 --activation-bits 6 --state-bits 9 --input-bits 7 --gate-bits 8 "
        "--pre-bits 11 --logit-bits 13"
    )
    table = "--tanh-entries 64 --tanh-range 8 --interpolate"
    calibrate = f"--calibrate {files.samples} --count 2 --method max"
    line = f"quantize {files.floats} {calibrate} {widths} {table} -o {output}"
    assert call(*line.split()).status == 0
    network = QuantizedNetwork.load(output)
    formats = network.layers[0].formats
    assert formats.pre
    assert formats.c
    assert formats.weight_width == 5
    assert (formats.x.width, formats.h.width, formats.pre.width) == (7, 6, 11)
    assert formats.c.width == 9
    assert network.out.width == 13
    assert formats.gate == network.tanh.out == Format(width=10, frac=8)
    assert (network.tanh.entries, network.tanh.log2_range) == (64, 3)
    assert network.tanh.interpolate


@pytest.mark.slow
def test_generate(call: Call, files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "build"
    done = call("generate", files.network, "--lanes", 2, "-o", folder)
    assert done.status == 0
    source, description = folder / "litelstm_core.v", folder / "litelstm_core.json"
    waivers = folder / "litelstm_core.vlt"
    assert sorted(folder.iterdir()) == [folder / "litelstm_core.core", description, source, waivers]
    assert waivers.read_text() == verilog_header.waivers("litelstm_core.v")
    assert str(source) in done.out
    assert str(description) in done.out
    told = json.loads(description.read_text())
    plan = Plan(network=QuantizedNetwork.load(files.network), options=CoreOptions(lanes=2))
    steady = cycles.steady_state(plan)
    assert told["lanes"] == 2
    assert told["timing"]["cycles_per_step"] == steady.cycles_per_step
    assert f"{steady.cycles_per_step} cycles per step" in done.out
    assert told["accumulator"]["width"] == plan.sizes.accumulator_width
    assert {"versions", "ports", "layers", "input", "output", "name"} <= told.keys()
    text = source.read_text()
    assert f"\n// Network    {files.network.name.removesuffix('.npz')}, fingerprint " in text
    for port in told["ports"]:
        span = rf"\[{port['width'] - 1}:0\] " if port["width"] > 1 else ""
        assert f"  {port['direction']} {span}{port['name']};".replace("\\", "") in text


@pytest.mark.slow
def test_generated_files_are_the_same_from_run_to_run(
    call: Call, files: Files, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders[:2]:
        assert (
            call("generate", files.network, "--lanes", 3, "-o", folder, "--name", "n").status == 0
        )
    subprocess.run(
        [SCRIPT, "generate", files.network, "--lanes", "3", "-o", "three", "--name", "n"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        check=True,
        capture_output=True,
    )
    for name in ("n.v", "n.json"):
        one, two, three = ((folder / name).read_bytes() for folder in folders)
        assert one == two == three
        for path in (tmp_path, files.folder, Path.cwd(), Path.home(), Path(__file__).parents[2]):
            assert f"{path}/".encode() not in one
        assert b".py" not in one
        assert b"/tmp" not in one
    assert b"module n(" in (folders[0] / "n.v").read_bytes()


@pytest.mark.slow
def test_generate_replaces_older_files(call: Call, files: Files, tmp_path: Path) -> None:
    for lanes in (1, 4):
        assert call("generate", files.network, "--lanes", lanes, "-o", tmp_path).status == 0
        assert json.loads((tmp_path / "litelstm_core.json").read_text())["lanes"] == lanes
    assert len(list(tmp_path.iterdir())) == 4


def test_cycles(call: Call, files: Files) -> None:
    plan = Plan(network=QuantizedNetwork.load(files.network), options=CoreOptions(lanes=2))
    expected = cycles.count(plan, [5]).outputs
    done = call("cycles", files.network, "--lanes", 2, "--steps", 5, "--json", "-")
    assert done.status == 0
    told = json.loads(done.out)
    assert (told["lanes"], told["steps"]) == (2, 5)
    assert (told["first_output"], told["last_output"]) == (expected[0], expected[-1])
    assert told["cycles_per_step"] == cycles.steady_state(plan).cycles_per_step
    text = call("cycles", files.network, "--lanes", 2, "--steps", 5)
    assert f"after {expected[0]} cycles" in text.out
    assert f"last after {expected[-1]}" in text.out


@pytest.mark.simulator
@pytest.mark.parametrize("bench", BENCHES)
def test_simulate(bench: str, call: Call, files: Files, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    line = ("simulate", files.network, "--samples", files.samples, "--lanes", 3)
    done = call(*line, *BENCHES[bench], "--json", result)
    assert done.status == 0
    assert f"{bench}: {SAMPLES} samples, {WORDS} output words compared, 0 differ" in done.out
    told = json.loads(result.read_text())
    assert (told["bench"], told["lanes"], told["samples"]) == (bench, 3, SAMPLES)
    assert (told["compared"], told["mismatched"]) == (WORDS, 0)
    assert (told["first_mismatch"], told["wrong_cycle"]) == ("", "")
    plan = Plan(network=QuantizedNetwork.load(files.network), options=CoreOptions(lanes=3))
    outputs = cycles.count(plan, [STEPS] * SAMPLES).outputs
    assert told["cycles"] == outputs[-1] + 1
    assert told["cycles_per_step"] == (outputs[-1] - outputs[1]) / (STEPS * (SAMPLES - 1))
    assert told["cycles_per_second"] == pytest.approx(told["cycles"] / told["seconds"])
    assert told["accuracy"]["rtl"] == told["accuracy"]["golden"]
    assert f"golden {told['accuracy']['golden']:.2%}" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


ALL_OPTIONS = ("--streams", 2, "--every-step", "--classes"), SAMPLES * STEPS


@pytest.mark.simulator
@pytest.mark.parametrize(
    ("bench", "options", "words"),
    [
        ("icarus", ("--streams", 4), WORDS),
        ("compiled bench", ("--every-step",), WORDS * STEPS),
        ("verilator", ("--classes",), SAMPLES),
        *((bench, *ALL_OPTIONS) for bench in BENCHES),
    ],
    ids=str,
)
def test_simulate_any_interface(
    bench: str, options: tuple[str], words: int, call: Call, files: Files, tmp_path: Path
) -> None:
    result = tmp_path / "result.json"
    line = ("simulate", files.network, "--samples", files.samples, "--lanes", 3)
    plain = call(*line, *BENCHES["compiled bench"])
    done = call(*line, *BENCHES[bench], *options, "--json", result)
    assert done.status == 0
    told = json.loads(result.read_text())
    assert (told["compared"], told["mismatched"], told["wrong_cycle"]) == (words, 0, "")
    assert f"golden {told['accuracy']['golden']:.2%}" in plain.out
    assert told["accuracy"]["rtl"] == told["accuracy"]["golden"]


def test_generate_and_cycles_of_any_interface(call: Call, files: Files, tmp_path: Path) -> None:
    options = ("--lanes", 2, "--streams", 3, "--state", "load", "--every-step", "--classes")
    assert call("generate", files.network, *options, "-o", tmp_path).status == 0
    told = json.loads((tmp_path / "litelstm_core.json").read_text())
    interface = {"streams": 3, "state": "load", "every_step": True, "classes": True}
    assert told["interface"] == interface
    counted = json.loads(call("cycles", files.network, *options, "--json", "-").out)
    assert counted["cycles_per_step"] == told["timing"]["cycles_per_step"]
    for option, value, message in (
        ("--streams", 0, "--streams is 0, expected 1 to 256"),
        (
            *("--state", "kept"),
            "Invalid value for '--state': 'kept' is not one of 'clear', 'keep', 'load'. "
            "Did you mean 'keep'?",
        ),
    ):
        for command in (("generate", files.network, "-o", tmp_path), ("cycles", files.network)):
            done = call(*command, "--lanes", 2, option, value)
            assert (done.status, done.err) == (2, f"litelstm: {message}\n")


@pytest.mark.simulator
def test_simulate_obeys_its_options(
    call: Call, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("simulate", files.network, "--samples", files.samples, "--lanes", 3)
    logs = tmp_path / "logs"
    few = call(*line, "--sim", "icarus", "--count", 3, "--jobs", 2, "--seed", 5, "--logs", logs)
    assert few.status == 0
    assert "3 samples, 6 output words compared, 0 differ" in few.out
    assert {path.name for path in logs.iterdir()} == {
        f"icarus{job}.{kind}" for job in (0, 1) for kind in ("log", "xml")
    }
    for log in logs.glob("*.log"):
        assert "random module with 5" in log.read_text()

    seen: list[tuple[Stalls, int]] = []

    def spy(*arguments: Any, stalls: Stalls, seed: int, **options: Any) -> SampleRun:
        seen.append((stalls, seed))
        return run_compiled(*arguments, stalls=stalls, seed=seed, **options)

    monkeypatch.setattr(sim.samples, "run_compiled", spy)
    for options in ((), ("--stall", "--seed", 7)):
        assert call(*line, "--batch", *options).status == 0
    assert seen == [(Stalls(), 0), (Stalls.named("single", "single"), 7)]


@pytest.mark.simulator
def test_simulate_without_labels(call: Call, files: Files, tmp_path: Path) -> None:
    with np.load(files.samples) as samples:
        np.savez(tmp_path / "x.npz", x_test=samples["x"], x_train=samples["x"][:1])
    done = call("simulate", files.network, "--samples", tmp_path / "x.npz", "--lanes", 3, "--batch")
    assert done.status == 0
    assert f"{SAMPLES} samples" in done.out
    assert "accuracy" not in done.out


@pytest.mark.simulator
@pytest.mark.parametrize("kind", ["fst", "vcd"])
def test_waves_on_request(kind: str, call: Call, files: Files, tmp_path: Path) -> None:
    waves = tmp_path / f"core.{kind}"
    line = ("simulate", files.network, "--samples", files.samples, "--lanes", 3, "--count", 1)
    assert call(*line, "--sim", "icarus", "--waves", waves).status == 0
    content = waves.read_bytes()
    # FST begins with block type 0, its header, of 329 bytes; VCD is text.
    head = bytes([0, 0, 0, 0, 0, 0, 0, 1, 73]) if kind == "fst" else b"$date"
    assert content.startswith(head)
    assert kind == "fst" or b"o_data" in content
    assert list(tmp_path.iterdir()) == [waves]


@pytest.mark.parametrize("name", [command.name for command in commands.ALL])
def test_help(name: str, call: Call) -> None:
    for flag in ("--help", "-h"):
        done = call(name, flag)
        assert done.status == 0
        assert done.out.startswith(f"Usage: litelstm {name} [OPTIONS]")
    command = next(command for command in commands.ALL if command.name == name)
    for parameter in command.params:
        shown = parameter.opts[-1] if parameter.opts[-1].startswith("-") else parameter.name
        assert shown
        assert shown in done.out or shown.upper() in done.out


def test_help_of_all(call: Call) -> None:
    done = call("--help")
    assert done.status == 0
    for command in commands.ALL:
        assert f"  {command.name} " in done.out
    assert call().status == 2
    assert call("--version").out.startswith("litelstm, version ")


@pytest.mark.slow
def test_console_script(files: Files, tmp_path: Path) -> None:
    (tmp_path / "net [red].npz").write_bytes(files.network.read_bytes())
    done = subprocess.run(
        [SCRIPT, "generate", "net [red].npz", "--lanes", "4", "-o", "a [/b]"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "a [/b]/litelstm_core.v: 4 lanes" in done.stdout
    done = subprocess.run([SCRIPT, "cycles", "absent"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "litelstm: absent: cannot be read: No such file or directory\n"


def test_an_input_error_suggests_what_was_meant(
    files: Files, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.q.npz").write_bytes(files.network.read_bytes())
    for name in ("x.npy", "net.onnx"):
        Path(name).write_text("text")
    says = {
        "net.qq.npz": "No such file or directory. Did you mean 'net.q.npz'?",
        "else": "No such file or directory",
        "folder/net.npz": "No such file or directory",
        "x.npy": "numpy.savez('samples.npz', x=array) makes one",
        "net.onnx": "litelstm import makes one of it",
    }
    for name, end in says.items():
        assert call("cycles", name).err.endswith(f"{end}\n")
    assert call("cycles", files.floats).err.endswith(": litelstm quantize makes it\n")
