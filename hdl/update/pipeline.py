"""A pipeline under construction: values know their stage, delays are inserted where they meet."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed

from golden.formats import Format
from hdl.parts.numeric import (
    MULTIPLIER,
    constant_by,
    distinct,
    limited,
    requantize,
    select,
    unlimited,
)
from hdl.timing.latency import Delays
from hdl.timing.reservations import ReservationTable
from hdl.update.soft_product import SoftProduct


@dataclass(frozen=True, eq=False)
class Staged:
    """A signed value of a pipeline.

    Attributes:
        value: valid in cycle ``stage`` of the item that passes through.
        stage: cycles since the item entered.
        fracs: for each job its fraction bits.
    """

    value: Value
    stage: int
    fracs: tuple[int, ...]


@dataclass(frozen=True)
class _Product:
    """An operation of a shared multiplier."""

    stage: int
    left: Value
    right: Value
    result: Signal


class Narrowing(Protocol):
    """A combinational function of a value, as :func:`hdl.parts.numeric.requantize` is."""

    def __call__(self, m: Module, value: Value, /, *, frac: int, to: Format) -> Value: ...


def _stem(value: Value) -> str:
    """Stem of the names of a value's delays."""
    return getattr(value, "name", "value")


def _extended(value: Value, width: int) -> Value:
    """The bits of a signed value with its sign repeated, or without surplus ones."""
    return Cat(value, value[-1].replicate(max(0, width - len(value))))[:width]


def word_shape(values: Sequence[Value]) -> Shape:
    """Shape of a signed value that holds any of some."""
    return signed(max(len(value) + (not value.shape().signed) for value in values))


