"""The MAC array against NumPy: random operations, repeated places, the most negative numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product, repeat
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator
from numpy.typing import NDArray

from hdl.array.lanes import ArrayShape
from hdl.array.mac_array import MacArray
from hdl.timing.latency import drain_latency
from tests.hdl.simulate import PERIOD

DRAIN = 40
"""Cycles after the last operation in which the last rows are read."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One product of every lane; ``None`` weights for a cycle without one."""

    operand: int = 0
    weights: NDArray[np.int64] | None = None
    row: int = 0
    gate: int = 0
    first: bool = False
    final: bool = False
    done: bool = False
    tag: int = 0


@dataclass(frozen=True, kw_only=True)
class Drained:
    """A completed row: its tag, its sums[gate][lane]."""

    tag: int
    row: int
    sums: list[list[int]]


def simulate(shape: ArrayShape, operations: list[Operation]) -> list[Drained]:
    """One operation a cycle; each completed row is read as early as it may be."""
    array = MacArray(shape=shape)
    sim = Simulator(array)
    sim.add_clock(PERIOD)
    result: list[Drained] = []

    async def drive(ctx: Any) -> None:
        operand = 0
        for operation in chain(operations, repeat(Operation(), DRAIN)):
            valid = operation.weights is not None
            ctx.set(array.i_valid, valid)
            # Without an operation everything else is noise.
            noise = {"gate": shape.gates - 1, "row": shape.rows - 1}
            place = {"gate": operation.gate, "row": operation.row} if valid else noise
            ctx.set(array.i_place, place)
            ctx.set(array.i_operand, operand)
            operand = operation.operand  # a cycle later
            if operation.weights is not None:
                ctx.set(array.i_weights, operation.weights.tolist())
            ctx.set(array.i_first, operation.first or not valid)
            ctx.set(array.i_final, operation.final or not valid)
            await ctx.tick()

    async def read(ctx: Any) -> None:
        cycle, latency = 0, drain_latency(deep=shape.side_by_side)
        for index, operation in enumerate(operations):
            if not operation.done:
                continue
            while cycle < index + shape.total + 1:
                await ctx.tick()
                cycle += 1
            sums = []
            for gate, group in product(range(shape.gates), range(-(-shape.lanes // shape.banks))):
                for bank in range(shape.banks):
                    asked = {"gate": gate, "row": operation.row, "groups": 1 << group}
                    ctx.set(array.read[bank], asked)
                await ctx.tick().repeat(latency)
                cycle += latency
                sums += [ctx.get(array.sums[bank]) for bank in range(shape.banks)]
            by_gate = np.reshape(sums, (shape.gates, -1))[:, : shape.lanes].tolist()
            result.append(Drained(tag=operation.tag, row=operation.row, sums=by_gate))

    sim.add_testbench(drive)
    sim.add_testbench(read)
    sim.run()
    return result


def expected(shape: ArrayShape, operations: list[Operation]) -> list[Drained]:
    """Compute the sums in NumPy."""
    sums = np.full((shape.rows, shape.gates, shape.lanes), 999, dtype=np.int64)
    shadow = np.zeros((shape.rows, shape.gates, shape.lanes), dtype=np.int64)
    result = []
    for operation in operations:
        if operation.weights is None:
            continue
        place = operation.row, operation.gate
        start = 0 if operation.first else sums[place]
        sums[place] = start + operation.operand * operation.weights
        if operation.final:
            shadow[place] = sums[place]
        if operation.done:
            got = shadow[operation.row].tolist()
            result.append(Drained(tag=operation.tag, row=operation.row, sums=got))
    return result


def phase(
    shape: ArrayShape, rng: np.random.Generator, *, idle: float, tag: int
) -> Iterator[Operation]:
    """Sums of every place, products in random order, the last one of each place at the end."""
    places = [(row, gate) for row in range(shape.rows) for gate in range(shape.gates)]
    order = [place for place in places for _ in range(int(rng.integers(6, 9)))]
    order = [order[n] for n in rng.permutation(len(order))] + places
    begun: set[tuple[int, int]] = set()
    for index, (row, gate) in enumerate(order):
        while rng.random() < idle:
            yield Operation()
        operand = 1 << (shape.operand_width - 1)
        weight = 1 << (shape.weight_width - 1)
        final = index >= len(order) - len(places)
        yield Operation(
            operand=int(rng.integers(-operand, operand)),
            weights=rng.integers(-weight, weight, size=shape.lanes),
            row=row,
            gate=gate,
            first=(row, gate) not in begun,
            final=final,
            done=final and gate == shape.gates - 1,
            tag=tag + row,
        )
        begun.add((row, gate))


SIDE_BY_SIDE = pytest.mark.parametrize("side_by_side", [False, True])


@SIDE_BY_SIDE
@pytest.mark.parametrize("idle", [0.0, 0.5])
@pytest.mark.parametrize(
    ("lanes", "rows", "gates", "banks"),
    [(1, 1, 1, 1), (1, 3, 1, 1), (3, 1, 2, 2), (2, 3, 3, 1), (4, 2, 2, 2), (5, 2, 3, 3)],
)
def test_random_operations(
    lanes: int, rows: int, gates: int, banks: int, idle: float, side_by_side: bool
) -> None:
    shape = ArrayShape(
        lanes=lanes,
        operand_width=6,
        weight_width=5,
        accumulator_width=16,
        rows=rows,
        gates=gates,
        banks=banks,
        side_by_side=side_by_side,
    )
    rng = np.random.default_rng(lanes)
    phases = [phase(shape, rng, idle=idle, tag=n * rows) for n in range(6)]
    operations = [operation for single in phases for operation in single]
    want = expected(shape, operations)
    assert len(want) == 6 * rows
    assert simulate(shape, operations) == want


@SIDE_BY_SIDE
@pytest.mark.parametrize("distance", [1, 2, 3, 4])
def test_the_same_accumulator_again_soon(distance: int, side_by_side: bool) -> None:
    """A sum is read while its last product is still on its way; with other places in between."""
    shape = ArrayShape(
        lanes=2,
        operand_width=8,
        weight_width=8,
        accumulator_width=24,
        rows=4,
        gates=1,
        side_by_side=side_by_side,
    )
    rng = np.random.default_rng(distance)
    operations = [
        Operation(
            operand=int(rng.integers(-128, 128)),
            weights=rng.integers(-128, 128, size=2),
            row=n % distance,
            first=n < distance,
            final=n >= 5 * distance,
            done=n >= 5 * distance,
            tag=n,
        )
        for n in range(6 * distance)
    ]
    assert simulate(shape, operations) == expected(shape, operations)


def test_a_cycle_without_operation_between_hits() -> None:
    shape = ArrayShape(
        lanes=1, operand_width=4, weight_width=4, accumulator_width=12, rows=2, gates=1
    )
    weights = np.array([3])
    for gap in range(4):
        hits = [
            Operation(operand=n + 1, weights=weights, first=n == 0, final=n == 3, done=n == 3)
            for n in range(4)
        ]
        operations = [op for hit in hits for op in (hit, *[Operation()] * gap)]
        (drained,) = simulate(shape, operations)
        assert drained.sums == [[3 * (1 + 2 + 3 + 4)]]


@pytest.mark.parametrize(("operand", "weight"), [(-128, -8), (-128, 7), (127, -8), (127, 7)])
def test_extremes_fill_the_accumulator_exactly(operand: int, weight: int) -> None:
    """16 products, of most negative times most negative among them: 2**14 needs 16 bits."""
    shape = ArrayShape(
        lanes=3, operand_width=8, weight_width=4, accumulator_width=16, rows=1, gates=2
    )
    operations = [
        Operation(
            operand=operand,
            weights=np.full(3, weight),
            gate=gate,
            first=n == 0,
            final=n == 15,
            done=n == 15 and gate == 1,
        )
        for n in range(16)
        for gate in range(2)
    ]
    (drained,) = simulate(shape, operations)
    assert drained.sums == [[16 * operand * weight] * 3] * 2


def test_a_first_product_forgets_what_was_there() -> None:
    shape = ArrayShape(
        lanes=1, operand_width=8, weight_width=8, accumulator_width=20, rows=1, gates=1
    )
    one = np.array([1])
    operations = [
        Operation(operand=n + 1, weights=one, first=True, final=n == 4, done=n == 4)
        for n in range(5)
    ]
    (drained,) = simulate(shape, operations)
    assert drained.sums == [[5]]


def test_sums_keep_until_the_next_final_product() -> None:
    """The shadow is read long after, while the next sums grow in the accumulators."""
    shape = ArrayShape(
        lanes=2, operand_width=8, weight_width=8, accumulator_width=20, rows=2, gates=1
    )
    array = MacArray(shape=shape)
    sim = Simulator(array)
    sim.add_clock(PERIOD)

    async def bench(ctx: Any) -> None:
        operand = 0
        for row, final in [(0, True), (1, True), (0, False), (1, False)] * 3:
            ctx.set(array.i_valid, 1)
            ctx.set(array.i_place, {"row": row, "gate": 0})
            ctx.set(array.i_operand, operand)
            operand = 10 + row if final else 99  # a cycle later
            ctx.set(array.i_weights, [1, -1])
            ctx.set(array.i_first, 1)
            ctx.set(array.i_final, final)
            await ctx.tick()
        ctx.set(array.i_valid, 0)
        ctx.set(array.i_operand, operand)
        await ctx.tick().repeat(5)
        for row, lane in product((0, 1), (0, 1)):
            ctx.set(array.read[0], {"row": row, "gate": 0, "groups": 1 << lane})
            await ctx.tick()
            assert ctx.get(array.sums[0]) == (10 + row) * (-1) ** lane

    sim.add_testbench(bench)
    sim.run()
