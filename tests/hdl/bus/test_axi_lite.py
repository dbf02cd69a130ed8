"""Data sheet of the AXI4-Lite slave: latency, order of channels, turns, errors, patience."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from hdl.bus.axi_lite import AxiLite
from tests.hdl.simulate import run


async def registers(ctx: Any, lite: AxiLite, made: list[Any], slow: int = 0) -> None:
    """Answer each access a cycle later, or ``slow`` more: its address times 3, odd words fail."""
    access, waited = lite.access, 0
    while True:
        await ctx.tick()
        if not ctx.get(access.request):
            continue
        waited += 1
        if waited > slow + 1:
            waited, address = 0, ctx.get(access.address)
            ctx.set(access.done, 1)
            ctx.set(access.answer, 3 * address)
            ctx.set(access.error, address >> 2 & 1)
            is_write = bool(ctx.get(access.write))
            rest = (ctx.get(access.data), ctx.get(access.strobe)) if is_write else ()
            made.append((address, *rest))
            await ctx.tick()
            assert not ctx.get(access.request)
            ctx.set(access.done, 0)


async def until(ctx: Any, signal: Any) -> int:
    """Cycles until a signal is high, sampled at clock edges."""
    for cycle in range(50):
        _, _, high = await ctx.tick().sample(signal)
        if high:
            return cycle
    raise AssertionError("never")


async def read(ctx: Any, lite: AxiLite, address: int, *, patience: int = 0) -> int:
    """Read; returns cycles from the request until the response is offered."""
    ctx.set(lite.ar.valid, 1)
    ctx.set(lite.ar.payload, address)
    cycles = await until(ctx, lite.ar.ready)
    ctx.set(lite.ar.valid, 0)
    for _ in range(patience):
        assert ctx.get(lite.r.valid)
        await ctx.tick()
    ctx.set(lite.r.ready, 1)
    assert ctx.get(lite.r.valid)
    want = 3 * address, 2 if address >> 2 & 1 else 0
    assert (ctx.get(lite.r.payload.data), ctx.get(lite.r.payload.resp)) == want
    await ctx.tick()
    ctx.set(lite.r.ready, 0)
    assert not ctx.get(lite.r.valid)
    return cycles + 1


async def write(ctx: Any, lite: AxiLite, address: int, data: int, strb: int, late: str) -> None:
    """Write, the channel ``late`` some cycles after the other."""
    channels = {"aw": (lite.aw, address), "w": (lite.w, {"data": data, "strb": strb})}
    for name in sorted(channels, key=lambda name: name == late):
        channel, payload = channels[name]
        ctx.set(channel.valid, 1)
        ctx.set(channel.payload, payload)
        if late and name != late:
            for _ in range(5):
                await ctx.tick()
                assert not ctx.get(channel.ready)
    await until(ctx, lite.aw.ready & lite.w.ready)
    ctx.set(lite.aw.valid, 0)
    ctx.set(lite.w.valid, 0)
    assert ctx.get(lite.b.valid)
    assert ctx.get(lite.b.payload) == (2 if address >> 2 & 1 else 0)
    ctx.set(lite.b.ready, 1)
    await ctx.tick()
    ctx.set(lite.b.ready, 0)
    assert not ctx.get(lite.b.valid)


@pytest.mark.parametrize("slow", [0, 3])
def test_reads_and_writes(slow: int) -> None:
    """A response is offered two cycles after its request, and what the registers need."""
    lite, made, expected, random = AxiLite(), list[Any](), list[Any](), Random(1)

    async def bench(ctx: Any) -> None:
        for _ in range(20):
            address, data = random.randrange(0, 256, 4), random.getrandbits(32)
            assert await read(ctx, lite, address, patience=random.randrange(3)) == 3 + slow
            strb = random.getrandbits(4)
            await write(ctx, lite, address, data, strb, random.choice(("", "aw", "w")))
            expected.extend([(address,), (address, data, strb)])

    async def answer(ctx: Any) -> None:
        await registers(ctx, lite, made, slow=slow)

    run(lite, bench, background=answer)
    assert made == expected


def test_reads_and_writes_take_turns() -> None:
    """Where both always wait, neither starves."""
    lite, made = AxiLite(), list[Any]()

    async def bench(ctx: Any) -> None:
        for channel in (lite.aw, lite.w, lite.ar):
            ctx.set(channel.valid, 1)
        ctx.set(lite.b.ready, 1)
        ctx.set(lite.r.ready, 1)
        await ctx.tick().repeat(40)

    async def answer(ctx: Any) -> None:
        await registers(ctx, lite, made)

    run(lite, bench, background=answer)
    kinds = [len(access) for access in made]
    assert kinds == [(3, 1)[n % 2] for n in range(len(kinds))]
    assert len(kinds) >= 9