class Pipeline:
    """Builds a stall-free pipeline for items that belong to one of several jobs.

    Formats may differ from job to job; where they do, the item's job selects. Values that meet are
    delayed to the later one's stage. Multipliers are shared by operations of different phases.

    Args:
        m: module that the registers go into.
        job: index of the entering item's job.
        jobs: number of jobs.
        phase: cycles since an item entered or could have entered, modulo ``interval``; 0 in an
            item's stage 0.
        interval: an item enters every so many cycles, or less often.
        multipliers: number of shared multipliers.
        delays: cycles of a product and of narrowing.
        enable: an item is in the pipeline. Without it registers may keep what they have; those that
            a block RAM or a multiplier may take as its own run on.

    Attributes:
        active: jobs that what is being built is for; formats of others do not matter.
    """

    def __init__(
        self,
        m: Module,
        *,
        job: Value,
        jobs: int,
        phase: Signal,
        interval: int,
        multipliers: int,
        delays: Delays,
        enable: Value,
    ) -> None:
        self.m = m
        self.active = list(range(jobs))
        self._phase = phase
        self._enable = enable
        self._interval = interval
        self._slots = ReservationTable(units=multipliers, interval=interval)
        self._cycles = delays
        self._products: dict[int, list[_Product]] = {}
        self._delays: dict[Staged, list[Value]] = {}
        self._job = Staged(job, 0, ())
        self._names: dict[str, int] = {}

    def name(self, stem: str) -> str:
        """``stem``, numbered if it was used before."""
        self._names[stem] = self._names.get(stem, 0) + 1
        return stem if self._names[stem] == 1 else f"{stem}{self._names[stem]}"

    def at(self, staged: Staged, stage: int) -> Value:
        """The value in a later stage; delay registers are shared."""
        chain = self._delays.setdefault(staged, [staged.value])
        stem = _stem(staged.value)
        while len(chain) <= stage - staged.stage:
            name = self.name(f"{stem}_s{staged.stage + len(chain)}")
            chain.append(Signal(chain[-1].shape(), name=name))
        return chain[stage - staged.stage]

    def job_at(self, stage: int) -> Value:
        """The job of the item in a stage."""
        return self.at(self._job, stage)

    def register(
        self, value: Value, stage: int, fracs: Sequence[int], *, name: str, of_memory: bool = False
    ) -> Staged:
        """A register behind a combinational value of ``stage``, or behind a memory's word."""
        result = Signal(Shape.cast(value.shape()), name=self.name(name), reset_less=True)
        if of_memory:
            self.m.d.sync += result.eq(value)
        else:
            self._keep(result, value)
        return Staged(result, stage + 1, tuple(fracs))

    def _keep(self, register: Signal, value: Value) -> None:
        """Simulators pass over what is before a register whose enable is low."""
        with self.m.If(self._enable):
            self.m.d.sync += register.eq(value)

    def by_job(
        self, stage: int, keys: Sequence[Hashable], make: Callable[[int], Value], *, name: str
    ) -> Value:
        """A value that depends on the job, made once for each different key.

        Args:
            stage: stage of the value.
            keys: for each job what decides the value.
            make: the value for a job.
            name: name of the result where several are selected from.
        """
        unique, _ = distinct([keys[job] for job in self.active])
        choices = [make(keys.index(key)) for key in unique]
        index = [unique.index(key) if key in unique else 0 for key in keys]
        return select(self.m, self.index_by_job(stage, index), choices, name=self.name(name))

    def index_by_job(self, stage: int, indices: Sequence[int]) -> Value:
        """The constant ``indices[job]`` for the item in a stage."""
        if len({indices[job] for job in self.active}) == 1:
            return Value.cast(indices[self.active[0]])
        return constant_by(self.m, self.job_at(stage), indices, name=self.name("select"))

    def meet(self, *values: Staged) -> tuple[int, list[Value]]:
        """The latest stage of some values, and all of them in that stage."""
        stage = max(value.stage for value in values)
        return stage, [self.at(value, stage) for value in values]

    def add(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact sum, at the finer binary point of the two; one stage."""
        return self._combine(a, b, lambda x, y: x + y, name=name)

    def subtract(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact difference, at the finer binary point of the two; one stage."""
        return self._combine(a, b, lambda x, y: x - y, name=name)

    def _combine(
        self, a: Staged, b: Staged, operation: Callable[[Value, Value], Value], *, name: str
    ) -> Staged:
        stage, (left, right) = self.meet(a, b)
        fracs = [max(pair) for pair in zip(a.fracs, b.fracs, strict=True)]
        keys = [(f - x, f - y) for f, x, y in zip(fracs, a.fracs, b.fracs, strict=True)]
        result = self.by_job(
            stage,
            keys,
            lambda job: operation(left << keys[job][0], right << keys[job][1]),
            name=f"{name}_d",
        )
        return self.register(result, stage, fracs, name=name)

    def add_within(self, a: Staged, b: Staged, *, width: int, cycles: int, name: str) -> Staged:
        """Sum of values of the same stage and binary points that is known to have ``width`` bits.

        In two cycles the lower half comes first, and the upper half with its carry.
        """
        assert (a.stage, a.fracs) == (b.stage, b.fracs)
        if cycles == 1:
            return self.register(
                (a.value + b.value)[:width].as_signed(), a.stage, a.fracs, name=name
            )
        half = width // 2
        left, right = (_extended(staged.value, width) for staged in (a, b))
        low = (left[: half + 1] + right[: half + 1])[: half + 1]
        # A carry that leaves its chain takes a cell more. The inverse of the bit that it goes into
        # stands for it: with that bit's addends, either makes the same majority, the next carry.
        kept = self.register(Cat(low[:half], ~low[half]), a.stage, a.fracs, name=f"{name}_low")
        inverse = kept.value[half]
        left, right = (
            self.register(addend[half:], a.stage, a.fracs, name=f"{name}_{which}").value
            for which, addend in (("left", left), ("right", right))
        )
        high = (Cat(1, left) + Cat(inverse, right))[2:][: width - half - 1]
        total = Cat(kept.value[:half], ~inverse, high).as_signed()
        return self.register(total, kept.stage, a.fracs, name=name)

    def multiply(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact product on a shared multiplier; ``delays.product`` stages behind its slot."""
        slot = self._slots.reserve(max(a.stage, b.stage))
        left, right = self.at(a, slot.stage), self.at(b, slot.stage)
        result = Signal(signed(len(left) + len(right)), name=self.name(name))
        self._products.setdefault(slot.unit, []).append(_Product(slot.stage, left, right, result))
        fracs = [x + y for x, y in zip(a.fracs, b.fracs, strict=True)]
        return Staged(result, slot.stage + self._cycles.product, tuple(fracs))

    def finish(self) -> None:
        """Build the multipliers, once all that they are for is known."""
        for unit, products in self._products.items():
            stages = [product.stage for product in products]
            left = self.by_phase(stages, [p.left for p in products], name=f"left{unit}")
            right = self.by_phase(stages, [p.right for p in products], name=f"right{unit}")
            result = self._product(unit, left, right)
            self.m.d.comb += [product.result.eq(result) for product in products]
        for staged, chain in self._delays.items():
            self._build_delays(chain, is_number=bool(staged.fracs))

    def _product(self, unit: int, left: Value, right: Value) -> Value:
        """A product, ``delays.product`` cycles later."""
        if self._cycles.product == 1:
            shape = signed(len(left) + len(right))
            product = Signal(shape, name=f"product{unit}", attrs=MULTIPLIER)
            product_q = Signal(shape, name=f"product{unit}_q", reset_less=True)
            self.m.d.comb += product.eq(left * right)
            self.m.d.sync += product_q.eq(product)
            return product_q
        product = SoftProduct(left=len(left), right=len(right))
        self.m.submodules[f"product{unit}"] = product
        self.m.d.comb += [product.left.eq(left), product.right.eq(right)]
        return product.o

    def _build_delays(self, chain: Sequence[Value], *, is_number: bool) -> None:
        """Shift registers of up to 64 bits, which simulators move at once.

        What says which item it is, and is no number, runs on: proofs find it equal to a copy.
        """
        width = len(chain[0])
        stages = max(1, 64 // width)
        for first in range(1, len(chain), stages):
            delayed = chain[first : first + stages]
            line = Signal(
                len(delayed) * width, name=self.name(f"{_stem(chain[0])}_line"), reset_less=True
            )
            following = Cat(chain[first - 1], line)
            if is_number:
                self._keep(line, following)
            else:
                self.m.d.sync += line.eq(following)
            self.m.d.comb += Cat(delayed).eq(line)

    def by_phase(self, stages: Sequence[int], choices: Sequence[Value], *, name: str) -> Value:
        """The one of some values whose stage has an item in it now."""
        if len(choices) == 1:
            return choices[0]
        result = Signal(word_shape(choices), name=name)
        with self.m.Switch(self._phase):
            for stage, choice in zip(stages, choices, strict=True):
                with self.m.Case(stage % self._interval):
                    self.m.d.comb += result.eq(choice)
        return result

    def narrow(self, a: Staged, formats: Sequence[Format], *, name: str) -> Staged:
        """:func:`hdl.parts.numeric.requantize`; ``delays.narrow`` stages."""
        if self._cycles.narrow == 1:
            return self.apply(requantize, a, formats, name=name)
        keys = list(zip(a.fracs, formats, strict=True))

        def exact(job: int) -> Value:
            parts = unlimited(self.m, a.value, frac=keys[job][0], to=keys[job][1])
            return Cat(*parts).as_signed()

        value = self.by_job(a.stage, keys, exact, name=f"{name}_exact_d")
        whole = self.register(value, a.stage, a.fracs, name=f"{name}_exact")

        def limit(job: int) -> Value:
            alike, rounds, sign, *_ = whole.value[:3]
            total = whole.value[3:][: formats[job].width]
            return limited(total, fits=alike & rounds, sign=sign, to=formats[job])

        value = self.by_job(whole.stage, formats, limit, name=f"{name}_d")
        return self.register(value, whole.stage, [to.frac for to in formats], name=name)

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
        value = self.by_job(
            a.stage,
            keys,
            lambda job: operation(self.m, a.value, frac=keys[job][0], to=keys[job][1]),
            name=f"{name}_d",
        )
        return self.register(value, a.stage, [to.frac for to in formats], name=name)
