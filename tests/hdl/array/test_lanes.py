"""Data sheet of the lanes: sums ``shape.total`` cycles after an operation, one per cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hdl.array.lanes import ArrayShape, Lanes
from hdl.parts.joint import Joint
from tests.hdl.simulate import run

LANES = 3


JOINTS = {
    "own": None,
    "two": Joint(count=2, operand_width=5, weight_width=4),
    "two, 1 bit overlaps": Joint(count=2, operand_width=5, weight_width=4, overlap=1),
    "two, 3 bits overlap": Joint(count=2, operand_width=5, weight_width=4, overlap=3),
    "three": Joint(count=3, operand_width=5, weight_width=4),
    "native": Joint(count=2, operand_width=5, weight_width=4, native=True),
}
"""Multipliers of one product, of two or of three."""


def shape(*, side_by_side: bool, joint: Joint | None = None, revisit: int = 1) -> ArrayShape:
    return ArrayShape(
        lanes=LANES,
        operand_width=5,
        weight_width=4,
        accumulator_width=14,
        rows=2,
        gates=3,
        side_by_side=side_by_side,
        joint=joint,
        revisit=revisit,
    )


@pytest.mark.parametrize(
    ("side_by_side", "joint", "revisit"),
    [
        (True, "own", 1),
        *((False, name, 1) for name in JOINTS),
        *((False, name, distance) for name in ("own", "three") for distance in (2, 3)),
    ],
)
def test_sums_of_random_operations(side_by_side: bool, joint: str, revisit: int) -> None:
    """Places repeat as soon as they may, and later; cycles without an operation change none."""
    shared, rng = JOINTS[joint], np.random.default_rng(2)
    lanes = Lanes(shape=shape(side_by_side=side_by_side, joint=shared, revisit=revisit))
    total = lanes.shape.total
    count = 400
    x, w = rng.integers(-16, 16, count), rng.integers(-8, 8, (count, LANES))
    x[:8], w[:8] = -16, -8
    if shared:
        w = np.maximum(w, shared.least)
    stored = shared.stored(w) if shared else w
    row, gate = rng.integers(0, 2, count), rng.integers(0, 3, count)
    row[::2], gate[::2] = row[1::2], gate[1::2]
    valid = rng.random(count) < 0.8
    visited: dict[tuple[int, int], int] = {}
    sums: dict[tuple[int, int], np.ndarray[Any, Any]] = {}
    expected: list[tuple[tuple[int, int], list[int]] | None] = []
    first = np.zeros(count, bool)
    for n in range(count):
        place = int(row[n]), int(gate[n])
        if not valid[n]:
            first[n] = True  # noise
            expected.append(None)
            continue
        early = n - visited.get(place, -count) < revisit
        first[n] = place not in sums or early or rng.random() < 0.1
        visited[place] = n
        sums[place] = x[n] * w[n] + (0 if first[n] else sums[place])
        expected.append((place, sums[place].tolist()))

    async def bench(ctx: Any) -> None:
        for n in range(count + total):
            now = min(n, count - 1)
            ctx.set(lanes.i_valid, n < count and bool(valid[now]))
            ctx.set(lanes.i_place, {"row": int(row[now]), "gate": int(gate[now])})
            ctx.set(lanes.i_weights, stored[now].tolist())
            ctx.set(lanes.i_first, bool(first[now]))
            ctx.set(lanes.i_operand, int(x[min(n, count) - 1]) if n else 0)  # a cycle later
            want = expected[n - total] if n >= total else None
            assert bool(ctx.get(lanes.valid)) == (want is not None)
            if want:
                assert (ctx.get(lanes.place.row), ctx.get(lanes.place.gate)) == want[0]
                assert [ctx.get(total) for total in lanes.total] == want[1]
            await ctx.tick()

    run(lanes, bench)
