"""Data sheet of the packer: words to beats against NumPy, with stalls; restart in the middle."""

from __future__ import annotations

from typing import Any

import pytest

from golden.packing import Packing
from hdl.bus.packer import Packer
from tests.hdl.bus.packings import COUNTS, PACKINGS, VECTORS, beats_of, exchange, vectors
from tests.hdl.simulate import run


@pytest.mark.parametrize("packing", PACKINGS, ids=str)
def test_packed(packing: Packing) -> None:
    for count in COUNTS:
        x = vectors(packing, count)
        expected = beats_of(packing.pack(x), packing)
        items = [
            {"data": value, "ends": n == count - 1, "last": n == count - 1 and vector % 3 == 2}
            for vector, row in enumerate(x.tolist())
            for n, value in enumerate(row)
        ]
        each, whole = packing.beats(count), packing.bus // 8
        used = packing.byte_count(count) - (each - 1) * whole
        for rate in (1.0, 0.6):
            got, cycles = exchange(Packer(packing=packing), items, len(expected), rate=rate)
            assert [beat.data for beat in got] == expected
            for number, beat in enumerate(got):
                is_end = number % each == each - 1
                assert beat.keep == (1 << (used if is_end else whole)) - 1
                assert beat.ends == is_end
                assert beat.last == (is_end and number // each % 3 == 2)
            if rate == 1.0 and packing.container <= packing.bus:
                assert cycles <= x.size + VECTORS  # a word per cycle, one more for a split end


async def give(ctx: Any, packer: Packer, word: int, **fields: int) -> None:
    """A word that is taken at once."""
    ctx.set(packer.i.valid, 1)
    ctx.set(packer.i.payload, {"data": word, **fields})
    assert ctx.get(packer.i.ready)
    await ctx.tick()
    ctx.set(packer.i.valid, 0)


@pytest.mark.parametrize("begun", [False, True])
def test_restart(begun: bool) -> None:
    """A frame of which a beat was offered is ended by a beat of zeros, with the closing fields."""
    packing = Packing(element=8, bus=16, tight=False)
    packer = Packer(packing=packing, beside={"error": 1}, closing={"error": 1})

    async def bench(ctx: Any) -> None:
        assert ctx.get(packer.empty)
        for word in (1, 2, 3) if begun else (3,):
            await give(ctx, packer, word)
            assert not ctx.get(packer.empty)
            if word == 2:  # a whole beat, which nobody takes before the restart
                assert ctx.get(packer.o.payload.data) == 0x0201
                ctx.set(packer.o.ready, 1)
                await ctx.tick()
                ctx.set(packer.o.ready, 0)
        ctx.set(packer.restart, 1)
        await ctx.tick()
        ctx.set(packer.restart, 0)
        if begun:
            await ctx.tick()
            beat = ctx.get(packer.o.payload)
            assert ctx.get(packer.o.valid)
            assert (beat.data, beat.keep, beat.ends, beat.last, beat.error) == (0, 3, 0, 1, 1)
            ctx.set(packer.o.ready, 1)
            await ctx.tick()
            ctx.set(packer.o.ready, 0)
        assert ctx.get(packer.empty)
        await give(ctx, packer, 7, ends=1, last=1)
        beat = ctx.get(packer.o.payload)
        assert (beat.data & 0xFF, beat.keep, beat.last, beat.error) == (7, 1, 1, 0)

    run(packer, bench)


def test_a_beat_on_offer_stays_over_a_restart() -> None:
    packer = Packer(packing=Packing(element=8, bus=8, tight=False))

    async def bench(ctx: Any) -> None:
        await give(ctx, packer, 5)
        ctx.set(packer.restart, 1)
        await ctx.tick()
        ctx.set(packer.restart, 0)
        for _ in range(3):
            assert (ctx.get(packer.o.valid), ctx.get(packer.o.payload.data)) == (1, 5)
            assert not ctx.get(packer.o.payload.last)
            await ctx.tick()
        ctx.set(packer.o.ready, 1)
        await ctx.tick()
        assert (ctx.get(packer.o.valid), ctx.get(packer.o.payload.last)) == (1, 1)

    run(packer, bench)
