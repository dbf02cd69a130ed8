"""Mutants of Python modules: which there are, and that tests kill them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.python_mutants import MODULES, mutants

ROOT = Path(__file__).parent.parent
MODULE = """\
def more(x: int) -> int:
    \"\"\"Words are not changed.\"\"\"
    return x + 1
"""
TEST = """\
from module import more
def test_more():
    assert more(1) > 1
"""
RUN = """\
from pathlib import Path
from bench.python_mutants import mutants, survivors
path = Path("module.py")
for survivor in survivors(path, ["test_module.py"], mutants(path, 9, 1)):
    print(survivor)
"""


def test_what_changes(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(MODULE)
    lines = {text.splitlines()[-1].strip() for text in mutants(path, 9, 1)}
    assert lines == {"return x - 1", "return x + 2"}
    assert len(mutants(path, 1, 1)) == 1


def test_modules_and_tests_are_there() -> None:
    for module, tests in MODULES.items():
        files = (module, *(test.split("::")[0] for test in tests))
        assert all((ROOT / name).is_file() for name in files), module


@pytest.mark.slow
def test_what_tests_do_not_see(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(MODULE)
    (tmp_path / "test_module.py").write_text(TEST)
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:."},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    changed = {line for line in done.stdout.splitlines() if line.startswith("+")}
    assert changed == {"+    return x + 2"}
