"""Arithmetic helpers in gates: the one narrowing operation, and selection by job."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeVar

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike, signed

from golden.formats import Format

T = TypeVar("T", bound=Hashable)


MULTIPLIER = {"use_dsp": "yes", "multstyle": "dsp"}
"""Attributes of a product's signal: Vivado's (UG901) and Quartus' words for a hard multiplier."""


def span(count: int) -> range:
    """Shape of an index into ``count`` things: at least one bit, for Verilog has nothing less."""
    return range(max(2, count))


def requantize(m: Module, value: Value, *, frac: int, to: Format) -> Value:
    """Narrow to a format: add half, shift (floor), saturate; :func:`golden.formats.requantize`.

    Combinational, one carry chain of the result's width: adding half and shifting right adds the
    highest bit that is shifted out, and what lies above the result decides meanwhile.

    Args:
        m: module that the logic goes into.
        value: signed, ``frac`` fraction bits.
        frac: fraction bits of ``value``.
        to: format of the result.

    Returns:
        A value of ``to.width`` bits, signed.
    """
    shift = frac - to.frac
    if shift <= 0 or len(value) - shift < to.width:
        return clamp(m, rounded(value, shift), low=to.min, high=to.max, width=to.width)
    parts = unlimited(m, value, frac=frac, to=to)
    fits = Signal(name="fits")
    m.d.comb += fits.eq(parts.alike & parts.rounds)
    return limited(parts.total, fits=fits, sign=parts.sign, to=to)


class Unlimited(NamedTuple):
    """Narrowed value before it is limited.

    Attributes:
        alike: the bits above the result repeat its sign.
        rounds: it is not the largest value, rounded up.
        sign: of the value.
        total: as many bits as the format has; the value if it is ``alike`` and ``rounds``.
    """

    alike: Value
    rounds: Value
    sign: Value
    total: Value


def limited(total: Value, *, fits: Value, sign: Value, to: Format) -> Value:
    """The value, or the end of the format's range that it is beyond."""
    limit = Mux(sign, Const(-to.min, to.width), Const(to.max, to.width))  # -min has min's bits
    return Mux(fits, total, limit).as_signed()


def unlimited(m: Module, value: Value, *, frac: int, to: Format) -> Unlimited:
    """All of :func:`requantize` but the choice at its end; the same arguments.

    Nothing but the total waits for its carry chain.
    """
    shift, width = frac - to.frac, to.width
    total = Signal(width, name="total")
    if shift <= 0 or len(value) - shift < width:
        exact = Signal(rounded(value, shift).shape(), name="exact")
        m.d.comb += [exact.eq(rounded(value, shift)), total.eq(exact)]
        return Unlimited(alike(exact[width - 1 :]), Const(1, 1), value[-1], total)
    whole, sign = value[shift:], value[-1]
    lower = value[shift - 1 : shift - 1 + width]
    m.d.comb += total.eq(whole[:width] + value[shift - 1])
    return Unlimited(alike(whole[width - 1 :]), sign | ~lower.all(), sign, total)


def alike(bits: Value) -> Value:
    """All of some bits are 0, or all are 1."""
    return bits.all() | ~bits.any() if len(bits) > 1 else Const(1, 1)


def rounded(value: Value, shift: int) -> Value:
    """``value`` shifted right, halves up; or left, exactly. As wide as the result may be."""
    if shift > 0:
        return (value + (1 << (shift - 1))) >> shift
    return value << -shift


def exceeds(m: Module, value: Value, *, frac: int, to: Format) -> Value:
    """-1 where :func:`requantize` cuts a value to the format's range, else 0; signed."""
    exact = Signal(rounded(value, frac - to.frac).shape(), name="unlimited")
    m.d.comb += exact.eq(rounded(value, frac - to.frac))
    upper = exact[to.width - 1 :]  # all alike if the value fits
    return (upper.any() & ~upper.all()).as_signed()


def clamp(m: Module, value: Value, *, low: int, high: int, width: int) -> Value:
    """``value`` limited to ``low`` .. ``high``, as a signed value of ``width`` bits.

    What is limited gets a signal, for each use of an expression is a copy of it in the Verilog.

    Raises:
        ValueError: the limits are neither all of ``width`` bits nor 0 and a power of two: nothing
            else needs comparing carry chains.
    """
    exact = Signal(value.shape(), name="exact")
    m.d.comb += exact.eq(value)
    sign = exact[-1]
    if (low, high) == (-1 << (width - 1), (1 << (width - 1)) - 1):
        if len(exact) <= width:
            return Cat(exact, sign.replicate(width - len(exact))).as_signed()
        upper = exact[width - 1 :]  # all alike if the value fits
        limit = Mux(sign, Const(-low, width), Const(high, width))  # -low has the bits of low
        return Mux(upper.any() & ~upper.all(), limit, exact[:width]).as_signed()
    if low != 0 or high < 1 or high & (high - 1):
        raise ValueError(f"clamp must be to all of {width} bits or to 0 .. 2**n, not {low}, {high}")
    beyond = exact[high.bit_length() - 1 : -1].any()  # at or above the power of two
    limited = Mux(sign, 0, Mux(beyond, high, exact[: high.bit_length()]))
    return Cat(limited, Const(0, width))[:width].as_signed()


def select(m: Module, which: ValueLike, choices: Sequence[Value], *, name: str) -> Value:
    """``choices[which]``, combinational, without a multiplexer where there is only one choice.

    Args:
        m: module that the multiplexer goes into.
        which: index into ``choices``.
        choices: signed values; the result is as wide as the widest.
        name: name of the result's signal.
    """
    if len(choices) == 1:
        return choices[0]
    width = max(len(choice) for choice in choices)
    result = Signal(signed(width), name=name)
    with m.Switch(which):
        for index, choice in enumerate(choices[:-1]):
            with m.Case(index):
                m.d.comb += result.eq(choice)
        with m.Default():
            m.d.comb += result.eq(choices[-1])
    return result


def distinct(keys: Sequence[T]) -> tuple[list[T], list[int]]:
    """The different ones of ``keys`` in order of appearance, and for each key its index there."""
    unique = list(dict.fromkeys(keys))
    return unique, [unique.index(key) for key in keys]


def constant_by(m: Module, which: ValueLike, values: Sequence[int], *, name: str) -> Value:
    """The constant ``values[which]``, combinational; not negative."""
    result = Signal(span(max(values) + 1), name=name)
    with m.Switch(which):
        for value, indices in _indices_by_value(values).items():
            with m.Case(*indices):
                m.d.comb += result.eq(value)
    return result


def _indices_by_value(values: Sequence[int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for index, value in enumerate(values):
        groups.setdefault(value, []).append(index)
    return groups


def largest(m: Module, value: Value, valid: Value, begins: Value, *, outputs: int) -> Value:
    """Index of the largest of some words that come one by one; the first of equal ones.

    Args:
        m: module to build into.
        value, valid: the words.
        begins: with the first of them.
        outputs: their number.

    Returns:
        The index, a cycle after the last word (``latency.CLASS``).
    """
    best = Signal(value.shape(), name="best_logit", reset_less=True)
    index = Signal(span(outputs), name="logit_index")
    found = Signal(span(outputs), name="best_class", reset_less=True)
    now = Mux(begins, 0, index)
    with m.If(valid):
        m.d.sync += index.eq(now + 1)
        with m.If(begins | (value > best)):
            m.d.sync += [best.eq(value), found.eq(now)]
    return found
