"""Measured points are judged again: by their own figures, and by the limits of each run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from litelstm.explore import finalists
from litelstm.explore.evaluate import Request, Samples
from litelstm.explore.finalists import Finalists, Measured
from litelstm.explore.limits import Limits
from litelstm.explore.space import Space
from litelstm.explore.study import USUAL, Point
from litelstm.fpga.targets import TARGETS

PART = TARGETS["ecp5-25f"]
SAMPLES = Samples(x=np.zeros(1), y=np.zeros(1))
GOOD = {"accuracy": 0.9, "rate": 5e3, "luts": 1000, "multipliers": 4, "rams": 3, "nj": 10}


class Source:
    """A source whose floats are right in 95 of 100 samples."""

    test = SAMPLES

    def reference(self, samples: Samples) -> float:
        assert samples is SAMPLES
        return 0.95

    def integers(self, choice: Any) -> None:
        return None


def point(number: int, **values: float) -> Point:
    choice = Space(target=PART, shaped=False).usual(None)
    return Point(
        number=number, choice=choice, values={**GOOD, **values}, used={}, cycles=9, fits=True
    )


def limits(**given: Any) -> Limits:
    return Limits(target=PART, **{"max_drop": 10, "min_rate": 0, "max_luts": None, **given})


def test_limits_that_a_measured_core_breaks_are_named() -> None:
    assert limits(max_drop=5).broken(GOOD, 0.95) == ""
    told = limits(max_drop=4).broken(GOOD, 0.95)
    assert told == "loses 5.00 points, --max-drop is 4"
    told = limits(min_rate=6000, max_luts=900).broken(GOOD, 0.95)
    assert told == "5,000 inferences per second, --min-rate is 6,000; 1,000 LUTs, --max-luts is 900"
    assert limits(min_rate=5000, max_luts=1000).broken(GOOD, 0.95) == ""


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the points that are measured; each takes 100 LUTs more than the one before."""
    numbers: list[int] = []

    def measure(request: Request) -> Measured:
        numbers.append(len(numbers))
        values = {**GOOD, "luts": 1000 + 100 * len(numbers)}
        return Measured(values=values, used={}, mhz=50, range_nj=(1, 2))

    monkeypatch.setattr(finalists, "measure", measure)
    monkeypatch.setattr(
        finalists, "work_through", lambda work, tasks, **_: [(task, work(task)) for task in tasks]
    )
    return numbers


def run(folder: Path, points: list[Point], count: int, **given: Any) -> dict[int, str]:
    """Measure; return the problem of each."""
    made = Finalists(folder, Source(), limits(**given), {})  # type: ignore[arg-type]
    found = made.run(points, count, lambda done: None)
    return {number: one.problem for number, one in found.items()}


def test_the_usual_core_comes_first_and_does_not_count(tmp_path: Path, measured: list[int]) -> None:
    points = [point(4, luts=100), point(3, luts=200), point(USUAL, luts=900)]
    assert list(run(tmp_path, points, 1)) == [USUAL, 4]
    assert run(tmp_path, points, 0) == {}


def test_a_core_that_breaks_a_limit_makes_room_for_the_next(
    tmp_path: Path, measured: list[int]
) -> None:
    points = [point(n, luts=100 * n) for n in (1, 2, 3)]
    found = run(tmp_path, points, 2)
    assert len(measured) == 2
    assert set(found.values()) == {""}
    again = run(tmp_path, points, 2, max_luts=1150)  # what is known is judged by new limits
    assert len(measured) == 3
    assert sum(text == "" for text in again.values()) == 1
    assert "1,200 LUTs, --max-luts is 1,150" in again.values()
