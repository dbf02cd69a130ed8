"""Data sheet of the queue of rows: one cycle, in order, every place used, units and words told."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

import pytest

from golden.interface import Interface
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.update.row_queue import RowQueue
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network


def make(*, classes: bool = False) -> RowQueue:
    """A queue of a core with two layers, of 5 and 3 units, and a head of 4 outputs."""
    network = quantized_network(Recipe(inputs=2, units=(5, 3), outputs=4), 1)
    options = CoreOptions(lanes=2, interface=Interface(classes=classes))
    return RowQueue(plan=Plan(network=network, options=options))


STARTS = [0, 5, 8]
"""First unit of each job in the memories of biases: layers one after the other, then the head."""


@pytest.mark.parametrize("classes", [False, True])
def test_rows_against_a_deque(classes: bool) -> None:
    """Any mix of pauses; the next row is told from the cycle after it came until it is taken."""
    queue, random, rows = make(classes=classes), Random(1), deque[dict[str, int]]()
    fullest = 0

    async def bench(ctx: Any) -> None:
        nonlocal fullest
        for cycle in range(500):
            fields = {name: random.getrandbits(1) for name in ("begin", "emit", "last", "zero")}
            row = {"job": random.randrange(3), "row": random.randrange(3), "units": 1} | fields
            # Behind the row that is shown, the memory holds ``depth`` more.
            writes = len(rows) <= queue.depth and random.random() < 0.5
            takes = bool(rows) and random.random() < (0.2 if cycle < 250 else 0.8)
            for signal, value in ((queue.write, writes), (queue.row, row), (queue.taken, takes)):
                ctx.set(signal, value)
            _, _, shown = await ctx.tick().sample(queue.next)
            assert bool(shown.valid) == bool(rows)
            if rows:
                first = rows[0]
                assert {name: shown.row[name] for name in first} == first
                assert shown.start == STARTS[first["job"]]
                assert shown.words == (first["last"] if classes else 2)
            if takes:
                rows.popleft()
            if writes:
                rows.append(row)
            fullest = max(fullest, len(rows))

    run(queue, bench)
    assert fullest == queue.depth + 1 > 3


def test_a_row_that_finds_nobody_waiting_is_next_after_one_cycle() -> None:
    """Also while the row before it is taken; a taken row with nothing behind leaves none."""
    queue = make()

    async def bench(ctx: Any) -> None:
        ctx.set(queue.write, 1)
        ctx.set(queue.row, {"row": 1})
        await ctx.tick()
        assert ctx.get(queue.next.valid)
        assert ctx.get(queue.next.row.row) == 1
        ctx.set(queue.row, {"row": 2})
        ctx.set(queue.taken, 1)
        await ctx.tick()
        assert ctx.get(queue.next.valid)
        assert ctx.get(queue.next.row.row) == 2
        ctx.set(queue.write, 0)
        await ctx.tick()
        assert not ctx.get(queue.next.valid)

    run(queue, bench)
