"""The generated ``.core`` file in FuseSoC itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim import toolchain
from tests.litelstm.conftest import Call, Files


@pytest.fixture
def cores(files: Files, call: Call, tmp_path: Path) -> Path:
    """A folder with a generated core."""
    done = call("generate", files.network, "--lanes", 2, "-o", tmp_path / "cores", "--name", "tiny")
    assert done.status == 0, done.err
    return tmp_path / "cores"


def fusesoc(cores: Path, *arguments: str) -> str:
    """FuseSoC in an empty home, so that it sees this core only."""
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", str(cores), "run"]
    done = subprocess.run(
        [*command, *arguments, "litelstm::tiny"],
        cwd=cores.parent,
        env={**os.environ, "HOME": str(cores.parent), "PATH": toolchain.search_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_simulator_is_built_from_it(cores: Path) -> None:
    fusesoc(cores, "--target", "sim", "--setup", "--build")
    (built,) = (cores.parent / "build").glob("*/sim-icarus")
    assert any(path.is_file() and b"vvp" in path.read_bytes()[:200] for path in built.iterdir())


@pytest.mark.parametrize("target", ["default", "lint", "synth"])
def test_its_other_targets_are_set_up(cores: Path, target: str) -> None:
    tool = ["--tool", "icarus"] if target == "default" else []
    fusesoc(cores, "--target", target, *tool, "--setup")
    (described,) = (cores.parent / "build").glob(f"*/{target}-*/*.eda.yml")
    text = described.read_text()
    assert "toplevel: tiny" in text
    assert "tiny.v" in text
