"""The link at the core, on a line of a byte per cycle: requests come in the midst of all others."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from amaranth.hdl import Module, ResetInserter
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator

from golden.link import frames
from golden.link.board import BoardModel
from golden.link.messages import Fault, Kind, Steps, pack_words
from hdl.board.responder import Responder
from hdl.core import Core
from hdl.plan import Plan
from hdl.serial.framing import Framed
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import PERIOD
from tests.networks import Recipe, input_words, quantized_network

pytestmark = pytest.mark.slow

NETWORK = quantized_network(Recipe(inputs=2, units=(2,), outputs=1), 1)
MISSED = bytes([Kind.FAULT, 0, Fault.OVERRUN])
CAPACITY = 8


def requests(count: int, random: Random) -> list[bytes]:
    """Bodies whose answers do not depend on what was before, each with another number."""
    bodies = []
    for number in range(count):
        x = input_words(NETWORK, batch=1, steps=random.randint(1, 4), seed=number)
        run = bytes([Kind.RUN, number, Steps.FIRST | Steps.LAST]) + pack_words(x[0], 1)
        bodies.append(random.choice((run, bytes([Kind.IDENTIFY, number]))))
    return bodies


def exchange(line: list[int | None], *, cycles: int) -> bytes:
    """Answer of a link with its core to a byte, or none, in every cycle."""
    core = Core(plan=Plan(network=NETWORK, options=CoreOptions(lanes=2)))
    identity = BoardModel(NETWORK, capacity=CAPACITY).identity
    responder = Responder(plan=core.plan, identity=identity)
    link = Framed(responder=responder)
    m = Module()
    m.submodules.link = link
    m.submodules.core = ResetInserter(responder.restart)(core)
    connect(m, responder.x, core.i)
    connect(m, core.o, responder.words)
    m.d.comb += link.o.ready.eq(1)
    answers = bytearray()

    async def bench(ctx: Any) -> None:
        for byte in [*line, *[None] * cycles]:
            ctx.set(link.i.valid, byte is not None)
            ctx.set(link.i.payload, byte or 0)
            if ctx.get(link.o.valid):
                answers.append(ctx.get(link.o.payload))
            await ctx.tick()

    sim = Simulator(m)
    sim.add_clock(PERIOD)
    sim.add_testbench(bench)
    sim.run()
    return bytes(answers)


@pytest.mark.parametrize("seed", range(2))
def test_each_request_is_answered_or_missed(seed: int) -> None:
    random = Random(seed)
    bodies = requests(60, random)
    line: list[int | None] = []
    for body in bodies:
        for byte in frames.encode(body):
            line += [byte] + [None] * random.choice((0, 0, 0, random.randrange(30)))
        line += [None] * random.choice((0, 1, 2, random.randrange(30), 60))
    last = bytes([Kind.IDENTIFY, 250])
    line += [None] * 300
    line += frames.encode(last)
    got = list(frames.Decoder().feed(exchange(line, cycles=100)))
    model = BoardModel(NETWORK, capacity=CAPACITY)
    right = [
        next(frames.Decoder().feed(model.feed(frames.encode(body)))) for body in (*bodies, last)
    ]
    answered = [body for body in got if body != MISSED]
    assert answered == [body for body in right if body in answered]
    assert answered[-1] == right[-1]
    assert 5 < len(answered) < len(right) - 5
    assert MISSED in got


def test_a_frame_that_begins_when_a_missed_one_is_reported() -> None:
    """Its first byte in any cycle around that, the others long after: answered, or missed too."""
    first, missed, other = (frames.encode(bytes([Kind.IDENTIFY, number])) for number in (7, 8, 9))
    begun = frames.CHECK_BYTES + 2  # flag and bytes until the body's first is given
    line: list[int | None] = []
    for delay in range(25):
        line += [*first, *missed, *[None] * delay, *other[:begun], *[None] * 60]
        line += [*other[begun:], *[None] * 60]
    got = list(frames.Decoder().feed(exchange(line, cycles=0)))
    model = BoardModel(NETWORK, capacity=CAPACITY)
    answers = list(frames.Decoder().feed(model.feed(first + other)))
    assert set(got) == {MISSED, *answers}
    assert len(got) == 3 * 25
