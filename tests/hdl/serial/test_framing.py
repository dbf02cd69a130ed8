"""Frames in gates against golden, a byte in every cycle, and with stalls."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from golden.link import frames
from hdl.serial.framing import Deframer, Framer
from tests.hdl.simulate import PERIOD

FLAG, ESCAPE = frames.FLAG, frames.ESCAPE
SPECIAL = bytes([FLAG, ESCAPE, FLAG ^ frames.FLIP, ESCAPE ^ frames.FLIP, 0, 255])


def body(random: Random) -> bytes:
    """Two bytes or more, among them many that are stuffed."""
    length = random.randint(frames.MIN_BODY, 12)
    return bytes(random.choice((*SPECIAL, random.randrange(256))) for _ in range(length))


def deframed(data: bytes) -> list[bytes | None]:
    """Output of a deframer that gets one byte in every cycle."""
    dut = Deframer()
    found: list[bytes | None] = []

    async def bench(ctx: Any) -> None:
        current = bytearray()
        ctx.set(dut.i.valid, 1)
        for byte in data:
            ctx.set(dut.i.payload, byte)
            if ctx.get(dut.o.valid):
                current.append(ctx.get(dut.o.payload))
            if ctx.get(dut.end):
                assert not ctx.get(dut.o.valid)
                found.append(bytes(current) if ctx.get(dut.valid) else None)
                current.clear()
            await ctx.tick()

    run(dut, bench)
    return found


def framed(bodies: list[bytes], random: Random, *, moving: float) -> bytes:
    """Frame bodies while each side is ready in only a share of the cycles."""
    dut = Framer()
    beats = [(byte, n == len(body) - 1) for body in bodies for n, byte in enumerate(body)]
    line = bytearray()

    async def bench(ctx: Any) -> None:
        waiting, valid = list(beats), False
        wanted = sum(len(frames.encode(body)) for body in bodies)
        for _ in range(100 * wanted):
            valid = bool(waiting) and (valid or random.random() < moving)
            ctx.set(dut.i.valid, valid)
            if valid:
                ctx.set(dut.i.payload, dict(zip(("data", "last"), waiting[0], strict=True)))
            ready = random.random() < moving
            ctx.set(dut.o.ready, ready)
            if ready and ctx.get(dut.o.valid):
                line.append(ctx.get(dut.o.payload))
            if valid and ctx.get(dut.i.ready):
                del waiting[0]
                valid = False
            await ctx.tick()
            if len(line) == wanted and not waiting:
                break

    run(dut, bench)
    return bytes(line)


def run(dut: Deframer | Framer, bench: Any) -> None:
    m = Module()
    m.submodules.dut = dut
    sim = Simulator(m)
    sim.add_clock(PERIOD)
    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize("seed", range(3))
def test_good_frames(seed: int) -> None:
    random = Random(seed)
    bodies = [body(random) for _ in range(40)]
    data = b"".join(frames.encode(body) for body in bodies)
    assert deframed(data) == bodies
    assert framed(bodies, random, moving=1) == data
    assert framed(bodies, random, moving=0.5) == data


@pytest.mark.parametrize("seed", range(3))
def test_whatever_comes(seed: int) -> None:
    """Good frames and bytes of any kind, cut and changed: the same bodies as golden's."""
    random = Random(seed)
    data = bytearray(random.randbytes(5))
    for _ in range(60):
        frame = bytearray(frames.encode(body(random)))
        what = random.randrange(4)
        at = random.randrange(len(frame))
        if what == 0:
            frame[at] = random.choice((*SPECIAL, random.randrange(256)))
        elif what == 1:
            del frame[at : at + random.randint(1, 3)]
        elif what == 2:
            frame[at:at] = bytes(random.choice(SPECIAL) for _ in range(random.randint(1, 8)))
        data += frame
    expected = list(frames.Decoder().feed(bytes(data)))
    assert deframed(bytes(data)) == expected
    assert expected.count(None) > 10
    assert len(expected) - expected.count(None) > 10
