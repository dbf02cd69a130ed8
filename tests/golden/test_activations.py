"""Activations on integers: exhaustively against the scalar reference, and against the functions."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.activations import (
    ALPHAS,
    ExponentialTable,
    TanhTable,
    hard_sigmoid,
    hard_sigmoid_raw,
    logistic,
)
from golden.formats import Format
from tests import reference

ARGUMENTS = [
    Format(width=2, frac=0),
    Format(width=4, frac=2),
    Format(width=6, frac=9),
    Format(width=8, frac=5),
    Format(width=11, frac=0),
    Format(width=12, frac=9),
    Format(width=16, frac=12),
    Format(width=16, frac=15),
]
GATES = [
    Format(width=2, frac=0),
    Format(width=5, frac=2),
    Format(width=10, frac=8),
    Format(width=18, frac=16),
]


def table(
    log2_entries: int, log2_range: int, interpolate: bool, width: int, frac: int
) -> TanhTable:
    return TanhTable(
        log2_entries=log2_entries,
        log2_range=log2_range,
        interpolate=interpolate,
        out=Format(width=width, frac=frac),
    )


TABLES = [
    table(2, 2, False, 4, 2),
    table(2, 5, True, 9, 7),  # fewer entries than integers in its range
    table(3, 2, True, 10, 8),
    table(4, 5, False, 9, 7),
    table(6, 3, True, 12, 12),  # saturates below 1.0
    table(8, 2, False, 10, 8),
    table(8, 2, True, 18, 16),
    table(10, 4, False, 8, 7),  # 1.0 does not fit
    table(14, 2, False, 18, 16),
    table(14, 3, True, 18, 16),
]

arguments = pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
gates = pytest.mark.parametrize("gate", GATES, ids=str)
NAMES = [
    f"{t.entries}over{1 << t.log2_range}{'i' if t.interpolate else 'n'}{t.out}" for t in TABLES
]


# A wide argument meets only some tables and gates.
WIDE = 14
arguments_and_gates = pytest.mark.parametrize(
    ("argument", "gate"),
    [
        (argument, gate)
        for n, argument in enumerate(ARGUMENTS)
        for place, gate in enumerate(GATES)
        if argument.width < WIDE or place % 2 == n % 2
    ],
    ids=str,
)
arguments_and_tables = pytest.mark.parametrize(
    ("argument", "tanh"),
    [
        (argument, tanh)
        for n, argument in enumerate(ARGUMENTS)
        for place, tanh in enumerate(TABLES)
        if argument.width < WIDE or place % 2 == n % 2
    ],
    ids=lambda of: str(of) if isinstance(of, Format) else NAMES[TABLES.index(of)],
)


def everything(to: Format) -> NDArray[np.int64]:
    return np.arange(to.min, to.max + 1)


@arguments_and_gates
def test_hard_sigmoid_exhaustively(argument: Format, gate: Format) -> None:
    raw = everything(argument)
    want = [reference.hard_sigmoid(r, argument.frac, gate) for r in raw.tolist()]
    assert hard_sigmoid_raw(raw, frac=argument.frac, to=gate).tolist() == want


@arguments
@gates
def test_hard_sigmoid_is_the_function_rounded(argument: Format, gate: Format) -> None:
    """x/4 + 1/2 is exact in float64, so that the only difference is the one rounding, halves up."""
    raw = everything(argument)
    real = hard_sigmoid(argument.to_float(raw))
    assert (hard_sigmoid_raw(raw, frac=argument.frac, to=gate) == gate.quantize(real)).all()


@gates
@pytest.mark.parametrize("frac", [0, 1, 5, 13])
def test_hard_sigmoid_reaches_both_ends_and_never_passes_them(gate: Format, frac: int) -> None:
    one = 1 << frac
    raw = [-(2**17), -3 * one, -2 * one, 2 * one, 3 * one, 2**17 - 1]
    got = hard_sigmoid_raw(raw, frac=frac, to=gate).tolist()
    assert got == [0, 0, 0, gate.one, gate.one, gate.one]
    if gate.frac:
        assert int(hard_sigmoid_raw(0, frac=frac, to=gate)) * 2 == gate.one
    if gate.frac <= frac:  # one place inside of the ends
        inside = hard_sigmoid_raw(
            [-2 * one + 4, 2 * one - 4], frac=frac, to=Format(width=32, frac=frac)
        )
        assert inside.tolist() == [1, one - 1]


def test_hard_sigmoid_needs_a_format_that_holds_one() -> None:
    with pytest.raises(ValueError, match="cannot hold exactly 1.0"):
        hard_sigmoid_raw([0], frac=4, to=Format(width=8, frac=7))


@pytest.mark.slow
@arguments_and_tables
def test_tanh_exhaustively(argument: Format, tanh: TanhTable) -> None:
    raw = everything(argument)
    want = [reference.tanh(r, argument.frac, tanh) for r in raw.tolist()]
    assert tanh(raw, frac=argument.frac).tolist() == want


@pytest.mark.slow
@arguments_and_gates
def test_logistic_exhaustively(argument: Format, gate: Format) -> None:
    raw = everything(argument)
    for tanh in (TABLES[2], TABLES[5]):
        want = [reference.logistic(r, argument.frac, tanh, gate) for r in raw.tolist()]
        assert tanh.logistic(raw, frac=argument.frac, to=gate).tolist() == want


@arguments_and_tables
def test_tanh_is_odd_and_monotonic(argument: Format, tanh: TanhTable) -> None:
    raw = np.arange(-argument.max, argument.max + 1)
    got = tanh(raw, frac=argument.frac)
    assert (got == -got[::-1]).all()
    assert got[argument.max] == 0
    assert (np.diff(got) >= 0).all()
    assert np.abs(got).max() <= min(tanh.out.max, 1 << tanh.out.frac)


@arguments_and_tables
def test_tanh_error_stays_below_its_bound(argument: Format, tanh: TanhTable) -> None:
    raw = everything(argument)
    got = tanh.out.to_float(tanh(raw, frac=argument.frac))
    want = np.array([math.tanh(x) for x in argument.to_float(raw)])
    place = 2.0**-tanh.out.frac
    step = 2.0**-tanh.step_frac
    if tanh.interpolate:
        # |tanh''| is at most 4 / (3 sqrt 3); entries round to GUARD more bits
        bound = step**2 / 8 * 4 / (3 * 3**0.5) + place / 2 + place / 2 ** (tanh.GUARD + 1)
        end = 2.0**tanh.log2_range
    else:
        bound = step / 2 + place / 2
        end = 2.0**tanh.log2_range - step
    tail = 1 - math.tanh(end)
    ceiling = max(0.0, 1 - tanh.out.to_float(tanh.out.max))
    assert np.abs(got - want).max() <= bound + tail + ceiling


@pytest.mark.parametrize("interpolate", [False, True])
def test_a_large_table_is_exact_to_the_last_place(interpolate: bool) -> None:
    tanh = table(14, 3, interpolate, 10, 8)
    argument = Format(width=14, frac=10)
    raw = everything(argument)
    error = tanh.out.to_float(tanh(raw, frac=10)) - np.tanh(argument.to_float(raw))
    assert np.abs(error).max() <= (0.5 + 0.3) * 2.0**-8


def test_a_table_holds_tanh_at_its_points() -> None:
    tanh = table(5, 2, False, 10, 8)
    want = [math.floor(math.tanh(i / 8) * 256 + 0.5) for i in range(32)]
    assert tanh.values().tolist() == want
    fine = [math.floor(math.tanh(i / 8) * 1024 + 0.5) for i in range(33)]
    pairs = [[left, right - left] for left, right in pairwise(fine)]
    assert table(5, 2, True, 10, 8).values().tolist() == pairs
    assert (tanh.entries, tanh.step_frac) == (32, 3)


@pytest.mark.parametrize("interpolate", [False, True])
def test_tanh_saturates_outside_the_table(interpolate: bool) -> None:
    tanh = table(8, 2, interpolate, 10, 8)
    far = [2**31 - 1, 2**20, 4 << 9, -(4 << 9), -(2**20), -(2**31)]
    assert tanh(far, frac=9).tolist() == [256, 256, 256, -256, -256, -256]


def test_nearest_entry_of_a_tie_is_the_upper_one() -> None:
    tanh = table(4, 2, False, 18, 16)  # steps of 1/4; 3/8 lies between 1/4 and 1/2
    assert int(tanh([3], frac=3)[0]) == math.floor(math.tanh(0.5) * 65536 + 0.5)
    assert int(tanh([-3], frac=3)[0]) == -math.floor(math.tanh(0.5) * 65536 + 0.5)


@pytest.mark.parametrize("interpolate", [False, True])
def test_logistic_reaches_both_ends(interpolate: bool) -> None:
    tanh, gate = table(8, 2, interpolate, 10, 8), Format(width=10, frac=8)
    got = tanh.logistic([-8 << 8, 0, 8 << 8], frac=8, to=gate)
    assert got.tolist() == [0, 128, 256]


@arguments
@gates
def test_logistic_error_stays_below_its_bound(argument: Format, gate: Format) -> None:
    raw = everything(argument)
    want = logistic(argument.to_float(raw))
    for tanh in (TABLES[5], TABLES[6]):
        got = gate.to_float(tanh.logistic(raw, frac=argument.frac, to=gate))
        assert got.min() >= 0
        assert got.max() <= 1
        bound = (2.0**-tanh.step_frac + 2.0**-tanh.out.frac) / 2 + 1 - math.tanh(3.98)
        assert np.abs(got - want).max() <= bound / 2 + 2.0 ** -(gate.frac + 1)


def test_activations_on_real_numbers() -> None:
    values = np.array([-1e9, -2.5, -2, -1, 0, 0.3, 2, 7, 1e9])
    assert hard_sigmoid(values).tolist() == [0, 0, 0, 0.25, 0.5, 0.575, 1, 1, 1]
    with np.errstate(all="raise", under="ignore"):
        got = logistic(values)
    want = [1 / (1 + math.exp(-max(v, -700.0))) for v in values]
    assert np.allclose(got, want, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_shapes_are_kept(shape: tuple[int, ...]) -> None:
    raw, gate = np.zeros(shape, np.int64), Format(width=10, frac=8)
    for tanh in (TABLES[5], TABLES[6]):
        assert tanh(raw, frac=9).shape == shape
        assert tanh.logistic(raw, frac=9, to=gate).shape == shape
    assert hard_sigmoid_raw(raw, frac=9, to=gate).shape == shape


@pytest.mark.parametrize("log2_entries", [-1, 1, 15])
def test_table_sizes_out_of_range_are_refused(log2_entries: int) -> None:
    with pytest.raises(ValueError, match=f"log2_entries must be 2 to 14, not {log2_entries}"):
        table(log2_entries, 2, False, 10, 8)


@pytest.mark.parametrize("log2_range", [0, 1, 6])
def test_table_ranges_out_of_range_are_refused(log2_range: int) -> None:
    with pytest.raises(ValueError, match=f"log2_range must be 2 to 5, not {log2_range}"):
        table(8, log2_range, False, 10, 8)


@pytest.mark.parametrize("frac", [-1, 0, 11])
def test_table_formats_out_of_range_are_refused(frac: int) -> None:
    with pytest.raises(ValueError, match=f"must have 1 to 10 fraction bits, not {frac}"):
        table(8, 2, False, 10, frac)


@pytest.mark.slow
@pytest.mark.parametrize("log2_range", [2, 3, 4, 5])
def test_double_precision_rounds_every_entry_right(log2_range: int) -> None:
    """docs/arithmetic.md promises it: no entry is near enough to the middle of two integers.

    Points of smaller tables are points of the largest.
    """
    extra = 80  # bits behind the point of the exact values, floored
    with localcontext(prec=40):
        squares = [(Decimal(i) * Decimal(2) ** (log2_range - 13)).exp() for i in range(2**14 + 1)]
        exact = [int((e - 1) / (e + 1) * 2**extra) for e in squares]
    for frac in range(1, 19):
        nearest = table(14, log2_range, False, 18, frac).values().tolist()
        half, drop = 1 << (extra - frac - 1), extra - frac
        largest = 2**17 - 1
        assert nearest == [min(largest, (value + half) >> drop) for value in exact[:-1]]
        base, rise = table(14, log2_range, True, 18, frac).values().T.tolist()
        points = [(value + (half >> 2)) >> (drop - 2) for value in exact]
        assert base == points[:-1]
        assert rise == [above - below for below, above in pairwise(points)]


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["elu", "selu"])
@pytest.mark.parametrize("log2_range", [2, 3, 5])
def test_exponential_tables_are_exact(activation: str, log2_range: int) -> None:
    """Double precision rounds no entry to the wrong integer."""
    extra = 80
    with localcontext(prec=40):
        alpha, step = Decimal(ALPHAS[activation]), Decimal(2) ** (log2_range - 14)
        exact = [int(alpha * (1 - (-i * step).exp()) * 2**extra) for i in range(2**14 + 1)]
    for frac in (1, 5, 8, 11, 16, 17):
        nearest = ExponentialTable.like(table(14, log2_range, False, 18, frac), activation)
        half, drop = 1 << (extra - frac - 1), extra - frac
        assert nearest.values().tolist() == [
            min(2**17 - 1, (value + half) >> drop) for value in exact[:-1]
        ]
        fine = ExponentialTable.like(table(14, log2_range, True, 18, frac), activation)
        points = [(value + (half >> 2)) >> (drop - 2) for value in exact]
        assert fine.values()[:, 0].tolist() == points[:-1]


def test_an_exponential_is_odd_and_saturates_like_tanh() -> None:
    one = ExponentialTable.like(table(8, 2, False, 10, 8), "selu")
    assert one(np.array([0, -1, -128, -(10**6)]), frac=6).tolist()[0] == 0
    assert one(np.array([-64]), frac=6).tolist() == [
        -math.floor(1.6732632 * (1 - math.exp(-1)) * 256 + 0.5)
    ]
    last = one.values()[-1]
    assert one(np.array([-(10**6), 10**6]), frac=6).tolist() == [-last, last]
