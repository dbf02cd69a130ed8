"""Arithmetic of a pipeline: exact sums and products, and what narrows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import gt, lt
from typing import Protocol

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from golden.formats import Format
from hdl.parts.component import delayed
from hdl.parts.numeric import MULTIPLIER, limited, requantize, unlimited
from hdl.timing.latency import SOFT_PRODUCT, Delays
from hdl.update.pipeline import Operation, Pipeline, Staged
from hdl.update.soft_product import SoftProduct


class Narrowing(Protocol):
    """A combinational function of a value, as :func:`hdl.parts.numeric.requantize` is."""

    def __call__(self, m: Module, value: Value, /, *, frac: int, to: Format) -> Value: ...


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Real numbers that a narrowed value is limited to; ``None`` for the end of its format."""

    low: float | None = None
    high: float | None = None

    def of(self, m: Module, value: Value, to: Format) -> Value:
        """A value of a format within the limits."""
        for limit, beyond in ((self.low, lt), (self.high, gt)):
            if limit is not None:
                raw = int(to.quantize(limit))
                whole = Signal(signed(to.width), name="unlimited")
                m.d.comb += whole.eq(value)
                value = Mux(beyond(whole, raw), Const(raw, signed(to.width)), whole)
        return value


def _extended(value: Value, width: int) -> Value:
    """The bits of a signed value with its sign repeated, or without surplus ones."""
    return Cat(value, value[-1].replicate(max(0, width - len(value))))[:width]


