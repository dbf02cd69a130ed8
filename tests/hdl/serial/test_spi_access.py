"""Register accesses over SPI, with a host whose clock has no relation to the core's."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from golden.link import spi
from golden.link.access import Status
from hdl.serial.spi_access import CYCLES_OF_A_BIT, SpiAccess
from tests.hdl.serial.fake_registers import BY_ADDRESS, NAMED, FakeRegisters
from tests.hdl.simulate import PERIOD

pytestmark = pytest.mark.slow

ROOM = {"X": 5, "Y": 4, "WEIGHT": 40, "STATE_IN": 0, "STATE_OUT": 3}


def exchange(
    lots: list[bytes], registers: FakeRegisters, *, bit: float = CYCLES_OF_A_BIT, seed: int = 1
) -> list[bytes]:
    """Return the bytes that the core sends while the host sends each lot with the core selected.

    Args:
        lots: bytes.
        registers: of the core.
        bit: cycles of the core's clock that a bit takes.
        seed: of the time that registers take.
    """
    m = Module()
    m.submodules.front_end = front_end = SpiAccess()
    random = Random(seed)
    answers: list[bytes] = []

    async def host(ctx: Any) -> None:
        async def half() -> None:
            await ctx.delay(bit / 2 * PERIOD)

        for lot in lots:
            answer = bytearray()
            ctx.set(front_end.cs_n, 0)
            for byte in lot:
                came = 0
                for place in range(7, -1, -1):
                    ctx.set(front_end.mosi, byte >> place & 1)
                    await half()
                    assert ctx.get(front_end.miso_enable)
                    came = came << 1 | ctx.get(front_end.miso)
                    ctx.set(front_end.sck, 1)
                    await half()
                    ctx.set(front_end.sck, 0)
                answer.append(came)
            await half()
            ctx.set(front_end.cs_n, 1)
            await half()
            assert not ctx.get(front_end.miso_enable)
            answers.append(bytes(answer))

    async def serve(ctx: Any) -> None:
        async for _ in ctx.tick():
            registers.after_edge(ctx, front_end.access, random)

    sim = Simulator(m)
    sim.add_clock(PERIOD)
    sim.add_testbench(host)
    sim.add_testbench(serve, background=True)
    sim.run()
    return answers


@pytest.mark.parametrize("bit", [CYCLES_OF_A_BIT, 17.3, 51.9])
def test_all_accesses(bit: float) -> None:
    """Each register read and written, alone and several in one go, as the registers themselves."""
    random = Random(1)
    registers, expected = FakeRegisters(ROOM), FakeRegisters(ROOM)
    accesses = [(bool(random.getrandbits(1)), address) for address in (*BY_ADDRESS, 0x3C) * 2]
    accesses += [(True, NAMED["X"].address), (False, NAMED["Y"].address)] * 3
    words = [random.getrandbits(32) for _ in accesses]
    frames = [
        spi.write_frame(address, word) if write else spi.read_frame(address)
        for (write, address), word in zip(accesses, words, strict=True)
    ]
    together = 4
    lots = [b"".join(frames[at : at + together]) for at in range(0, len(frames), together)]
    came = b"".join(exchange(lots, registers, bit=bit))
    seen = set()
    for place, ((write, address), word) in enumerate(zip(accesses, words, strict=True)):
        answer = came[spi.FRAME * place : spi.FRAME * (place + 1)]
        if write:
            status = expected.write(address, word)
            assert spi.status(spi.written(answer)) == status
        else:
            status, word = expected.read(address)
            byte, got = spi.was_read(answer)
            assert spi.status(byte) == status
            assert got == word or status != Status.DONE
        seen.add(status)
    assert registers.made == expected.made
    assert seen == set(Status)


def test_deselected_amid_a_frame() -> None:
    """A frame cut at any byte is forgotten, and the next one is whole."""
    registers = FakeRegisters(ROOM)
    write = spi.write_frame(NAMED["LENGTH"].address, 0x12345678)
    lots = [cut for length in range(5) for cut in (write[:length], spi.read_frame(0x08))]
    answers = exchange([lot for lot in lots if lot], registers)
    reads = [answer for answer in answers if len(answer) == spi.FRAME]
    assert len(reads) == 5
    assert {spi.was_read(read) for read in reads} == {(spi.MARK | Status.DONE, 0x08080808)}
    assert {what for what, _, _ in registers.made} == {"read"}


def test_a_line_that_nobody_drives_is_no_answer() -> None:
    for byte in (0x00, 0xFF, spi.MARK | spi.LATE):
        assert spi.status(byte) is None


def test_too_fast_a_clock_is_told() -> None:
    """An access that is not done in time is not taken for one that is."""
    registers = FakeRegisters(ROOM)

    class Slow(FakeRegisters):
        def after_edge(self, ctx: Any, access: Any, random: Random) -> None:
            """Never answers."""

    (answer,) = exchange([spi.read_frame(0)], Slow(ROOM))
    assert spi.was_read(answer)[0] == spi.MARK | spi.LATE
    assert not registers.made
