"""No deadlock, as a safety property: if input is offered and output taken, something moves.

What moves is finite: the array's walk goes through the plan's passes and needs a new step of input
each time, rows and units leave the state update once. So the core cannot move for ever without
taking input, and every input that it takes leads to what is due at the output.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Signal, Value

from hdl.latency import ANNOUNCED
from sim.formal.observed import Observed

PAUSE = ANNOUNCED - 1
"""Cycles in which nothing that is observed moves: what is ready is known later."""

ACCESS_PAUSE = 4
"""The same where state is loaded and saved: that waits until what is ready is written."""


def claim_progress(observed: Observed) -> None:
    """The whole core stands still for a few cycles at most, unless the environment does."""
    core, m = observed.core, observed.m
    moving = Cat(*_moving(observed)).any()
    offered = core.i.valid & core.o.ready
    if core.access:
        offered &= core.i_state.valid & core.o_state.ready
    still = observed.claims.let("still", offered & ~moving)
    for cycle in range(ACCESS_PAUSE if core.access else PAUSE):
        before = Signal(name=f"still_before{cycle}")
        m.d.sync += before.eq(still)
        still = still & before
    observed.claims.never("stands_still", still)


def claim_phase(observed: Observed) -> None:
    """A state update without units in it is ready for the next one."""
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
    """What moves in this cycle."""
    core = observed.core
    moving = [observed.inside("sequencer.go"), core.i.ready, core.o.valid, observed.enters]
    moving += [valid for valid, _ in observed.rows_on_the_way]
    moving += [unit["valid"] for unit in observed.units]
    moving += [observed.buffer_level != 0]
    if core.access:
        moving += [core.i_state.ready, core.o_state.valid, core.access.done]
    return moving
