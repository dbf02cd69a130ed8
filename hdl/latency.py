"""Latencies that both the hardware and the cycle count are made from.

The hardware asserts, when it is elaborated, that it has these.
"""

from __future__ import annotations

from dataclasses import dataclass

from hdl.cells import CELLS
from hdl.plan import Plan

ISSUE_TO_ARRAY = 2
"""Cycles from the sequencer's decision until the operation enters the MAC array."""

ROW_DONE = 2
"""Cycles from an operation that completes a row until the array says so."""

QUEUE = 2
"""Cycles from a completed row until its first unit enters the state update."""

PRE = 4
"""Stage of a pre-activation: shadow, lane, bias, requantize."""

OUTPUT_BUFFER = 2
"""Cycles from a write to the output buffer until the stream shows the word."""


@dataclass(frozen=True, kw_only=True)
class UpdateCost:
    """What a state update takes: time and parts.

    Cycles count from the one in which a unit enters the pipeline.

    Attributes:
        c, h: until the sequencer sees that the unit's new c or h is ready.
        output: until the unit's result is written to the output buffer.
        multipliers: element-wise products, each with a multiplier of its own.
        tables: tanh tables, each with a multiplier too if it interpolates.
    """

    c: int
    h: int
    output: int
    multipliers: int
    tables: int


def tanh_latency(*, interpolate: bool) -> int:
    """Cycles of a tanh table: magnitude and index, look-up, (interpolation,) sign."""
    return 4 if interpolate else 3


@dataclass(frozen=True)
class _Stage:
    """A value of which only the stage is known."""

    stage: int


class _StageCounter:
    """Follows a cell's update without building it; see :class:`hdl.cells.Update`."""

    def __init__(self, plan: Plan) -> None:
        self._tanh = tanh_latency(interpolate=plan.network.tanh.interpolate)
        self._logistic = any(layer.sigmoid == "logistic" for layer in plan.network.layers)
        self.c = self.h = self.multipliers = self.tables = 0

    def pre(self, gate: int) -> _Stage:
        return _Stage(PRE)

    def state_c(self, *, beside: _Stage) -> _Stage:
        return beside

    def sigmoid(self, a: _Stage, *, name: str) -> _Stage:
        before = self.tanh(a, name=name) if self._logistic else a
        return _Stage(before.stage + 1)

    def tanh(self, a: _Stage, *, name: str) -> _Stage:
        self.tables += 1
        return _Stage(a.stage + self._tanh)

    def add(self, a: _Stage, b: _Stage, *, name: str) -> _Stage:
        return _Stage(max(a.stage, b.stage) + 1)

    def multiply(self, a: _Stage, b: _Stage, *, name: str) -> _Stage:
        self.multipliers += 1
        return self.add(a, b, name=name)

    def to_c(self, a: _Stage) -> _Stage:
        self.c = a.stage + 1
        return _Stage(self.c)

    def to_h(self, a: _Stage) -> _Stage:
        self.h = a.stage + 1
        return _Stage(self.h)


def of_update(plan: Plan) -> UpdateCost:
    """Latency and cost of the state update of a plan's cells."""
    counter = _StageCounter(plan)
    CELLS[plan.network.layers[0].cell.kind].update(counter)
    return UpdateCost(
        c=counter.c,
        h=counter.h,
        output=PRE if plan.head_pass else counter.h,
        multipliers=counter.multipliers,
        tables=counter.tables,
    )
