"""Data sheet of the state guard: every state has its length, whatever the frames have."""

from __future__ import annotations

from typing import Any

from golden.packing import Packing
from hdl.bus.state_guard import StateGuard
from tests.hdl.simulate import run

WORDS = 3
"""A state: two beats of two words, the last one half used."""


def make() -> StateGuard:
    return StateGuard(packing=Packing(element=6, bus=16, tight=False), words=WORDS)


async def send(ctx: Any, guard: StateGuard, frame: list[int], *, last: bool = True) -> Any:
    """Send beats of two words each; returns words, marks and events that came of it."""
    words, marks, events = list[int](), list[int](), {"wrong": 0, "dropped": 0}
    left, quiet = list(frame), 0
    ctx.set(guard.o.ready, 1)
    while left or quiet < 4:
        ctx.set(guard.i.valid, bool(left))
        beat = {"data": left[0], "last": last and len(left) == 1} if left else {}
        ctx.set(guard.i.payload, beat)
        _, _, ready, valid, word, final, add, mark, wrong, dropped = await ctx.tick().sample(
            guard.i.ready,
            guard.o.valid,
            guard.o.payload,
            guard.final,
            guard.add,
            guard.mark,
            guard.wrong,
            guard.dropped,
        )
        if valid:
            words.append(word)
            assert add == final == (len(words) % WORDS == 0)
        if add:
            marks.append(mark)
        events["wrong"] += wrong
        events["dropped"] += dropped
        quiet = 0 if left else quiet + 1
        if left and ready:
            left.pop(0)
    return words, marks, events


RIGHT = [0x0201, 0x0003]


def test_frames_of_every_length() -> None:
    """Missing words are 0, beats beyond are dropped; the next state is right again."""
    guard = make()

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            none, both = {"wrong": 0, "dropped": 0}, {"wrong": 1, "dropped": 0}
            assert await send(ctx, guard, RIGHT) == ([1, 2, 3], [0], none)
            assert await send(ctx, guard, [0x3F05]) == ([5, -1, 0], [1], both)
            long = [*RIGHT, 0x1111, 0x1112, 0x1113]
            assert await send(ctx, guard, long) == ([1, 2, 3], [1], {"wrong": 1, "dropped": 3})

    run(guard, bench)


def test_restart_in_the_middle_of_a_frame() -> None:
    """A restart forgets a frame; its rest is dropped if the bus stays enabled."""
    guard = make()

    async def bench(ctx: Any) -> None:
        for enable in (1, 0):
            words, marks, _ = await send(ctx, guard, RIGHT[:1], last=False)
            assert (words, marks) == ([1, 2], [])
            ctx.set(guard.enable, enable)
            ctx.set(guard.restart, 1)
            ctx.set(guard.i.valid, 1)
            assert not ctx.get(guard.i.ready)
            await ctx.tick()
            ctx.set(guard.restart, 0)
            ctx.set(guard.i.valid, 0)
            if enable:
                assert await send(ctx, guard, [9]) == ([], [], {"wrong": 0, "dropped": 1})
            assert (await send(ctx, guard, RIGHT))[:2] == ([1, 2, 3], [0])

    run(guard, bench)


def test_back_pressure_loses_nothing() -> None:
    guard = make()

    async def bench(ctx: Any) -> None:
        ctx.set(guard.i.valid, 1)
        ctx.set(guard.i.payload, {"data": RIGHT[0]})
        for _ in range(4):
            await ctx.tick()
            assert (ctx.get(guard.o.valid), ctx.get(guard.o.payload)) == (1, 1)
            assert not ctx.get(guard.i.ready)

    run(guard, bench)
