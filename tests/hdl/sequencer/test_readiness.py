"""Readiness: how late the decision follows what is announced, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data

from golden.cells import RNN
from hdl.layout.pass_table import sources
from hdl.layout.ports import step_fields
from hdl.plan import Plan
from hdl.sequencer.pass_source import ConstantPasses
from hdl.sequencer.readiness import Announced, Readiness
from hdl.sequencer.step import Step
from hdl.sequencer.walk import Walk
from hdl.spec.options import CoreOptions
from hdl.timing.latency import ANNOUNCED
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

INPUTS, UNITS = 4, 3

KNOWN = ANNOUNCED - 2
"""Cycles from a count to the decision: the count's own register and the decision's are outside."""


@dataclass
class Bench:
    """One RNN on as many lanes as units, so a column is one operation; ``go`` is the bench's."""

    m: Module
    go: Signal
    goes: Signal
    x: Announced
    h: Announced
    drained: Signal


def make() -> Bench:
    recipe = Recipe(inputs=INPUTS, units=(UNITS,), outputs=None, cells=(RNN(),))
    plan = Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=UNITS))
    m = Module()
    go, passed, goes, drained, restarts = (Signal() for _ in range(5))
    passes, walk = ConstantPasses(plan), Walk(plan)
    passes.read(m)
    m.d.comb += [passed.eq(go & walk.at.ends_pass), restarts.eq(go & walk.at.restarts)]
    x_step = Signal(data.StructLayout(step_fields(plan)))
    x, h = (
        Announced(name=operand, count=Signal(3), whole=Signal(), ends=ends)
        for (operand, _), ends in zip(
            sources(plan), (passed & passes.now.is_input, restarts), strict=True
        )
    )
    readiness = Readiness(
        m,
        plan,
        passes=passes,
        walk=walk,
        step=Step(m, plan, x_step, begins=passed & passes.now.is_input),
        go=go,
        passed=passed,
        vectors=[x, h],
        drained=[drained],
        restarted=[restarts],
    )
    m.d.comb += goes.eq(readiness.goes)
    with m.If(go):
        walk.advance(m, passes.now)
    with m.If(passed):
        m.d.sync += [
            passes.now.eq(passes.following),
            passes.coming.eq(1 - passes.coming),
            *walk.begin(passes.following),
        ]
    return Bench(m, go, goes, x, h, drained)


async def wait(ctx: Any, bench: Bench) -> int:
    """Cycles until the next operation may be issued in the next one; 9 for never."""
    for cycle in range(9):
        if ctx.get(bench.goes):
            return cycle
        await ctx.tick()
    return 9


async def issue(ctx: Any, bench: Bench) -> None:
    """Issue the operation in the cycle after the decision."""
    await ctx.tick()
    ctx.set(bench.go, 1)
    await ctx.tick()
    ctx.set(bench.go, 0)


def test_a_column_waits_for_its_element() -> None:
    bench = make()

    async def elements(ctx: Any) -> None:
        ctx.set(bench.drained, 1)
        for column in range(INPUTS):
            assert await wait(ctx, bench) == 9, column
            ctx.set(bench.x.count, column + 1)
            assert await wait(ctx, bench) == KNOWN, column
            await issue(ctx, bench)

    run(bench.m, elements)


def test_a_whole_vector_is_ready_without_its_count() -> None:
    bench = make()

    async def whole(ctx: Any) -> None:
        ctx.set(bench.drained, 1)
        ctx.set(bench.x.whole, 1)
        assert await wait(ctx, bench) == KNOWN
        for _ in range(INPUTS):
            assert await wait(ctx, bench) == 0
            await issue(ctx, bench)

    run(bench.m, whole)


def test_the_last_column_waits_for_the_drain() -> None:
    """h of a sequence's first step is zero and needs no count; its last column restarts the job."""
    bench = make()

    async def drain(ctx: Any) -> None:
        ctx.set(bench.x.whole, 1)
        for _ in range(INPUTS + UNITS - 1):
            assert await wait(ctx, bench) < 9
            await issue(ctx, bench)
        assert await wait(ctx, bench) == 9
        ctx.set(bench.drained, 1)
        assert await wait(ctx, bench) == KNOWN
        await issue(ctx, bench)

    run(bench.m, drain)
