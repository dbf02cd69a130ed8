"""Data sheet of the counters in block RAM: exact, at most a round behind, 64 bits in one."""

from __future__ import annotations

from random import Random
from typing import Any

from hdl.bus.totals import FIRST, HALF, HALF_MASK, SLOT, Totals
from tests.hdl.simulate import run

CONSTANTS = {0: 0xDEAD_BEEF, 3: 7}
MOST = {"long": 1, "upper half": 1, "one": 1, "three": 3}
"""Most events in a cycle."""

PLACES = {"long": 0, "one": 2, "three": 3}


def make() -> Totals:
    return Totals(counters=MOST, constants=CONSTANTS)


async def read(ctx: Any, totals: Totals, address: int) -> tuple[int, int]:
    """Read a word; returns it and the cycles that it took."""
    ctx.set(totals.read, 1)
    ctx.set(totals.address, address)
    for cycle in range(3 * totals.round):
        _, _, done, data = await ctx.tick().sample(totals.done, totals.data)
        if done:
            ctx.set(totals.read, 0)
            await ctx.tick()
            assert not ctx.get(totals.done)
            return data, cycle
    raise TimeoutError


async def clear(ctx: Any, totals: Totals) -> None:
    ctx.set(totals.clear, 1)
    await ctx.tick()
    ctx.set(totals.clear, 0)


def test_random_events_are_all_counted() -> None:
    """More events than the low bits hold; a word is a round behind at most, then exact."""
    totals, random, counted = make(), Random(1), dict.fromkeys(PLACES, 0)

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            counted.update(dict.fromkeys(counted, 0))
            for _ in range(3 << totals.low):
                events = {name: random.randint(0, MOST[name]) for name in PLACES}
                ctx.set(totals.events, events)
                for name, event in events.items():
                    counted[name] += event
                await ctx.tick()
            ctx.set(totals.events, {})
            await ctx.tick().repeat(totals.round)
            for name, count in counted.items():
                data, cycles = await read(ctx, totals, FIRST + PLACES[name])
                assert data == count
                assert name == "long" or 2 <= cycles <= 7
            await clear(ctx, totals)
            for number in (0, 1, 2, 3):
                data, cycles = await read(ctx, totals, FIRST + number)
                assert data == 0
                assert cycles <= 7 + 2 * totals.round * (number == 0)

    run(totals, bench)
    assert min(counted.values()) > 1 << totals.low


def test_constants_stay() -> None:
    totals = make()

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            await ctx.tick().repeat(2 * totals.round)
            for address, word in CONSTANTS.items():
                assert (await read(ctx, totals, address))[0] == word
            await clear(ctx, totals)

    run(totals, bench)


def test_both_halves_of_the_first_counter_go_together() -> None:
    """Around a carry into the upper half, in every cycle that a read may begin in."""
    totals = make()
    counted = (1 << totals.low) - 1  # in registers

    async def both(ctx: Any) -> int:
        low, _ = await read(ctx, totals, FIRST)
        await ctx.tick().repeat(2 * totals.round)  # however late the other half is read
        high, _ = await read(ctx, totals, FIRST + 1)
        return low | high << 32

    async def bench(ctx: Any) -> None:
        value = 0
        for delay in range(1, 2 * totals.round):
            await ctx.tick().repeat(totals.round)
            value |= 0xFFFF_FFFF & ~counted
            for _ in range(2):  # a visit that is under way may write the old word again
                for place, memory in enumerate(totals.halves):
                    ctx.set(memory.data[FIRST], value >> HALF * place & HALF_MASK)
                await ctx.tick().repeat(SLOT)
            ctx.set(totals.events.long, 1)
            await ctx.tick().repeat(delay)
            now = await both(ctx)
            ctx.set(totals.events.long, 0)
            await ctx.tick().repeat(totals.round)
            after = await both(ctx)
            assert value <= now <= after <= value + delay + 6 * totals.round, delay
            value = after
        assert value >> 32

    run(totals, bench)
