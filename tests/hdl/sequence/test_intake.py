"""Data sheet of the intake: rows of x, the top, and sequences that are too long."""

from __future__ import annotations

from typing import Any

import pytest

from hdl.sequence.intake import Intake
from tests.hdl.sequence.networks import STEPS, plan_of, turned
from tests.hdl.simulate import run

LENGTHS = (1, STEPS, 2, STEPS + 1, STEPS + 3, 1)


@pytest.mark.parametrize("seed", [0, 3])
def test_sequences_of_all_lengths(seed: int) -> None:
    """Each lies in the first rows; one that is too long is cut, and the rest of it dropped."""
    plan = plan_of(turned(seed))
    intake, inputs, row = Intake(plan=plan), plan.network.inputs, plan.sweeps.row

    async def bench(ctx: Any) -> None:
        ctx.set(intake.free, 1)
        for length in LENGTHS:
            written, cuts = [], 0
            ctx.set(intake.begins, 0)
            for step in range(length):
                for element in range(inputs):
                    # ``last`` counts with the last element alone.
                    last = (step == length - 1) == (element == inputs - 1)
                    ctx.set(intake.i.payload.last, last)
                    ctx.set(intake.i.valid, 1)
                    assert ctx.get(intake.i.ready)
                    if ctx.get(intake.write):
                        written.append(ctx.get(intake.address))
                    await ctx.tick()
                    cuts += ctx.get(intake.overlong)
            ctx.set(intake.i.valid, 0)
            kept = min(length, STEPS)
            assert written == [step * row + n for step in range(kept) for n in range(inputs)]
            assert ctx.get(intake.loaded)
            assert ctx.get(intake.top) == (kept - 1) * row
            assert cuts == (length > STEPS)
            assert not ctx.get(intake.i.ready)
            ctx.set(intake.begins, 1)
            await ctx.tick()
            assert not ctx.get(intake.loaded)

    run(intake, bench)


def test_nothing_is_taken_before_memory_is_free() -> None:
    """But the rest of a sequence that is too long is."""
    plan = plan_of(turned(0))
    intake, inputs = Intake(plan=plan), plan.network.inputs

    async def bench(ctx: Any) -> None:
        ctx.set(intake.i.valid, 1)
        await ctx.tick().repeat(3)
        assert not ctx.get(intake.write)
        assert not ctx.get(intake.loaded)
        ctx.set(intake.free, 1)
        await ctx.tick().repeat(STEPS * inputs)
        assert ctx.get(intake.loaded)
        assert ctx.get(intake.i.ready)
        ctx.set(intake.begins, 1)
        ctx.set(intake.free, 0)
        await ctx.tick()
        for _ in range(3 * inputs):
            assert ctx.get(intake.i.ready)
            assert not ctx.get(intake.write)
            await ctx.tick()

    run(intake, bench)
