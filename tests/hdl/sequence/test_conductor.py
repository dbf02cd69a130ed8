"""Data sheet of the conductor: the steps that it feeds, and what becomes of what they make."""

from __future__ import annotations

from typing import Any

import pytest

from hdl.sequence.conductor import Conductor
from tests.hdl.sequence.networks import STEPS, plan_of, send, sequences_of, turned
from tests.hdl.simulate import run

SEEDS = range(4)


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_steps_and_results(seed: int, every_step: bool) -> None:
    """In place of the core a memory of rows, as in `test_sweeps`: what a step makes is numbers."""
    plan = plan_of(turned(seed), every_step=every_step)
    conductor, sweeps = Conductor(plan=plan), plan.sweeps
    passes = plan.swept.work.passes
    first_pass = {
        layer: next(at for at, one in enumerate(passes) if one.layer == layer)
        for layer in range(len(sweeps.network.layers))
    }
    sequences = sequences_of(plan.network, 2, STEPS, 1)

    async def source(ctx: Any) -> None:
        await send(ctx, conductor.i, sequences)

    async def take(ctx: Any, stream: Any) -> Any:
        ctx.set(stream.ready, 1)
        payload, *_ = await ctx.tick().sample(stream.payload).until(stream.valid)
        ctx.set(stream.ready, 0)
        return payload

    async def bench(ctx: Any) -> None:
        for sequence in sequences:
            steps, made = len(sequence), 0
            memory = [0] * sweeps.words
            for step, x in enumerate(sequence.tolist()):
                memory[step * sweeps.row : step * sweeps.row + len(x)] = x

            def row(piece: Any, turn: int, steps: int = steps) -> int:
                return (steps - 1 - turn if piece.backward else turn) * sweeps.row + piece.start

            turns = [
                (sweep, turn, 1 if phase.once else steps)
                for phase in sweeps.phases
                for turn in range(1 if phase.once else steps)
                for sweep in phase.sweeps
            ]
            layers = [sweep.layer for sweep, _, _ in turns]
            for (sweep, turn, _), after in zip(turns, [*layers[1:], layers[0]], strict=True):
                read = [
                    at
                    for one in sweep.reads
                    for at in range(row(one, turn), row(one, turn) + one.size)
                ]
                for n, at in enumerate(read):
                    beat = await take(ctx, conductor.steps)
                    assert beat.data == memory[at]
                    assert (beat.ends, beat.first) == (n == len(read) - 1, turn == 0)
                    assert beat.next == first_pass[after]
                for n in range(sweep.makes.size):
                    made = (made * 5 + 1) % 3 - 1
                    memory[row(sweep.makes, turn) + n] = made
                    ctx.set(conductor.made.payload.data, made)
                    ctx.set(conductor.made.valid, 1)
                    await ctx.tick().until(conductor.made.ready)
                ctx.set(conductor.made.valid, 0)
            results = sweeps.phases[-1]
            for turn in range(1 if results.once else steps):
                read = [
                    at
                    for one in results.gives
                    for at in range(row(one, turn), row(one, turn) + one.size)
                ]
                for n, at in enumerate(read):
                    word = await take(ctx, conductor.o)
                    assert word.data == memory[at]
                    ends = n == len(read) - 1 and (results.once or turn == steps - 1)
                    assert word.last == ends

    run(conductor, bench, background=source)


def test_a_sequence_that_is_too_long_is_told() -> None:
    """For one cycle; its result comes all the same."""
    plan = plan_of(turned(0))
    conductor = Conductor(plan=plan)

    async def bench(ctx: Any) -> None:
        ctx.set(conductor.i.valid, 1)
        ctx.set(conductor.steps.ready, 1)
        assert not ctx.get(conductor.waits)
        told, fed = 0, 0
        for _ in range((STEPS + 1) * plan.network.inputs + 5):
            await ctx.tick()
            told += ctx.get(conductor.overlong)
            fed += ctx.get(conductor.steps.valid)
        assert told == 1
        assert fed
        ctx.set(conductor.i.valid, 0)
        assert ctx.get(conductor.waits)

    run(conductor, bench)
