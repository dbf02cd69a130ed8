"""``litelstm prove`` on a small network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.litelstm.conftest import Call, Files

pytestmark = pytest.mark.proof


def test_every_claim_is_proved(call: Call, files: Files, tmp_path: Path) -> None:
    report = tmp_path / "proof.json"
    done = call("prove", files.network, "--lanes", 2, "--json", report)
    assert done.status == 0
    told = json.loads(report.read_text())
    assert "core: stands_still" in told["proved"]
    assert told["failed"] == told["undecided"] == []
    assert f"{len(told['proved'])} claims proved, 0 false, 0 undecided" in done.out
    assert "2 inputs for 3" in done.out
