"""Activation functions in gates; bit for bit those of :mod:`golden.activations`."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.activations import TanhTable
from golden.formats import Format
from hdl.parts.component import delayed, port
from hdl.parts.memory import block_rom
from hdl.parts.numeric import MULTIPLIER, alike, clamp, requantize, rounded, select, span
from hdl.timing.latency import tanh_latency


def hard_sigmoid(m: Module, value: Value, *, frac: int, to: Format, early: bool = False) -> Value:
    """Eq. (21), clip(x/4 + 1/2, 0, 1): add, shift, clamp. Combinational.

    Args:
        m: module that the logic goes into.
        value: signed pre-activation with ``frac`` fraction bits, 0 or more.
        frac: fraction bits of ``value``.
        to: format of the gate; must hold 1.0.
        early: whether it is decided from ``value`` and not from the sum that it is to be clamped.
    """
    if early:
        return _early_hard_sigmoid(m, value, frac=frac, to=to)
    quarter = rounded(value + (1 << (frac + 1)), frac + 2 - to.frac)
    return clamp(m, quarter, low=0, high=to.one, width=to.width)


def _early_hard_sigmoid(m: Module, value: Value, *, frac: int, to: Format) -> Value:
    """Between -2 and 2 the sum has no sign: one half is added by an inverted bit."""
    half, sign = frac + 1, value[-1]
    extended = Cat(value, sign.replicate(max(0, half + 1 - len(value))))
    quarter = rounded(Cat(extended[:half], ~extended[half]), half + 1 - to.frac)
    total = Signal(to.frac + 1, name="quarter")
    m.d.comb += total.eq(quarter)
    within = alike(extended[half:])
    limited = Cat(total[:-1] & within.replicate(to.frac), Mux(within, total[-1], ~sign))
    return Cat(limited, Const(0, to.width))[: to.width].as_signed()


def logistic_from_tanh(m: Module, t: Value, *, frac: int, to: Format) -> Value:
    """Logistic sigmoid (1 + tanh(x/2)) / 2, given t = tanh(x/2). Combinational.

    Args:
        m: module that the logic goes into.
        t: signed, ``frac`` fraction bits.
        frac: fraction bits of ``t``.
        to: format of the gate; must hold 1.0.
    """
    half = rounded(t + (1 << frac), frac + 1 - to.frac)
    return clamp(m, half, low=0, high=to.one, width=to.width)


class Tanh(wiring.Component):
    """tanh, or another odd function, by table: magnitude, look-up (two cycles), sign.

    Latency: `tanh_latency` cycles. Throughput: one result per cycle; no reset, no stall. Cost:
    one ROM of ``table.entries`` words, and with interpolation one small multiplier.

    Args:
        table: the table; its contents are :meth:`golden.activations.TanhTable.values`.
        fracs: fraction bits of the argument; where several are given ``select`` chooses.
        width: bits of the argument.
        deep: whether there is a register before magnitude and index: the argument's, or where
            nothing is interpolated, that of its bits at the chosen binary point.

    Attributes:
        i: argument, signed(width).
        select: index into ``fracs``.
        o: result in format ``table.out``.
    """

    i = select = o = port(Signal)

    def __init__(
        self, *, table: TanhTable, fracs: Sequence[int], width: int, deep: bool = False
    ) -> None:
        if not fracs:
            raise ValueError(f"Tanh fracs must not be empty, not {fracs!r}")
        self.table = table
        self.fracs = tuple(fracs)
        self.width = width
        self.deep = deep
        super().__init__(
            {
                "i": In(signed(width)),
                "select": In(span(len(self.fracs))),
                "o": Out(signed(table.out.width)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from argument to result."""
        return tanh_latency(interpolate=self.table.interpolate, deep=self.deep)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values = self.table.values().reshape(self.table.entries, -1)
        low = values[:, 0]
        entry_width = int(low.max()).bit_length()
        rise_width = int(values[:, 1].max()).bit_length() if self.table.interpolate else 0
        words = [int(v[0]) | (int(v[-1]) << entry_width if rise_width else 0) for v in values]
        m.submodules.rom = rom = block_rom(
            shape=entry_width + rise_width, depth=self.table.entries, init=words
        )
        port = rom.read_port(domain="sync")

        index_q = Signal(self.table.log2_entries, reset_less=True)
        word_q = Signal(entry_width + rise_width, reset_less=True)  # the block RAM's register
        negative = delayed(m, self.i[-1], self.latency - 1, name="negative")[-1]
        m.d.sync += word_q.eq(port.data)

        if not self.table.interpolate:
            index, outside = self._nearest(m)
            outside_q = delayed(m, outside, 1, name="outside")[-1]
            at_end = Signal()
            m.d.sync += index_q.eq(index)
            m.d.comb += [
                at_end.eq(outside_q.any()),
                port.addr.eq(index_q | at_end.replicate(len(index_q))),  # the last entry
            ]
            self._apply_sign(m, word_q, negative)
            return m
        m.d.comb += port.addr.eq(index_q)

        magnitude = Signal(self.width)
        argument = delayed(m, self.i, self.deep, name="i")[-1]
        which = delayed(m, self.select, self.deep, name="select")[-1]
        m.d.comb += magnitude.eq(Mux(argument < 0, -argument, argument))
        # Parts of all binary points are aligned to the finest, so that one multiplier serves.
        below = max(0, max(self.fracs) - self.table.step_frac)
        split = [self._split(magnitude, frac, below) for frac in self.fracs]
        part = Signal(below + 1)
        m.d.comb += part.eq(select(m, which, [p for _, p in split], name="chosen_part"))
        m.d.sync += index_q.eq(select(m, which, [i for i, _ in split], name="index"))
        part_q3 = delayed(m, part, 3, name="part")[-1]
        entry, rise = word_q[:entry_width], word_q[entry_width:]
        product = Signal((rise * part_q3).shape(), attrs=MULTIPLIER)
        exact_q = Signal(entry_width + below + 1, reset_less=True)
        m.d.comb += product.eq(rise * part_q3)
        m.d.sync += exact_q.eq((entry << below) + product)
        fine = self.table.out.frac + self.table.GUARD + below
        self._apply_sign(m, requantize(m, _signed(exact_q), frac=fine, to=self.table.out), negative)
        return m

    def _nearest(self, m: Module) -> tuple[Value, Value]:
        """Index of the entry that is nearest to |x|, and bits; |x| is beyond the last if one is 1.

        One addition for magnitude and rounding: |x| is ~x + 1 for a negative x, and what is added
        to either below the index carries over into it, or does not.
        """
        bits = self.table.log2_entries
        wholes, carries = zip(*(self._rounding(frac) for frac in self.fracs), strict=True)
        whole = select(m, self.select, wholes, name="whole")
        carry = select(m, self.select, carries, name="carry")
        magnitude = Signal(max(len(whole), bits + 1))
        total = Signal(bits + 1)
        m.d.comb += magnitude.eq(whole ^ self.i[-1].replicate(len(magnitude)))
        chosen = delayed(m, magnitude, self.deep, name="magnitude")[-1]
        adds = delayed(m, carry[0], self.deep, name="carry")[-1]
        m.d.comb += total.eq(chosen[:bits] + adds)
        if self.deep:  # small parts are slow where a carry leaves its chain
            return total[:-1], Cat(chosen[bits:].any(), chosen[:bits].all() & adds)
        outside = Signal()
        m.d.comb += outside.eq(chosen[bits:].any() | total[-1])
        return total[:-1], outside

    def _rounding(self, frac: int) -> tuple[Value, Value]:
        """x at the index' binary point, floored, and what |x| and half carry into its magnitude."""
        shift = frac - self.table.step_frac
        negative = self.i[-1]
        if shift <= 0:
            return self.i << -shift, _signed(negative)
        x = Cat(self.i, negative.replicate(shift))  # as many bits as are dropped, at least
        half = x[shift - 1]
        up = Mux(negative, ~half | ~x[: shift - 1].any(), half)
        return self.i >> shift, _signed(up)

    def _split(self, magnitude: Value, frac: int, below: int) -> tuple[Value, Value]:
        """Index of the segment, and the part of it that |x| is past, with ``below`` bits."""
        shift = frac - self.table.step_frac
        index = magnitude >> shift if shift >= 0 else magnitude << -shift
        outside = index >= self.table.entries
        last = self.table.entries - 1
        part = magnitude[:shift] << (below - shift) if shift > 0 else Value.cast(0)
        return (
            _signed(Mux(outside, last, index)),
            _signed(Mux(outside, 1 << below, part)),
        )

    def _apply_sign(self, m: Module, magnitude: Value, negative: Value) -> None:
        """The result: -x is ~x + 1. Magnitudes are at most the format's largest value."""
        width = self.table.out.width
        flipped = Cat(magnitude, Const(0, width))[:width] ^ negative.replicate(width)
        m.d.sync += self.o.eq((flipped + negative)[:width].as_signed())


def _signed(value: Value) -> Value:
    """An unsigned value as a signed one, one bit wider; a signed one unchanged."""
    return value if value.shape().signed else Cat(value, Const(0, 1)).as_signed()
