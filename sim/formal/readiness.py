"""A column starts only when its element is ready and the sums it replaces are drained."""

from __future__ import annotations

from amaranth.hdl import Const, Mux, Signal, Value

from hdl.layout.pass_table import sources
from hdl.parts.numeric import span
from hdl.spec.passes import Pass
from sim.formal.observed import Observed


def claim_ahead(observed: Observed) -> None:
    """Claim that a column waits for its element, and until the sums it replaces are drained."""
    plan, claims = observed.plan, observed.claims
    ready, undrained, reached = (Const(0),) * 3
    starts = observed.inside("sequencer.at.column_start")
    goes = starts & observed.inside("sequencer.at.goes")
    column = Mux(starts, observed.column, observed.next_column)
    for position, single in enumerate(plan.work.passes):
        here = observed.position == position
        needless, count = elements(observed, single)
        ready |= here & (needless | (observed.column < count))
        reached |= here & (needless | (column <= count) | (column == single.columns))
        if single.drains is not None:
            final = observed.column == single.columns - 1
            undrained |= here & final & ~observed.is_drained(single.drains)
    claims.always("no_column_overtakes_its_vector", reached)
    claims.always("element_is_ready", ~goes | ready)
    claims.never("drained_too_early", goes & undrained)
    for position, single in enumerate(plan.work.passes):
        if single.completes not in plan.work.unread:
            continue
        # When the last unit of such a job frees its sums, it is one stage earlier than here.
        unit = observed.units[1]
        final = (observed.position == position) & (observed.column == single.columns - 1)
        enters = unit["valid"] & (unit["job"] == single.completes)
        name = plan.work.jobs[single.completes].name
        claims.never(f"{name}_drains", goes & final & enters)


def claim_readiness(observed: Observed) -> None:
    """Claim that the sequencer's delayed view of elements and sums never runs ahead."""
    plan, claims = observed.plan, observed.claims
    starts = observed.inside("sequencer.at.column_start")
    issued = ~starts | observed.inside("sequencer.at.goes")
    advanced = observed.inside("sequencer.advanced")
    seen = observed.inside("sequencer.count", len(Signal(span(plan.sizes.columns + 1))))
    first, second, third = (observed.inside(f"sequencer.ready{ahead}") for ahead in range(3))
    known, counted, here_ready, there_ready, drains = (Const(0),) * 5
    for position, single in enumerate(plan.work.passes):
        here = observed.position == position
        needless, count = elements(observed, single)
        # Once its final column has started, a pass may restart the counts that it waited for.
        over = ~starts & (observed.column == single.columns - 1)
        known |= here & (needless | over | (seen <= count))
        counted |= here & (needless | over | (observed.column + issued <= seen))
        here_ready |= here & (needless | over | (observed.column < seen))
        there_ready |= here & (needless | over | (observed.next_column < seen))
        if single.drains is not None:
            drains |= here & (over | observed.is_drained(single.drains))
        else:
            drains |= here
    claims.always("count_is_never_ahead", known)
    claims.always("column_is_counted", counted)
    claims.always("column_is_ready", ~Mux(advanced, second, first) | here_ready)
    claims.always("next_column_is_ready", ~(issued & Mux(advanced, third, second)) | there_ready)
    claims.always("pass_drains", ~observed.inside("sequencer.drains") | drains)
    for operand, source in sources(plan):
        _claim_known(observed, operand, source)
    whole = observed.inside("sequencer.known_whole")
    claims.always("whole_is_true", ~whole | observed.core.store.x_whole)
    for number in range(len(plan.work.jobs)):
        for flag in (f"drained{number}", f"drained_long{number}"):
            told = observed.inside(f"sequencer.{flag}")
            claims.always(f"{flag}_is_true", ~told | observed.is_drained(number))


def elements(observed: Observed, single: Pass) -> tuple[Value, Value]:
    """Return whether a pass may ignore its vector's count, and that count."""
    store = observed.core.store
    if single.source < 0:
        return store.x_whole, store.x_ready
    if single.lag:  # its layer has completed a job since
        return Const(0), Const(observed.plan.sizes.columns)
    needless = observed.inside("sequencer.independent") & single.recurrent
    return needless, store.ready[f"{single.operand}{single.source}"]


def _claim_known(observed: Observed, operand: str, source: int) -> None:
    """Claim that each flag about a vector's first elements implies that they are there."""
    if operand == "past":
        return
    store = observed.core.store
    name = "x" if source < 0 else f"{operand}{source}"
    whole, count = (store.x_whole, store.x_ready) if source < 0 else (Const(0), store.ready[name])
    for flag, least in (("some", 1), ("several", 2), ("long", 1)):
        told = observed.inside(f"sequencer.{name}_{flag}")
        observed.claims.always(f"{name}_{flag}_is_true", ~told | whole | (count >= least))
