"""Data sheet of the step buffer: whole steps of bytes, word behind word, no more than fit."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from golden.link.messages import Identity
from hdl.board.step_buffer import StepBuffer
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

INPUTS = 2


def make(capacity: int, width: int) -> tuple[StepBuffer, int]:
    """A buffer of so many bytes, and the bytes of an element of x."""
    recipe = Recipe(inputs=INPUTS, units=(3,), activation_width=width)
    plan = Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=1))
    identity = Identity.of(plan.network, plan.options.interface, capacity=capacity)
    return StepBuffer(plan=plan, identity=identity), -(-width // 8)


async def fill(ctx: Any, buffer: StepBuffer, content: bytes) -> None:
    ctx.set(buffer.write, 1)
    for byte in content:
        ctx.set(_byte_of(buffer), byte)
        await ctx.tick()
    ctx.set(buffer.write, 0)


def _byte_of(buffer: StepBuffer) -> Any:
    return buffer.data


async def clear(ctx: Any, buffer: StepBuffer) -> None:
    ctx.set(buffer.clear, 1)
    await ctx.tick()
    ctx.set(buffer.clear, 0)


@pytest.mark.parametrize("width", [6, 8, 12])
@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_words_come_as_they_were_written(width: int, rate: float) -> None:
    """Low byte first; two cycles per byte and one more; ``last`` with the last word only."""
    buffer, size = make(24, width)
    random = Random(width)

    async def bench(ctx: Any) -> None:
        for steps, last in ((1, 1), (3, 0), (2, 1)):
            half = 1 << width - 1
            words = [random.randrange(-half, half) for _ in range(steps * INPUTS)]
            content = b"".join(word.to_bytes(size, "little", signed=True) for word in words)
            await fill(ctx, buffer, content)
            assert ctx.get(buffer.whole)
            ctx.set(buffer.last, last)
            ctx.set(buffer.start, 1)
            await ctx.tick()
            ctx.set(buffer.start, 0)
            got, cycles, done = list[tuple[int, int]](), 0, 0
            while not done:
                ctx.set(buffer.o.ready, ready := random.random() <= rate)
                _, _, valid, beat, done = await ctx.tick().sample(
                    buffer.o.valid, buffer.o.payload, buffer.done
                )
                got.extend([(beat.data, beat.last)] * (valid and ready))
                cycles += 1
            ends = [0] * (len(words) - 1) + [last]
            assert got == list(zip(words, ends, strict=True))
            assert rate < 1 or cycles == len(words) * (2 * size + 1)
            await clear(ctx, buffer)

    run(buffer, bench)


def test_steps_that_are_not_whole_and_bytes_that_do_not_fit() -> None:
    buffer, _ = make(2 * INPUTS, 8)

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            assert not ctx.get(buffer.whole)
            for count in range(1, 2 * INPUTS + 1):
                await fill(ctx, buffer, b"x")
                assert ctx.get(buffer.whole) == (count % INPUTS == 0)
                assert not ctx.get(buffer.overflowed)
            await fill(ctx, buffer, b"y")
            assert ctx.get(buffer.overflowed)
            await clear(ctx, buffer)
            assert not ctx.get(buffer.overflowed)

    run(buffer, bench)
