"""Data sheet of a core behind buses: beats in, beats of results out, registers tell of them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module

from golden.model import IntegerModel
from hdl.bus.bus_core import BusCore
from hdl.bus.options import Bus
from hdl.bus.register_map import registers
from hdl.bus.totals import FIRST
from hdl.core import Core
from hdl.parts.parity import ParityGuard
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import run
from tests.networks import Recipe, input_words, quantized_network

ADDRESS = {register.name: register for register in registers()}
MEMORY = "ERRORS", "MEMORY"


async def access(ctx: Any, core: BusCore, name: str, data: int | None = None) -> int:
    """Read a register, or write it."""
    bus = core.access
    for port, value in ((bus.address, ADDRESS[name].address), (bus.write, data is not None)):
        ctx.set(port, value)
    ctx.set(bus.data, data or 0)
    ctx.set(bus.strobe, 15)
    ctx.set(bus.request, 1)
    for _ in range(200):
        _, _, done, answer, error = await ctx.tick().sample(bus.done, bus.answer, bus.error)
        if done:
            ctx.set(bus.request, 0)
            await ctx.tick()
            assert not error
            return answer
    raise TimeoutError


def test_a_sequence() -> None:
    """Results of the integer model; none before the core is enabled; the steps are counted."""
    network = quantized_network(Recipe(inputs=2, units=(3,), outputs=2), 1)
    core = Core(plan=Plan(network=network, options=CoreOptions(lanes=2)), watched=True)
    bus_core = BusCore(core=core, bus=Bus(width=32))
    x = input_words(network, batch=1, steps=3, seed=1)
    beats = bus_core.x_packing.pack(x[0]).reshape(-1, 4)
    want = bus_core.y_packing.pack(IntegerModel(network).forward(x)).reshape(-1, 4)
    taken: list[tuple[int, int, int]] = []

    async def bench(ctx: Any) -> None:
        ctx.set(bus_core.x.valid, 1)
        await ctx.tick().repeat(3)
        assert not ctx.get(bus_core.x.ready)
        ctx.set(bus_core.x.valid, 0)
        enable = 1 << ADDRESS["CONTROL"].field("ENABLE").low
        await access(ctx, bus_core, "CONTROL", enable)
        for number, beat in enumerate(beats):
            word = int.from_bytes(bytes(beat), "little")
            ctx.set(bus_core.x.payload, {"data": word, "last": number == len(beats) - 1})
            ctx.set(bus_core.x.valid, 1)
            await ctx.tick().until(bus_core.x.ready)
        ctx.set(bus_core.x.valid, 0)
        ctx.set(bus_core.y.ready, 1)
        while not taken or not taken[-1][1]:
            _, _, valid, beat = await ctx.tick().sample(bus_core.y.valid, bus_core.y.payload)
            taken.extend([(beat.data, beat.last, beat.error)] * valid)
        await ctx.tick().repeat(100)
        assert await access(ctx, bus_core, "STEPS") == 3

    run(bus_core, bench)
    words = [int.from_bytes(bytes(beat), "little") for beat in want]
    assert [word for word, _, _ in taken] == words
    assert [(last, error) for _, last, error in taken] == [
        (number == len(words) - 1, 0) for number in range(len(words))
    ]


def test_a_flipped_bit_is_an_error_and_interrupts() -> None:
    """The guard also covers the counters' memory, which the registers read all the time."""
    network = quantized_network(Recipe(inputs=2, units=(3,), outputs=2), 1)
    options = CoreOptions(lanes=2, parity=True)
    core = BusCore(core=Core(plan=Plan(network=network, options=options), watched=True), bus=Bus())
    guard, m = ParityGuard(), Module()
    m.submodules.core = guard.over(core)
    m.d.comb += core.fault.eq(guard.fault)
    error, memory = (ADDRESS[r].field(f).mask for r, f in (("IRQ_STATUS", "ERROR"), MEMORY))
    counters = next(one for one in guard.memories if one.memory is core.registers.totals.halves[0])

    async def bench(ctx: Any) -> None:
        parity = await access(ctx, core, "FEATURES") & ADDRESS["FEATURES"].field("PARITY").mask
        assert parity
        await access(ctx, core, "IRQ_ENABLE", error)
        await ctx.tick().repeat(100)
        assert await access(ctx, core, "ERRORS") == 0
        row = counters.stores[0].data[FIRST]
        ctx.set(row, ctx.get(row) ^ 1)
        await ctx.tick().repeat(60)
        assert ctx.get(core.interrupt)
        assert await access(ctx, core, "ERRORS") == memory
        assert await access(ctx, core, "PROTOCOL_ERRORS")
        ctx.set(row, ctx.get(row) ^ 1)
        await ctx.tick().repeat(60)
        await access(ctx, core, "ERRORS", memory)
        await access(ctx, core, "IRQ_STATUS", error)
        await ctx.tick().repeat(60)
        assert await access(ctx, core, "ERRORS") == 0
        assert not ctx.get(core.interrupt)

    run(m, bench)
