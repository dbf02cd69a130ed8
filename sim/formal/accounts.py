"""Credits: every unit, row and word is accounted for in every cycle.

The core waits for counters: ready elements of a vector, free sums of the head, room in the output
buffer. Each counter, plus the credits on their way to it, is constant. A lost credit would stop the
core for ever; a surplus one would let it overwrite values that are still needed.
"""

from __future__ import annotations

from collections.abc import Iterable

from amaranth.hdl import Cat, Const, Mux, Signal, Value

from hdl.parts.numeric import span
from hdl.timing.latency import ANNOUNCED
from sim.formal.observed import BUFFER, QUEUE, Observed


def claim_ready(observed: Observed) -> None:
    """Claim that every element of a vector is ready or on its way."""
    plan, ready = observed.plan, observed.core.store.ready
    for vector, layer in plan.vectors:
        job = plan.work.job_making(vector, layer)
        entered = _entered(observed, job, stages=plan.update_cost.written[vector] - ANNOUNCED + 1)
        units = ready[f"{vector}{layer}"] + _before_update(observed, job) + entered
        observed.claims.always(f"credits_of_{vector}{layer}", units == plan.work.jobs[job].units)


def claim_head(observed: Observed) -> None:
    """Claim that sums that make no vector are free exactly when the state update has read all."""
    plan, core, m = observed.plan, observed.core, observed.m
    for number, job in enumerate(plan.work.unread):
        unit, name = observed.units[0], plan.work.jobs[job].name
        left = Signal(range(plan.work.jobs[job].units + 1), name=f"{name}_left")
        with m.If(core.sequencer.restart[job]):
            m.d.sync += left.eq(plan.work.jobs[job].units)
        with m.Elif(unit["valid"] & (unit["job"] == job)):
            m.d.sync += left.eq(left - 1)
        coming = _before_update(observed, job) + _entered(observed, job, stages=1)
        free = core.sequencer.head_free[number]
        observed.claims.always(f"credits_of_{name}", left == coming)
        observed.claims.always(f"{name}_is_free_when_drained", free == (left == 0))


def claim_room(observed: Observed) -> None:
    """Claim that the counted room of the output buffer is the actual room."""
    unit, left = observed.units[0], observed.lanes_left
    entered = _sum(stage["word"] for stage in observed.units[: observed.result_stage + 1])
    if observed.plan.options.interface.classes:
        entering = unit["emit"] & observed.unit("ends_job") & (left != 0)
    else:
        entering = Mux(unit["emit"], left, 0)
    given = observed.inside("update.entry.given_before")
    inside = entering + entered + observed.buffer_level + observed.core.o.valid + given
    observed.claims.always("room_is_real", observed.taken == inside)
    observed.claims.always("room_is_kept", observed.taken <= observed.plan.sizes.output_places)


def claim_entry(observed: Observed) -> None:
    """Claim that the next row's words and place are right, and that it waits for room."""
    plan, (valid, row) = observed.plan, observed.queue[0]
    words = observed.inside(
        "update.entry.queue.held.words", len(Signal(range(plan.options.lanes + 1)))
    )
    start = observed.inside(
        "update.entry.queue.held.start",
        len(Signal(span(max(job.unit for job in plan.work.jobs) + 1))),
    )
    of_job = Cat(
        *((row.job == n) & (start == job.unit) for n, job in enumerate(plan.work.jobs))
    ).any()
    right = (words == (row.last if plan.options.interface.classes else row.units + 1)) & of_job
    observed.claims.always("next_row_is_right", ~valid | right)
    fits = valid & (~row.emit | (observed.taken + words <= plan.sizes.output_places))
    observed.claims.always("next_row_fits", ~observed.enters | fits)


