"""Commands as the tests run them: through the same function as on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from litelstm.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """A command that must succeed; returns what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    captured = capsys.readouterr()
    assert ended.value.code == 0, captured.err
    return captured.out


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """A command that prints JSON."""
    return json.loads(run(capsys, *arguments, "--json", "-"))


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """A command that must refuse its input; returns the one line that it says."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    captured = capsys.readouterr()
    assert ended.value.code == 2
    lines = [line for line in captured.err.splitlines() if not line.endswith(" ...")]
    assert len(lines) == 1, captured.err
    assert not captured.out
    return lines[0].removeprefix("litelstm: ")
