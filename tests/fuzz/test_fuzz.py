"""Mutants of good files, and files made to do harm, in front of every reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import corpus, plain
from tests.fuzz.readers import READERS

FILES = 50
"""Mutants of each reader's files; `python -m tests.fuzz` runs any number."""

FEW = 8
"""Mutants of PyTorch's programs: where they load, PyTorch runs them and writes them as ONNX."""

LIBRARIES = {
    "h5py": ("keras", "h5"),
    "onnx": ("onnx", "tflite"),
    "torch": ("pt", "safetensors"),
    "programs": ("pt2",),
}
"""Readers that import large libraries; each library has a process of its own."""

ALONE = [name for names in LIBRARIES.values() for name in names]
GROUPS = {"small": tuple(name for name in READERS if name not in ALONE), **LIBRARIES}

_SCRIPT = """
import itertools, sys
from pathlib import Path
from tests.fuzz import plain
files, folder, names = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
for name in names:
    guard = plain.warmed_up(name, folder)
    for number, data in enumerate(itertools.islice(plain.mutants(name, 1), files)):
        if problem := plain.run(name, data, guard, folder):
            sys.exit(f"{name}: file {number}: {problem}")
"""

_HARM = """
import sys
from pathlib import Path
from tests.fuzz import plain
from tests.fuzz.hostile import HOSTILE
from tests.fuzz.readers import READERS
folder = Path(sys.argv[1])
for name, (reader, make) in HOSTILE.items():
    guard = plain.warmed_up(reader, folder)
    make(path := folder / f"hostile{READERS[reader].suffix}")
    refused = []
    def read(path):
        try:
            READERS[reader].read(path)
        except Exception as error:
            refused.append(error)
            raise
    problem = guard.problem(read, path)
    if problem or not refused:
        sys.exit(f"{name}: {problem or 'is not refused'}")
"""


def run(script: str, *arguments: str) -> None:
    """Run a script; the guard's hooks stay in its process."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.frameworks
@pytest.mark.parametrize("names", GROUPS.values(), ids=GROUPS)
def test_mutants_of_good_files(names: tuple[str, ...], tmp_path: Path) -> None:
    (folder := tmp_path / "inside").mkdir()
    files = FEW if names == LIBRARIES["programs"] else FILES
    run(_SCRIPT, str(files), str(folder), *names)


@pytest.mark.frameworks
def test_files_made_to_do_harm(tmp_path: Path) -> None:
    (folder := tmp_path / "inside").mkdir()
    run(_HARM, str(folder))
    assert not (tmp_path / "executed").exists()


@pytest.mark.slow
def test_good_files_are_read(tmp_path: Path) -> None:
    for name, reader in READERS.items():
        if name in ALONE:
            continue
        for data in corpus.make(name):
            path = tmp_path / f"file{reader.suffix}"
            path.write_bytes(data)
            reader.read(path)


@pytest.mark.slow
def test_a_reader_that_fails_is_told(tmp_path: Path) -> None:
    """The guard sees other exceptions, messages of several lines, and files elsewhere."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret").write_text("x")
    script = f"""
from pathlib import Path
from golden.errors import InputError
from tests.fuzz.guard import Guard
folder = Path({str(tmp_path)!r}) / "inside"
guard = Guard(folder)
def lines(path): raise InputError("a\\nb")
def wrong(path): raise KeyError("a")
def reads(path): (folder.parent / "secret").read_text()
def writes(path): (folder.parent / "made").write_text("x")
def starts(path): __import__("subprocess").run(["true"])
def good(path): raise InputError("a")
for read in (lines, wrong, reads, writes, starts):
    assert guard.problem(read, folder), read
assert not guard.problem(good, folder)
"""
    run(script)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_mutants_are_the_same_for_a_seed() -> None:
    one, two, other = (plain.mutants("samples", seed) for seed in (1, 1, 2))
    first = [next(one) for _ in range(20)]
    assert first == [next(two) for _ in range(20)]
    assert first != [next(other) for _ in range(20)]
