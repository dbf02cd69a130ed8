"""Data sheet of the marks: a queue of bits, two cycles of latency, room told in time."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

from hdl.bus.marks import DEPTH, Marks
from tests.hdl.simulate import run


def test_marks_against_a_deque() -> None:
    """Added only with room, removed only where there is one: the order holds, nothing is lost."""
    marks, random, kept, fullest = Marks(), Random(1), deque[int](), 0

    async def bench(ctx: Any) -> None:
        nonlocal fullest
        told = removed = 0
        for cycle in range(800):
            adds = bool(ctx.get(marks.room)) and random.random() < 0.6
            mark = random.getrandbits(1)
            # A mark that came in the cycle before has not reached the queue yet.
            removes = len(kept) > told and random.random() < (0.2 if cycle % 200 < 100 else 0.9)
            assert bool(ctx.get(marks.some)) == bool(kept)
            if len(kept) > told:
                assert ctx.get(marks.first) == kept[0]
            for port, value in ((marks.add, adds), (marks.mark, mark), (marks.remove, removes)):
                ctx.set(port, value)
            if removes:
                kept.popleft()
                removed += 1
            told = int(adds)
            if adds:
                kept.append(mark)
            fullest = max(fullest, len(kept))
            await ctx.tick()
        assert removed > 200

    run(marks, bench)
    assert DEPTH - 2 < fullest <= DEPTH


def test_restart_forgets_all_also_what_comes_with_it() -> None:
    marks = Marks()

    async def bench(ctx: Any) -> None:
        ctx.set(marks.add, 1)
        ctx.set(marks.mark, 1)
        await ctx.tick().repeat(3)
        ctx.set(marks.restart, 1)
        await ctx.tick()
        ctx.set(marks.add, 0)
        ctx.set(marks.restart, 0)
        for _ in range(3):
            assert not ctx.get(marks.some)
            await ctx.tick()
        assert ctx.get(marks.room)
        ctx.set(marks.add, 1)
        ctx.set(marks.mark, 0)
        await ctx.tick()
        ctx.set(marks.add, 0)
        await ctx.tick()
        assert (ctx.get(marks.some), ctx.get(marks.first)) == (1, 0)

    run(marks, bench)
