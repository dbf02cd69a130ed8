"""Guarded memories: same words as without the guard, every flipped bit is told, nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module, Shape, Signal
from amaranth.lib.memory import Memory

from hdl.parts.memory import block_memory
from hdl.parts.parity import GuardedMemory, ParityGuard, guarded
from tests.hdl.simulate import run, watch

WIDTH, DEPTH = 6, 5


class Reader(Elaboratable):
    """A memory of ports that a bench drives; ``told`` is its guard's fault."""

    def __init__(self, *, domain: str = "sync", parts: int = 1, init: tuple[int, ...] = ()) -> None:
        self.inner = block_memory(shape=WIDTH, depth=DEPTH, init=init)
        granularity = WIDTH // parts if parts > 1 else None
        self.write: Any = self.inner.write_port(granularity=granularity)
        self.read: Any = self.inner.read_port(domain=domain)
        self.guard = ParityGuard()
        self.used: Any = None
        self.told = Signal()

    def elaborate(self, platform: object) -> Module:
        m, inside = Module(), Module()
        inside.submodules.memory = self.inner
        if self.used is not None:
            self.guard.check_only(self.inner, self.used)
        m.submodules.inside = self.guard.over(inside)
        m.d.comb += self.told.eq(self.guard.fault)
        return m

    @property
    def stores(self) -> list[Memory]:
        return self.guard.memories[0].stores

    async def fault(self, ctx: Any, cycles: int = 6) -> bool:
        """Tell whether there is a fault in the next cycles."""
        found = False
        for _ in range(cycles):
            found |= bool((await ctx.tick().sample(self.told))[2])
        return found


async def put(ctx: Any, reader: Reader, address: int, word: int, en: int = 1) -> None:
    ctx.set(reader.write.addr, address)
    ctx.set(reader.write.data, word)
    ctx.set(reader.write.en, en)
    await ctx.tick()
    ctx.set(reader.write.en, 0)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("domain", ["sync", "comb"])
def test_every_bit_is_guarded(domain: str, parts: int) -> None:
    reader = Reader(domain=domain, parts=parts)

    async def bench(ctx: Any) -> None:
        for address in range(DEPTH):
            await put(ctx, reader, address, 11 * address + 5 & 63, en=(1 << parts) - 1)
        for address in range(8):  # also beyond the end
            ctx.set(reader.read.addr, address)
            assert not await reader.fault(ctx)
            if address < DEPTH:
                assert ctx.get(reader.read.data) == 11 * address + 5 & 63
        ctx.set(reader.read.addr, 2)
        for store in reader.stores:
            for bit in range(Shape.cast(store.shape).width):
                row = store.data[2]
                ctx.set(row, ctx.get(row) ^ 1 << bit)
                assert await reader.fault(ctx)
                ctx.set(row, ctx.get(row) ^ 1 << bit)
                await reader.fault(ctx)  # of what was read before
                assert not await reader.fault(ctx)

    run(reader, bench)


def test_a_word_is_told_four_cycles_after_it_was_asked_for() -> None:
    reader = Reader(init=(1, 2, 4))

    async def bench(ctx: Any) -> None:
        ctx.set(reader.stores[0].data[1], 2)  # without its bit
        ctx.set(reader.read.addr, 1)
        await ctx.tick()
        ctx.set(reader.read.addr, 0)
        told = [bool((await ctx.tick().sample(reader.told))[2]) for _ in range(5)]
        assert told == [False, False, False, True, False]

    run(reader, bench)


def test_words_that_nobody_may_use_are_not_checked() -> None:
    """A word that is read while it is written; with the port off; and what ``used`` leaves out."""
    reader = Reader()
    reader.used = Signal(init=1)

    async def bench(ctx: Any) -> None:
        ctx.set(reader.stores[0].data[3], 1)
        ctx.set(reader.read.addr, 3)
        ctx.set(reader.write.addr, 3)
        ctx.set(reader.write.en, 1)
        ctx.set(reader.write.data, 9)
        await ctx.tick()
        assert not await reader.fault(ctx)
        ctx.set(reader.write.en, 0)
        for off in (reader.read.en, reader.used):
            ctx.set(reader.stores[0].data[3], 1)
            ctx.set(off, 0)
            await reader.fault(ctx)
            assert not await reader.fault(ctx)
            ctx.set(off, 1)
            assert await reader.fault(ctx)

    run(reader, bench)


def test_without_parity_nothing_is_guarded() -> None:
    for parity in (False, True):
        m, inner = Module(), Module()
        inner.submodules.memory = memory = block_memory(shape=8, depth=4, init=[7, 8, 9])
        read = memory.read_port()
        fault = guarded(m, {"inner": inner}, parity=parity)
        rows = watch(m, [read.data, fault], cycles=6)
        assert rows[1:] == [(7, 0)] * 5


@pytest.mark.usefixtures("made_in_vain")
def test_a_memory_written_in_parts_starts_from_0() -> None:
    memory = block_memory(shape=8, depth=4, init=[1])
    memory.write_port(granularity=4)
    with pytest.raises(ValueError, match="must start from 0"):
        GuardedMemory(memory=memory, used=Signal())


def test_a_port_that_sees_what_is_written_still_does() -> None:
    m, inside = Module(), Module()
    inside.submodules.memory = memory = Memory(shape=8, depth=4, init=[])
    write = memory.write_port()
    read = memory.read_port(transparent_for=[write])
    fault = guarded(m, {"inside": inside}, parity=True)
    m.d.comb += [write.data.eq(7), write.en.eq(1)]
    assert watch(m, [read.data, fault], cycles=5)[1:] == [(7, 0)] * 4
