"""Data sheet of the shadow reader: a unit's sums one per cycle, banks independent."""

from __future__ import annotations

from typing import Any

from golden.cells import GRU, LSTM
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.update.shadow_reader import ShadowReader
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network


def make() -> ShadowReader:
    recipe = Recipe(inputs=2, units=(6, 6), cells=(LSTM(), GRU()), outputs=None)
    options = CoreOptions(lanes=6, tail_multipliers=4)
    return ShadowReader(plan=Plan(network=quantized_network(recipe, 1), options=options))


def test_every_sum_of_a_unit_in_the_order_of_its_kind() -> None:
    """Asked a cycle after the unit entered; afterwards the last one asked stays."""
    reader = make()
    plan = reader.plan
    assert plan.array.banks > 1
    assert {tuple(sorted(order)) for order in plan.reads} >= {(0, 1, 2, 3)}

    async def bench(ctx: Any) -> None:
        for job, order in enumerate(plan.reads):
            ctx.set(reader.valid, 1)
            for port, value in ((reader.job, job), (reader.row, 1 % plan.array.rows)):
                ctx.set(port, value)
            ctx.set(reader.group, 1)
            await ctx.tick()
            ctx.set(reader.valid, 0)
            ctx.set(reader.job, 0)
            ctx.set(reader.group, 0)
            for slot in (*order, order[-1], order[-1]):
                asked = ctx.get(reader.read[0])
                assert (asked.gate, asked.row, asked.groups) == (slot, 1 % plan.array.rows, 2)
                await ctx.tick()

    run(reader, bench)


def test_banks_do_not_disturb_each_other() -> None:
    """A unit enters the next bank in each cycle; each bank walks through its own unit's sums."""
    reader = make()
    plan, order = reader.plan, reader.plan.reads[0]
    banks = plan.array.banks

    async def bench(ctx: Any) -> None:
        for cycle in range(banks + len(order)):
            ctx.set(reader.valid, cycle < banks)
            ctx.set(reader.bank, min(cycle, banks - 1))
            ctx.set(reader.group, 0)
            await ctx.tick()
            for bank in range(min(cycle + 1, banks)):
                step = min(cycle - bank, len(order) - 1)
                assert ctx.get(reader.read[bank].gate) == order[step]

    run(reader, bench)
