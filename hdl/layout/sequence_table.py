"""Tables of the sequence memory's words: what feeds the sweeps, and what they make, in order."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.lib import data

from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.spec.sweeps import Segment, Sweep

Entry = dict[str, int]
"""Values of the fields of :func:`entry_layout`."""


def entry_layout(plan: Plan) -> data.StructLayout:
    """Layout of one segment in a walk through the sequence memory.

    Fields: ``start``, place of its first word from the row at hand, modulo the addresses;
    ``below``, in rows before this address it is zero; ``last``, its number of words less one;
    ``backward`` and, where layers read final values in every step, ``held``, see
    :class:`hdl.spec.sweeps.Segment`; where x is an index ``index``, it is that;
    ``ends_step``, a step has no segment behind it; ``ends_turn``, nor has its phase, until all
    rows have had their turn; ``once``, the phase has one turn; ``base`` and ``then``, address of
    the phase's first row and of that of the phase behind it; ``loop``, position of the phase's
    first segment; ``gives``, its words are results; ``frees``, nothing reads x from here on;
    ``again`` and ``after``, position of the first pass of the step that follows, if another turn
    does or if none does.
    """
    sweeps = plan.sweeps
    entries = feeding(plan), making(plan)
    count = max(map(len, entries))
    longest = max(entry["last"] for own in entries for entry in own)  # a late vector's, maybe
    position = span(plan.swept.sizes.passes)
    return data.StructLayout(
        {
            "start": span(sweeps.words),
            "below": span(sweeps.words + 1),
            "last": span(max(sweeps.row, longest + 1)),
            "backward": 1,
            **({"held": 1} if plan.network.repeats else {}),
            **({"index": 1} if plan.network.indexed else {}),
            "ends_step": 1,
            "ends_turn": 1,
            "once": 1,
            "base": span(sweeps.words),
            "then": span(sweeps.words),
            "loop": span(count),
            "gives": 1,
            "frees": 1,
            "again": position,
            "after": position,
        }
    )


def feeding(plan: Plan) -> list[Entry]:
    """Segments that the sweeps read, and last those of the results."""
    phases = [phase.sweeps for phase in plan.sweeps.phases[:-1]]
    firsts = [_first_pass(plan, sweeps[0]) for sweeps in phases]
    entries: list[Entry] = []
    for number, phase in enumerate(plan.sweeps.phases):
        common = {**_of_phase(plan, number, len(entries)), "frees": number >= plan.sweeps.freed}
        entries += _step(plan, phase.gives, {**common, "gives": 1})
        after = firsts[(number + 1) % len(firsts)]
        for turn, sweep in enumerate(phase.sweeps):
            ends = turn == len(phase.sweeps) - 1
            again = _first_pass(plan, phase.sweeps[0 if ends else turn + 1])
            steps = {"ends_turn": ends, "again": again, "after": after if ends else again}
            entries += _step(plan, sweep.reads, {**common, **steps})
    return entries


def making(plan: Plan) -> list[Entry]:
    """Segments that the sweeps make."""
    entries: list[Entry] = []
    for number, phase in enumerate(plan.sweeps.phases):
        common = _of_phase(plan, number, len(entries))
        for sweep in phase.sweeps:
            entries += _step(
                plan, [sweep.makes], {**common, "ends_turn": sweep is phase.sweeps[-1]}
            )
    return entries


def _of_phase(plan: Plan, number: int, loop: int) -> Entry:
    """Fields that all segments of a phase share, and others as they mostly are."""
    phases, row = plan.sweeps.phases, plan.sweeps.row
    return {
        "once": phases[number].once,
        "base": phases[number].begin * row,
        "then": phases[(number + 1) % len(phases)].begin * row,
        "loop": loop,
        **dict.fromkeys(("gives", "frees", "again", "after"), 0),
        "ends_turn": 1,
    }


def _step(plan: Plan, pieces: Sequence[Segment], common: Entry) -> list[Entry]:
    """Segments of a step; ``ends_turn`` is meant for the last one."""
    addresses, row = 1 << max(1, (plan.sweeps.words - 1).bit_length()), plan.sweeps.row
    return [
        {
            **common,
            "start": (piece.start - piece.lag * row) % addresses,
            "below": min(piece.since, plan.sweeps.rows) * row,
            "last": piece.size - 1,
            "backward": piece.backward,
            **({"held": piece.held} if plan.network.repeats else {}),
            **({"index": piece.start == 0 < piece.size} if plan.network.indexed else {}),
            "ends_step": piece is pieces[-1],
            "ends_turn": common["ends_turn"] and piece is pieces[-1],
        }
        for piece in pieces
    ]


def _first_pass(plan: Plan, sweep: Sweep) -> int:
    """Position of the first pass of a sweep's steps."""
    passes = plan.swept.work.passes
    return next(at for at, single in enumerate(passes) if single.layer == sweep.layer)
