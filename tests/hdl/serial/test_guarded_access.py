"""Data sheet of the guarded access: data registers only with room, all others at once."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from golden.link.access import Status
from hdl.serial.guarded_access import GuardedAccess
from tests.hdl.serial.fake_registers import NAMED, FakeRegisters
from tests.hdl.simulate import run

FIELDS = ("X", "Y", "WEIGHT", "STATE_IN", "STATE_OUT")


async def access(ctx: Any, guarded: GuardedAccess, write: bool, address: int, data: int) -> Any:
    """Make one access; returns its status, its word and the cycles that it took."""
    for port, value in ((guarded.write, write), (guarded.address, address), (guarded.data, data)):
        ctx.set(port, value)
    ctx.set(guarded.start, 1)
    for cycle in range(400):
        _, _, done, status, word = await ctx.tick().sample(
            guarded.done, guarded.status, guarded.word
        )
        if cycle == 0:
            ctx.set(guarded.start, 0)
        if done:
            return Status(status), word, cycle
    raise TimeoutError


@pytest.mark.parametrize("patience", [0, 20])
def test_every_register_with_and_without_room(patience: int) -> None:
    """A full data register is not accessed at all: BUSY after ``patience`` cycles."""
    guarded, random = GuardedAccess(patience=patience), Random(1)

    async def bench(ctx: Any) -> None:
        nonlocal registers
        for room in (0, 1):
            for register in (*NAMED.values(), None):
                for write in (False, True):
                    registers = FakeRegisters(dict.fromkeys(FIELDS, room))
                    model = FakeRegisters(dict.fromkeys(FIELDS, room))
                    address = register.address if register else 0xFC
                    data = random.getrandbits(32)
                    got, word, cycles = await access(ctx, guarded, write, address, data)
                    if write:
                        assert got == model.write(address, data)
                    else:
                        want, expected = model.read(address)
                        assert got == want
                        assert got != Status.DONE or word == expected
                    assert registers.made == model.made
                    assert got != Status.BUSY or cycles > patience

    registers = FakeRegisters({})

    async def serve(ctx: Any) -> None:
        while True:
            await ctx.tick()
            registers.after_edge(ctx, guarded.access, random)

    run(guarded, bench, background=serve)


def test_room_that_comes_in_time() -> None:
    guarded, random = GuardedAccess(patience=60), Random(2)
    registers = FakeRegisters(dict.fromkeys(FIELDS, 0))

    async def serve(ctx: Any) -> None:
        while True:
            await ctx.tick()
            registers.after_edge(ctx, guarded.access, random)

    async def later(ctx: Any) -> None:
        await ctx.tick().repeat(40)
        registers.room["X"] = 1

    async def bench(ctx: Any) -> None:
        status, _, cycles = await access(ctx, guarded, True, NAMED["X"].address, 99)
        assert status == Status.DONE
        assert 40 < cycles < 60
        assert registers.made == [("write", NAMED["X"].address, 99)]

    run(guarded, bench, later, background=serve)
