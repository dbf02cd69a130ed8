"""Sources of passes: constants in their order; a loaded table decides the walk from the start."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from amaranth.hdl import Module, ResetInserter, Signal

from golden.cells import GRU, LSTM
from golden.quantized import QuantizedNetwork
from hdl.layout.pass_table import pass_constants, table_words
from hdl.layout.vectors import Operand
from hdl.layout.weight_image import sections
from hdl.loading.loader import section_of
from hdl.plan import Plan
from hdl.sequencer.pass_source import ConstantPasses
from hdl.sequencer.sequencer import Sequencer
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from tests.hdl.simulate import count_up, run, watch
from tests.networks import Recipe, quantized_network


def lstm(inputs: int, units: int) -> QuantizedNetwork:
    recipe = Recipe(inputs=inputs, units=(units,), outputs=None, cells=(LSTM(),))
    return quantized_network(recipe, 1)


async def load(ctx: Any, sequencer: Sequencer, plan: Plan) -> None:
    """Write the table of passes, in parts of 32 bits."""
    number = section_of(plan, "passes")
    for address, word in enumerate(table_words(plan)):
        for part in range(sections(plan)[number].parts):
            beat = {"valid": 1, "section": number, "address": address, "part": part}
            ctx.set(sequencer.write, beat | {"data": word >> 32 * part & 0xFFFF_FFFF})
            await ctx.tick()
    ctx.set(sequencer.write, {"valid": 0})


async def operation(ctx: Any, sequencer: Sequencer) -> list[Any]:
    """Wait for the next operation: operand, address, place and weight's address."""
    names = ("valid", "operand", "address", "place", "weight_address")
    for _ in range(20):
        sampled = await ctx.tick().sample(*(getattr(sequencer, name) for name in names))
        if sampled[2]:
            return sampled[3:]
    raise TimeoutError


@pytest.mark.parametrize(("inputs", "units"), [(4, 5), (2, 3)])
def test_the_walk_of_a_network_that_was_loaded(inputs: int, units: int) -> None:
    """A core made for 4 inputs and 5 units walks through smaller networks without a gap."""
    storage = Storage(weights="ram")
    core = Plan(network=lstm(4, 5), options=CoreOptions(lanes=2, storage=storage))
    plan = core.of(lstm(inputs, units))
    sequencer = Sequencer(plan=core, place=core.array.place)
    rows = -(-units // 2)
    walk = [
        (operand, column, row, gate)
        for operand, columns in ((Operand.X, inputs), (Operand.H, units))
        for column, row, gate in product(range(columns), range(rows), range(4))
    ]
    reset = Signal()

    async def bench(ctx: Any) -> None:
        await load(ctx, sequencer, plan)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        ctx.set(sequencer.x_whole, 1)
        ctx.set(sequencer.complete, {name: 1 for name, _ in sequencer.complete.shape()})
        ctx.set(sequencer.ready, {"h0": units, "c0": units})
        ctx.set(sequencer.head_free, 1)
        for step in range(2):
            for number, want in enumerate(walk):
                operand, address, place, weight = await operation(ctx, sequencer)
                assert (Operand(operand), address, place.row, place.gate) == want, (step, number)
                assert weight == number
        assert ctx.get(sequencer.last_input) == inputs - 1

    run(ResetInserter(reset)(sequencer), bench)


def test_constant_passes_follow_each_other() -> None:
    """A reset finds the first pass at hand; the others are read by their position."""
    recipe = Recipe(inputs=3, units=(4, 5), outputs=2, cells=(GRU(), LSTM()))
    plan = Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=2))
    m = Module()
    passes = ConstantPasses(plan)
    passes.read(m)
    count_up(m, passes.coming)
    wanted = [
        passes.now.shape().const(pass_constants(plan, index, single)).as_value().value
        for index, single in enumerate(plan.work.passes)
    ]
    assert len(wanted) > 6
    signals = [passes.coming, passes.now.as_value(), passes.following.as_value()]
    for coming, now, following in watch(m, signals, cycles=len(wanted) - 1):
        assert now == wanted[0]
        assert following == wanted[coming]
