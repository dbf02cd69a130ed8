"""Data sheet of the unit dispatch: units in order, spaced as their products need, with room."""

from __future__ import annotations

from typing import Any

import pytest

from golden.cells import GRU
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.update.unit_dispatch import UnitDispatch
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

UNITS, LANES = 5, 3
ROWS = [
    {"job": 0, "row": 0, "units": 2, "begin": 1, "last": 0},
    {"job": 0, "row": 1, "units": 1, "begin": 0, "last": 1},
]
"""Units 0 to 2 and 3 to 4 of one layer."""


def make(tail: int, **recipe: Any) -> UnitDispatch:
    network = quantized_network(Recipe(inputs=2, units=(UNITS,), outputs=None, **recipe), 1)
    options = CoreOptions(lanes=LANES, tail_multipliers=tail)
    return UnitDispatch(plan=Plan(network=network, options=options))


async def watch(
    ctx: Any, dispatch: UnitDispatch, rows: list[dict[str, int]], *, cycles: int, given: Any = ()
) -> list[tuple[int, Any]]:
    """Put a row in each cycle from the first on; returns when units entered."""
    found = []
    for cycle in range(cycles):
        ctx.set(dispatch.row_done, cycle < len(rows))
        ctx.set(dispatch.row, rows[min(cycle, len(rows) - 1)])
        ctx.set(dispatch.given, cycle in given)
        _, _, unit, alive, in_flight = await ctx.tick().sample(
            dispatch.unit, dispatch.alive, dispatch.in_flight
        )
        assert alive & 1 == unit.valid
        assert in_flight or not alive
        if unit.valid:
            found.append((cycle, unit))
    return found


@pytest.mark.parametrize("cells", ["lstm", "gru"])
@pytest.mark.parametrize("tail", [1, 2, 4])
def test_units_of_a_job(tail: int, cells: str) -> None:
    """The first enters ``LATENCY`` cycles after its row, the others every ``interval`` cycles."""
    dispatch = make(tail, **({"cells": (GRU(),)} if cells == "gru" else {}))
    cost, banks = dispatch.plan.update_cost, dispatch.plan.array.banks

    async def bench(ctx: Any) -> None:
        found = await watch(
            ctx, dispatch, ROWS, cycles=UnitDispatch.LATENCY + 12 * cost.interval + cost.depth
        )
        assert [unit.index for _, unit in found] == list(range(UNITS))
        lanes = [0, 1, 2, 0, 1]
        assert [(unit.bank, unit.group) for _, unit in found] == [
            (lane % banks, lane // banks) for lane in lanes
        ]
        assert [unit.begin for _, unit in found] == [1, 0, 0, 0, 0]
        assert [unit.ends_job for _, unit in found] == [0, 0, 0, 1, 1]
        assert [unit.last for _, unit in found] == [0, 0, 0, 0, 1]
        assert [unit.row for _, unit in found] == [0, 0, 0, 1, 1]
        taken = -(-LANES // banks) * banks * cost.interval  # of the first row
        second = max(taken, UnitDispatch.ROW_SPACING)
        starts = [0, cost.interval, 2 * cost.interval, second, second + cost.interval]
        assert [cycle - UnitDispatch.LATENCY for cycle, _ in found] == starts
        assert not ctx.get(dispatch.in_flight)

    run(dispatch, bench)


def test_a_row_that_emits_waits_for_room() -> None:
    """Only as many units enter as there are places; ``ROOM`` cycles after the words left, more."""
    dispatch = make(4)
    places = dispatch.plan.sizes.output_places
    rows = [row | {"emit": 1} for row in ROWS] * 3
    assert places == 8

    async def bench(ctx: Any) -> None:
        given = range(100, 100 + 3 * UNITS)
        found = await watch(ctx, dispatch, rows, cycles=200, given=given)
        before = [unit for cycle, unit in found if cycle < 100]
        assert len(before) == 8  # 3 + 2 + 3
        after = [cycle for cycle, _ in found if cycle >= 100]
        assert after[0] == 102 + UnitDispatch.ROOM  # two words have left: two units fit
        assert len(found) == 3 * UNITS

    run(dispatch, bench)


def test_rows_that_emit_nothing_need_no_room() -> None:
    dispatch = make(4)

    async def bench(ctx: Any) -> None:
        found = await watch(ctx, dispatch, ROWS * 3, cycles=200)
        assert len(found) == 3 * UNITS

    run(dispatch, bench)
