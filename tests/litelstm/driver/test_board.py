"""A board needs two folders, NumPy, and Python 3.8 or newer.

Real old Pythons, each with the newest NumPy that it takes, or the one that is said:

    python -m tests.litelstm.driver.test_board python3.8:1.21.6 python3.8 python3.9 python3.10
"""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.litelstm.driver.cores import CASES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
FOLDERS = ("golden", "litelstm")
PROGRAM = Path(__file__).with_name("board_program.py")

OLDEST = "3.8"
STEPS = 3

RUN = """
import collections.abc, runpy, sys
sys.path[:0] = sys.argv[1].split(":")
import numpy, numpy.typing
# As in Python 3.8, where none of them can be subscripted.
for name in collections.abc.__all__:
    cls = getattr(collections.abc, name)
    if "__class_getitem__" in vars(cls):
        del cls.__class_getitem__
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
for name, module in sorted(sys.modules.items()):
    if name.split(".")[0] in ("golden", "litelstm"):
        print(module.__file__)
"""
"""Runs a program with some folders, the standard library and nothing else (``python -I -S``)."""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is copied to a board, the cases, and NumPy alone of all packages."""
    folder = tmp_path_factory.mktemp("board")
    copy(folder)
    (folder / "packages").mkdir()
    installed = Path(np.__file__).parents[1]
    for name in ("numpy", "numpy.libs"):
        (folder / "packages" / name).symlink_to(installed / name)
    return folder


def copy(folder: Path) -> None:
    """The two folders, the program and its cases, with results of the golden model here."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROGRAM, folder)
    for name, case in CASES.items():
        made = folder / "cases" / name
        made.mkdir(parents=True)
        (made / "core.json").write_text(json.dumps(case.json))
        case.network.save(made / "network.npz")
        if case.storage.loadable:
            (made / "image.bin").write_bytes(case.image)
        x = case.sequence(STEPS, 1)
        np.save(made / "x.npy", x)
        np.save(made / "y.npy", case.result(x))


def run_board(folder: Path) -> list[str]:
    """The lines that the program prints, and behind them the files that it imported."""
    paths = f"{folder}:{folder / 'packages'}"
    command = [sys.executable, "-I", "-S", "-c", RUN, paths, folder / PROGRAM.name]
    done = subprocess.run(
        [*command, folder / "cases"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_two_folders_and_numpy(board: Path) -> None:
    """The program runs with nothing else of this project, or of any other, in reach."""
    said, *files = run_board(board)
    assert said.endswith(f"NumPy {np.__version__}: {len(CASES)} cores, all is well")
    assert all(Path(file).is_relative_to(board) for file in files)


def test_the_quantizer_is_not_needed(board: Path) -> None:
    """A board imports the part of golden that runs a network, and the link."""
    _, *files = run_board(board)
    names = {Path(file).stem for file in files}
    assert names >= {"model", "quantized", "formats", "frames"}
    assert not names & {"quantize", "calibration", "search", "scales", "losses", "settings"}


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder in which mypy keeps what it knows of the library, for all tests here."""
    return tmp_path_factory.mktemp("types")


def differences(files: list[Path], types: Path) -> list[str]:
    """Errors that mypy finds for the oldest Python, and none of that kind there for this one."""
    found: list[dict[tuple[str, str], str]] = []
    for version in (OLDEST, f"{sys.version_info.major}.{sys.version_info.minor}"):
        command = [sys.executable, "-m", "mypy", "--python-version", version]
        command += ["--config-file=", "--cache-dir", str(types), "--follow-imports", "skip"]
        done = subprocess.run(
            [*command, *map(str, files)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        lines = done.stdout.splitlines()
        assert lines[-1].startswith(("Success: ", "Found ")), done.stdout + done.stderr
        # By place and kind: each version has its own names for types.
        errors = re.finditer(r"^(.+:\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
        found.append({(error[1], error[2]): error[0] for error in errors})
    oldest, now = found
    return [line for place, line in oldest.items() if place not in now]


def test_nothing_is_newer_than_the_oldest_python(board: Path, types: Path) -> None:
    """Syntax and library of all files that a board imports."""
    _, *files = run_board(board)
    ours = [ROOT / Path(file).relative_to(board) for file in files]
    assert differences(ours, types) == []


MATCH = {"match": "match 1:\n    case _:\n        pass\n"}
WITH = {"with": "with (open('a') as a, open('b') as b):\n    pass\n"}
LIBRARY = {
    "kw_only": "import dataclasses\n@dataclasses.dataclass(kw_only=True)\nclass A:\n    a: int\n",
    "union": "isinstance(1, int | str)\n",
    "alias": "Words = list[int]\n",
    "annotation": "def f(x: int | None) -> None: ...\n",
    "strict": "zip([1], [2], strict=True)\n",
    "dict": "{1: 2} | {3: 4}\n",
    "method": "'abc'.removeprefix('a')\n",
    "function": "import math\nmath.lcm(1, 2)\n",
    "name": "from typing import Self\n",
    "module": "import tomllib\n",
    "class": "from enum import StrEnum\n",
}


@pytest.mark.parametrize("newer", [MATCH, WITH, LIBRARY], ids=["match", "with", "library"])
def test_what_is_newer_is_found(newer: dict[str, str], types: Path, tmp_path: Path) -> None:
    for name, text in newer.items():
        (tmp_path / f"{name}.py").write_text(text)
    found = differences(sorted(tmp_path.iterdir()), types)
    assert {Path(line.partition(":")[0]).stem for line in found} == set(newer)


def test_dataclasses_of_older_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take keywords only, fields in any order, defaults, and run __post_init__."""
    monkeypatch.setattr(sys, "version_info", (3, 8))
    dataclass = runpy.run_path(str(ROOT / "golden" / "dataclass.py"))["dataclass"]

    @dataclass(frozen=True, kw_only=True)
    class Point:
        x: int = 1
        y: int

        def __post_init__(self) -> None:
            assert self.y >= 0

    @dataclass(frozen=True, kw_only=True)
    class Named(Point):
        name: str

    assert Point(y=2) == Point(x=1, y=2) != Point(x=2, y=2)
    assert repr(Named(name="a", y=3)).endswith("Named(x=1, y=3, name='a')")
    for wrong in ({}, {"y": 1, "z": 2}):
        with pytest.raises(TypeError, match="Point"):
            Point(**wrong)
    with pytest.raises(AssertionError):
        Point(y=-1)
    with pytest.raises(AttributeError):
        Point(y=1).x = 2


def main(pythons: list[str]) -> None:
    """Run the program under each of some Pythons, in an environment with NumPy alone."""
    with tempfile.TemporaryDirectory() as name:
        copy(Path(name))
        for number, one in enumerate(pythons):
            python, _, numpy = one.partition(":")
            made = Path(name) / str(number)
            subprocess.run([python, "-m", "venv", made], check=True)
            pip = [made / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
            subprocess.run(
                [*pip, "install", "--quiet", f"numpy=={numpy}" if numpy else "numpy"], check=True
            )
            program = [made / "bin" / "python", PROGRAM.name, "cases"]
            subprocess.run(program, cwd=name, env={}, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
