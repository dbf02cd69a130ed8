"""The banks of x: one fills while the other is read; a release frees the older one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Signal
from amaranth.lib import data, stream

from hdl.layout.ports import input_layout, step_fields
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.store.input_banks import InputBanks
from sim.draw.index import with_index
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network


def make(inputs: int, lag: int = 0, *, index: bool = False) -> tuple[Module, Any, InputBanks]:
    recipe = Recipe(inputs=inputs, units=(2,), outputs=None)
    network = quantized_network(recipe, 1)
    if lag:
        network = replace(network, layers=(replace(network.layers[0], sources=(0,), lags=(lag,)),))
    network = with_index(network, np.random.default_rng(0)) if index else network
    plan = Plan(network=network, options=CoreOptions(lanes=1))
    m = Module()
    ports: Any = SimpleNamespace(
        i=stream.Signature(input_layout(plan)).create(path=("i",)),
        x_ready=Signal(8),
        x_whole=Signal(),
        x_step=Signal(data.StructLayout(step_fields(plan))),
        x_releasing=Signal(),
        x_release=Signal(),
        read_address=Signal(8),
        read_turn=Signal(8),
        x_index=Signal(8),
    )
    return m, ports, InputBanks(m, plan, ports)


@pytest.mark.parametrize("inputs", [1, 3])
def test_steps_in_turn(inputs: int) -> None:
    """Two steps are taken without a gap, the third once the first is released."""
    m, ports, banks = make(inputs)

    async def fill(ctx: Any) -> None:
        ctx.set(ports.i.valid, 1)
        for step in range(3):
            for n in range(inputs):
                ctx.set(ports.i.payload, {"data": 4 * step + n, "last": step == 1})
                assert ctx.get(ports.i.ready) == (step < 2 or n > 0), (step, n)
                await ctx.tick().until(ports.i.ready)
        ctx.set(ports.i.valid, 0)

    async def take(ctx: Any) -> None:
        for step in range(3):
            await ctx.tick().until(ports.x_whole)
            assert ctx.get(ports.x_step.last) == (step == 1)
            for n in range(inputs):
                ctx.set(ports.read_address, n)
                await ctx.tick()
                assert ctx.get(banks.word) == 4 * step + n
            await ctx.tick().repeat(3 * inputs)
            ctx.set(ports.x_releasing, 1)
            await ctx.tick()
            ctx.set(ports.x_releasing, 0)
            assert ctx.get(ports.x_whole) == (step < 2)  # the next one
            ctx.set(ports.x_release, 1)
            await ctx.tick()
            ctx.set(ports.x_release, 0)

    run(m, fill, take)


def test_an_index_is_kept_until_its_step_is_released() -> None:
    m, ports, banks = make(7, index=True)

    async def bench(ctx: Any) -> None:
        ctx.set(ports.i.valid, 1)
        for value in (6, 3):
            ctx.set(ports.i.payload.data, value)
            await ctx.tick()
        assert ctx.get(ports.i.ready) == 0
        assert (ctx.get(ports.x_whole), ctx.get(ports.x_index)) == (1, 6)
        ctx.set(ports.x_release, 1)
        await ctx.tick()
        assert ctx.get(ports.x_index) == 3

    run(m, bench)
    assert isinstance(banks.word, Const)
    assert banks.word.value == 1 << (len(banks.word) - 2)


def test_elements_are_counted_until_the_step_is_whole() -> None:
    m, ports, _ = make(3)

    async def bench(ctx: Any) -> None:
        ctx.set(ports.i.valid, 1)
        for n in range(3):
            assert (ctx.get(ports.x_ready), ctx.get(ports.x_whole)) == (n, 0)
            await ctx.tick()
        assert (ctx.get(ports.x_ready), ctx.get(ports.x_whole)) == (0, 1)

    run(m, bench)


def test_steps_before_are_kept() -> None:
    """With a lag of 3, four steps are kept, two of which may not be released yet."""
    m, ports, banks = make(2, lag=3)

    async def fill(ctx: Any) -> None:
        ctx.set(ports.i.valid, 1)
        for step in range(12):
            for n in range(2):
                ctx.set(ports.i.payload.data, 2 * step + n)
                await ctx.tick().until(ports.i.ready)
        ctx.set(ports.i.valid, 0)

    async def take(ctx: Any) -> None:
        for step in range(12):
            await ctx.tick().until(ports.x_whole)
            await ctx.tick().repeat(8)  # until the next step is there, and nothing more is taken
            assert ctx.get(ports.i.ready) == (step == 11)
            for lag in range(min(step, 3) + 1):
                for n in range(2):
                    ctx.set(ports.read_turn, step - lag)
                    ctx.set(ports.read_address, n)
                    await ctx.tick()
                    assert ctx.get(banks.word) == 2 * (step - lag) + n, (step, lag)
            for signal in (ports.x_releasing, ports.x_release):
                ctx.set(signal, 1)
                await ctx.tick()
                ctx.set(signal, 0)

    run(m, fill, take)
