"""Data sheet of a delta core's sequencer: which columns run, in which order, and when."""

from __future__ import annotations

from typing import Any

from golden.cells import LSTM
from hdl.layout.vectors import Operand
from hdl.plan import Plan
from hdl.sequencer.delta_sequencer import DeltaSequencer
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

INPUTS, UNITS, OUTPUTS, COLUMN = 6, 3, 2, 8
"""An LSTM of three units on two lanes: columns of two rows of four gates; and a dense head."""

ENTRIES = {"x": ((3, 1), (-2, 4)), "h": ((7, 0), (1, 2))}
"""Differences and indices in the lists."""


def make() -> DeltaSequencer:
    recipe = Recipe(inputs=INPUTS, units=(UNITS,), outputs=OUTPUTS, cells=(LSTM(),))
    plan = Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=2, delta=True))
    return DeltaSequencer(plan=plan, place=plan.array.place)


def fill(ctx: Any, sequencer: DeltaSequencer, *, entries: int = 2) -> None:
    """Tell of lists with the first entries, and that all else is there."""
    complete = -(entries == 2)
    ctx.set(sequencer.x.count, [entries] * 2)
    ctx.set(sequencer.h.count, [entries])
    ctx.set(sequencer.x.complete, complete)
    ctx.set(sequencer.h.complete, complete)
    ctx.set(sequencer.ready, {"h0": UNITS, "c0": UNITS})
    ctx.set(sequencer.head_free, 1)


def answers(sequencer: DeltaSequencer) -> Any:
    """Make a bench that answers as lists do, in the next cycle; the second step is the last."""
    ports = sequencer.x_release, sequencer.ask_x.place, sequencer.ask_h.place

    async def answer(ctx: Any) -> None:
        async for _, _, release, x, h in ctx.tick().sample(*ports):
            if release:
                ctx.set(sequencer.x_step, {"last": 1})
            for name, place in (("x", x), ("h", h)):
                difference, index = ENTRIES[name][place % 2]
                entry = {"difference": difference, "times1": index}
                ctx.set(getattr(sequencer, name).entry, entry)

    return answer


async def column(ctx: Any, sequencer: DeltaSequencer) -> dict[str, Any]:
    """Wait for the first operation of the next column and check the others; the cycles before."""
    names = ("changes", "difference", "operand", "address", "weight_address", "first", "final")
    ports = [getattr(sequencer, name) for name in names]
    seen: list[dict[str, Any]] = []
    length, waited = COLUMN, 0
    while len(seen) < length:
        _, _, valid, place, done, *values = await ctx.tick().sample(
            sequencer.valid, sequencer.place, sequencer.done, *ports
        )
        if valid:
            got: dict[str, Any] = dict(zip(names, values, strict=True))
            length = COLUMN if got["changes"] else 1
            if got["changes"]:
                assert (place.row, place.gate) == divmod(len(seen), 4)
                assert done == (got["final"] and len(seen) % 4 == 3)
            assert not seen or got == {**seen[0], "weight_address": got["weight_address"]}
            assert not seen or got["weight_address"] == seen[-1]["weight_address"] + 1
            seen.append(got)
            continue
        assert not seen, "a column waits once it has begun"
        waited += 1
        if waited > 30:
            raise TimeoutError
    return {"waited": waited, **seen[0]}


def test_two_steps_of_a_sequence() -> None:
    """x's entries, 0 for h in the first step and entries in the second, then all of the head."""
    sequencer = make()
    x = [(difference, COLUMN * index) for difference, index in ENTRIES["x"]]
    h = [(difference, COLUMN * (INPUTS + index)) for difference, index in ENTRIES["h"]]
    steps = [[*x, (0, COLUMN * INPUTS)], [*x, *h]]

    async def bench(ctx: Any) -> None:
        fill(ctx, sequencer)
        for number, columns in enumerate(steps):
            for at, (difference, weights) in enumerate(columns):
                got = await column(ctx, sequencer)
                assert got["waited"] == 0 or number == at == 0
                assert (got["difference"], got["weight_address"]) == (difference, weights)
                assert got["first"] == (number == at == 0)
                assert got["final"] == (at == len(columns) - 1)
        base = COLUMN * (INPUTS + UNITS)
        for unit in range(UNITS):
            got = await column(ctx, sequencer)
            assert (got["changes"], Operand(got["operand"])) == (0, Operand.H)
            assert (got["address"], got["weight_address"]) == (unit, base + unit)
            assert (got["first"], got["final"]) == (unit == 0, unit == UNITS - 1)

    run(sequencer, bench, background=answers(sequencer))


def test_a_column_waits_for_its_entry_and_the_drain() -> None:
    """Latency from an entry that counts, and from sums that are drained, to the operation."""
    sequencer = make()
    latency = DeltaSequencer.LISTED + DeltaSequencer.TAKEN + 1

    async def bench(ctx: Any) -> None:
        fill(ctx, sequencer, entries=0)
        ctx.set(sequencer.h.complete, 0)
        await ctx.tick().repeat(20)
        ctx.set(sequencer.x.count, [1] * 2)
        got = await column(ctx, sequencer)
        assert (got["waited"], got["difference"]) == (latency, 3)
        await ctx.tick().repeat(20)
        ctx.set(sequencer.x.count, [2] * 2)
        ctx.set(sequencer.x.complete, -1)
        got = await column(ctx, sequencer)
        assert (got["waited"], got["difference"]) == (latency, -2)
        # The step's last column of the LSTM overwrites sums, and begins h's list anew.
        assert not ctx.get(sequencer.restart)
        await ctx.tick().repeat(20)
        ctx.set(sequencer.h.complete, 1)
        got = await column(ctx, sequencer)
        assert (got["waited"], got["difference"], got["final"]) == (latency, 0, 1)

    run(sequencer, bench, background=answers(sequencer))
