"""Data sheet of the input guard: frames of any length become sequences of whole steps."""

from __future__ import annotations

from typing import Any

import pytest

from golden.packing import Packing
from hdl.bus.input_guard import InputGuard
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

EVENTS = ("early", "late", "dropped", "stepped")
STEP = [0x0201, 0x0003]
"""A step of three elements in beats of two."""


def make() -> InputGuard:
    network = quantized_network(Recipe(inputs=3, units=(2,), activation_width=8), 1)
    plan = Plan(network=network, options=CoreOptions(lanes=1))
    return InputGuard(plan=plan, packing=Packing(element=8, bus=16, tight=False))


async def settle(ctx: Any, guard: InputGuard, *, length: int) -> None:
    for port, value in ((guard.enable, 1), (guard.room, 1), (guard.length, length)):
        ctx.set(port, value)
    ctx.set(guard.o.ready, 1)
    await ctx.tick().repeat(2)


async def send(ctx: Any, guard: InputGuard, frame: list[int], *, last: bool = True) -> Any:
    """Send beats; returns elements, which of them were ``last``, marks, and events."""
    words, lasts, marks = list[int](), list[int](), list[int]()
    counts, left, quiet = dict.fromkeys(EVENTS, 0), list(frame), 0
    while left or quiet < 5:
        ctx.set(guard.i.valid, bool(left))
        beat = {"data": left[0], "last": last and len(left) == 1} if left else {}
        ctx.set(guard.i.payload, beat)
        _, _, ready, valid, word, add, mark, *events = await ctx.tick().sample(
            guard.i.ready,
            guard.o.valid,
            guard.o.payload,
            guard.add,
            guard.mark,
            *(getattr(guard, name) for name in EVENTS),
        )
        if valid:
            words.append(word.data)
            lasts.extend([len(words)] * word.last)
        marks.extend([mark] * add)
        for name, event in zip(EVENTS, events, strict=True):
            counts[name] += event
        quiet = 0 if left else quiet + 1
        if left and ready:
            left.pop(0)
    return words, lasts, marks, {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize(
    ("length", "frame", "expected"),
    [
        (0, 2 * STEP, ([1, 2, 3] * 2, [6], [0], {"stepped": 2})),
        (2, 2 * STEP, ([1, 2, 3] * 2, [6], [0], {"stepped": 2})),
        (0, [*STEP, 0x0504], ([1, 2, 3, 4, 5, 0], [6], [1], {"early": 1, "stepped": 2})),
        (2, STEP, ([1, 2, 3], [3], [1], {"early": 1, "stepped": 1})),
        (1, 2 * STEP, ([1, 2, 3], [3], [1], {"late": 1, "dropped": 2, "stepped": 1})),
    ],
    ids=["any length", "right length", "cut in a step", "steps missing", "too long"],
)
def test_frames(length: int, frame: list[int], expected: Any) -> None:
    """Twice each: what was wrong with a frame does not touch the one behind it."""
    guard = make()

    async def bench(ctx: Any) -> None:
        await settle(ctx, guard, length=length)
        for _ in range(2):
            assert await send(ctx, guard, frame) == expected

    run(guard, bench)


def test_no_sequence_begins_while_not_enabled_and_an_open_one_goes_on() -> None:
    guard = make()

    async def bench(ctx: Any) -> None:
        await settle(ctx, guard, length=0)
        ctx.set(guard.i.valid, 1)
        ctx.set(guard.i.payload, {"data": STEP[0]})
        await ctx.tick().repeat(2)
        ctx.set(guard.enable, 0)
        assert ctx.get(guard.open)
        words, lasts, *_ = await send(ctx, guard, STEP[1:])
        assert (words, lasts) == ([3], [1])
        assert not ctx.get(guard.open)
        ctx.set(guard.i.valid, 1)
        for _ in range(5):
            assert not ctx.get(guard.i.ready)
            await ctx.tick()

    run(guard, bench)


def test_the_last_element_waits_for_the_marks_room() -> None:
    guard = make()

    async def bench(ctx: Any) -> None:
        await settle(ctx, guard, length=1)
        ctx.set(guard.room, 0)
        ctx.set(guard.i.valid, 1)
        ctx.set(guard.i.payload, {"data": STEP[0]})
        await ctx.tick().repeat(2)
        ctx.set(guard.i.payload, {"data": STEP[1], "last": 1})
        for _ in range(4):
            assert not ctx.get(guard.o.valid)
            assert not ctx.get(guard.add)
            await ctx.tick()
        ctx.set(guard.room, 1)
        assert (ctx.get(guard.o.valid), ctx.get(guard.add), ctx.get(guard.mark)) == (1, 1, 0)

    run(guard, bench)


def test_restart_drops_the_rest_of_the_frame() -> None:
    guard = make()

    async def bench(ctx: Any) -> None:
        await settle(ctx, guard, length=0)
        await send(ctx, guard, STEP[:1], last=False)
        ctx.set(guard.restart, 1)
        await ctx.tick()
        ctx.set(guard.restart, 0)
        assert await send(ctx, guard, STEP) == ([], [], [], {"dropped": 2})
        assert await send(ctx, guard, STEP) == ([1, 2, 3], [3], [0], {"stepped": 1})

    run(guard, bench)
