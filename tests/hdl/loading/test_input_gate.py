"""Data sheet of the input gate: passes in the same cycle, finishes what is open, holds the rest."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from golden.interface import Interface
from hdl.loading.input_gate import InputGate
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network


def make(streams: int = 1) -> InputGate:
    network = quantized_network(Recipe(inputs=2, units=(3,)), 1)
    options = CoreOptions(lanes=1, interface=Interface(streams=streams))
    return InputGate(plan=Plan(network=network, options=options))


def offer(ctx: Any, gate: InputGate, beat: dict[str, int], *, begins: bool, ends: bool) -> bool:
    """Offer a beat to a gate whose other side is ready; tell whether it passes."""
    ctx.set(gate.i.valid, 1)
    ctx.set(gate.i.payload, beat)
    ctx.set(gate.o.ready, 1)
    ctx.set(gate.begins, begins)
    ctx.set(gate.ends, ends)
    passes = bool(ctx.get(gate.o.valid))
    assert bool(ctx.get(gate.i.ready)) == passes
    assert ctx.get(gate.o.payload.data) == beat["data"]
    return passes


def test_what_passes() -> None:
    """Every combination before any sequence: no latency, and nothing is made up."""
    gate = make()

    async def bench(ctx: Any) -> None:
        for valid, ready, hold, blocks, begins in product((0, 1), repeat=5):
            for port, value in ((gate.i.valid, valid), (gate.o.ready, ready), (gate.hold, hold)):
                ctx.set(port, value)
            ctx.set(gate.blocks, blocks)
            ctx.set(gate.begins, begins)
            passes = not blocks and not (hold and begins)
            assert ctx.get(gate.o.valid) == (valid and passes)
            assert ctx.get(gate.i.ready) == (ready and passes)

    run(gate, bench)


@pytest.mark.parametrize("streams", [1, 2])
def test_an_open_sequence_goes_on_and_the_next_one_waits(streams: int) -> None:
    """``hold`` comes inside a sequence: its further steps pass, ``last`` closes the gate."""
    gate = make(streams)

    async def step(ctx: Any, *, stream: int = 0, last: bool = False) -> bool:
        beat = {"data": 3, "last": last} | ({"stream": stream} if streams > 1 else {})
        if not offer(ctx, gate, beat, begins=True, ends=False):
            return False
        await ctx.tick()
        assert offer(
            ctx, gate, beat | ({"stream": 0} if streams > 1 else {}), begins=False, ends=True
        )
        await ctx.tick()
        ctx.set(gate.i.valid, 0)
        return True

    async def bench(ctx: Any) -> None:
        assert await step(ctx, stream=streams - 1)
        if streams > 1:  # another stream's sequence begins and ends meanwhile
            assert await step(ctx, stream=0, last=True)
        ctx.set(gate.hold, 1)
        await ctx.tick().repeat(3)
        assert await step(ctx, stream=streams - 1)
        assert await step(ctx, stream=streams - 1, last=True)
        assert not await step(ctx, stream=streams - 1)
        await ctx.tick()
        ctx.set(gate.hold, 0)
        assert await step(ctx)

    run(gate, bench)