def claim_queue(observed: Observed) -> None:
    """Claim that the queue never overflows, and that its pointers fit its level."""
    depth, level = observed.queue_depth, observed.queue_level
    produce, consume = observed.queue_pointers
    stays = observed.inside(f"{QUEUE}.write") & ~observed.inside(f"{QUEUE}.moves")
    observed.claims.never("queue_overflows", stays & (level == depth))
    ahead = consume + level
    fits = (produce < depth) & (consume < depth) & (level <= depth)
    fits &= produce == Mux(ahead >= depth, ahead - depth, ahead)
    # Rows wait in the queue only behind another one.
    fits &= (level == 0) | observed.queue[0][0]
    fits &= observed.inside(f"{QUEUE}.waits") == (level != 0)
    observed.claims.always("queue_pointers_fit", fits)


def claim_buffer(observed: Observed) -> None:
    """Claim that the output buffer never overflows, and never reads a word before it is written."""
    words, level = observed.plan.sizes.output_places, observed.buffer_level
    produce, consume = observed.buffer_pointers
    write, takes = (observed.inside(f"{BUFFER}.{moves}") for moves in ("write", "takes"))
    held = level + observed.core.o.valid
    observed.claims.never("buffer_overflows", write & (held >= words))
    fits = (level <= words) & ((produce - consume - level)[: len(produce)] == 0)
    observed.claims.always("buffer_pointers_fit", fits)
    observed.claims.never("buffer_reads_what_it_writes", write & takes & (produce == consume))


def claim_access(observed: Observed) -> None:
    """Claim that no unit is on its way to read or write h or c while state words move."""
    core, plan, m = observed.core, observed.plan, observed.m
    if core.access is None:
        return
    written = plan.update_cost.written
    ends = {
        n: max(written[name] for name in job.makes)
        for n, job in enumerate(plan.work.jobs)
        if job.makes
    }

    def at(stages: dict[int, int]) -> Value:
        """A unit of a job is in that job's stage."""
        units = observed.units
        return Cat(
            *(units[n]["valid"] & (units[n]["job"] == job) for job, n in stages.items())
        ).any()

    busy = [
        at({job: n for job, end in ends.items() if n <= end}) for n in range(max(ends.values()) + 1)
    ]
    waits = observed.rows_on_the_way + observed.queue
    busy += [valid & row.job.matches(*ends) for valid, row in waits]
    counts = [core.store.ready[f"{name}{layer}"] for name, layer in plan.vectors]
    units = [plan.network.layers[layer].units for _, layer in plan.vectors]
    ready = Cat(*(count == all_ for count, all_ in zip(counts, units, strict=True))).all()
    known_for = Signal(ANNOUNCED, init=-1, name="known_for_copy")
    m.d.sync += known_for.eq(Cat(ready, known_for))
    serves = observed.inside("access.fsm_state", 3) != 0  # 0 is IDLE
    asked = core.sequencer.load | core.sequencer.save
    observed.claims.never("state_moves_meanwhile", serves & Cat(*busy).any())
    for cycles, known in enumerate(known_for, start=1):
        late = at({job: end - ANNOUNCED + cycles for job, end in ends.items()})
        observed.claims.never(f"ready_for_{cycles}", known & late)
    observed.claims.always("state_rests", ~serves | (asked & ready & known_for.all()))


def _before_update(observed: Observed, job: int) -> Value:
    """Count a job's units whose sums are being completed or wait for the state update."""
    rows = observed.rows_on_the_way + observed.queue
    of_rows = _sum(Mux(valid & (row.job == job), row.units + 1, 0) for valid, row in rows)
    entering = Mux(observed.units[0]["job"] == job, observed.lanes_left, 0)
    return observed.unfinished(job) + of_rows + entering


def _entered(observed: Observed, job: int, *, stages: int) -> Value:
    """Count a job's units in the first stages of the state update."""
    return _sum(stage["valid"] & (stage["job"] == job) for stage in observed.units[:stages])


def _sum(values: Iterable[Value]) -> Value:
    return sum(values, start=Value.cast(Const(0)))
