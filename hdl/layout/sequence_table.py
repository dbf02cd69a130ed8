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

    Fields: ``start``, place of its first word in its row; ``last``, its number of words less one;
    ``backward``, see :class:`hdl.spec.sweeps.Segment`; ``ends_step``, a step has no segment behind
    it; ``ends_turn``, nor has its phase, until all rows have had their turn; ``once``, the phase
    has one turn; ``loop``, position of the phase's first segment; ``gives``, its words are results;
    ``frees``, nothing reads x from here on; ``again`` and ``after``, position of the first pass of
    the step that follows, if another turn does or if none does.
    """
    sweeps = plan.sweeps
    count = max(len(feeding(plan)), len(making(plan)))
    position = span(plan.swept.sizes.passes)
    return data.StructLayout(
        {
            "start": span(sweeps.words),
            "last": span(sweeps.row),
            "backward": 1,
            "ends_step": 1,
            "ends_turn": 1,
            "once": 1,
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
        loop, after = len(entries), firsts[(number + 1) % len(firsts)]
        frees = number >= plan.sweeps.freed
        if phase.gives:
            entries += _step(
                phase.gives, loop=loop, ends=True, once=phase.once, gives=True, frees=frees
            )
        for turn, sweep in enumerate(phase.sweeps):
            ends = turn == len(phase.sweeps) - 1
            again = _first_pass(plan, phase.sweeps[0 if ends else turn + 1])
            entries += _step(
                sweep.reads,
                loop=loop,
                ends=ends,
                once=phase.once,
                frees=frees,
                again=again,
                after=after if ends else again,
            )
    return entries


def making(plan: Plan) -> list[Entry]:
    """Segments that the sweeps make."""
    entries: list[Entry] = []
    for phase in plan.sweeps.phases:
        loop = len(entries)
        for turn, sweep in enumerate(phase.sweeps):
            ends = turn == len(phase.sweeps) - 1
            entries += _step([sweep.makes], loop=loop, ends=ends, once=phase.once)
    return entries


def _step(
    pieces: Sequence[Segment],
    *,
    loop: int,
    ends: bool,
    once: bool,
    gives: bool = False,
    frees: bool = False,
    again: int = 0,
    after: int = 0,
) -> list[Entry]:
    return [
        {
            "start": piece.start,
            "last": piece.size - 1,
            "backward": piece.backward,
            "ends_step": piece is pieces[-1],
            "ends_turn": ends and piece is pieces[-1],
            "once": once,
            "loop": loop,
            "gives": gives,
            "frees": frees,
            "again": again,
            "after": after,
        }
        for piece in pieces
    ]


def _first_pass(plan: Plan, sweep: Sweep) -> int:
    """Position of the first pass of a sweep's steps."""
    passes = plan.swept.work.passes
    return next(at for at, single in enumerate(passes) if single.layer == sweep.layer)
