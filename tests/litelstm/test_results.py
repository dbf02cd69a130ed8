"""Results that are not right, and commands that were interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import golden.files
import golden.store
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from sim.core_job.job import CoreJob
from sim.tools.cache import cache_root
from tests.litelstm.conftest import SAMPLES, Call, Files
from tests.litelstm.test_cli import BENCHES, SCRIPT, WORDS
from tests.sim.answers import changed

pytestmark = pytest.mark.simulator


def expected_words(files: Files) -> np.ndarray:
    network = QuantizedNetwork.load(files.network)
    with np.load(files.samples) as samples:
        return IntegerModel(network).forward(network.quantize_input(samples["x"]))


class WrongModel(IntegerModel):
    """A golden model with three wrong words, the first of them the third sample's second."""

    def forward(self, x: Any) -> Any:
        words = super().forward(x)
        words[2, 1] += 1
        words[4] += 1
        return words


@pytest.mark.parametrize("bench", BENCHES)
def test_words_that_differ(
    bench: str, call: Call, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("litelstm.samples.IntegerModel", WrongModel)
    line = ("simulate", files.network, "--samples", files.samples, "--lanes", 3)
    done = call(*line, *BENCHES[bench], "--json", tmp_path / "result.json")
    right = expected_words(files)
    place = f"sequence 2, word 1: expected {right[2, 1] + 1}, got {right[2, 1]}"
    assert done.status == 1
    assert f"{SAMPLES} samples, {WORDS} output words compared, 3 differ\n{place}\n" in done.out
    assert "Traceback" not in done.err
    told = json.loads((tmp_path / "result.json").read_text())
    assert (told["compared"], told["mismatched"]) == (WORDS, 3)
    assert told["first_mismatch"] == place


@pytest.mark.parametrize("bench", ["icarus", "compiled bench"])
def test_cycles_that_differ(
    bench: str, call: Call, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = CoreJob.make

    def later(*arguments: Any, **options: Any) -> CoreJob:
        job = right(*arguments, **options)
        return changed(job, taken=job.taken + 1)

    monkeypatch.setattr("sim.samples.CoreJob.make", later)
    line = ("simulate", files.network, "--samples", files.samples, "--lanes", 3)
    done = call(*line, *BENCHES[bench])
    assert done.status == 1
    assert f"{WORDS} output words compared, 0 differ\noutput word 0 moved in cycle" in done.out
    assert "Traceback" not in done.err


def test_a_simulator_that_crashes(
    call: Call, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = ["sh", "-c", "echo the end; kill -SEGV $$"]
    monkeypatch.setattr("sim.cocotb_bench.runner.run_command", lambda *_, **__: crash)
    line = ("simulate", files.network, "--samples", files.samples, "--lanes", 3)
    done = call(*line, "--sim", "icarus", "--json", tmp_path / "result.json")
    assert done.status == 1
    assert "simulator ended with signal SIGSEGV" in done.err
    assert "the end" in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def interrupted_write(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Ctrl-C in the middle of writing the file number ``after``."""
    right, written = os.fdopen, 0

    class Half:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __enter__(self) -> Half:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def write(self, data: Any) -> int:
            self._file.write(bytes(data)[: len(data) // 2])
            raise KeyboardInterrupt

    def fdopen(*arguments: Any, **options: Any) -> Any:
        nonlocal written
        file = right(*arguments, **options)
        written += 1
        return Half(file) if written > after else file

    monkeypatch.setattr(golden.files.os, "fdopen", fdopen)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("older", [True, False])
def test_interrupted_while_writing(
    after: int,
    older: bool,
    call: Call,
    files: Files,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither of two files that belong together is replaced alone."""
    if older:
        for name in ("litelstm_core.v", "litelstm_core.json"):
            (tmp_path / name).write_text("older")
    interrupted_write(monkeypatch, after)
    done = call("generate", files.network, "--lanes", 3, "-o", tmp_path)
    assert (done.status, done.out) == (130, "")
    assert done.err.endswith("litelstm: interrupted\n")
    assert "Traceback" not in done.err
    left = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert left == ({"litelstm_core.v": "older", "litelstm_core.json": "older"} if older else {})


def test_quantize_interrupted_while_writing(
    call: Call, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "net.q.npz"
    output.write_text("older")
    interrupted_write(monkeypatch, 0)
    done = call("quantize", files.floats, "--calibrate", files.samples, "-o", output)
    assert done.status == 130
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("net.q.npz", "older")
    ]


def interrupt(
    line: list[object],
    folder: Path,
    working: Callable[[], object],
    *,
    variables: dict[str, str],
    by: signal.Signals = signal.SIGINT,
) -> None:
    """Start a command, signal to it when it is at work, and see that it ends as it should."""
    process = subprocess.Popen(
        [str(SCRIPT), *map(str, line)],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 120
        while not working() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process.poll() is None, process.communicate()
        assert working()
        process.send_signal(by)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    assert err.endswith("litelstm: interrupted\n")
    assert "Traceback" not in err


def still_run(word: str) -> list[str]:
    """Programs in whose environment there is a word, a moment after they were killed."""
    deadline = time.monotonic() + 5
    while (found := _programs(word)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _programs(word: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if word.encode() in path.read_bytes():
                found.append(path.with_name("cmdline").read_text())
        except OSError:  # somebody else's, or it just ended
            continue
    return found


@pytest.mark.parametrize(
    ("simulator", "options", "by"),
    [
        ("icarus", "--waves core.vcd", signal.SIGINT),
        ("verilator", "--jobs 2", signal.SIGTERM),
    ],
)
def test_interrupted_simulation(
    simulator: str, options: str, by: signal.Signals, files: Files, tmp_path: Path
) -> None:
    """The simulators end too, and neither waves nor results are replaced."""
    with np.load(files.samples) as samples:
        np.savez(tmp_path / "many.npz", x=np.tile(samples["x"], (200, 1, 1)))
    work, logs, mark = tmp_path / "work", tmp_path / "logs", tmp_path.name
    work.mkdir()
    for name in ("result.json", "core.vcd"):
        (work / name).write_text("older")
    line = ["simulate", files.network, "--samples", tmp_path / "many.npz", "--lanes", 3]
    line += ["--sim", simulator, "--json", "result.json", "--logs", logs, *options.split()]
    jobs = 2 if "jobs" in options else 1

    def working() -> bool:
        begun = [
            log
            for log in logs.glob("*.log")
            if "running sim.cocotb_bench.core_tests" in log.read_text()
        ]
        return len(begun) == jobs

    interrupt(line, work, working, by=by, variables={"MARK": mark})
    assert still_run(mark) == []
    left = {path.name: path.read_text() for path in work.iterdir()}
    assert left == {"result.json": "older", "core.vcd": "older"}


def test_interrupted_build(files: Files, tmp_path: Path) -> None:
    """Half a build is not taken for a whole one by the next run."""
    work, cache = tmp_path / "work", tmp_path / "cache"
    work.mkdir()
    cache.mkdir()
    (cache / "runtime").symlink_to(cache_root() / "runtime")  # the same for every build
    line = ["simulate", files.network, "--samples", files.samples, "--lanes", 3, "--batch"]
    variables = {"LITELSTM_CACHE": str(cache)}
    interrupt(line, work, lambda: list(cache.glob("library/*/build.log")), variables=variables)
    assert still_run(str(cache)) == []
    assert list(cache.glob("library/*/.finished")) == []
    done = subprocess.run(
        [str(SCRIPT), *map(str, line)],
        cwd=work,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{WORDS} output words compared, 0 differ" in done.stdout
    assert list(work.iterdir()) == []
