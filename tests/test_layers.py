"""Imports go one way: the contracts in pyproject.toml hold, and planted faults break them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FAULTS = {
    "a cycle for type checking between files of a folder": (
        "hdl/timing/reservations.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import hdl.timing.update_cost\n",
        "No cycles are allowed in hdl.timing.",
    ),
    "a cycle between folders": (
        "litelstm/driver/host.py",
        "import litelstm.commands\n",
        "No cycles are allowed in litelstm.",
    ),
    "hdl imports sim": (
        "hdl/core.py",
        "import sim.streams\n",
        "hdl is not allowed to import sim",
    ),
    "a layout imports gates": (
        "hdl/layout/ports.py",
        "import hdl.store.operand_store\n",
        "hdl.layout is not allowed to import hdl.store",
    ),
    "a folder without a layer": (
        "hdl/attic/__init__.py",
        "",
        "attic",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the linter as `make lint` does."""
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_go_one_way() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(tmp_path: Path, fault: str) -> None:
    file, text, message = FAULTS[fault]
    for name in ("golden", "hdl", "sim", "litelstm"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / file
    planted.parent.mkdir(exist_ok=True)
    planted.write_text((planted.read_text() if planted.exists() else "") + "\n" + text)
    done = lint(tmp_path)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr, done.stdout + done.stderr