class Arithmetic:
    """Builds operations on values of a pipeline; exact but for those that narrow.

    Args:
        pipe: the pipeline.
        multipliers: number of shared multipliers.
        delays: cycles of a product and of narrowing.
    """

    def __init__(self, pipe: Pipeline, *, multipliers: int, delays: Delays) -> None:
        self._pipe = pipe
        self._cycles = delays
        self._multipliers = pipe.share(multipliers, cycles=delays.product, build=self._product)

    def add(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact sum, at the finer binary point of the two; one stage."""
        return self._combine(a, b, lambda x, y: x + y, name=name)

    def subtract(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact difference, at the finer binary point of the two; one stage."""
        return self._combine(a, b, lambda x, y: x - y, name=name)

    def maximum(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """The larger of the two, at their finer binary point; one stage."""
        return self._combine(a, b, lambda x, y: Mux(x > y, x, y), name=name)

    def _combine(
        self, a: Staged, b: Staged, operation: Callable[[Value, Value], Value], *, name: str
    ) -> Staged:
        left, right = self._pipe.meet(a, b)
        fracs = [max(pair) for pair in zip(a.fracs, b.fracs, strict=True)]
        keys = [(f - x, f - y) for f, x, y in zip(fracs, a.fracs, b.fracs, strict=True)]
        result = self._pipe.by_job(
            left,
            keys,
            lambda job: operation(left.value << keys[job][0], right.value << keys[job][1]),
            name=f"{name}_d",
        )
        return self._pipe.register(result, left, fracs=fracs, name=name)

    def add_within(self, a: Staged, b: Staged, *, width: int, cycles: int, name: str) -> Staged:
        """Sum of values of the same stage and binary points that is known to have ``width`` bits.

        In two cycles the lower half comes first, and the upper half with its carry.
        """
        assert (a.stage, a.fracs) == (b.stage, b.fracs)
        if cycles == 1:
            return self._pipe.register((a.value + b.value)[:width].as_signed(), a, name=name)
        half = width // 2
        left, right = (_extended(staged.value, width) for staged in (a, b))
        low = (left[: half + 1] + right[: half + 1])[: half + 1]
        # A carry that leaves its chain takes a cell more. The inverse of the bit that it goes into
        # stands for it: with that bit's addends, either makes the same majority, the next carry.
        kept = self._pipe.register(Cat(low[:half], ~low[half]), a, name=f"{name}_low")
        inverse = kept.value[half]
        left, right = (
            self._pipe.register(addend[half:], a, name=f"{name}_{which}").value
            for which, addend in (("left", left), ("right", right))
        )
        high = (Cat(1, left) + Cat(inverse, right))[2:][: width - half - 1]
        total = Cat(kept.value[:half], ~inverse, high).as_signed()
        return self._pipe.register(total, kept, name=name)

    def multiply(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact product on a shared multiplier; ``delays.product`` stages behind its slot."""
        shape = signed(len(a.value) + len(b.value))
        fracs = [x + y for x, y in zip(a.fracs, b.fracs, strict=True)]
        return self._pipe.use(self._multipliers, a, b, shape=shape, fracs=fracs, name=name)

    def _product(self, unit: int, operations: Sequence[Operation]) -> Value:
        """The product of the operands whose phase it is, ``delays.product`` cycles later."""
        m = self._pipe.m
        left, right = (
            self._pipe.by_phase([o.operands[side] for o in operations], name=f"{which}{unit}")
            for side, which in enumerate(("left", "right"))
        )
        if self._cycles.product < SOFT_PRODUCT:
            taken = self._cycles.product - 1
            left = delayed(m, left, taken, name=f"left{unit}")[-1]
            right = delayed(m, right, taken, name=f"right{unit}")[-1]
            shape = signed(len(left) + len(right))
            product = Signal(shape, name=f"product{unit}", attrs=MULTIPLIER)
            product_q = Signal(shape, name=f"product{unit}_q", reset_less=True)
            m.d.comb += product.eq(left * right)
            m.d.sync += product_q.eq(product)
            return product_q
        product = SoftProduct(left=len(left), right=len(right))
        m.submodules[f"product{unit}"] = product
        m.d.comb += [product.left.eq(left), product.right.eq(right)]
        return product.o

    def relu(self, a: Staged, *, name: str) -> Staged:
        """The larger of a and 0; one stage."""
        return self._pipe.register(Mux(a.value[-1], 0, a.value), a, name=name)

    def leaky(self, a: Staged, shift: int, *, name: str) -> Staged:
        """a, or a / 2**shift where it is negative; exact, one stage."""
        value = Mux(a.value[-1], a.value, a.value << shift)
        return self._pipe.register(value, a, fracs=[f + shift for f in a.fracs], name=name)

    def narrow(
        self, a: Staged, formats: Sequence[Format], *, name: str, limits: Limits = Limits()
    ) -> Staged:
        """:func:`hdl.parts.numeric.requantize` within limits; ``delays.narrow`` stages.

        Where formats differ from job to job, only the exact bits are chosen by the job, and they
        are limited once: two LUTs less in a path than to choose between narrowed values.
        """
        keys = list(zip(a.fracs, formats, strict=True))
        if self._cycles.narrow == 1 and len({keys[job] for job in a.jobs}) == 1:
            return self.apply(
                lambda m, value, *, frac, to: limits.of(
                    m, requantize(m, value, frac=frac, to=to), to
                ),
                a,
                formats,
                name=name,
            )

        def exact(job: int) -> Value:
            parts = unlimited(self._pipe.m, a.value, frac=keys[job][0], to=keys[job][1])
            return Cat(*parts).as_signed()

        value = self._pipe.by_job(a, keys, exact, name=f"{name}_exact_d")
        whole = replace(a, value=value)
        if self._cycles.narrow > 1:
            whole = self._pipe.register(value, a, name=f"{name}_exact")

        def limit(job: int) -> Value:
            alike, rounds, sign, *_ = whole.value[:3]
            total = whole.value[3:][: formats[job].width]
            value = limited(total, fits=alike & rounds, sign=sign, to=formats[job])
            return limits.of(self._pipe.m, value, formats[job])

        ends = [to.width if limits == Limits() else to for to in formats]
        value = self._pipe.by_job(whole, ends, limit, name=f"{name}_d")
        return self._pipe.register(value, whole, fracs=[to.frac for to in formats], name=name)

    def apply(
        self,
        operation: Narrowing,
        a: Staged,
        formats: Sequence[Format],
        *,
        name: str,
    ) -> Staged:
        """A combinational narrowing, and a register."""
        keys = list(zip(a.fracs, formats, strict=True))
        value = self._pipe.by_job(
            a,
            keys,
            lambda job: operation(self._pipe.m, a.value, frac=keys[job][0], to=keys[job][1]),
            name=f"{name}_d",
        )
        return self._pipe.register(value, a, fracs=[to.frac for to in formats], name=name)
