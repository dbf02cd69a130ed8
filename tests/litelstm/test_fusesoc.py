"""The generated ``.core`` file in FuseSoC itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.tools import toolchain
from tests.litelstm.conftest import Call, Files

pytestmark = pytest.mark.simulator


@pytest.fixture
def cores(request: pytest.FixtureRequest, files: Files, call: Call, tmp_path: Path) -> Path:
    """A folder with a generated core and its test bench."""
    folder = tmp_path / "cores"
    options = ["--lanes", 2, "--name", "tiny", "--testbench"]
    options += getattr(request, "param", [])
    done = call("generate", files.network, *options, "-o", folder)
    assert done.status == 0, done.err
    return folder


def fusesoc(cores: Path, *arguments: str, fails: bool = False) -> str:
    """Output of FuseSoC in an empty home, so that it sees this core only."""
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", str(cores), "run"]
    done = subprocess.run(
        [*command, *arguments, "litelstm::tiny"],
        cwd=cores.parent,
        env={**os.environ, "HOME": str(cores.parent), "PATH": toolchain.search_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("cores", [[], ["--memory-files"]], indirect=True)
def test_the_target_sim_proves_the_core(cores: Path) -> None:
    assert "\nPASS: " in fusesoc(cores, "--target", "sim")
    core = cores / "tiny.v"
    text = core.read_text()
    core.write_text(text.replace("_q0 <= product0;", "_q0 <= ~product0;"))
    assert core.read_text() != text
    assert "\nFAIL\n" in fusesoc(cores, "--target", "sim", "--clean", fails=True)


@pytest.mark.parametrize("target", [[], ["--target", "lint"]], ids=["default", "lint"])
def test_other_targets_lint_the_core(cores: Path, target: list[str]) -> None:
    fusesoc(cores, *target)
    core = cores / "tiny.v"
    core.write_text(core.read_text().replace("\nendmodule", "\n  wire w = 2'h0;\nendmodule", 1))
    assert "%Warning-WIDTHTRUNC" in fusesoc(cores, *target, "--clean", fails=True)


@pytest.mark.parametrize("cores", [["--memory-files"]], indirect=True)
def test_the_lint_takes_memory_files(cores: Path) -> None:
    assert "\n  initial $readmemh" in (cores / "tiny.v").read_text()
    fusesoc(cores)


def test_without_a_bench_there_is_no_target_that_runs_it(files: Files, call: Call) -> None:
    folder = files.network.parent / "plain"
    assert call("generate", files.network, "--lanes", 2, "-o", folder).status == 0
    text = (folder / "litelstm_core.core").read_text()
    assert "  lint:\n" in text
    assert "sim:" not in text
    assert not (folder / "litelstm_core" / "tb.v").exists()
