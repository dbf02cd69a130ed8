"""A pipeline under construction: values know their stage, delays are inserted where they meet."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace

from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed

from hdl.parts.numeric import constant_by, distinct, select
from hdl.timing.reservations import ReservationTable


@dataclass(frozen=True, eq=False)
class Staged:
    """A signed value of a pipeline.

    Attributes:
        value: valid in cycle ``stage`` of the item that passes through.
        stage: cycles since the item entered.
        fracs: for each job its fraction bits; none of what is no number.
        jobs: indices of the jobs that it is for; the formats of others do not matter.
    """

    value: Value
    stage: int
    fracs: tuple[int, ...] = ()
    jobs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Operation:
    """An operation of a shared unit: its operands in the stage of its slot, and its result."""

    operands: list[Staged]
    result: Signal


@dataclass(frozen=True)
class SharedUnits:
    """Units that operations of different phases share, built once all of these are known.

    Attributes:
        slots: reservations of the units.
        cycles: of an operation.
        build: builds a unit from its number and its operations; returns its result.
        operations: of each unit.
    """

    slots: ReservationTable
    cycles: int
    build: Callable[[int, list[Operation]], Value]
    operations: dict[int, list[Operation]] = field(default_factory=dict)


def _stem(value: Value) -> str:
    """Stem of the names of a value's delays."""
    return getattr(value, "name", "value")


def word_shape(values: Sequence[Value]) -> Shape:
    """Shape of a signed value that holds any of some."""
    return signed(max(len(value) + (not value.shape().signed) for value in values))


class Pipeline:
    """Builds a stall-free pipeline for items that belong to one of several jobs.

    Formats may differ from job to job; where they do, the item's job selects. Values that meet are
    delayed to the later one's stage.

    Args:
        m: module that the registers go into.
        job: index of the entering item's job.
        phase: cycles since an item entered or could have entered, modulo ``interval``; 0 in an
            item's stage 0.
        interval: an item enters every so many cycles, or less often.
        enable: an item is in the pipeline. Without it registers may keep what they have; those that
            a block RAM or a multiplier may take as its own run on.
    """

    def __init__(
        self,
        m: Module,
        *,
        job: Value,
        phase: Value,
        interval: int,
        enable: Value,
    ) -> None:
        self.m = m
        self._phase = phase
        self._enable = enable
        self._interval = interval
        self._shared: list[SharedUnits] = []
        self._chains: dict[int, tuple[list[Value], bool]] = {}
        self._job = Staged(job, 0)
        self._names: dict[str, int] = {}

    def name(self, stem: str) -> str:
        """``stem``, numbered if it was used before."""
        self._names[stem] = self._names.get(stem, 0) + 1
        return stem if self._names[stem] == 1 else f"{stem}{self._names[stem]}"

    def at(self, staged: Staged, stage: int) -> Value:
        """The value in a later stage; delay registers are shared."""
        new = ([staged.value], bool(staged.fracs))
        chain, _ = self._chains.setdefault(id(staged.value), new)
        stem = _stem(staged.value)
        while len(chain) <= stage - staged.stage:
            name = self.name(f"{stem}_s{staged.stage + len(chain)}")
            chain.append(Signal(chain[-1].shape(), name=name))
        return chain[stage - staged.stage]

    def job_at(self, stage: int) -> Value:
        """The job of the item in a stage."""
        return self.at(self._job, stage)

    def register(
        self,
        value: Value,
        of: Staged,
        *,
        fracs: Sequence[int] | None = None,
        name: str,
        of_memory: bool = False,
    ) -> Staged:
        """A register behind a combinational value of another's stage, or behind a memory's word."""
        result = Signal(Shape.cast(value.shape()), name=self.name(name), reset_less=True)
        if of_memory:
            self.m.d.sync += result.eq(value)
        else:
            self._keep(result, value)
        fracs = of.fracs if fracs is None else tuple(fracs)
        return replace(of, value=result, stage=of.stage + 1, fracs=fracs)

    def _keep(self, register: Signal, value: Value) -> None:
        """Simulators pass over what is before a register whose enable is low."""
        with self.m.If(self._enable):
            self.m.d.sync += register.eq(value)

    def by_job(
        self, of: Staged, keys: Sequence[Hashable], make: Callable[[int], Value], *, name: str
    ) -> Value:
        """A value that depends on the job, made once for each different key.

        Args:
            of: a value of the same stage and jobs.
            keys: for each job what decides the value.
            make: the value for a job.
            name: name of the result where several are selected from.
        """
        unique, _ = distinct([keys[job] for job in of.jobs])
        choices = [make(keys.index(key)) for key in unique]
        index = [unique.index(key) if key in unique else 0 for key in keys]
        return select(self.m, self.index_by_job(of, index), choices, name=self.name(name))

    def index_by_job(self, of: Staged, indices: Sequence[int]) -> Value:
        """The constant ``indices[job]`` for the item that a value belongs to, in its stage."""
        if len({indices[job] for job in of.jobs}) == 1:
            return Value.cast(indices[of.jobs[0]])
        return constant_by(self.m, self.job_at(of.stage), indices, name=self.name("select"))

    def later(self, staged: Staged, stage: int) -> Staged:
        """The value in a later stage, as :meth:`at`."""
        return replace(staged, value=self.at(staged, stage), stage=stage)

    def meet(self, *values: Staged) -> list[Staged]:
        """All of some values in the latest stage of them."""
        stage = max(value.stage for value in values)
        return [self.later(value, stage) for value in values]

    def share(
        self, units: int, *, cycles: int, build: Callable[[int, list[Operation]], Value]
    ) -> SharedUnits:
        """Add some shared units; see :class:`SharedUnits`."""
        slots = ReservationTable(units=units, interval=self._interval)
        self._shared.append(SharedUnits(slots, cycles, build))
        return self._shared[-1]

    def use(
        self,
        units: SharedUnits,
        *operands: Staged,
        shape: Shape,
        fracs: Sequence[int],
        name: str,
    ) -> Staged:
        """Result of an operation on the first shared unit that is free."""
        slot = units.slots.reserve(max(operand.stage for operand in operands))
        there = [self.later(operand, slot.stage) for operand in operands]
        result = Signal(shape, name=self.name(name))
        units.operations.setdefault(slot.unit, []).append(Operation(there, result))
        done = slot.stage + units.cycles
        return replace(operands[0], value=result, stage=done, fracs=tuple(fracs))

    def finish(self) -> None:
        """Build shared units and delays, once all that they are for is known."""
        for shared in self._shared:
            for unit, operations in shared.operations.items():
                result = shared.build(unit, operations)
                self.m.d.comb += [operation.result.eq(result) for operation in operations]
        for chain, is_number in self._chains.values():
            self._build_delays(chain, is_number=is_number)

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

    def by_phase(self, choices: Sequence[Staged], *, name: str) -> Value:
        """The one of some values whose stage has an item in it now."""
        if len(choices) == 1:
            return choices[0].value
        result = Signal(word_shape([choice.value for choice in choices]), name=name)
        with self.m.Switch(self._phase):
            for choice in choices:
                with self.m.Case(choice.stage % self._interval):
                    self.m.d.comb += result.eq(choice.value)
        return result
