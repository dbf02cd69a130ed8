"""Points that no other point beats, and which of them to synthesize."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from litelstm.explore.study import OBJECTIVES

Named = TypeVar("Named")


def front(points: Sequence[Named], values: Sequence[Mapping[str, float]]) -> list[Named]:
    """Return the points that no other beats in an objective without losing in another.

    Args:
        points: any objects.
        values: their objectives. Of points with equal ones, the first counts.
    """
    if not points:
        return []
    costs = _costs(values)
    kept = []
    for number, cost in enumerate(costs):
        no_worse, better = (costs <= cost).all(axis=1), (costs < cost).any(axis=1)
        equal_before = (costs[:number] == cost).all(axis=1).any()
        if not (no_worse & better).any() and not equal_before:
            kept.append(points[number])
    return kept


def better(
    values: Mapping[int, Mapping[str, float]], than: Mapping[str, float]
) -> tuple[list[int], list[int]]:
    """List what is better than a core in every objective, and what else is worse in none."""
    if not values:
        return [], []
    costs, (bar,) = _costs(list(values.values())), _costs([than])
    every, some = (costs < bar).all(axis=1), (costs <= bar).all(axis=1) & (costs < bar).any(axis=1)
    numbers = np.array(list(values))
    return numbers[every].tolist(), numbers[some & ~every].tolist()


def order(values: Sequence[Mapping[str, float]]) -> list[int]:
    """Order points for synthesis: by turns the best of each objective, then what is best overall.

    Overall, each objective counts by its place between the best and the worst of the points.
    """
    if not values:
        return []
    costs = _costs(values)
    span = np.ptp(costs, axis=0)
    scaled = (costs - costs.min(axis=0)) / np.where(span > 0, span, 1)
    overall = np.linalg.norm(scaled, axis=1)
    first = [int(np.lexsort((overall, column))[0]) for column in scaled.T]
    rest = [int(number) for number in np.argsort(overall, kind="stable")]
    return list(dict.fromkeys([rest[0], *first, *rest]))


def _costs(values: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    signs = [-1.0 if way == "maximize" else 1.0 for way in OBJECTIVES.values()]
    return np.array([[one[name] for name in OBJECTIVES] for one in values]) * signs
