"""bench.cases: right, wrong and refused files of a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cases import main
from tests.litelstm.importers.shipped import shipped

pytestmark = pytest.mark.frameworks


def add(folder: Path, name: str, *, off: float = 0) -> None:
    """Copy a shipped file, with results that differ by ``off`` from the framework's."""
    case = shipped(name)
    shutil.copy(case.path, folder)
    if case.description:
        shutil.copy(case.description, folder)
    np.savez(folder / f"{case.path.stem}.expected.npz", x=case.x, y=case.y + off)


def test_each_file_has_its_difference_or_the_reason(tmp_path: Path) -> None:
    add(tmp_path, "torch_lstm.onnx")
    add(tmp_path, "torch_gru.safetensors")
    add(tmp_path, "torch_rnn.pt")
    (tmp_path / "torch_rnn.json").unlink()
    done = CliRunner().invoke(main, [str(tmp_path)])
    gru, lstm, rnn = done.output.splitlines()
    assert done.exit_code == 0
    for line in (gru, lstm):
        assert float(line.split()[-1]) < 1e-5
    assert rnn.split()[:2] == ["torch_rnn.pt", "refused:"]


def test_a_wrong_result_gives_status_1(tmp_path: Path) -> None:
    add(tmp_path, "torch_lstm.onnx", off=1e-4)
    done = CliRunner().invoke(main, [str(tmp_path)])
    assert done.exit_code == 1
    assert done.output.split()[-1] == "1e-04"
