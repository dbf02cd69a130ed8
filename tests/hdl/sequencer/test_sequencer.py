"""Data sheet of the sequencer: the order of operations, and what each of them waits for."""

from __future__ import annotations

from itertools import product
from typing import Any

from golden.cells import LSTM
from hdl.layout.vectors import Operand
from hdl.plan import Plan
from hdl.sequencer.sequencer import Sequencer
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

INPUTS, UNITS, ROWS, GATES = 2, 3, 2, 4
"""An LSTM of three units on two lanes: two rows, the second of one unit."""

WALK = [
    (operand, column, row, gate)
    for operand, columns in ((Operand.X, INPUTS), (Operand.H, UNITS))
    for column, row, gate in product(range(columns), range(ROWS), range(GATES))
]
"""One step: passes over x and over h of the step before, by columns, rows and gates."""


def make() -> Sequencer:
    recipe = Recipe(inputs=INPUTS, units=(UNITS,), outputs=None, cells=(LSTM(),))
    plan = Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=2))
    return Sequencer(plan=plan, place=plan.array.place)


def everything_ready(ctx: Any, sequencer: Sequencer) -> None:
    ctx.set(sequencer.x_whole, 1)
    ctx.set(sequencer.ready, {"h0": UNITS, "c0": UNITS})
    ctx.set(sequencer.head_free, 1)


async def operation(ctx: Any, sequencer: Sequencer, *, patience: int = 12) -> dict[str, Any]:
    """Wait for the next operation; its outputs, and the cycles before it."""
    names = ("operand", "address", "zero", "place", "first", "final", "done", "row")
    names = (*names, "weight_address", "x_release")
    ports = [getattr(sequencer, name) for name in names]
    for waited in range(patience):
        _, _, valid, *values = await ctx.tick().sample(sequencer.valid, *ports)
        if valid:
            return {"waited": waited, **dict(zip(names, values, strict=True))}
    raise TimeoutError


async def stalls(ctx: Any, sequencer: Sequencer) -> bool:
    """No operation comes for long."""
    try:
        await operation(ctx, sequencer)
    except TimeoutError:
        return True
    return False


def test_two_steps() -> None:
    """One operation per cycle; sums begin with x's first column and end with h's last one."""
    sequencer = make()

    async def bench(ctx: Any) -> None:
        everything_ready(ctx, sequencer)
        ctx.set(sequencer.x_step, {"last": 0})
        for step in range(2):
            for number, (operand, column, row, gate) in enumerate(WALK):
                got = await operation(ctx, sequencer)
                assert got["waited"] == 0 or number == 0
                assert (Operand(got["operand"]), got["address"]) == (operand, column)
                assert (got["place"].row, got["place"].gate) == (row, gate)
                assert got["weight_address"] == number
                assert got["first"] == (operand == Operand.X and column == 0)
                assert got["final"] == (operand == Operand.H and column == UNITS - 1)
                assert got["done"] == (got["final"] and gate == GATES - 1)
                assert got["zero"] == (step == 0 and operand == Operand.H)
                if got["done"]:
                    done = got["row"]
                    assert (done.row, done.units, done.begin) == (row, 1 - row, row == 0)
                    assert (done.last, done.final, done.zero) == (row == 1, 0, step == 0)

    run(sequencer, bench)


def test_columns_wait_for_their_elements() -> None:
    """x in both steps, h only in the second: before a sequence's first step it is zero."""
    sequencer = make()

    async def bench(ctx: Any) -> None:
        everything_ready(ctx, sequencer)
        ctx.set(sequencer.x_whole, 0)
        for step in range(2):
            assert await stalls(ctx, sequencer)
            for column in range(INPUTS):
                if column == INPUTS - 1:
                    ctx.set(sequencer.x_whole, 1)
                else:
                    ctx.set(sequencer.x_ready, column + 1)
                for n in range(ROWS * GATES):
                    got = await operation(ctx, sequencer)
                    assert got["address"] == column
                    if step and column == INPUTS - 1 and n == 0:
                        ctx.set(sequencer.ready, {"h0": 0, "c0": UNITS})
                if column < INPUTS - 1:
                    assert await stalls(ctx, sequencer)
            ctx.set(sequencer.x_whole, 0)  # released
            ctx.set(sequencer.x_ready, 0)
            for column in range(UNITS):
                if step:
                    assert await stalls(ctx, sequencer)
                    ctx.set(sequencer.ready, {"h0": column + 1, "c0": UNITS})
                for _ in range(ROWS * GATES):
                    got = await operation(ctx, sequencer)
                    assert (Operand(got["operand"]), got["address"]) == (Operand.H, column)
                    assert got["zero"] == (step == 0)

    run(sequencer, bench)


def test_sums_are_not_completed_before_those_of_the_step_before_are_drained() -> None:
    """The last vector that the job makes tells: h counts up to the last unit."""
    sequencer = make()

    async def bench(ctx: Any) -> None:
        everything_ready(ctx, sequencer)
        ctx.set(sequencer.ready, {"h0": UNITS - 1, "c0": UNITS})
        for _ in range(len(WALK) - ROWS * GATES):
            assert not (await operation(ctx, sequencer))["final"]
        assert await stalls(ctx, sequencer)
        assert not ctx.get(sequencer.restart)
        ctx.set(sequencer.ready, {"h0": UNITS, "c0": UNITS})
        for _ in range(12):
            if ctx.get(sequencer.restart):
                break
            await ctx.tick()
        assert ctx.get(sequencer.restart) == 1
        assert (await operation(ctx, sequencer))["final"]

    run(sequencer, bench)


def test_x_is_released_with_its_last_operation() -> None:
    sequencer = make()

    async def bench(ctx: Any) -> None:
        everything_ready(ctx, sequencer)
        releases = [(await operation(ctx, sequencer))["x_release"] for _ in WALK]
        assert releases == [n == INPUTS * ROWS * GATES - 1 for n in range(len(WALK))]

    run(sequencer, bench)
