"""Data sheet of joint products: each lane's product is exact, two cycles after its factors."""

from __future__ import annotations

import ctypes
from functools import reduce
from itertools import product
from operator import and_
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hdl.array.joint_product import JointProduct
from hdl.parts.component import port
from hdl.parts.joint import Joint
from hdl.verilog import convert
from sim.compiled.library import verilator_library
from tests.hdl.simulate import run

HARNESS = Path(__file__).with_name("self_tests.cpp")

EXHAUSTIVE = 1 << 24
"""Most combinations that are all tried."""

TABLE = [
    *((2, 0, *widths) for widths in ((4, 11), (5, 9), (6, 7), (3, 13))),  # 18 x 18
    *((2, 1, *widths) for widths in ((4, 12), (5, 10), (6, 8))),
    *((2, overlap, 8, 8) for overlap in (2, 3, 4, 5)),
    *((3, 0, *widths) for widths in ((2, 6), (3, 4), (4, 4))),
    *((2, 0, *widths) for widths in ((8, 10), (6, 13))),  # 25 x 18
    *((3, 0, *widths) for widths in ((4, 6), (3, 9))),
    *((2, 0, *widths) for widths in ((4, 9), (5, 6), (3, 11))),  # 16 x 16
]
"""Products per multiplier, overlap, bits of a weight and of the operand."""


def joint_of(count: int, overlap: int, weight_width: int, operand_width: int) -> Joint:
    return Joint(
        count=count, overlap=overlap, weight_width=weight_width, operand_width=operand_width
    )


def extremes(joint: Joint) -> tuple[list[int], list[int]]:
    """Operands and weights at the ends of their ranges, and around zero."""
    half, most = 1 << (joint.operand_width - 1), -joint.least
    return [-half, 1 - half, -1, 0, 1, half - 1], [-most, 1 - most, -1, 0, 1, most - 1, most]


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_extreme_and_random_factors(row: tuple[int, int, int, int]) -> None:
    joint, rng = joint_of(*row), np.random.default_rng(row)
    operands, weights = extremes(joint)
    factors = [[x, *w] for x, *w in product(operands, *[weights] * joint.count)]
    picked = rng.permutation(len(factors))[:300]
    operand = rng.integers(operands[0], operands[-1], (100, 1), endpoint=True)
    others = rng.integers(weights[0], weights[-1], (100, joint.count), endpoint=True)
    check(joint, np.concatenate([np.array(factors)[picked], np.hstack([operand, others])]))


@pytest.mark.parametrize(("count", "lanes"), [(2, 1), (3, 1), (3, 2)])
@pytest.mark.parametrize("overlap", [0, 1])
def test_lanes_that_are_left_over(count: int, lanes: int, overlap: int) -> None:
    joint = joint_of(count, overlap if count == 2 else 0, 3, 3)
    operands, weights = range(-4, 4), range(-3, 4)
    check(joint, np.array(list(product(operands, *[weights] * lanes))))


def check(joint: Joint, factors: np.ndarray[Any, Any]) -> None:
    """Multiply one row of operand and weights per cycle."""
    x, weights = factors[:, 0], factors[:, 1:]
    stored = joint.stored(weights)
    unit = JointProduct(joint=joint, lanes=weights.shape[1])
    expected = x[:, np.newaxis] * weights

    async def bench(ctx: Any) -> None:
        for n in range(len(x) + 1):
            now = min(n, len(x) - 1)
            ctx.set(unit.operand, int(x[now]))
            ctx.set(unit.weights, stored[now].tolist())
            await ctx.tick()
            if n:
                outputs = zip(unit.product, unit.carry, strict=True)
                assert [ctx.get(p) + ctx.get(c) for p, c in outputs] == expected[n - 1].tolist()

    run(unit, bench)


class SelfTests(wiring.Component):
    """Multiplies all combinations of factors, or random ones, jointly and one by one.

    Attributes:
        good: so far all products were right.
        done: all combinations have been tried, ``EXHAUSTIVE`` of those that are random.
    """

    good = done = port(Signal)

    def __init__(self) -> None:
        self.joints = [joint_of(*row) for row in TABLE]
        super().__init__({"good": Out(1), "done": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        right, done = [], []
        for number, joint in enumerate(self.joints):
            m.submodules[f"unit{number}"] = unit = JointProduct(joint=joint, lanes=joint.count)
            factors, last = _factors(m, joint, number)
            below: Value = Value.cast(0)
            for lane, weight in enumerate(factors[1:]):
                stored = Signal(signed(joint.weight_width), name=f"stored{number}_{lane}")
                m.d.comb += [stored.eq(weight - below), unit.weights[lane].eq(stored)]
                below = stored[-1]
                exact = factors[0] * weight
                expected = [
                    Signal(signed(joint.product_width), name=f"expected{number}_{lane}_{cycle}")
                    for cycle in range(2)
                ]
                m.d.sync += [expected[0].eq(exact), expected[1].eq(expected[0])]
                right.append(unit.product[lane] + unit.carry[lane] == expected[1])
            m.d.comb += unit.operand.eq(factors[0])
            done.append(last)
        bad = Signal()
        with m.If(~reduce(and_, right)):
            m.d.sync += bad.eq(1)
        m.d.comb += self.good.eq(~bad)
        m.d.comb += self.done.eq(Cat(done).all())
        return m


def _factors(m: Module, joint: Joint, number: int) -> tuple[list[Signal], Value]:
    """Registers that run through all factors, or random ones; and whether that is done."""
    half, most = 1 << (joint.operand_width - 1), -joint.least
    ranges = [(-half, half - 1), *[(-most, most)] * joint.count]
    combinations = int(np.prod([high - low + 1 for low, high in ranges], dtype=object))
    done = Signal(name=f"done{number}")
    factors = [
        Signal(signed(high.bit_length() + 1), name=f"factor{number}_{n}", init=low)
        for n, (low, high) in enumerate(ranges)
    ]
    if combinations > EXHAUSTIVE:
        count, noise = Signal(range(EXHAUSTIVE + 1), name=f"count{number}"), Signal(64, init=1)
        m.d.sync += noise.eq(Cat(noise[63] ^ noise[62] ^ noise[60] ^ noise[59], noise))
        start = 0
        for factor, (low, _) in zip(factors, ranges, strict=True):
            bits = noise[start : start + len(factor)].as_signed()
            m.d.sync += factor.eq(Mux(bits < low, low, bits))
            start += len(factor)
        m.d.sync += count.eq(count + ~done)
        m.d.comb += done.eq(count == EXHAUSTIVE)
        return factors, done
    step: Value = Value.cast(1)
    for factor, (low, high) in zip(factors, ranges, strict=True):
        at_end = factor == high
        with m.If(step):
            m.d.sync += factor.eq(Mux(at_end, low, factor + 1))
        step = step & at_end
    with m.If(step):
        m.d.sync += done.eq(1)
    return factors, done


@pytest.mark.simulator
def test_all_factors_of_the_table() -> None:
    """Every combination of a row; of rows with more than ``EXHAUSTIVE``, so many random ones."""
    verilog = convert(SelfTests(), name="self_tests")
    library = ctypes.CDLL(
        str(verilator_library({"self_tests": verilog}, harness=HARNESS, optimize=True))
    )
    library.cycles_until_done.restype = ctypes.c_int64
    assert library.cycles_until_done(ctypes.c_int64(EXHAUSTIVE + 10)) >= EXHAUSTIVE
