"""The shadow: no sum that still has to be drained is overwritten."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Mux, Signal, Value

from sim.formal.observed import Observed

Row = tuple[Value, Any]
"""Whether it is one, and what :func:`hdl.sequencer.row_layout` says of it."""

Operation = tuple[Value, Value, Value, Value]
"""An operation of the array: valid, gate, row, final."""


def claim_shadow(observed: Observed) -> None:
    """From its issue until it fills the shadow, an operation's place there has been drained."""
    sequencer, array = observed.core.sequencer, observed.core.array
    issued = (sequencer.valid, sequencer.place.gate, sequencer.place.row, sequencer.final)
    entering = (array.i_valid, array.i_place.gate, array.i_place.row, array.i_final)
    multiplied = _delayed(observed, entering, "multiplied")
    added = _delayed(observed, multiplied, "added")
    valid, gate, _, final = added
    fill = observed.inside("array.fill", observed.plan.gates)
    observed.claims.always("fill_is_the_operations", fill == Mux(valid & final, 1 << gate, 0))
    # Each operation with the rows that were completed before it, the newest operation last.
    stages = [added, multiplied, entering, issued]
    for older, (valid, gate_at, row_at, final) in enumerate(stages):
        before = observed.queue + observed.rows_on_the_way[:older]
        for number, job in enumerate(observed.plan.jobs):
            ours = valid & final & _any(gate_at == slot for slot in _slots(observed, number))
            ours &= (row_at >= job.row) & (row_at < job.row + job.rows)
            waits = _waits(observed, before, number, row_at)
            observed.claims.never(f"shadow{number}_is_overwritten_in_{older}", ours & waits)
    _claim_issue(observed)


def _claim_issue(observed: Observed) -> None:
    """In the final column of gates only rows of this column can be left to drain."""
    plan = observed.plan
    for position, single in enumerate(plan.passes):
        if single.drains is None:
            continue
        job = plan.jobs[single.drains]
        started = (observed.pass_row != 0) | (observed.gate != 0)
        inside = (observed.column == single.columns - 1) & started
        inside &= observed.position == position
        rows = observed.queue + observed.rows_on_the_way
        waits = _waits(observed, rows, single.drains, job.row + observed.pass_row)
        observed.claims.never(f"pass{position}_overwrites_shadow", inside & waits)


def _delayed(observed: Observed, operation: Operation, name: str) -> Operation:
    """An operation in the array's next stage."""
    later = [Signal.like(v, name=f"{name}{n}", reset_less=n > 0) for n, v in enumerate(operation)]
    observed.m.d.sync += [a.eq(b) for a, b in zip(later, operation, strict=True)]
    valid, gate, row, final = later
    return valid, gate, row, final


def _slots(observed: Observed, number: int) -> list[int]:
    """Accumulators that a job's sums are in."""
    job = observed.plan.jobs[number]
    if job.head:
        return [0]
    gates = [gate.name for gate in observed.plan.network.layers[job.layer].cell.gates]
    return [gates.index(name) for name in job.gates]


def _waits(observed: Observed, rows: list[Row], job: int, row: Value) -> Value:
    """Whether a job's row has units that were not read from the shadow."""
    waiting = _any(valid & (other.job == job) & (other.row == row) for valid, other in rows)
    entering = (observed.units[0]["job"] == job) & (observed.lanes_left != 0)
    return waiting | (entering & (observed.core.update.shadow_row == row))


def _any(values: Any) -> Value:
    result: Value = Const(0)
    for value in values:
        result |= value
    return result
