"""Transmitter and receiver on one line, with the divisors that are hardest."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from hdl.serial.uart import UartReceiver, UartTransmitter
from tests.hdl.simulate import PERIOD


@pytest.mark.parametrize("divisors", [(4, 4), (5, 5), (7, 7), (8, 8), (25, 24), (24, 25), (40, 39)])
def test_bytes_come_as_they_went(divisors: tuple[int, int]) -> None:
    """Also between two clocks that are 4 % apart; back to back and with pauses."""
    sent = divisors[0]
    m = Module()
    m.submodules.transmitter = transmitter = UartTransmitter(divisor=sent)
    m.submodules.receiver = receiver = UartReceiver(divisor=divisors[1])
    m.d.comb += receiver.line.eq(transmitter.line)
    random = Random(1)
    data = [0x00, 0xFF, 0x55, 0xAA, 0x7E, *random.randbytes(20)]
    taken, came = list[int](), list[int]()

    async def bench(ctx: Any) -> None:
        waiting, pause, levels = list(data), 0, list[int]()
        for _ in range((len(data) + 6) * (10 * sent + sent)):
            ctx.set(transmitter.i.valid, bool(waiting) and not pause)
            ctx.set(transmitter.i.payload, waiting[0] if waiting else 0)
            moves = waiting and not pause and ctx.get(transmitter.i.ready)
            pause = max(0, pause - 1)
            if moves:
                taken.append(waiting.pop(0))
                pause = random.choice((0, 0, 0, 12 * sent))
            if ctx.get(receiver.o.valid):
                came.append(ctx.get(receiver.o.payload))
            levels.append(ctx.get(transmitter.line))
            await ctx.tick()
        assert levels[0] == levels[-1] == 1, "the line is not high at rest"

    sim = Simulator(m)
    sim.add_clock(PERIOD)
    sim.add_testbench(bench)
    sim.run()
    assert taken == came == data
