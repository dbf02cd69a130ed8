"""The least distance of two operations on a sum, against all operations of a step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from hdl.spec.visits import revisit
from litelstm.architectures import Architecture

WORK: dict[str, tuple[dict[str, Any], int, int]] = {
    "a row of two gates": ({"cell": "litelstm", "units": 3}, 3, 1),
    "two rows": ({"cell": "rnn", "units": 5}, 3, 2),
    "the pass over c has fewer gates": ({"cell": "litelstm", "units": 9}, 3, 3),
    "four gates": ({"cell": "lstm", "units": 3}, 3, 4),
    "gates in passes of their own": ({"cell": "gru", "units": 9}, 3, 3),
    "logits in a row": ({"cell": "lstm", "units": 9, "head": 2}, 3, 1),
    "one column": ({"cell": "rnn", "inputs": 1, "units": 6}, 2, 3),
}
"""A network, lanes, and what is expected."""


def all_operations(plan: Plan) -> int:
    """Follow the operations of a step one by one."""
    least, now, visited = 1 << 30, 0, dict[tuple[int, int, int], int]()
    for single in plan.work.passes:
        for column in range(single.columns):
            for row in range(plan.work.rows_of(single)):
                for gate in single.gates:
                    place = single.layer, row, gate
                    if column or gate not in single.first:
                        least = min(least, now - visited[place])
                    visited[place] = now
                    now += 1
    return least


@pytest.mark.quick
@pytest.mark.parametrize("name", WORK)
def test_the_least_distance_is_that_of_the_operations(name: str) -> None:
    described, lanes, expected = WORK[name]
    network = Architecture(**{"inputs": 4, **described}).quantized()
    plan = Plan(network=network, options=CoreOptions(lanes=lanes))
    assert revisit(plan.work) == all_operations(plan) == expected
    assert plan.array.revisit == expected


def two_delta_steps(plan: Plan, lives: Sequence[int]) -> int:
    """Follow two steps in which passes of recurrent layers have so many columns; sums live on."""
    least, now, visited = 1 << 30, 0, dict[tuple[int, int, int], int]()
    columns = [
        n if plan.network.layers[single.layer].cell.state else single.columns
        for single, n in zip(plan.work.passes, lives, strict=True)
    ]
    for single, count in [*zip(plan.work.passes, columns, strict=True)] * 2:
        dense = not plan.network.layers[single.layer].cell.state
        for column in range(min(count, single.columns)):
            for row, gate in product(range(plan.work.rows_of(single)), single.gates):
                place = single.layer, row, gate
                begins = dense and column == 0 and gate in single.first
                if place in visited and not begins:
                    least = min(least, now - visited[place])
                visited[place] = now
                now += 1
    return least


@pytest.mark.quick
@pytest.mark.parametrize("name", WORK)
def test_sums_of_a_delta_core_live_on(name: str) -> None:
    described, lanes, _ = WORK[name]
    network = Architecture(**{"inputs": 4, **described}).quantized()
    plan = Plan(network=network, options=CoreOptions(lanes=lanes, delta=True))
    every = product((1, 2), repeat=len(plan.work.passes))
    assert plan.array.revisit <= min(two_delta_steps(plan, lives) for lives in every)


@pytest.mark.quick
def test_loaded_networks_may_come_back_at_once() -> None:
    network = Architecture(cell="lstm", inputs=4, units=6).quantized()
    options = CoreOptions(lanes=3, storage=Storage(weights="ram"))
    plan = Plan(network=network, options=options)
    assert (plan.array.revisit, plan.array.forwards) == (1, [1, 2])
