"""Data sheet of the UART front end: a request on the line, an access, an answer on the line."""

from __future__ import annotations

from random import Random
from typing import Any

from golden.link.access import Kind
from golden.link.frames import Decoder, encode
from hdl.serial.uart_access import UartAccess
from tests.hdl.serial.fake_registers import NAMED, FakeRegisters
from tests.hdl.simulate import run

DIVISOR = 4


async def send(ctx: Any, front_end: UartAccess, line: bytes) -> None:
    """Start bit, eight data bits from the lowest on, stop bit."""
    for byte in line:
        for bit in (0, *(byte >> n & 1 for n in range(8)), 1):
            ctx.set(front_end.rx, bit)
            await ctx.tick().repeat(DIVISOR)


async def receive(ctx: Any, front_end: UartAccess) -> int:
    """One byte, sampled in the middle of its bits."""
    while ctx.get(front_end.tx):
        await ctx.tick()
    await ctx.tick().repeat(DIVISOR // 2)
    byte = 0
    for n in range(8):
        await ctx.tick().repeat(DIVISOR)
        byte |= ctx.get(front_end.tx) << n
    await ctx.tick().repeat(DIVISOR)
    assert ctx.get(front_end.tx), "no stop bit"
    return byte


def test_a_write_and_a_read() -> None:
    front_end, random = UartAccess(divisor=DIVISOR), Random(1)
    registers, answers = FakeRegisters({}), list[bytes]()
    address, word = NAMED["LENGTH"].address, 0x7E7D_0102  # with bytes that are escaped
    write = bytes((Kind.WRITE, 1, address, 1)) + word.to_bytes(4, "little")
    read = bytes((Kind.READ, 2, address, 1))

    async def serve(ctx: Any) -> None:
        while True:
            await ctx.tick()
            registers.after_edge(ctx, front_end.access, random)

    async def host(ctx: Any) -> None:
        ctx.set(front_end.rx, 1)
        await ctx.tick().repeat(10 * DIVISOR)
        for request in (write, read):
            decoder = Decoder()
            await send(ctx, front_end, encode(request))
            ctx.set(front_end.rx, 1)
            bodies = list[bytes]()
            while not bodies:
                received = decoder.feed(bytes([await receive(ctx, front_end)]))
                bodies += [body for body in received if body is not None]
            answers.extend(bodies)

    run(front_end, host, background=serve)
    assert answers[0] == bytes((Kind.WRITE | 0x80, 1, 0, 1))
    assert answers[1] == bytes((Kind.READ | 0x80, 2, 0, 1)) + word.to_bytes(4, "little")
    assert registers.made == [("write", address, word), ("read", address, word)]
