"""Data sheet of SPI bytes: mode 0, highest bit first, in and out at once, select in the middle."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from hdl.serial.spi_bytes import SpiBytes
from tests.hdl.simulate import run


async def exchange(ctx: Any, spi: SpiBytes, byte: int, *, half: int, bits: int = 8) -> int:
    """Send bits of a byte as a host does; returns what came back at the rising edges."""
    back = 0
    for n in range(bits):
        ctx.set(spi.mosi, byte >> 7 - n & 1)
        await ctx.tick().repeat(half)
        back = back << 1 | ctx.get(spi.miso)
        ctx.set(spi.sck, 1)
        await ctx.tick().repeat(half)
        ctx.set(spi.sck, 0)
    await ctx.tick().repeat(half)
    return back


@pytest.mark.parametrize("half", [4, 7])
def test_bytes_both_ways(half: int) -> None:
    """A byte goes out behind the one during which it was given; an odd bit is forgotten."""
    spi, random, came = SpiBytes(), Random(half), list[int]()
    sent = [0x00, 0xFF, 0x80, 0x01, *random.randbytes(6)]

    async def watch(ctx: Any) -> None:
        while True:
            _, _, is_there, byte = await ctx.tick().sample(*_came(spi))
            came.extend([byte] * is_there)

    async def host(ctx: Any) -> None:
        for _ in range(2):
            assert not ctx.get(spi.selected)
            ctx.set(spi.cs_n, 0)
            await ctx.tick().repeat(4)
            assert ctx.get(spi.selected)
            given: int | None = None
            for byte in sent:
                following = random.getrandbits(8)
                ctx.set(spi.send, following)
                back = await exchange(ctx, spi, byte, half=half)
                assert given is None or back == given
                given = following
            await exchange(ctx, spi, 0xFF, half=half, bits=3)
            ctx.set(spi.cs_n, 1)
            await ctx.tick().repeat(4)

    run(spi, host, background=watch)
    assert came == 2 * sent


def _came(spi: SpiBytes) -> tuple[Any, Any]:
    return spi.came, spi.data


def test_nothing_comes_while_not_selected() -> None:
    spi = SpiBytes()
    seen = 0

    async def watch(ctx: Any) -> None:
        nonlocal seen
        while True:
            _, _, is_there = await ctx.tick().sample(spi.came)
            seen += is_there

    async def host(ctx: Any) -> None:
        await ctx.tick().repeat(4)
        await exchange(ctx, spi, 0xA5, half=4)

    run(spi, host, background=watch)
    assert seen == 0
