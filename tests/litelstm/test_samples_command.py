"""``litelstm samples``: files that the other commands read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from litelstm.tasks import TASKS
from tests.litelstm.commands import refuse
from tests.litelstm.conftest import Call


def test_what_a_package_ships(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "digits.npz"
    done = call("samples", "--task", "digits", "-o", path)
    assert done.status == 0, done.err
    assert "1438 training and 359 test samples of 8 steps x 8: 0 178, 1 182" in done.out
    again = TASKS["digits"].load(path)
    shipped = TASKS["digits"].load(None)
    for name in ("x_train", "y_train", "x_test", "y_test"):
        assert np.array_equal(getattr(again, name), getattr(shipped, name))


@pytest.mark.parametrize("name", TASKS)
def test_made_up_samples(name: str, call: Call, tmp_path: Path) -> None:
    task, path = TASKS[name], tmp_path / "made.npz"
    assert call("samples", "--task", name, "--random", 30, "-o", path).status == 0
    x = np.load(path)["x"]
    assert x.shape == (30, task.steps, task.inputs)
    low, high = task.span
    assert low <= x.min() < low + 0.05 * (high - low)
    assert high - 0.05 * (high - low) < x.max() <= high
    first = path.read_bytes()
    assert call("samples", "--task", name, "--random", 30, "--seed", 1, "-o", path).status == 0
    assert path.read_bytes() != first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--task", "chess"), "'--task': 'chess' is not one of 'mnist', 'iot'"),
        (("--task", "iot"), "task iot needs --data: an .npz, or a CSV of flows"),
        (("--task", "iot", "--random", "0"), "0 is not in the range x>=1"),
        (("--task", "iot", "--random", "1", "--data", "x"), "needs no --data"),
        (("--task", "digits", "-o", "no/x.npz"), "no/x.npz: cannot be written"),
    ],
)
def test_bad_input(
    arguments: tuple[str, ...], message: str, capsys: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refuse(capsys, "samples", "-o", "x.npz", *arguments)
    assert not list(tmp_path.iterdir())
