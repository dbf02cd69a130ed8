"""Pyright sees the name of a port that a component does not have."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

USER = ROOT / "hdl" / "array" / "mac_array.py"

WRONG = {"shadow.i_fill": "shadow.i_full", "lanes.place": "lanes.places", "self.sums": "self.sum"}
"""A port that the file uses, and a name that no component has."""


@pytest.mark.slow
def test_pyright_refuses_a_wrong_port_name(tmp_path: Path) -> None:
    right = USER.read_text()
    sources = {"right": right}
    for port, wrong in WRONG.items():
        sources[wrong], times = re.subn(rf"{re.escape(port)}\b", wrong, right)
        assert times == 1
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    checked = subprocess.run(
        ["pyright", "--outputjson", "--pythonpath", sys.executable, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = json.loads(checked.stdout)["generalDiagnostics"]
    found = [(Path(error["file"]).stem, error["message"].split('"')[1]) for error in errors]
    assert sorted(found) == sorted((wrong, wrong.split(".")[1]) for wrong in WRONG.values())
