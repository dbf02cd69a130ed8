"""bench.paper_tables: rows from runs, and runs that are not done twice."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import paper_tables
from litelstm.architectures import Architecture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny stand-in for the IoT data."""
    rng = np.random.default_rng(0)
    parts: dict[str, Any] = {}
    for part, count in (("train", 90), ("test", 40)):
        parts |= {f"x_{part}": rng.random((count, 3, 4)), f"y_{part}": np.arange(count) % 2}
    np.savez(tmp_path / "iotid20.npz", **parts)
    return tmp_path


def test_a_table_of_two_cells(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = argparse.Namespace(
        data_dir=folder, short=True, cells=["lstm", "rnn"], seeds=3, results=folder / "runs.jsonl"
    )
    monkeypatch.setattr(paper_tables, "SHORT_EPOCHS", 1)
    runs = paper_tables.run_task("iot", args, [])
    assert [run["cell"] for run in runs] == ["lstm", "rnn"]
    assert [run["macs"] for run in runs] == [4 * 16 * (4 + 16), 16 * (4 + 16)]
    floats = Architecture(cell="lstm", inputs=4, units=16, head=2).floats()
    assert runs[0]["parameters"] == floats.parameters
    with paper_tables.out.capture() as capture:
        paper_tables.out.print(paper_tables.table("iot", runs))
    lines = capture.get().splitlines()
    (lstm,) = (line for line in lines if "lstm" in line)
    assert f"{runs[0]['float']['accuracy']:.2%} ± 0.00" in lstm
    assert "1.00" in lstm
    known = paper_tables.load_runs(args.results)
    assert known == runs
    monkeypatch.delattr(paper_tables, "run_once")  # nothing is run again
    assert paper_tables.run_task("iot", args, known) == runs


def test_macs_count_diagonals() -> None:
    floats = Architecture(cell="plstm", inputs=3, units=5).floats()
    assert paper_tables.macs_per_step(floats) == 4 * 5 * (3 + 5) + 3 * 5
