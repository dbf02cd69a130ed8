"""Data sheet of the walker: addresses in order, pauses, and what holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from golden.cells import RNN
from golden.quantized import QuantizedNetwork
from hdl.layout.sequence_table import entry_layout, feeding, making
from hdl.plan import Plan
from hdl.sequence.walker import Walker
from sim.draw.directions import with_directions
from tests.hdl.sequence.networks import STEPS, plan_of, turned, windowed
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network


def wanted(plan: Plan, steps: int, *, makes: bool) -> list[tuple[int | None, ...]]:
    """Address of each word, whether its turn is the first and the last, and phases before it.

    A word that is zero, as it lies before the first step, has no address.
    """
    found: list[tuple[int | None, ...]] = []
    for number, phase in enumerate(plan.sweeps.phases[: -1 if makes else None]):
        turns = phase.turns(steps)
        for turn in range(turns):
            pieces = [[sweep.makes] if makes else sweep.reads for sweep in phase.sweeps]
            for piece in [*(one for many in pieces for one in many), *phase.gives]:
                row = steps - 1 - turn if piece.backward else phase.begin + turn
                if piece.held:
                    row = steps - 1 if piece.backward else 0
                start = (row - piece.lag) * plan.sweeps.row + piece.start
                found += [
                    (
                        address if row >= piece.since else None,
                        *(int(turn == 0), int(turn == turns - 1), number),
                    )
                    for address in range(start, start + piece.size)
                ]
    return found


@pytest.mark.parametrize("makes", [False, True])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("drawn", [turned, windowed])
def test_words_in_order(drawn: Callable[[int], QuantizedNetwork], seed: int, makes: bool) -> None:
    """Two walks, of the shortest and the longest sequence; words are taken now and then."""
    plan = plan_of(drawn(seed), every_step=seed % 2 == 1)
    walker = Walker(plan=plan, entries=making(plan) if makes else feeding(plan))

    async def bench(ctx: Any) -> None:
        for steps in (plan.network.first + 1, STEPS):
            ctx.set(walker.top, (steps - 1) * plan.sweeps.row)
            ctx.set(walker.begins, 1)
            await ctx.tick()
            ctx.set(walker.begins, 0)
            found: list[tuple[int | None, ...]] = []
            while ctx.get(walker.active):
                moves = bool(ctx.get(walker.valid)) and len(found) % 3 != 1
                ports = walker.address, walker.first, walker.final, walker.phase
                if ctx.get(walker.valid) and not moves:
                    before = [ctx.get(port) for port in ports]
                    await ctx.tick()
                    assert [ctx.get(port) for port in ports] == before
                    moves = True
                if moves:
                    address, *others = (ctx.get(port) for port in ports)
                    found.append((None if ctx.get(walker.zero) else address, *others))
                ctx.set(walker.moves, moves)
                await ctx.tick()
                ctx.set(walker.moves, 0)
            assert found == wanted(plan, steps, makes=makes)

    run(walker, bench)


def test_pauses_and_holding() -> None:
    """A segment opens a cycle after the last word of the one before, unless it is held."""
    plan = plan_of(turned(1))
    walker = Walker(plan=plan, entries=feeding(plan))

    async def bench(ctx: Any) -> None:
        ctx.set(walker.hold, 1)
        ctx.set(walker.moves, 0)
        ctx.set(walker.begins, 1)
        await ctx.tick()
        ctx.set(walker.begins, 0)
        for _ in range(3):
            assert not ctx.get(walker.opens)
            assert not ctx.get(walker.valid)
            await ctx.tick()
        ctx.set(walker.hold, 0)
        assert ctx.get(walker.opens)
        await ctx.tick()
        assert ctx.get(walker.valid)
        ctx.set(walker.hold, 1)  # holds no segment that has begun
        while not ctx.get(walker.ends):
            ctx.set(walker.moves, 1)
            await ctx.tick()
        await ctx.tick()
        ctx.set(walker.moves, 0)
        ctx.set(walker.hold, 0)
        for _ in range(Walker.PAUSE):
            assert ctx.get(walker.opens)
            assert not ctx.get(walker.valid)
            await ctx.tick()
        assert ctx.get(walker.valid)

    run(walker, bench)


def test_vectors_of_late_layers_may_be_longer_than_a_row() -> None:
    """A row has x and both h, 3 words; the head makes 12."""
    network = quantized_network(Recipe(inputs=1, units=(1,), outputs=12, cells=(RNN(),)), 1)
    plan = plan_of(with_directions(network, 1))
    fields = {name: field.width for name, field in entry_layout(plan)}
    assert plan.sweeps.row < 12
    for entry in (*feeding(plan), *making(plan)):
        for name, value in entry.items():
            assert 0 <= value < 1 << fields[name], (name, value)
