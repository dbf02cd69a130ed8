"""Timing and cost of a state update, followed through its equations without building it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from golden.activations import ALPHAS
from golden.cells import Gate
from hdl.cells import Drain, Update
from hdl.timing.latency import READ_STATE, SOFT_PRODUCT, Delays
from hdl.timing.reservations import ReservationTable


@dataclass(frozen=True, kw_only=True)
class Program:
    """The state update of some jobs: a drain of a kind of cell.

    Attributes:
        drain: what is built.
        gates: the cell's gates by name.
        hard, logistic: gate activations that its layers use.
    """

    drain: Drain
    gates: dict[str, Gate]
    hard: bool
    logistic: bool

    @property
    def recurrent(self) -> bool:
        """Tell whether a gate reads anything but x."""
        return any(set(gate.reads) != {"x"} or gate.diagonal for gate in self.gates.values())


@dataclass(frozen=True, kw_only=True)
class UpdateCost:
    """Time and parts that a core's state update takes.

    Cycles count from the one in which a unit enters the pipeline.

    Attributes:
        interval: cycles between units.
        banks: units whose sums are read from the shadow at the same time; see
            :class:`hdl.array.shadow.Shadow`. A row takes a multiple of them.
        orders: for each program its gates in the order in which their sums are read; "" where none
            is.
        state: stage in which h and c of step t-1 are there, when the first of them is needed.
        written: for each vector (``h``, ``c``, ``rh``) the cycle in which a unit's new value is
            written; from then on the sequencer sees that it is ready. ``out``: that of an h that
            nobody reads.
        depth: the last of those cycles.
        products: element-wise products of all programs.
        multipliers: that they share, in hardware or in logic.
        tables: tanh tables, each with a multiplier of its own if it interpolates.
        exponentials: the same for each of ELU and SELU that is used.
    """

    interval: int
    banks: int
    orders: tuple[tuple[str, ...], ...]
    state: int
    written: dict[str, int]
    depth: int
    delays: Delays
    products: int
    multipliers: int
    tables: int
    exponentials: dict[str, int]

    @property
    def hardware_multipliers(self) -> int:
        """Number of hardware multipliers: 0 if products are made in logic."""
        return self.multipliers if self.delays.product < SOFT_PRODUCT else 0


@dataclass(frozen=True)
class _Stage:
    """A value of which only the stage is known."""

    stage: int


class _StageCounter:
    """Follows a cell's update without building it; see :class:`hdl.cells.Update`."""

    def __init__(
        self,
        *,
        interval: int,
        multipliers: int | None,
        tables: dict[str, int] | None,
        delays: Delays,
    ) -> None:
        self.multipliers = ReservationTable(units=multipliers, interval=interval)
        self.tables = {
            name: ReservationTable(units=tables[name] if tables else None, interval=interval)
            for name in ("tanh", *ALPHAS)
        }
        self.written: dict[str, int] = {}
        self.state_used: list[int] = []
        self._state = _Stage(READ_STATE)
        self._delays = delays
        self._program: Program
        self._order: tuple[str, ...] = ()

    def run(self, program: Program, order: tuple[str, ...]) -> None:
        self._program, self._order = program, order
        program.drain.update(self)

    def sum(self, gate: str, *, c: _Stage | None = None) -> _Stage:
        if gate not in self._program.drain.gates:
            raise ValueError(f"a drain of {self._program.drain.gates!r} takes the sum of {gate!r}")
        stage = _Stage(self._delays.first_sum + self._order.index(gate))
        if not self._program.gates[gate].diagonal:
            return stage
        operand = c or self.state("c")
        product = self.multiply(operand, operand, name="")
        return self.add(stage, product, name="")

    def state(self, name: str) -> _Stage:
        return self._state

    def _used(self, stage: int, *values: _Stage) -> None:
        """Some values are used in a stage."""
        if any(value is self._state for value in values):
            self.state_used.append(stage)

    def narrow(self, a: _Stage, to: str, *, name: str) -> _Stage:
        self._used(a.stage, a)
        return _Stage(a.stage + self._delays.narrow)

    def sigmoid(self, a: _Stage, *, name: str) -> _Stage:
        self._used(a.stage, a)
        before = self.tanh(a, name=name) if self._program.logistic else a
        return _Stage(before.stage + 1)

    def tanh(self, a: _Stage, *, name: str) -> _Stage:
        return self.exponential("tanh", a, name=name)

    def exponential(self, activation: str, a: _Stage, *, name: str) -> _Stage:
        slot = self.tables[activation].reserve(a.stage)
        self._used(slot.stage, a)
        return _Stage(slot.stage + self._delays.tanh)

    def add(self, a: _Stage, b: _Stage, *, name: str) -> _Stage:
        stage = max(a.stage, b.stage)
        self._used(stage, a, b)
        return _Stage(stage + 1)

    def subtract(self, a: _Stage, b: _Stage, *, name: str) -> _Stage:
        return self.add(a, b, name=name)

    def multiply(self, a: _Stage, b: _Stage, *, name: str) -> _Stage:
        slot = self.multipliers.reserve(max(a.stage, b.stage))
        self._used(slot.stage, a, b)
        return _Stage(slot.stage + self._delays.product)

    def relu(self, a: _Stage, *, name: str) -> _Stage:
        return _Stage(a.stage + 1)

    def maximum(self, a: _Stage, b: _Stage, *, name: str) -> _Stage:
        return self.add(a, b, name=name)

    def leaky(self, a: _Stage, shift: int, *, name: str) -> _Stage:
        return _Stage(a.stage + 1)

    def make(
        self, vector: str, a: _Stage, *, low: float | None = None, high: float | None = None
    ) -> _Stage:
        # All programs write a vector in the same stage, so that two never do at once.
        made = self.narrow(a, vector, name=vector)
        vector = vector if vector in self._program.drain.makes else "out"
        self.written[vector] = max(made.stage, self.written.get(vector, 0))
        return made


