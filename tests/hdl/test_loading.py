"""A core whose weights are loaded: restarts, resets and new images at any moment."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.sim import Simulator

from golden.cells import LiteLSTM
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl.core import Core
from hdl.layout.weight_image import image
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from tests.networks import Recipe, quantized_network

STEPS = 3


@cache
def network(seed: int) -> QuantizedNetwork:
    cells = (LiteLSTM(peephole="diagonal"),)
    return quantized_network(Recipe(units=(3,), inputs=2, outputs=2, cells=cells), seed)


@cache
def sequence() -> np.ndarray[Any, np.dtype[np.int64]]:
    rng = np.random.default_rng(5)
    return rng.integers(network(1).x.min, network(1).x.max, size=(STEPS, 2), endpoint=True)


def golden(seed: int) -> list[int]:
    return IntegerModel(network(seed)).forward(sequence()[np.newaxis])[0].tolist()


class Bench:
    """A core in Amaranth's simulator: what goes in, and the words that come out."""

    def __init__(self, weights: str) -> None:
        plan = Plan(
            network=network(1),
            options=CoreOptions(lanes=2, storage=Storage(weights=weights)),
            others=(network(2),),
        )
        self.core: Any = Core(plan=plan)
        self.reset = Signal()
        self.words: list[int] = []

    def image(self, seed: int) -> list[int]:
        return image(self.core.plan.of(network(seed))).tolist()

    async def load(self, ctx: Any, seed: int, *, words: int | None = None) -> None:
        """Offer an image, or its first words."""
        whole = self.image(seed)
        for number, word in enumerate(whole[:words]):
            ctx.set(self.core.i_weights.payload, {"data": word, "last": number == len(whole) - 1})
            ctx.set(self.core.i_weights.valid, 1)
            await ctx.tick().until(self.core.i_weights.ready)
        ctx.set(self.core.i_weights.valid, 0)

    async def send(self, ctx: Any, *, beats: int | None = None) -> None:
        """Offer the sequence, or its first beats."""
        elements = sequence().reshape(-1).tolist()
        for number, element in enumerate(elements[:beats]):
            ctx.set(self.core.i.payload, {"data": element, "last": number == len(elements) - 1})
            ctx.set(self.core.i.valid, 1)
            await ctx.tick().until(self.core.i.ready)
        ctx.set(self.core.i.valid, 0)

    async def clear(self, ctx: Any, signal: Any) -> None:
        """Restart or reset for a cycle, while nothing is offered."""
        for stream in (self.core.i, self.core.i_weights):
            ctx.set(stream.valid, 0)
        ctx.set(signal, 1)
        await ctx.tick()
        ctx.set(signal, 0)
        self.words.clear()

    async def rest(self, ctx: Any) -> None:
        """Wait until the core is idle."""
        await ctx.tick().repeat(2)
        await ctx.tick().until(self.core.idle)

    def run(self, test: Any, *background: Any) -> None:
        """Run a test bench; words are taken as they come."""

        async def take(ctx: Any) -> None:
            ctx.set(self.core.o.ready, 1)
            taken = self.core.o.valid & self.core.o.ready
            async for _, _, word, payload in ctx.tick().sample(taken, self.core.o.payload):
                if word:
                    self.words.append(payload.data)

        m = Module()
        m.submodules.core = ResetInserter(self.reset)(self.core)
        simulator = Simulator(m)
        simulator.add_clock(1e-6)
        simulator.add_testbench(take, background=True)
        simulator.add_testbench(test)
        for other in background:
            simulator.add_testbench(other)
        simulator.run()


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["ram", "double"])
def test_restarts_in_a_sequence(weights: str) -> None:
    """Whatever was begun is forgotten, the set is not."""
    bench = Bench(weights)

    async def test(ctx: Any) -> None:
        await bench.load(ctx, 1)
        await ctx.tick().until(bench.core.load.done)
        for beats in (0, 1, 2, 2 * STEPS):
            for cycles in (0, 4, 9, 13):
                await bench.send(ctx, beats=beats)
                await ctx.tick().repeat(cycles) if cycles else None
                await bench.clear(ctx, bench.core.restart)
                assert ctx.get(bench.core.load.loaded)
                await bench.send(ctx)
                await bench.rest(ctx)
                assert bench.words == golden(1), (beats, cycles)
                bench.words.clear()

    bench.run(test)


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["ram", "double"])
def test_restarts_and_resets_in_a_load(weights: str) -> None:
    """A restart leaves the loader alone; a reset forgets what it was at, and the set."""
    bench = Bench(weights)

    async def test(ctx: Any) -> None:
        whole = len(bench.image(2))
        for words in (1, 3, 4, 5, whole // 2, whole - 1):
            await bench.load(ctx, 2, words=words)
            await bench.clear(ctx, bench.core.restart)
            assert ctx.get(bench.core.load.loading)
            rest = bench.image(2)[words:]
            for number, word in enumerate(rest):
                last = number == len(rest) - 1
                ctx.set(bench.core.i_weights.payload, {"data": word, "last": last})
                ctx.set(bench.core.i_weights.valid, 1)
                await ctx.tick().until(bench.core.i_weights.ready)
            ctx.set(bench.core.i_weights.valid, 0)
            await ctx.tick().until(bench.core.load.done)
            await bench.send(ctx)
            await bench.rest(ctx)
            assert bench.words == golden(2)
            await bench.load(ctx, 1, words=words)
            await bench.clear(ctx, bench.reset)
            assert not ctx.get(bench.core.load.loaded)
            assert not ctx.get(bench.core.load.loading)
            await bench.load(ctx, 1)
            await bench.send(ctx)
            await bench.rest(ctx)
            assert bench.words == golden(1)
            bench.words.clear()

    bench.run(test)


@pytest.mark.parametrize("weights", ["ram", "double"])
def test_an_image_in_a_sequence(weights: str) -> None:
    """The sequence that is open is finished with the old set, the next one has the new one."""
    bench = Bench(weights)
    seen: dict[str, bool] = {}

    async def test(ctx: Any) -> None:
        await bench.load(ctx, 1)
        assert golden(1) != golden(2)
        await ctx.tick().repeat(2)
        for _ in range(3):
            await bench.send(ctx)
        await bench.rest(ctx)
        assert bench.words[:2] == golden(1)
        assert bench.words[-2:] == golden(2)
        assert set(map(tuple, np.reshape(bench.words, (3, 2)).tolist())) == {
            tuple(golden(1)),
            tuple(golden(2)),
        }

    async def image_comes(ctx: Any) -> None:
        await ctx.tick().until(bench.core.load.done)
        await ctx.tick().until(bench.core.i.valid & bench.core.i.ready)
        await bench.load(ctx, 2)
        seen["all words"] = True

    bench.run(test, image_comes)
    assert seen


def test_idle() -> None:
    """From the first beat of a step until its last word is taken the core is not idle."""
    bench = Bench("ram")

    async def test(ctx: Any) -> None:
        await bench.load(ctx, 1)
        await bench.rest(ctx)
        await bench.send(ctx, beats=1)
        await ctx.tick()
        assert not ctx.get(bench.core.idle)
        await ctx.tick().repeat(100)
        assert not ctx.get(bench.core.idle)
        await bench.clear(ctx, bench.core.restart)
        ctx.set(bench.core.o.ready, 0)
        await bench.send(ctx)
        await ctx.tick().repeat(200)
        assert not ctx.get(bench.core.idle)
        assert bench.words == []
        ctx.set(bench.core.o.ready, 1)
        await bench.rest(ctx)
        assert bench.words == golden(1)

    bench.run(test)
