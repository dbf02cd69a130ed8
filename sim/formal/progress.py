"""No deadlock, as a safety property: if input is offered and output taken, something moves.

Work per input is finite: each walk through the plan's passes needs a new step of input, and each
row and unit leaves the state update once. So the core cannot move for ever without taking input,
and every input leads to the output that is due.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Signal, Value

from hdl.parts.numeric import span
from hdl.timing.latency import ANNOUNCED
from sim.formal.observed import Observed
from sim.formal.readiness import elements

PAUSE = ANNOUNCED - 1
"""Most cycles without a move: the sequencer learns some cycles later what is ready."""

ACCESS_PAUSE = 4
"""Pause of a core that loads and saves state: a save waits until ready elements are written."""


def claim_progress(observed: Observed) -> None:
    """Claim that the core stands still for a few cycles at most while its environment is ready."""
    core, m = observed.core, observed.m
    moving = Cat(*_moving(observed)).any()
    offered = core.i.valid & core.o.ready
    if core.access:
        offered &= core.i_state.valid & core.o_state.ready
    still = observed.claims.let("still", offered & ~moving)
    before = Signal(ACCESS_PAUSE if core.access else PAUSE, name="still_before")
    m.d.sync += before.eq(Cat(still, before))
    _claim_all_is_known(observed, before)
    if core.access:
        ready = observed.inside("access.all_ready")
        known_for = observed.inside("access.known_for", ANNOUNCED)
        for cycle, known in enumerate(known_for):
            settled = ~before[: cycle + 1].all() | (known == ready)
            observed.claims.always(f"access_knows_after_{cycle + 1}", settled)
    observed.claims.never("stands_still", still & before.all())


def _claim_all_is_known(observed: Observed, still: Value) -> None:
    """Claim that the sequencer soon knows what is ready; bit n of ``still`` is n + 1 cycles old."""
    plan, claims = observed.plan, observed.claims
    goes, starts = (observed.inside(f"sequencer.at.{flag}") for flag in ("goes", "column_start"))
    claims.always("only_columns_wait", goes | starts)
    seen = observed.inside("sequencer.count", len(Signal(span(plan.sizes.columns + 1))))
    counted, ready, drained = Const(0), Const(0), Const(0)
    for position, single in enumerate(plan.work.passes):
        here = observed.position == position
        needless, count = elements(observed, single)
        counted |= here & (needless | (seen == count))
        ready |= here & (needless | (observed.column < count))
        final = observed.column == single.columns - 1
        if single.drains is not None:
            drained |= here & (~final | observed.is_drained(single.drains))
        else:
            drained |= here
    first = observed.inside("sequencer.ready0")
    drains = (
        ~starts | observed.inside("sequencer.drains") | ~observed.inside("sequencer.at.last_column")
    )
    counted &= ~observed.inside("sequencer.advanced")
    counted &= observed.inside("sequencer.known_whole") == observed.core.store.x_whole
    for number in range(len(plan.work.jobs)):
        counted &= observed.inside(f"sequencer.drained{number}") == observed.is_drained(number)
    counted &= ~observed.inside("update.entry.given_before")
    if plan.update_cost.interval > 1:
        counted &= observed.inside("update.entry.rested")
    claims.always("count_is_known_soon", ~still[0] | counted)
    claims.always("element_is_known_soon", ~still[:2].all() | (first == ready))
    claims.always("drain_is_known_soon", ~still[:2].all() | (drains == drained))
    claims.always("column_goes_soon", ~still[:3].all() | (goes == (ready & drained)))


def claim_phase(observed: Observed) -> None:
    """Claim that a state update without units is ready for the next one."""
    interval = observed.plan.update_cost.interval
    phase = observed.phase
    stages = observed.units[: observed.plan.update_cost.depth + 1]
    was_busy = Signal(name="was_busy")
    observed.m.d.sync += was_busy.eq(Cat(*(unit["valid"] for unit in stages)).any())
    rests = ~was_busy & ~observed.units[0]["valid"]
    fits = (phase < interval) & (~rests | (phase == interval - 1))
    more = observed.lanes_left != 0
    over = ~more & (observed.unit("bank") == observed.plan.array.banks - 1)
    known = observed.inside("update.entry.more") == more
    known &= observed.inside("update.entry.over") == (~observed.active | over)
    observed.claims.always("phase_fits", fits & (observed.active | ~more))
    observed.claims.always("entry_knows_what_is_left", known)


def _moving(observed: Observed) -> list[Value]:
    """Return all signals that move data or work in this cycle."""
    core = observed.core
    moving = [observed.inside("sequencer.go"), core.i.ready, core.o.valid, observed.enters]
    moving += [valid for valid, _ in observed.rows_on_the_way]
    moving += [unit["valid"] for unit in observed.units]
    moving += [observed.buffer_level != 0]
    if core.access:
        moving += [core.i_state.ready, core.o_state.valid, core.access.done]
    return moving
