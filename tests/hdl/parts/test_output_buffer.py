"""Data sheet of the output buffer: order, two cycles to the stream, as many words as places."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from amaranth.lib import data

from hdl.parts.output_buffer import OutputBuffer
from tests.hdl.simulate import run

WORD = data.StructLayout({"data": 8})


@pytest.mark.parametrize("places", [1, 2, 8])
def test_words_leave_in_order_whoever_pauses(places: int) -> None:
    """The writer counts the room, as `UnitDispatch` does, and never writes into a full buffer."""
    buffer = OutputBuffer(shape=WORD, places=places)
    random, written, taken, fullest = Random(places), list[int](), list[int](), 0

    async def bench(ctx: Any) -> None:
        nonlocal fullest
        for cycle in range(600):
            writes = len(written) - len(taken) < places and random.random() < 0.6
            word, ready = random.getrandbits(8), random.random() < (0.2 if cycle < 300 else 0.9)
            ctx.set(buffer.write, writes)
            ctx.set(buffer.word.data, word)
            ctx.set(buffer.o.ready, ready)
            _, _, valid, offered = await ctx.tick().sample(buffer.o.valid, buffer.o.payload.data)
            written.extend([word] * writes)
            taken.extend([offered] * (valid and ready))
            fullest = max(fullest, len(written) - len(taken))

    run(buffer, bench)
    assert len(taken) > 100
    assert fullest == places
    assert taken == written[: len(taken)]


def test_latency_throughput_and_back_pressure() -> None:
    """Written in cycle 0, offered in 2; a word per cycle; an offered word stays until taken."""
    buffer = OutputBuffer(shape=WORD, places=4)
    seen: list[int | None] = []

    async def bench(ctx: Any) -> None:
        for cycle in range(12):
            ctx.set(buffer.write, cycle < 4)
            ctx.set(buffer.word.data, 10 + cycle)
            ctx.set(buffer.o.ready, cycle > 5)
            _, _, valid, word = await ctx.tick().sample(buffer.o.valid, buffer.o.payload.data)
            seen.append(word if valid else None)

    run(buffer, bench)
    assert OutputBuffer.LATENCY == 2
    assert seen == [None, None, 10, 10, 10, 10, 10, 11, 12, 13, None, None]