def of_programs(
    programs: Sequence[Program],
    *,
    multipliers: int,
    delays: Delays,
    lanes: int,
) -> UpdateCost:
    """Timing and cost of a state update.

    Args:
        programs: the different updates of a core.
        multipliers: that may be shared; the interval between units follows from it.
        delays: of the update's parts.
        lanes: of the array; fewer than a unit has sums make the interval longer.
    """

    orders = [_best_order(program, delays) for program in programs]
    shared = list(zip(programs, orders, strict=True))
    ordered = [
        (program, order if program.recurrent else _shared_order(program, shared))
        for program, order in shared
    ]
    alone = _follow(ordered, delays)
    products = len(alone.multipliers.taken)
    if products > multipliers:
        delays = replace(delays, product=delays.shared_product)
    reads = max(len(order) for _, order in ordered)
    interval = max(1, -(-products // multipliers), -(-reads // lanes))
    tables = {name: -(-len(table.taken) // interval) for name, table in alone.tables.items()}
    counter = _follow(ordered, delays, interval, min(multipliers, products), tables)
    return UpdateCost(
        interval=interval,
        banks=-(-reads // interval),
        orders=tuple(order for _, order in ordered),
        state=min(counter.state_used, default=READ_STATE),
        written=counter.written,
        depth=max(counter.written.values()),
        delays=delays,
        products=products,
        multipliers=min(multipliers, products),
        tables=tables.pop("tanh"),
        exponentials={name: number for name, number in tables.items() if number},
    )


def _follow(
    orders: Sequence[tuple[Program, tuple[str, ...]]],
    delays: Delays,
    interval: int = 1,
    multipliers: int | None = None,
    tables: dict[str, int] | None = None,
) -> _StageCounter:
    """Follow programs with their orders of reading; no limit on parts unless given."""
    counter = _StageCounter(
        interval=interval, multipliers=multipliers, tables=tables, delays=delays
    )
    for program, order in orders:
        counter.run(program, order)
    return counter


def _best_order(program: Program, delays: Delays) -> tuple[str, ...]:
    """Find the order of reading that makes the vectors known first, the earliest one above all."""

    def known(order: tuple[str, ...]) -> list[int]:
        written = _follow([(program, order)], delays).written
        return [written[vector] for vector in program.drain.makes]

    return min(permutations(program.drain.gates), key=known)


def _shared_order(
    program: Program, others: Sequence[tuple[Program, tuple[str, ...]]]
) -> tuple[str, ...]:
    """Order of reading the sums of a layer whose gates read x alone.

    Each is read where another cell's gate in its slot is, so that they share memory and adder.
    """
    places: dict[int, str] = {}
    for slot, gate in enumerate(program.gates):
        place = _place_of(slot, others)
        free = (n for n in range(len(places) + 1) if n not in places)
        places[next(free) if place is None or place in places else place] = gate
    return tuple(places.get(place, "") for place in range(max(places) + 1))


def _place_of(slot: int, others: Sequence[tuple[Program, tuple[str, ...]]]) -> int | None:
    """Position at which a recurrent cell's gate in a slot is read, if there is one."""
    for program, order in others:
        gate = list(program.gates)[slot] if slot < len(program.gates) else ""
        if program.recurrent and gate in order:
            return order.index(gate)
    return None


_: type[Update[_Stage]] = _StageCounter
