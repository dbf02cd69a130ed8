"""bench.paper_tables: rows from runs, networks that are not trained twice, the paper's figures."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import paper_runs, paper_tables
from bench.paper_figures import CELLS, TABLES
from golden.errors import InputError
from litelstm.architectures import Architecture
from litelstm.tasks import TASKS
from litelstm.torch.training import Trainer

pytestmark = pytest.mark.frameworks


@pytest.fixture
def args(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """The short setting, of two epochs, on a tiny stand-in for the IoT data."""
    rng = np.random.default_rng(0)
    parts: dict[str, Any] = {}
    for part, count in (("train", 90), ("test", 40)):
        parts |= {f"x_{part}": rng.random((count, 3, 4)), f"y_{part}": np.arange(count) % 2}
    np.savez(tmp_path / "iotid20.npz", **parts)
    monkeypatch.setattr(paper_tables, "SHORT_SEEN", 180)
    keep = tmp_path / "keep"
    keep.mkdir()
    return argparse.Namespace(
        data_dir=tmp_path, short=True, cells=["lstm", "rnn"], seeds=3, keep=keep, jobs=1
    )


def test_a_table_of_two_cells(args: argparse.Namespace) -> None:
    data, recipes = paper_tables.plan("iot", args)
    runs = [paper_runs.run(TASKS["iot"], data, cell, recipes[0], args.keep) for cell in args.cells]
    assert [run.macs for run in runs] == [4 * 16 * (4 + 16), 16 * (4 + 16)]
    floats = Architecture(cell="lstm", inputs=4, units=16, head=2).floats()
    assert runs[0].parameters == floats.parameters
    with paper_tables.out.capture() as capture:
        paper_tables.show("iot", args)
    printed = capture.get()
    rows = [line.strip("|").split("|") for line in printed.splitlines() if line.startswith("|")]
    rows = [[value.strip() for value in row] for row in rows]
    floats, integers, paper = rows[2:5]
    assert [floats[0], *floats[3:6]] == ["lstm", "1.00", "floats", f"{runs[0].floats.accuracy:.2%}"]
    assert integers[4:6] == ["integers", f"{runs[0].integers.accuracy:.2%}"]
    assert paper[3:] == ["1.00", "paper", "99.50%", "94.22%", "94.84%", "95.97%"]
    assert rows[7][3:5] == ["0.49", "paper"]
    assert "SHORT SETTING" in printed
    assert "90 training and 40 test samples, at most 2 epochs, seed 1" in printed
    assert paper_tables.EXPERIMENTS["iot"].differs in printed
    assert "the paper's Table 3: minutes of training rnn 20.26, " in printed
    assert "the paper prints 91.34 and 95.97" in printed


def test_the_papers_figures_agree_but_for_what_a_note_says() -> None:
    """F1 follows from precision and recall, times of Table 5 from those of Table 4."""
    assert [table.number for table in TABLES.values()] == [2, 3, 4, 5]
    wrong: list[tuple[int, str]] = []
    for table in TABLES.values():
        for cell, row in table.cells.items():
            if row.precision and row.recall and row.f1:
                f1 = 2 * row.precision * row.recall / (row.precision + row.recall)
                wrong += [(table.number, cell)] if abs(f1 - row.f1) > 0.02 else []
    assert wrong == [(3, "gru"), (3, "lstm")]
    times = {
        cell: TABLES["emotion"].cells[cell].minutes / TABLES["intrusion"].cells[cell].minutes
        for cell in CELLS
    }
    assert {cell for cell, ratio in times.items() if abs(ratio - 4) > 1e-9} == {"rnn"}
    ratios = [round(table.time_ratio("litelstm"), 2) for table in TABLES.values()]
    assert ratios == [0.71, 0.69, 0.58, 0.58]


def test_the_papers_parameters_fit_a_layer_of_100_units_on_pixels() -> None:
    pair = 100 * (1 + 100 + 1)
    pairs = [
        (row.parameters - (782 * 100 * 10 + 10)) / pair
        for row in TABLES["mnist"].cells.values()
        if row.parameters
    ]
    assert pairs == [1, 3, 4, 5, 3]


def test_what_is_trained_is_kept(args: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    data, (recipe,) = paper_tables.plan("iot", args)
    first = paper_runs.run(TASKS["iot"], data, "rnn", recipe, args.keep)
    kept = sorted(path.name for path in args.keep.iterdir())
    assert [re.sub("-[0-9a-f]{8}", "", name) for name in kept] == [
        "iot-rnn-seed1.json",
        "iot-rnn-seed1.npz",
    ]
    monkeypatch.setattr(Trainer, "_run_epoch", pytest.fail)
    assert paper_runs.run(TASKS["iot"], data, "rnn", recipe, args.keep) == first
    monkeypatch.undo()
    paper_runs.run(TASKS["iot"], data, "rnn", replace(recipe, lr=1e-3), args.keep)
    paper_runs.run(TASKS["iot"], replace(data, x_train=data.x_train / 2), "rnn", recipe, args.keep)
    assert len(list(args.keep.iterdir())) == 6


def test_an_interrupted_run_goes_on(
    args: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data, (recipe,) = paper_tables.plan("iot", args)
    other = tmp_path / "other"
    other.mkdir()
    whole, _ = paper_runs.trained(TASKS["iot"], data, "rnn", recipe, other)
    epochs: list[int] = []
    run_epoch = Trainer._run_epoch

    def once(trainer: Trainer) -> Any:
        if len(epochs) == 1:
            epochs.append(-1)
            raise KeyboardInterrupt
        epochs.append(trainer.epoch)
        return run_epoch(trainer)

    monkeypatch.setattr(Trainer, "_run_epoch", once)
    with pytest.raises(KeyboardInterrupt):
        paper_runs.trained(TASKS["iot"], data, "rnn", recipe, args.keep)
    network, _ = paper_runs.trained(TASKS["iot"], data, "rnn", recipe, args.keep)
    assert epochs == [0, -1, 1]
    assert not list(args.keep.glob("*.checkpoint"))
    for name, weights in network.layers[0].weights.items():
        assert np.array_equal(weights, whole.layers[0].weights[name])


def test_a_damaged_record_is_refused(args: argparse.Namespace) -> None:
    data, (recipe,) = paper_tables.plan("iot", args)
    paper_runs.trained(TASKS["iot"], data, "rnn", recipe, args.keep)
    (record,) = args.keep.glob("*.json")
    record.write_text("{}")
    with pytest.raises(InputError, match=r"\.json: is no record of a run"):
        paper_runs.trained(TASKS["iot"], data, "rnn", recipe, args.keep)


def test_several_seeds_have_a_deviation() -> None:
    assert paper_tables.shown(mean=50, deviation=0, seeds=1) == "50.00%"
    assert paper_tables.shown(mean=60, deviation=10, seeds=2) == "60.00% ± 10.00"


def test_the_json_has_what_is_printed(
    args: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    line = f"paper_tables --data-dir {tmp_path} --short --tasks iot --cells rnn lstm"
    path = tmp_path / "made.json"
    monkeypatch.setattr("sys.argv", f"{line} --keep {args.keep} --json {path}".split())
    with paper_tables.out.capture() as capture:
        paper_tables.main()
    cells = json.loads(path.read_text())["iot"]
    assert list(cells) == ["rnn", "lstm"]
    assert cells["lstm"]["time"] == 1
    for numbers in paper_tables.NUMBERS:
        for measure in paper_tables.MEASURES:
            assert f"{cells['rnn'][numbers][measure]['mean']:.2f}%" in capture.get()


def test_macs_count_diagonals() -> None:
    floats = Architecture(cell="plstm", inputs=3, units=5).floats()
    assert paper_runs.macs_per_step(floats) == 4 * 5 * (3 + 5) + 3 * 5
