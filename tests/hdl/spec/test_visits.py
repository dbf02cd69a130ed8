"""The least distance of two operations on a sum, against all operations of a step."""

from __future__ import annotations

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


@pytest.mark.quick
def test_loaded_networks_may_come_back_at_once() -> None:
    network = Architecture(cell="lstm", inputs=4, units=6).quantized()
    options = CoreOptions(lanes=3, storage=Storage(weights="ram"))
    plan = Plan(network=network, options=options)
    assert (plan.array.revisit, plan.array.forwards) == (1, [1, 2])
