"""Data sheet of the bare array: it multiplies what it is given, and nothing is optimized away."""

from __future__ import annotations

from typing import Any

from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.fpga.bare_array import BareArray
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network


def outputs(operand: int) -> list[int]:
    """The output of the first cycles."""
    network = quantized_network(Recipe(inputs=2, units=(3,), outputs=None), 1)
    array = BareArray(Plan(network=network, options=CoreOptions(lanes=2)))
    seen: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(array.i, operand)
        for _ in range(100):
            _, _, value = await ctx.tick().sample(array.o)
            seen.append(value)

    run(array, bench)
    return seen


def test_sums_leave_and_are_linear_in_the_operand() -> None:
    assert not any(outputs(0))
    once = outputs(1)
    assert len(set(once)) > 2
    assert outputs(3) == [3 * value for value in once]
