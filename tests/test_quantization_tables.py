"""bench.quantization_tables: every table on small stand-ins for the data sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import quantization_tables as bench
from bench.quantization_tables import Place, Small
from litelstm.data.dataset import Dataset
from litelstm.torch.training import Trainer

pytestmark = pytest.mark.frameworks

FAST = {"lr": 2e-2, "batch": 16}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A tiny stand-in for the IoT data, in which the mean decides; and a few quick networks."""
    rng = np.random.default_rng(0)
    parts: dict[str, Any] = {}
    for part, count in (("train", 300), ("test", 60)):
        y = np.arange(count) % 2
        parts |= {f"x_{part}": rng.random((count, 3, 4)) * (1 + y[:, None, None]) / 2}
        parts |= {f"y_{part}": y}
    np.savez(tmp_path / "iotid20.npz", **parts)
    monkeypatch.setattr(bench, "CALIBRATED", 60)
    monkeypatch.setattr(bench, "UNSEEN", 100)
    monkeypatch.setattr(bench, "MAX_DROP", 20)
    monkeypatch.setattr(bench, "SEEDS", (1,))
    monkeypatch.setattr(bench, "FAST", FAST)
    small = Small(task="iot", cell="lstm", units=4, samples=200, epochs=6)
    monkeypatch.setattr(bench, "SMALL", (small, replace(small, cell="rnn")))
    monkeypatch.setattr(bench, "ROUNDED", (("iot", "lstm"),))
    monkeypatch.setattr(bench, "WIDTHS", (8, 2))
    monkeypatch.setattr(bench, "TANH", ("iot",))
    recipe = {**bench.TASKS["iot"].recipe, **FAST, "epochs": 6}
    monkeypatch.setitem(bench.TASKS, "iot", replace(bench.TASKS["iot"], recipe=recipe))
    return Place(data=tmp_path, keep=tmp_path, quick=False)


def test_a_search_is_judged_on_samples_that_nothing_has_seen(place: Place) -> None:
    """The test part is too small, so all samples are split."""
    whole = place.dataset("iot")
    data, x, y = bench._split(whole, 200)
    assert (len(data.x_train), len(x), len(y)) == (200, 160, 160)
    assert len(np.unique(np.concatenate([data.x_train, x]), axis=0)) == 360
    assert np.mean(x[y == 1]) > np.mean(x[y == 0])


def test_where_test_samples_suffice_they_are_the_others(place: Place) -> None:
    whole = place.dataset("iot")
    turned = Dataset(
        x_train=whole.x_test,
        y_train=whole.y_test,
        x_test=whole.x_train,
        y_test=whole.y_train,
        classes=whole.classes,
    )
    data, x, _ = bench._split(turned, 50)
    assert {row.tobytes() for row in x} <= {row.tobytes() for row in turned.x_test}
    assert {row.tobytes() for row in data.x_train} <= {row.tobytes() for row in turned.x_train}


def test_a_promise_in_numbers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    *rows, mean, worst = bench.promise(place)
    assert [row["network"] for row in rows] == ["iot lstm 4", "iot rnn 4"]
    for key in ("drop", "changed", "promised", "cost"):
        assert mean[key] == pytest.approx((rows[0][key] + rows[1][key]) / 2)
        assert worst[key] == max(rows[0][key], rows[1][key])
    assert all(row["drop"] <= row["changed"] for row in rows)
    noise = 5  # standard deviation of a share of 100 samples, in percent
    assert all(row["changed"] <= row["promised"] + noise for row in rows)
    monkeypatch.setattr(Trainer, "_run_epoch", pytest.fail)  # kept networks are not trained again
    again = bench.promise(replace(place, quick=True))
    assert again[0] | {"seconds": 0} == rows[0] | {"seconds": 0}


def test_the_other_tables(place: Place) -> None:
    eight, two = bench.rounding(place)
    assert (eight["network"], eight["W"], two["W"]) == ("iot lstm", 8, 2)
    assert two["nearest_db"] < two["compensated_db"] < eight["nearest_db"]
    assert eight["nearest_db"] == eight["compensated_db"]
    floats, nearest, interpolated = bench.tanh(place)
    assert floats.keys() == {"task", "numbers", "held", "test"}
    assert nearest["db"] < interpolated["db"] + 3
    printed = bench.shown([floats, nearest])
    assert [column.header for column in printed.columns] == [
        "task",
        "numbers",
        "held",
        "test",
        "db",
        "changed",
    ]
