"""Products made of adders."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.timing.latency import SOFT_PRODUCT
from hdl.update.soft_product import SoftProduct


def edges(width: int) -> list[int]:
    """The ends of a signed number's range, and what lies at 0."""
    half = 1 << (width - 1)
    near = {-half, 1 - half, -1, 0, 1, half - 2, half - 1}
    return sorted(number for number in near if -half <= number < half)


@pytest.mark.parametrize(
    ("left", "right"), [(1, 1), (2, 1), (3, 3), (12, 9), (9, 12), (16, 16), (18, 17), (20, 33)]
)
def test_products_of_extremes(left: int, right: int) -> None:
    pairs = list(product(edges(left), edges(right)))
    component = SoftProduct(left=left, right=right)
    got: list[int] = []

    async def drive(ctx: Any) -> None:
        for a, b in [*pairs, *[(0, 0)] * SOFT_PRODUCT]:
            ctx.set(component.left, a)
            ctx.set(component.right, b)
            await ctx.tick()
            got.append(ctx.get(component.o))

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    # A tick after the factors were set is the first of the cycles.
    assert got[SOFT_PRODUCT - 1 :][: len(pairs)] == [a * b for a, b in pairs]


@pytest.mark.parametrize(("left", "right"), [(4, 5), (6, 3)])
def test_all_products(left: int, right: int) -> None:
    numbers = [range(-(1 << (width - 1)), 1 << (width - 1)) for width in (left, right)]
    component = SoftProduct(left=left, right=right)

    async def drive(ctx: Any) -> None:
        for a, b in product(*numbers):
            ctx.set(component.left, a)
            ctx.set(component.right, b)
            await ctx.tick().repeat(SOFT_PRODUCT)
            assert ctx.get(component.o) == a * b

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
