"""Formats, and requantize against exact rational arithmetic."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.formats import Format, WeightFormat, requantize

WIDTHS = range(2, 7)
FRACS = range(-3, 9)
SMALL = [Format(width=width, frac=frac) for width in WIDTHS for frac in FRACS]


def two_to(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def exact(raw: int, frac: int, to: Format) -> int:
    """Value of ``raw``, to the nearest raw value of ``to`` (halves up), saturated."""
    nearest = math.floor(raw * two_to(-frac) / two_to(-to.frac) + Fraction(1, 2))
    return max(to.min, min(to.max, nearest))


@pytest.mark.parametrize("value", [8.0, "8", None, True, [8], 8j])
@pytest.mark.parametrize("field", ["width", "frac"])
def test_kinds_are_refused_with_type_error(field: str, value: Any) -> None:
    arguments: dict[str, Any] = {"width": 8, "frac": 4, field: value}
    with pytest.raises(TypeError, match=f"^Format {field} must be an integer, not "):
        Format(**arguments)


@pytest.mark.parametrize("width", [-8, 0, 1, 33, 64])
def test_widths_out_of_range_are_refused(width: int) -> None:
    with pytest.raises(ValueError, match=f"^Format width must be 2 to 32 bits, not {width}$"):
        Format(width=width, frac=0)


@pytest.mark.parametrize("frac", [-65, 65, 1000])
def test_fracs_out_of_range_are_refused(frac: int) -> None:
    with pytest.raises(ValueError, match=f"^Format frac must be -64 to 64, not {frac}$"):
        Format(width=8, frac=frac)


def test_positional_arguments_are_refused() -> None:
    with pytest.raises(TypeError):
        Format(8, 4)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("width", [2, 32])
@pytest.mark.parametrize("frac", [-64, 64])
def test_ends_of_the_ranges_are_taken(width: int, frac: int) -> None:
    to = Format(width=width, frac=frac)
    assert (to.min, to.max) == (-(2 ** (width - 1)), 2 ** (width - 1) - 1)


def test_a_format_is_a_frozen_value() -> None:
    one, same, other = (Format(width=8, frac=f) for f in (4, 4, 5))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert str(one) == "Q4.4"
    with pytest.raises(FrozenInstanceError):
        one.width = 9  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("to", SMALL, ids=str)
def test_one_is_held_exactly_or_refused(to: Format) -> None:
    values = [raw * two_to(-to.frac) for raw in range(to.min, to.max + 1)]
    assert to.holds_one == (1 in values)
    if to.holds_one:
        assert values[to.one - to.min] == 1
    else:
        with pytest.raises(ValueError, match="cannot hold exactly 1.0"):
            _ = to.one


def test_quantize_is_nearest_with_halves_up_and_saturates() -> None:
    # Eighths are exact in float64, finer than any half place of the formats tested here.
    values = np.arange(-80, 81) / 32
    for to in SMALL:
        want = [exact(int(v * 32), 5, to) for v in values]
        assert to.quantize(values).tolist() == want
        assert to.quantize(values).dtype == np.int64


def test_weights_leave_out_the_most_negative_value() -> None:
    to = WeightFormat(width=4, frac=1)
    assert (to.min, to.least, to.max) == (-8, -7, 7)
    assert to.quantize([-9, -4, -3.5, -3, 3.5, 9]).tolist() == [-7, -7, -7, -6, 7, 7]
    assert to.saturate([-9, -8]).tolist() == [-8, -8]


def test_quantize_takes_infinity_and_refuses_nan() -> None:
    to = Format(width=8, frac=4)
    assert to.quantize([np.inf, -np.inf]).tolist() == [127, -128]
    with pytest.raises(ValueError, match="cannot quantize NaN"):
        to.quantize([0.0, np.nan])


def test_quantize_takes_the_largest_float_without_a_warning() -> None:
    most = np.finfo(np.float64).max
    with np.errstate(over="raise"):
        assert Format(width=8, frac=4).quantize([most, -most]).tolist() == [127, -128]


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int64])
def test_real_values_of_any_integers_are_float64(dtype: type[np.integer]) -> None:
    real = Format(width=8, frac=30).to_float(np.array([-127, 127], dtype=dtype))
    assert real.dtype == np.float64
    assert real.tolist() == [-127 * 2.0**-30, 127 * 2.0**-30]


@pytest.mark.parametrize("to", SMALL, ids=str)
def test_to_float_is_exact_and_quantize_undoes_it(to: Format) -> None:
    raw = np.arange(to.min, to.max + 1)
    real = to.to_float(raw)
    assert [Fraction(v) for v in real] == [int(r) * two_to(-to.frac) for r in raw]
    assert (to.quantize(real) == raw).all()


def test_saturate() -> None:
    to = Format(width=3, frac=1)
    raw = np.arange(-9, 9)
    assert to.saturate(raw).tolist() == [max(-4, min(3, int(r))) for r in raw]
    assert to.saturate(2**40) == 3
    narrow = to.saturate(raw.astype(np.int8))
    assert narrow.dtype == np.int64
    assert narrow.tolist() == to.saturate(raw).tolist()


@pytest.mark.parametrize("to", SMALL, ids=str)
def test_requantize_exhaustively(to: Format) -> None:
    """All 8-bit integers at every binary point: shifts to the right, none, and to the left."""
    raw = np.arange(-128, 128)
    for frac in range(-2, 10):
        want = [exact(int(r), frac, to) for r in raw]
        assert requantize(raw, frac=frac, to=to).tolist() == want


def test_requantize_cases_by_hand() -> None:
    to = Format(width=4, frac=0)
    # 0.5 -> 1, -0.5 -> 0, 1.5 -> 2, -1.5 -> -1: add half, then floor
    assert requantize([1, -1, 3, -3], frac=1, to=to).tolist() == [1, 0, 2, -1]
    # 7.25 stays, 7.5 rounds up and saturates; -8.5 rounds to -8, -8.75 to -9, which saturates
    assert requantize([29, 30, -34, -35], frac=2, to=to).tolist() == [7, 7, -8, -8]
    # to the left: exact, then saturated
    assert requantize([1, -1, 4], frac=-1, to=to).tolist() == [2, -2, 7]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64])
def test_requantize_does_not_wrap_in_a_narrow_type(dtype: type[np.integer]) -> None:
    ends = np.iinfo(dtype)
    raw = np.array([max(int(ends.min), -(2**40)), min(int(ends.max), 2**40)], dtype=dtype)
    for frac in (0, 3, 7):
        to = Format(width=32, frac=4)
        want = [exact(int(r), frac, to) for r in raw]
        got = requantize(raw, frac=frac, to=to)
        assert got.tolist() == want
        assert got.dtype == np.int64


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,)])
def test_requantize_keeps_the_shape(shape: tuple[int, ...]) -> None:
    assert requantize(np.zeros(shape, np.int64), frac=3, to=Format(width=4, frac=1)).shape == shape


@given(
    raw=st.integers(-(2**60), 2**60),
    frac=st.integers(-64, 64),
    width=st.integers(2, 32),
    shift=st.integers(0, 60),
)
@settings(derandomize=True, max_examples=500, deadline=None, database=None)
def test_requantize_of_wide_integers(raw: int, frac: int, width: int, shift: int) -> None:
    if not -64 <= frac - shift <= 64:
        return
    to = Format(width=width, frac=frac - shift)
    assert int(requantize(raw, frac=frac, to=to)) == exact(raw, frac, to)
