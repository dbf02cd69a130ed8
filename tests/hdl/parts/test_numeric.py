"""requantize in gates against golden, and the selections by job."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, Value, signed

from golden import formats
from golden.formats import Format
from hdl.parts.numeric import clamp, constant_by, distinct, limited, requantize, select, unlimited
from tests.hdl.simulate import count_up, sweep, watch


def in_two_steps(m: Module, value: Value, *, frac: int, to: Format) -> Value:
    """``requantize`` as a pipeline has it where a register lies before the limits."""
    parts = unlimited(m, value, frac=frac, to=to)
    assert [len(part) for part in parts] == [1, 1, 1, to.width]
    return limited(parts.total, fits=parts.alike & parts.rounds, sign=parts.sign, to=to)


def all_values(
    width: int,
    fracs: list[int],
    targets: list[Format],
    narrowing: Callable[..., Value] = requantize,
) -> tuple[list[tuple[int, int]], list[tuple[int, ...]]]:
    """Gates' results for all values of a width, one column for each pair of frac and target."""
    m = Module()
    value = Signal(signed(width), init=-(1 << (width - 1)))
    count_up(m, value)
    pairs = [(f, t) for f in range(len(fracs)) for t in range(len(targets))]
    results = [narrowing(m, value, frac=fracs[f], to=targets[t]) for f, t in pairs]
    for result, (_, t) in zip(results, pairs, strict=True):
        assert result.shape() == signed(targets[t].width)
    return pairs, watch(m, results, cycles=1 << width)


def compare(
    width: int,
    fracs: list[int],
    targets: list[Format],
    narrowing: Callable[..., Value] = requantize,
) -> None:
    pairs, rows = all_values(width, fracs, targets, narrowing)
    raw = np.arange(-(1 << (width - 1)), 1 << (width - 1))
    got = np.array(rows)
    for column, (f, t) in enumerate(pairs):
        want = formats.requantize(raw, frac=fracs[f], to=targets[t])
        assert (got[:, column] == want).all(), (fracs[f], targets[t])


@pytest.mark.parametrize("narrowing", [requantize, in_two_steps])
@pytest.mark.parametrize("width", [1, 2, 3, 6, 9])
def test_requantize_exhaustively_at_small_widths(
    width: int, narrowing: Callable[..., Value]
) -> None:
    targets = [Format(width=w, frac=frac) for w in (2, 3, 4, 5, 8) for frac in (-2, 0, 1, 3, 6)]
    compare(width, [-1, 0, 2, 5, 9], targets, narrowing)


@pytest.mark.slow
def test_requantize_of_all_16_bit_values() -> None:
    compare(
        16,
        [12],
        [
            Format(width=8, frac=4),
            Format(width=9, frac=11),
            Format(width=12, frac=6),
            Format(width=16, frac=12),
            Format(width=18, frac=14),
            Format(width=4, frac=-4),
        ],
    )


def test_requantize_at_the_ends_of_wide_values() -> None:
    m = Module()
    value = Signal(signed(48))
    to = Format(width=12, frac=6)
    ends = [-(2**47), 2**47 - 1, 2**31, -(2**31), 0, -1, 2**24, -(2**24) - 1, 2**35, -(2**35) - 1]
    near = [end + offset for end in ends[4:] for offset in range(-3, 4)]
    values = [*ends, *near]
    got = sweep(m, [value], [(v,) for v in values], [requantize(m, value, frac=30, to=to)])
    want = formats.requantize(values, frac=30, to=to)
    assert [row[0] for row in got] == want.tolist()


@pytest.mark.parametrize(("low", "high", "width"), [(-8, 7, 4), (0, 4, 4), (0, 1, 2), (-2, 1, 2)])
def test_clamp(low: int, high: int, width: int) -> None:
    m = Module()
    value = Signal(signed(6), init=-32)
    count_up(m, value)
    limited = clamp(m, value, low=low, high=high, width=width)
    assert limited.shape() == signed(width)
    got = [row[0] for row in watch(m, [limited], cycles=64)]
    assert got == [max(low, min(high, v)) for v in range(-32, 32)]


@pytest.mark.parametrize("choices", [1, 2, 3, 4])
def test_select(choices: int) -> None:
    """Choices of several widths, negative ones among them."""
    m = Module()
    which = Signal(range(max(2, choices)))
    widths = [4, 9, 2, 6][:choices]
    values = [Signal(signed(w), init=-(1 << (w - 1)), name=f"value{w}") for w in widths]
    result = select(m, which, list[Value](values), name="result")
    rows = sweep(m, [which], [(n,) for n in range(choices)], [result])
    assert [row[0] for row in rows] == [-(1 << (w - 1)) for w in widths]


@pytest.mark.usefixtures("made_in_vain")
def test_a_selection_of_one_is_no_multiplexer() -> None:
    value = Signal(signed(4))
    assert select(Module(), 0, [value], name="result") is value


def test_distinct_keeps_the_order_of_appearance() -> None:
    assert distinct([7, 3, 7, 7, 5, 3]) == ([7, 3, 5], [0, 1, 0, 0, 2, 1])
    assert distinct([(1, 2)]) == ([(1, 2)], [0])


@pytest.mark.parametrize("values", [[3], [0, 5, 5, 0, 9], [1, 1, 1]])
def test_constant_by(values: list[int]) -> None:
    m = Module()
    which = Signal(range(max(2, len(values))))
    result = constant_by(m, which, values, name="result")
    rows = sweep(m, [which], [(n,) for n in range(len(values))], [result])
    assert [row[0] for row in rows] == values
