"""Data sheet of the shadow: a sum per cycle and bank, while other sums are written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hdl.array.lanes import ArrayShape
from hdl.array.shadow import Shadow
from hdl.timing.latency import drain_latency
from tests.hdl.simulate import run


@pytest.mark.parametrize("rows", [2, 3])  # with room for zeros beside the sums, and without
@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize(("lanes", "banks"), [(1, 1), (5, 1), (5, 2), (4, 4)])
def test_sums_that_are_read_while_others_are_written(
    lanes: int, banks: int, side_by_side: bool, rows: int
) -> None:
    """Lane ``n`` is in bank ``n % banks``; each bank reads a place and lane of its own."""
    shape = ArrayShape(
        lanes=lanes,
        operand_width=4,
        weight_width=4,
        accumulator_width=10,
        rows=rows,
        gates=3,
        banks=banks,
        side_by_side=side_by_side,
    )
    shadow, rng = Shadow(shape=shape), np.random.default_rng(lanes)
    latency = drain_latency(deep=side_by_side)
    kept = rng.integers(-512, 512, (rows, 3, lanes))
    expected: list[list[int | None]] = []

    async def write(ctx: Any, row: int, gate: int) -> None:
        ctx.set(shadow.i_fill, 1)
        ctx.set(shadow.i_place, {"row": row, "gate": gate})
        for lane, port in enumerate(shadow.i_total):
            ctx.set(port, int(kept[row, gate, lane]))

    async def bench(ctx: Any) -> None:
        for row in range(rows):
            for gate in range(3):
                await write(ctx, row, gate)
                await ctx.tick()
        for _ in range(150):
            busy = tuple(map(int, rng.integers(0, (rows, 3))))
            wants: list[int | None] = []
            for bank in range(banks):
                group = int(rng.integers(0, len(range(bank, lanes, banks))))
                row, gate = map(int, rng.integers(0, (rows, 3)))
                ctx.set(shadow.read[bank], {"row": row, "gate": gate, "groups": 1 << group})
                # Nobody asks for a sum that is being written.
                same = (row, gate) == busy
                wants.append(None if same else int(kept[row, gate, bank + group * banks]))
            expected.append(wants)
            fills = rng.random() < 0.5
            if fills:
                kept[busy] = rng.integers(-512, 512, lanes)
            await write(ctx, *busy)
            ctx.set(shadow.i_fill, fills)
            if not fills:  # noise that must not be written
                for port in shadow.i_total:
                    ctx.set(port, int(rng.integers(-512, 512)))
            await ctx.tick()
            if len(expected) >= latency:
                for bank, want in enumerate(expected[-latency]):
                    assert want is None or ctx.get(shadow.sums[bank]) == want

    run(shadow, bench)
