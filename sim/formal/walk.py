"""The sequencer walks the plan's passes, and knows in advance where it goes."""

from __future__ import annotations

from typing import Any, cast

from amaranth.hdl import Cat, Const, Mux, Signal, Value
from amaranth.lib import data

from hdl.layout.pass_table import OF_NEXT, constants_layout, pass_constants
from hdl.parts.numeric import span
from hdl.spec.passes import Pass
from sim.formal.observed import Observed


def claim_walk(observed: Observed) -> None:
    """Claim that the sequencer stays inside the plan's passes, and that its look-ahead is right."""
    inside, flags, counts = Const(0), Const(0), Const(0)
    column = observed.column
    for position, single in enumerate(observed.plan.work.passes):
        within = column < single.columns
        within &= observed.pass_row < observed.plan.work.rows_of(single)
        within &= observed.gate < len(single.gates)
        here = observed.position == position
        inside |= here & within
        flags |= here & _flags_are_right(observed, single)
        counts |= here & _counts_are_right(observed, single)
    observed.claims.always("walk_stays_inside", inside)
    observed.claims.always("walk_counts_down", counts)
    starts = (observed.pass_row == 0) & (observed.gate == 0)
    flags &= observed.inside("sequencer.at.column_start") == starts
    flags &= observed.next_column == column + 1
    flags &= observed.later_column == column + 2
    flags &= _coming_is_right(observed)
    observed.claims.always("walk_looks_ahead", flags)
    observed.claims.always("pass_is_the_plans", _is_plans(observed))


def _coming_is_right(observed: Observed) -> Value:
    """Check the next pass against the plan's; a step without answer skips late layers."""
    passes = observed.plan.work.passes
    coming = observed.inside("sequencer.coming", len(Signal(span(len(passes)))))
    right = Const(0)
    for position in range(len(passes)):
        following: Value = Const((position + 1) % len(passes))
        if position == len(observed.plan.work.step_passes) - 1:
            following = Mux(observed.step.answers, following, 0)
        right |= (observed.position == position) & (coming == following)
    return right


def _flags_are_right(observed: Observed, single: Pass) -> Value:
    """Check the sequencer's flags of the next operation, in one pass."""
    rows, gates = observed.plan.work.rows_of(single), len(single.gates)
    gate, row = observed.gate == gates - 1, observed.pass_row == rows - 1
    column = observed.column == single.columns - 1
    starts = (observed.pass_row == 0) & (observed.gate == 0)
    flags = {
        "one_gate": Const(gates == 1),
        "one_row": Const(rows == 1),
        "last_gate": gate,
        "last_row": row,
        "last_column": column,
        "next_last": observed.next_column == single.columns - 1,
        "ends_column": gate & row,
        "ends_pass": gate & row & column,
        "restarts": starts & column & (single.completes is not None),
    }
    return Cat(
        observed.inside(f"sequencer.at.{name}") == flag for name, flag in flags.items()
    ).all()


def _counts_are_right(observed: Observed, single: Pass) -> Value:
    """Check the counts of rows and gates that are left."""
    sizes = observed.plan.sizes
    counts = {
        "rows": (sizes.job_rows, observed.plan.work.rows_of(single) - 1 - observed.pass_row),
        "gates": (sizes.gates, len(single.gates) - 1 - observed.gate),
    }
    return Cat(
        observed.inside(f"sequencer.walk.{name}_left", len(Signal(span(count)))) == left
        for name, (count, left) in counts.items()
    ).all()


def _is_plans(observed: Observed) -> Value:
    """Check the sequencer's constants of the current pass against the plan's."""
    layout = constants_layout(observed.plan)
    now = data.View(layout, observed.inside("sequencer.now", layout.size))
    right = Const(0)
    for position, single in enumerate(observed.plan.work.passes):
        constants = pass_constants(observed.plan, position, single)
        after = [constants, constants | dict.fromkeys(OF_NEXT, 0)]
        known, alone = (layout.const(cast("Any", fields)).as_value() for fields in after)
        no_head = bool(constants["ends_step"]) & ~observed.step.answers
        told = Mux(no_head, alone, known)
        right |= (observed.position == position) & (now.as_value() == told)
    return right
