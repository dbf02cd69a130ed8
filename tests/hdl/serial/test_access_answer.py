"""Data sheet of the answers to register accesses: their bytes, whoever pauses."""

from __future__ import annotations

from random import Random
from typing import Any

from golden.link.access import FAULT, MAX_WORDS, Kind, Status
from hdl.serial.access_answer import AccessAnswer, Content
from tests.hdl.simulate import run


async def body(ctx: Any, answer: AccessAnswer, random: Random) -> bytes:
    """Take one body; ``done`` must come with its last byte and only then."""
    taken = bytearray()
    ctx.set(answer.give, 1)
    for _ in range(3000):
        ctx.set(answer.o.ready, ready := random.random() < 0.7)
        _, _, valid, beat, done = await ctx.tick().sample(
            answer.o.valid, answer.o.payload.as_value(), answer.done
        )
        assert valid
        taken.extend([beat & 0xFF] * ready)
        assert bool(done) == bool(ready and beat >> 8)
        if done:
            ctx.set(answer.give, 0)
            assert not ctx.get(answer.o.valid)
            return bytes(taken)
    raise TimeoutError


def test_bodies() -> None:
    """Header of four bytes; a read's words behind it, low byte first, up to the most there are."""
    answer, random = AccessAnswer(), Random(1)

    async def bench(ctx: Any) -> None:
        for count in (0, 1, 2, MAX_WORDS, 1):
            words = [random.getrandbits(32) for _ in range(count)]
            for place, word in enumerate(words):
                ctx.set(answer.keep, 1)
                ctx.set(answer.count, place)
                ctx.set(answer.word, word)
                await ctx.tick()
            ctx.set(answer.keep, 0)
            ctx.set(answer.count, count)
            number = random.getrandbits(8)
            ctx.set(answer.number, number)
            for kind in (Kind.READ, Kind.WRITE):
                status = random.choice(list(Status))
                ctx.set(answer.content, Content.RESULT)
                ctx.set(answer.kind, kind)
                ctx.set(answer.status, status)
                told = b"".join(word.to_bytes(4, "little") for word in words)
                want = bytes((kind | 0x80, number, status, count))
                want += told if kind == Kind.READ else b""
                assert await body(ctx, answer, random) == want
            ctx.set(answer.content, Content.HELLO)
            hello = bytes((Kind.HELLO | 0x80, number, Status.DONE, MAX_WORDS))
            assert await body(ctx, answer, random) == hello
            ctx.set(answer.content, Content.FAULT)
            assert await body(ctx, answer, random) == FAULT

    run(answer, bench)
