"""Data sheet of the responder: one answer per request, and a fault for whatever is none."""

from __future__ import annotations

from typing import Any

from golden.link.messages import Fault, Identity, Kind, Steps
from hdl.board.responder import Responder
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from sim.draw.directions import with_directions
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

NETWORK = quantized_network(Recipe(inputs=2, units=(3,), outputs=1), 1)
PLAN = Plan(network=NETWORK, options=CoreOptions(lanes=1))
IDENTITY = Identity.of(NETWORK, PLAN.options.interface, capacity=4)
RUN, WHOLE = Kind.RUN, Steps.FIRST | Steps.LAST

CASES: list[tuple[bytes, bool, bytes, bool]] = [
    (bytes((Kind.IDENTIFY, 7)), True, bytes((Kind.IDENTIFY | 0x80, 7)) + IDENTITY.pack(), False),
    (bytes((Kind.IDENTIFY, 7, 1)), True, bytes((Kind.FAULT, 7, Fault.LENGTH)), False),
    (bytes((RUN, 1, WHOLE, 3, 4)), False, bytes((Kind.FAULT, 0, Fault.DAMAGED)), False),
    (bytes((RUN, 2, WHOLE, 3, 4)), True, bytes((RUN | 0x80, 2, 42, 0)), True),
    (bytes((RUN, 3, Steps.FIRST, 5, 6)), True, bytes((RUN | 0x80, 3)), True),
    (bytes((RUN, 5, 0, 5, 6)), True, bytes((Kind.FAULT, 5, Fault.ORDER)), False),
    (bytes((RUN, 4, Steps.LAST, 7, 8)), True, bytes((RUN | 0x80, 4, 42, 0)), False),
    (bytes((RUN, 5, 0, 5, 6)), True, bytes((Kind.FAULT, 5, Fault.ORDER)), False),
    (bytes((RUN, 6, WHOLE, 3)), True, bytes((Kind.FAULT, 6, Fault.LENGTH)), False),
    (bytes((RUN, 6, WHOLE)), True, bytes((Kind.FAULT, 6, Fault.LENGTH)), False),
    (bytes((RUN, 7, WHOLE, *range(5))), True, bytes((Kind.FAULT, 7, Fault.TOO_LONG)), False),
    (bytes((0x55, 8, 1)), True, bytes((Kind.FAULT, 8, Fault.UNKNOWN)), False),
]
"""Body of a request, whether its frame is valid, the answer, whether the core is reset."""


async def send(ctx: Any, responder: Responder, body: bytes, *, valid: bool) -> None:
    ctx.set(responder.i.valid, 1)
    for byte in body:
        ctx.set(responder.i.payload, byte)
        await ctx.tick()
    ctx.set(responder.i.valid, 0)
    ctx.set(responder.end, 1)
    ctx.set(responder.valid, valid)
    await ctx.tick()
    ctx.set(responder.end, 0)


async def answer(ctx: Any, responder: Responder, *, given: list[int]) -> tuple[bytes, bool]:
    """Take an answer, with a core that gives 42 behind each sequence; was the core reset?"""
    body, last, reset = bytearray(), False, False
    ctx.set(responder.o.ready, 1)
    ctx.set(responder.x.ready, 1)
    for _ in range(100):
        _, _, valid, beat, restart, x_valid, x = await ctx.tick().sample(
            responder.o.valid,
            responder.o.payload.as_value(),
            responder.restart,
            responder.x.valid,
            responder.x.payload,
        )
        reset |= bool(restart)
        if x_valid:
            given.append(x.data)
            last = bool(x.last)
        ctx.set(responder.words.valid, last)
        ctx.set(responder.words.payload, {"data": 42, "last": 1})
        if valid:
            body.append(beat & 0xFF)
            if beat >> 8:
                ctx.set(responder.words.valid, 0)
                return bytes(body), reset
    raise TimeoutError


def test_requests_and_what_is_none() -> None:
    responder, given = Responder(plan=PLAN, identity=IDENTITY), list[int]()

    async def bench(ctx: Any) -> None:
        for body, valid, want, resets in CASES:
            await send(ctx, responder, body, valid=valid)
            assert await answer(ctx, responder, given=given) == (want, resets), body

    run(responder, bench)
    assert given == [3, 4, 5, 6, 7, 8]


def test_a_sequence_that_is_too_long() -> None:
    """A core that buffers sequences tells; the next sequence resets it."""
    network = with_directions(NETWORK, 1)
    plan = Plan(network=network, options=CoreOptions(lanes=1, max_steps=1))
    responder = Responder(plan=plan, identity=IDENTITY)

    async def bench(ctx: Any) -> None:
        for body, tells, want in (
            ((2, Steps.FIRST, 5, 6), False, (RUN | 0x80, 2)),
            ((3, 0, 5, 6), True, (RUN | 0x80, 3)),
            ((4, Steps.LAST, 5, 6), False, (Kind.FAULT, 4, Fault.STEPS)),
            ((5, WHOLE, 5, 6), False, (RUN | 0x80, 5, 42, 0)),
        ):
            await send(ctx, responder, bytes((RUN, *body)), valid=True)
            ctx.set(responder.overlong, tells)
            await ctx.tick()
            ctx.set(responder.overlong, 0)
            assert (await answer(ctx, responder, given=[]))[0] == bytes(want)

    run(responder, bench)


def test_a_frame_that_comes_while_a_request_is_carried_out_is_reported() -> None:
    responder = Responder(plan=PLAN, identity=IDENTITY)

    async def bench(ctx: Any) -> None:
        identify = bytes((Kind.IDENTIFY, 1))
        overrun = bytes((Kind.FAULT, 0, Fault.OVERRUN)), False
        await send(ctx, responder, identify, valid=True)
        await send(ctx, responder, identify, valid=True)  # the first one's answer waits
        first, _ = await answer(ctx, responder, given=[])
        assert first[2:] == IDENTITY.pack()
        assert await answer(ctx, responder, given=[]) == overrun
        await send(ctx, responder, identify, valid=True)
        assert (await answer(ctx, responder, given=[]))[0] == first

    run(responder, bench)
