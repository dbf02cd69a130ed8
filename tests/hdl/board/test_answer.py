"""Data sheet of a board's answers: their bytes, whoever pauses."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from golden.link.messages import Fault, Identity, Kind
from hdl.board.answer import Answer, Content
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

WORDS = [-5, 3, -1]


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_bodies(rate: float) -> None:
    """Kind and number, then what the kind says; a result's words sign-extended, low byte first."""
    network = quantized_network(Recipe(inputs=2, units=(3,), outputs=None, activation_width=6), 1)
    plan = Plan(network=network, options=CoreOptions(lanes=1))
    identity = Identity.of(network, plan.options.interface, capacity=64)
    answer, random = Answer(plan=plan, identity=identity), Random(1)
    size = identity.result_bytes
    result = b"".join(word.to_bytes(size, "little", signed=True) for word in WORDS)
    bodies = {
        Content.FAULT: (Kind.FAULT, bytes([Fault.ORDER])),
        Content.IDENTITY: (Kind.IDENTIFY | 0x80, identity.pack()),
        Content.TAKEN: (Kind.RUN | 0x80, b""),
        Content.RESULT: (Kind.RUN | 0x80, result),
    }

    async def bench(ctx: Any) -> None:
        for content in (*bodies, *reversed(bodies)):
            kind, payload = bodies[content]
            number = random.getrandbits(8)
            for port, value in ((answer.content, content), (answer.number, number)):
                ctx.set(port, value)
            ctx.set(answer.fault, Fault.ORDER)
            for _ in range(3):
                assert not ctx.get(answer.o.valid)
                await ctx.tick()
            ctx.set(answer.start, 1)
            await ctx.tick()
            ctx.set(answer.start, 0)
            taken, words, done = bytearray(), list(WORDS), 0
            while not done:
                ctx.set(answer.o.ready, ready := random.random() <= rate)
                offers = bool(words) and random.random() <= rate
                ctx.set(answer.words.valid, offers)
                ctx.set(answer.words.payload.data, words[0] if offers else 0)
                ctx.set(answer.words.payload.last, offers and len(words) == 1)
                _, _, valid, beat, done, takes = await ctx.tick().sample(
                    answer.o.valid, answer.o.payload.as_value(), answer.done, answer.words.ready
                )
                if valid and ready:
                    taken.append(beat & 0xFF)
                if offers and takes:
                    words.pop(0)
                assert bool(done) == bool(valid and ready and beat >> 8)
            assert bytes(taken) == bytes([kind, number]) + payload
            assert len(words) == (0 if content == Content.RESULT else len(WORDS))

    run(answer, bench)
