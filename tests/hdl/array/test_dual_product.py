"""Data sheet of the dual product: two products, two cycles after their factors."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from hdl.array.dual_product import DualProduct
from tests.hdl.simulate import run


def _ends(width: int) -> tuple[int, ...]:
    most = (1 << (width - 1)) - 1
    return (-most - 1, -most, -1, 0, 1, most)


@pytest.mark.parametrize(("operand", "weight"), [(8, 8), (5, 8), (8, 3)])
def test_two_products_two_cycles_later(operand: int, weight: int) -> None:
    unit = DualProduct(operand_width=operand, weight_width=weight)
    rows = list(product(_ends(operand), _ends(weight), _ends(weight)))

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
