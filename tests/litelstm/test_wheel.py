"""The wheel: built as CI builds it, installed into a new environment, and used from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.litelstm.conftest import Files
from tools import release

pytestmark = pytest.mark.simulator

ROOT = Path(__file__).parents[2]
PACKAGES = ("golden", "hdl", "sim", "litelstm")
BESIDE = ("pyproject.toml", "README.md", "LICENSE")

Run = Callable[..., str]

TIME = 1_700_000_000
"""Time of all files in the archives, in seconds."""


def sources() -> set[str]:
    """All files of the packages, of any kind."""
    return {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def checked(command: list[object], folder: Path, **env: str) -> str:
    """Run a command that cannot see this checkout; returns its output."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**kept, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sdist and wheel; the wheel is built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    for name in BESIDE:
        shutil.copy(ROOT / name, source)
    release.packages(source, folder, time=TIME)
    return folder


@pytest.fixture(scope="module")
def run(dist: Path) -> Run:
    """Runs a program of a new environment that has the wheel; other packages are shared."""
    new = dist / "environment"
    checked([sys.executable, "-m", "venv", "--without-pip", new], dist)
    (wheel,) = dist.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", new]
    checked([*pip, "install", "--quiet", "--no-index", "--no-deps", wheel], dist)
    (site,) = new.glob("lib/python*/site-packages")
    # A folder that a .pth file names is searched, but its own .pth files are not followed: they
    # would lead to the checkout.
    (site / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    path = os.pathsep.join(
        [str(new / "bin"), sysconfig.get_path("scripts"), os.environ.get("PATH", "")]
    )
    folder = dist / "elsewhere"
    folder.mkdir()
    return lambda program, *arguments: checked(
        [new / "bin" / program, *arguments], folder, PATH=path
    )


def test_all_files_are_in_sdist_and_wheel(dist: Path) -> None:
    """Code and data of the packages, and nothing but the metadata beside them."""
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == sources()
    with tarfile.open(sdist) as archive:
        inner = {name.partition("/")[2] for name in archive.getnames()}
    assert inner >= sources() | set(BESIDE)


def test_a_second_build_has_the_same_bytes(dist: Path) -> None:
    """Other times, and another folder, change nothing."""
    for path in (moved := shutil.copytree(dist / "source", dist / "moved")).rglob("*"):
        os.utime(path, (TIME + 9, TIME + 9))
    shutil.rmtree(moved / "litelstm.egg-info", ignore_errors=True)
    for again in release.packages(moved, dist / "again", time=TIME):
        assert again.read_bytes() == (dist / again.name).read_bytes(), again.name


def test_the_project_comes_from_the_wheel(run: Run, dist: Path) -> None:
    names = ", ".join(PACKAGES)
    files = run("python", "-c", f"import {names}; print(*(m.__file__ for m in ({names})))").split()
    assert len(files) == len(PACKAGES)
    assert all(Path(file).is_relative_to(dist / "environment") for file in files)


def test_version(run: Run) -> None:
    assert run("litelstm", "--version") == "litelstm, version 0.1.0\n"


def test_generate_and_simulate(run: Run, files: Files, dist: Path) -> None:
    """A core with a bus, whose files come from data of three packages, and both benches."""
    run("litelstm", "generate", files.network, "--lanes", 2, "--axi", "-o", "core")
    made = {path.name for path in (dist / "elsewhere" / "core").iterdir()}
    assert made >= {"litelstm_core.v", "litelstm_core.json", "litelstm.c", "litelstm_registers.h"}
    simulate = ["simulate", files.network, "--lanes", 2, "--samples", files.samples]
    for bench in (["--sim", "icarus"], ["--batch"]):
        assert ", 0 differ" in run("litelstm", *simulate, *bench)
