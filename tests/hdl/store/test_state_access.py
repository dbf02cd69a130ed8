"""Data sheet of the state access: when it is served, the words' order, takes over what it needs."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from golden.cells import GRU, LSTM
from golden.interface import Interface
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.store.state_access import StateAccess
from hdl.timing.latency import ANNOUNCED
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

UNITS = (3, 2)
WORDS = [("h", unit) for unit in range(5)] + [("c", unit) for unit in range(3)]
"""h of the LSTM and of the GRU behind it, then c of the LSTM."""


def make() -> StateAccess:
    recipe = Recipe(inputs=2, units=UNITS, cells=(LSTM(), GRU()), state_width=8)
    options = CoreOptions(lanes=1, interface=Interface(streams=2, state="load"))
    return StateAccess(plan=Plan(network=quantized_network(recipe, 1), options=options))


def full(access: StateAccess) -> dict[str, int]:
    return {f"{name}{layer}": UNITS[layer] for name, layer in access.plan.vectors}


async def settle(ctx: Any, access: StateAccess) -> None:
    """All units are ready, and have been for a while."""
    ctx.set(access.ready, full(access))
    await ctx.tick().repeat(ANNOUNCED + 1)


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_loading(rate: float) -> None:
    """One word per cycle, to the memories of the stream; ``ACCESS`` cycles beside the words."""
    access, random = make(), Random(1)
    values = [random.randrange(-50, 50) for _ in WORDS]
    seen: list[tuple[str, int, int]] = []

    async def bench(ctx: Any) -> None:
        await settle(ctx, access)
        ctx.set(access.load, 1)
        ctx.set(access.stream, 1)
        cycles = 0
        while not ctx.get(access.done):
            offers = len(seen) < len(values) and random.random() <= rate
            ctx.set(access.i.valid, offers)
            ctx.set(access.i.payload, values[len(seen)] if offers else -1)
            for name in ("h", "c"):
                write = getattr(access, f"write_{name}")
                if ctx.get(write.valid):
                    assert ctx.get(write.stream) == 1
                    seen.append((name, ctx.get(write.address), ctx.get(write.data)))
            await ctx.tick()
            cycles += 1
        ctx.set(access.load, 0)
        await ctx.tick()
        assert not ctx.get(access.done)
        if rate == 1:
            assert cycles + 1 == len(WORDS) + StateAccess.ACCESS

    run(access, bench)
    assert seen == [(*word, value) for word, value in zip(WORDS, values, strict=True)]


@pytest.mark.parametrize("rate", [1.0, 0.4])
def test_saving(rate: float) -> None:
    """One word in two cycles, each stable until it is taken; the store answers a cycle later."""
    access, random = make(), Random(2)
    memory = {
        (name, stream, unit): random.randrange(-50, 50)
        for name in ("h", "c")
        for stream in (0, 1)
        for unit in range(5)
    }
    taken: list[int] = []

    async def store(ctx: Any) -> None:
        while True:
            asked = ctx.get(access.state_stream), ctx.get(access.address)
            await ctx.tick()
            for name in ("h", "c"):
                ctx.set(getattr(access, f"state_{name}"), memory.get((name, *asked), 0))

    async def bench(ctx: Any) -> None:
        await settle(ctx, access)
        ctx.set(access.save, 1)
        ctx.set(access.stream, 1)
        ctx.set(access.update_address, 4)
        cycles, done = 0, 0
        while not done:
            ctx.set(access.o.ready, ready := random.random() <= rate)
            _, _, valid, word, done = await ctx.tick().sample(
                access.o.valid, access.o.payload, access.done
            )
            taken.extend([word] * (valid and ready))
            cycles += 1
        ctx.set(access.save, 0)
        if rate == 1:
            assert cycles == 2 * len(WORDS) + StateAccess.ACCESS

    run(access, bench, background=store)
    assert taken == [memory[name, 1, unit] for name, unit in WORDS]


def test_a_request_waits_until_all_units_are_written() -> None:
    """A unit counts when it is announced; its word is there ``ANNOUNCED`` cycles later."""
    access = make()

    async def bench(ctx: Any) -> None:
        for name in full(access):
            await settle(ctx, access)
            ctx.set(access.ready, full(access) | {name: 1})
            await ctx.tick().repeat(2)
            ctx.set(access.load, 1)
            for _ in range(10):
                await ctx.tick()
                assert not ctx.get(access.i.ready)
            ctx.set(access.ready, full(access))
            for _ in range(ANNOUNCED + StateAccess.SETTLED - 1):
                await ctx.tick()
                assert not ctx.get(access.i.ready)
            await ctx.tick()
            assert ctx.get(access.i.ready)
            ctx.set(access.load, 0)
            ctx.set(access.i.valid, 1)
            await ctx.tick().repeat(len(WORDS) + 1)
            ctx.set(access.i.valid, 0)

    run(access, bench)


def test_the_state_update_has_the_ports_otherwise() -> None:
    access = make()

    async def bench(ctx: Any) -> None:
        await settle(ctx, access)
        ctx.set(access.update_address, 3)
        ctx.set(access.update_stream, 1)
        ctx.set(access.i.valid, 1)
        ctx.set(access.i.payload, 9)
        assert (ctx.get(access.address), ctx.get(access.state_stream)) == (3, 1)
        for name in ("h", "c"):
            update, write = (getattr(access, f"{side}write_{name}") for side in ("update_", ""))
            for valid in (1, 0):
                ctx.set(update.valid, valid)
                ctx.set(update.address, 2)
                ctx.set(update.data, -7)
                ctx.set(update.announce, 1 - valid)
                assert (ctx.get(write.valid), ctx.get(write.announce)) == (valid, 1 - valid)
                assert (ctx.get(write.address), ctx.get(write.data)) == (2, -7)

    run(access, bench)
