"""Operations on a pipeline: in one cycle or in two, and on a multiplier that two of them share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Cat, Const, Module, Signal, Value, signed
from numpy.typing import NDArray

from golden import formats
from golden.formats import Format
from hdl.timing.latency import SHARED_PRODUCT, Delays
from hdl.update.arithmetic import Arithmetic, Limits
from hdl.update.pipeline import Pipeline, Staged
from tests.hdl.simulate import count_up, watch

FRACS = (5, 2, 7)
"""Fraction bits of each job's values."""

JOBS = tuple(range(len(FRACS)))


def arithmetic(
    m: Module,
    job: Value,
    *,
    deep: bool = False,
    phase: Value | None = None,
    interval: int = 1,
    product: int = 1,
) -> tuple[Pipeline, Arithmetic]:
    delays = replace(Delays.of(deep=deep, soft=False, interpolate=False), product=product)
    pipe = Pipeline(
        m,
        job=job,
        phase=Signal() if phase is None else phase,
        interval=interval,
        enable=Const(1),
    )
    return pipe, Arithmetic(pipe, multipliers=1, delays=delays)


def within(limits: Limits, raw: NDArray[np.int64], to: Format) -> NDArray[np.int64]:
    low = to.min if limits.low is None else to.quantize(limits.low)
    high = to.max if limits.high is None else to.quantize(limits.high)
    return np.clip(raw, low, high)


@pytest.mark.parametrize("cycles", [1, 2])
@pytest.mark.parametrize(("left", "right", "width"), [(5, 5, 6), (6, 3, 7), (3, 6, 8), (1, 1, 2)])
def test_a_sum_of_known_width(left: int, right: int, width: int, cycles: int) -> None:
    m = Module()
    a, b = Signal(signed(left)), Signal(signed(right))
    counter = Signal(left + right)
    count_up(m, counter)
    m.d.comb += Cat(a, b).eq(counter)
    pipe, numbers = arithmetic(m, Signal(2), deep=cycles == 2)
    total = numbers.add_within(
        Staged(a, 0, FRACS, JOBS),
        Staged(b, 0, FRACS, JOBS),
        width=width,
        cycles=cycles,
        name="total",
    )
    assert (total.stage, total.fracs) == (cycles, FRACS)
    assert len(total.value) <= width
    pipe.finish()
    rows = watch(m, [a, b, total.value], cycles=(1 << (left + right)) + cycles)
    terms, totals = np.array(rows)[:-cycles, :2], np.array(rows)[cycles:, 2]
    assert (totals == terms.sum(axis=1)).all()


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("limits", [Limits(), Limits(low=0, high=1)])
def test_narrowing_of_all_values_for_several_jobs(limits: Limits, deep: bool) -> None:
    """The job changes from cycle to cycle, and with it format and binary point."""
    to = [Format(width=4, frac=1), Format(width=5, frac=3), Format(width=4, frac=0)]
    width = 9
    m = Module()
    counter = Signal(width + 2)
    count_up(m, counter)
    job, value = Signal(2), Signal(signed(width))
    m.d.comb += [
        job.eq(counter[:2] - (counter[:2] == len(FRACS))),
        value.eq(counter[2:]),
    ]
    pipe, numbers = arithmetic(m, job, deep=deep)
    result = numbers.narrow(Staged(value, 0, FRACS, JOBS), to, name="n", limits=limits)
    assert (result.stage, result.fracs) == (1 + deep, (1, 3, 0))
    pipe.finish()
    rows = np.array(watch(m, [job, value, result.value], cycles=(4 << width) + result.stage))
    (jobs, raw), got = rows[: -result.stage, :2].T, rows[result.stage :, 2]
    for number, frac in enumerate(FRACS):
        mine = jobs == number
        want = within(limits, formats.requantize(raw[mine], frac=frac, to=to[number]), to[number])
        assert (got[mine] == want).all()


@pytest.mark.parametrize("cycles", [1, SHARED_PRODUCT])
def test_two_products_share_a_multiplier_of_an_item_every_two_cycles(cycles: int) -> None:
    """The second product waits for the other phase; its factors are delayed to it."""
    m = Module()
    counter = Signal(9)
    count_up(m, counter)
    a, b = Signal(signed(4)), Signal(signed(4))
    m.d.comb += Cat(a, b).eq(counter[1:])
    pipe, numbers = arithmetic(m, Const(0, 2), phase=counter[:1], interval=2, product=cycles)
    left, right = Staged(a, 0, FRACS, JOBS), Staged(b, 0, FRACS, JOBS)
    products = [numbers.multiply(left, right, name="ab"), numbers.multiply(right, right, name="bb")]
    assert [product.stage for product in products] == [cycles, cycles + 1]
    assert products[0].fracs == (10, 4, 14)
    pipe.finish()
    rows = np.array(watch(m, [a, b, *(p.value for p in products)], cycles=512 + 4))
    entered = rows[:512:2]
    assert (rows[cycles:][:512:2, 2] == entered[:, 0] * entered[:, 1]).all()
    assert (rows[cycles + 1 :][:512:2, 3] == entered[:, 1] ** 2).all()


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("limits", [Limits(low=0), Limits(low=0, high=6), Limits(high=0.5)])
def test_narrowing_within_limits(limits: Limits, deep: bool) -> None:
    """A limit beyond the format's range is the format's end."""
    to = [Format(width=6, frac=2), Format(width=5, frac=3), Format(width=6, frac=0)]
    for frac, into in zip(FRACS, to, strict=True):
        m = Module()
        value = Signal(signed(10))
        count_up(m, value)
        pipe, numbers = arithmetic(m, Const(0, 1), deep=deep)
        one = numbers.narrow(Staged(value, 0, (frac,), (0,)), [into], name="n", limits=limits)
        pipe.finish()
        rows = np.array(watch(m, [value, one.value], cycles=1100))
        exact = formats.requantize(rows[: -one.stage, 0], frac=frac, to=into)
        assert (rows[one.stage :, 1] == within(limits, exact, into)).all()


def test_relu() -> None:
    m = Module()
    value = Signal(signed(8))
    count_up(m, value)
    pipe, numbers = arithmetic(m, Const(0, 1))
    result = numbers.relu(Staged(value, 0, (3,), (0,)), name="relu")
    pipe.finish()
    assert (result.stage, result.fracs) == (1, (3,))
    rows = np.array(watch(m, [value, result.value], cycles=300))
    assert (rows[1:, 1] == np.maximum(rows[:-1, 0], 0)).all()


@pytest.mark.parametrize("shift", [1, 7])
def test_leaky(shift: int) -> None:
    """Exact: negative values keep their integer, at a finer binary point."""
    m = Module()
    value = Signal(signed(8))
    count_up(m, value)
    pipe, numbers = arithmetic(m, Const(0, 1))
    result = numbers.leaky(Staged(value, 0, (3,), (0,)), shift, name="leaky")
    pipe.finish()
    assert (result.stage, result.fracs) == (1, (3 + shift,))
    rows = np.array(watch(m, [value, result.value], cycles=300))
    before, after = rows[:-1, 0], rows[1:, 1]
    assert (after == np.where(before < 0, before, before << shift)).all()
