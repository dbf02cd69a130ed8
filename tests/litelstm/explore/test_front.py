"""The front, and the order in which its points are synthesized."""

from __future__ import annotations

from litelstm.explore.front import better, front, order
from litelstm.explore.study import OBJECTIVES


def values(**given: float) -> dict[str, float]:
    return {**dict.fromkeys(OBJECTIVES, 1.0), **given}


def test_the_front_has_what_nothing_beats() -> None:
    points = {
        "good": values(accuracy=0.9, luts=100),
        "small": values(accuracy=0.8, luts=50),
        "beaten": values(accuracy=0.8, luts=60),
        "again": values(accuracy=0.9, luts=100),
        "fast": values(accuracy=0.7, luts=100, rate=2),
    }
    assert front(list(points), list(points.values())) == ["good", "small", "fast"]
    assert front([], []) == []


def test_the_best_of_each_objective_come_first() -> None:
    found = [
        values(accuracy=0.9, luts=100),
        values(accuracy=0.5, luts=10),
        values(accuracy=0.85, luts=30),
        values(accuracy=0.6, luts=60),
    ]
    assert order(found) == [2, 0, 1, 3]  # best overall, most accurate, smallest, the rest
    assert order([]) == []


def test_what_is_better_in_every_objective() -> None:
    every = {"accuracy": 2, "rate": 2, "luts": 0, "multipliers": 0, "rams": 0, "nj": 0}
    found = {1: every, 2: values(), 3: values(luts=0.5), 4: {**every, "luts": 2}}
    assert better(found, values()) == ([1], [3])
    assert better({}, values()) == ([], [])
