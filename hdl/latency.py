"""Latencies and costs that both the hardware and the cycle count are made from.

The hardware asserts, when it is elaborated, that it has these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from golden.cells import Gate
from hdl.cells import Drain, Update
from hdl.slots import Slots

ISSUE_TO_ARRAY = 2
"""Cycles from the sequencer's decision until the operation enters the MAC array."""

ROW_DONE = 2
"""Cycles from an operation that completes a row until the array says so."""

QUEUE = 2
"""Cycles from a completed row until its first unit enters the state update."""

SUM = 3
"""Stage of a sum with its bias: shadow, lane, bias."""

STATE = 1
"""Stage of h and c of step t-1."""

HEAD = SUM + 1
"""Stage of a logit."""

CLASS = 1
"""Cycles from a result's last logit until its class is known."""

ACCESS = 2
"""Cycles that loading or saving a state takes beside those of its words."""

SETTLED = 1
"""Cycles from all units being ready until a state may be loaded or saved."""

OUTPUT_BUFFER = 2
"""Cycles from a write to the output buffer until the stream shows the word."""


def tanh_latency(*, interpolate: bool) -> int:
    """Cycles of a tanh table: magnitude and index, look-up, (interpolation,) sign."""
    return 4 if interpolate else 3


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


@dataclass(frozen=True, kw_only=True)
class UpdateCost:
    """What a core's state update takes: time and parts.

    Cycles count from the one in which a unit enters the pipeline.

    Attributes:
        interval: cycles between units.
        written: for each vector (``h``, ``c``, ``rh``) the cycle in which a unit's new value is
            written; from then on the sequencer sees that it is ready.
        depth: the last of those cycles, and of the head's.
        products: element-wise products of all programs.
        multipliers: that they share.
        tables: tanh tables, each with a multiplier of its own if it interpolates.
    """

    interval: int
    written: dict[str, int]
    depth: int
    products: int
    multipliers: int
    tables: int


@dataclass(frozen=True)
class _Stage:
    """A value of which only the stage is known."""

    stage: int


class _StageCounter:
    """Follows a cell's update without building it; see :class:`hdl.cells.Update`."""

    def __init__(
        self, *, interval: int, multipliers: int | None, tables: int | None, tanh: int
    ) -> None:
        self.multipliers = Slots(units=multipliers, interval=interval)
        self.tables = Slots(units=tables, interval=interval)
        self.written: dict[str, int] = {}
        self._tanh = tanh
        self._program: Program

    def run(self, program: Program) -> None:
        self._program = program
        program.drain.update(self)

    def sum(self, gate: str, *, c: _Stage | None = None) -> _Stage:
        if gate not in self._program.drain.gates:
            raise ValueError(f"a drain of {self._program.drain.gates!r} takes the sum of {gate!r}")
        if not self._program.gates[gate].diagonal:
            return _Stage(SUM)
        operand = c or self.state("c")
        product = self.multiply(operand, operand, name="")
        return self.add(_Stage(SUM), product, name="")

    def state(self, name: str) -> _Stage:
        return _Stage(STATE)

    def narrow(self, a: _Stage, to: str, *, name: str) -> _Stage:
        return _Stage(a.stage + 1)

    def sigmoid(self, a: _Stage, *, name: str) -> _Stage:
        before = self.tanh(a, name=name) if self._program.logistic else a
        return _Stage(before.stage + 1)

    def tanh(self, a: _Stage, *, name: str) -> _Stage:
        return _Stage(self.tables.reserve(a.stage).stage + self._tanh)

    def add(self, a: _Stage, b: _Stage, *, name: str) -> _Stage:
        return _Stage(max(a.stage, b.stage) + 1)

    def subtract(self, a: _Stage, b: _Stage, *, name: str) -> _Stage:
        return self.add(a, b, name=name)

    def multiply(self, a: _Stage, b: _Stage, *, name: str) -> _Stage:
        return _Stage(self.multipliers.reserve(max(a.stage, b.stage)).stage + 1)

    def make(self, vector: str, a: _Stage) -> _Stage:
        # All programs write a vector in the same stage, so that two never do at once.
        self.written[vector] = max(a.stage + 1, self.written.get(vector, 0))
        return _Stage(a.stage + 1)


def of_programs(
    programs: Sequence[Program], *, multipliers: int, interpolate: bool, head: bool
) -> UpdateCost:
    """Timing and cost of a state update.

    Args:
        programs: the different updates of a core.
        multipliers: that may be shared; the interval between units follows from it.
        interpolate: whether the tanh tables interpolate.
        head: whether there is a dense head.
    """
    tanh = tanh_latency(interpolate=interpolate)

    def follow(interval: int, multipliers: int | None, tables: int | None) -> _StageCounter:
        counter = _StageCounter(
            interval=interval, multipliers=multipliers, tables=tables, tanh=tanh
        )
        for program in programs:
            counter.run(program)
        return counter

    alone = follow(1, None, None)
    products, lookups = len(alone.multipliers.taken), len(alone.tables.taken)
    interval = max(1, -(-products // multipliers))
    tables = -(-lookups // interval)
    counter = follow(interval, min(multipliers, products), tables)
    return UpdateCost(
        interval=interval,
        written=counter.written,
        depth=max([*counter.written.values(), *([HEAD] if head else [])]),
        products=products,
        multipliers=min(multipliers, products),
        tables=tables,
    )


_: type[Update[_Stage]] = _StageCounter
