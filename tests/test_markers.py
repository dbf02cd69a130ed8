"""The selection that ``make quick`` runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest

ROOT = Path(__file__).parents[1]


def test_whole_modules_are_left_out_before_they_are_imported(pytestconfig: pytest.Config) -> None:
    ignored = {}
    quick = pytest.Config.fromdictargs({"markexpr": "quick"}, [])
    for name in ("sim/test_core.py", "sim/test_formal.py", "litelstm/test_demo.py"):
        path = ROOT / "tests" / name
        ignored[name] = conftest.pytest_ignore_collect(path, quick)
        assert conftest.pytest_ignore_collect(path, pytestconfig) in (None, ignored[name])
    assert ignored == dict.fromkeys(ignored, True)
    assert conftest.pytest_ignore_collect(Path(__file__), quick) is None


@pytest.mark.slow
def test_a_simulator_in_a_quick_test_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        "import subprocess, pytest\n"
        "def test_unmarked(): subprocess.run(['iverilog', '-g2012', 'absent.v'])\n"
        "@pytest.mark.slow\n"
        "def test_left_out(): raise ValueError\n"
        "def test_version(): subprocess.run(['iverilog', '-V'], check=False)\n"
    )
    command = ("-m", "pytest", "-q", "-p", "tests.conftest", "-m", "quick", "test_one.py")
    options = ("-o", "addopts=", "-o", "markers=quick slow", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, *command, *options, "--rootdir", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"},
    )
    assert "iverilog runs: mark the test as simulator" in done.stdout
    assert "1 failed, 1 passed, 1 deselected" in done.stdout
