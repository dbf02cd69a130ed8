"""Data sheet of the dual product: two products of 8 x 8 bits, two cycles after their factors."""

from __future__ import annotations

from itertools import product
from typing import Any

from hdl.array.dual_product import DualProduct
from tests.hdl.simulate import run

ENDS = (-128, -127, -1, 0, 1, 127)


def test_two_products_two_cycles_later() -> None:
    unit, rows = DualProduct(), list(product(ENDS, repeat=3))

    async def bench(ctx: Any) -> None:
        for n in range(len(rows) + 1):
            x, *weights = rows[min(n, len(rows) - 1)]
            ctx.set(unit.operand, x)
            ctx.set(unit.weights, weights)
            await ctx.tick()
            if n:
                x, *weights = rows[n - 1]
                got = [ctx.get(unit.product0), ctx.get(unit.product1)]
                assert got == [x * weight for weight in weights]

    run(unit, bench)
