"""The exact cycle count: when every input is taken and every output given, without simulation.

Sequencer and state update follow fixed rules, so their timing can be computed: a column starts when
its element is ready, everything else follows one cycle after the other. This module applies the
rules column by column, with the latencies that each block states, until the core is in the same
situation as some steps before; from there on it repeats what it has counted. Every simulation
without stalls asserts that the hardware takes exactly these cycles.

Cycle 0 takes the first input element. No stream stalls: an element and a state word are offered in
every cycle, and an output is taken at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from golden.changes import Changes, changes_in_use
from golden.errors import InputError
from golden.interface import Control
from hdl.cycles.delta_run import DeltaRun
from hdl.cycles.record import CycleCount as CycleCount
from hdl.cycles.record import SteadyState as SteadyState
from hdl.cycles.run import Repeats, Run
from hdl.cycles.sequences import Sequences
from hdl.plan import Plan


def controls_of(lengths: Sequence[int]) -> list[Control]:
    """Steps of sequences of some lengths, one after the other on one stream.

    Raises:
        InputError: a length is less than 1.
    """
    return [c for controls, times in _repeats(lengths) for _ in range(times) for c in controls]


def _repeats(lengths: Sequence[int]) -> Repeats:
    """Steps as of :func:`controls_of`, those that are alike together."""
    if any(length < 1 for length in lengths):
        raise InputError(f"lengths must be 1 or more, not {list(lengths)!r}")
    ends = [Control()], [Control(last=True)]
    return [one for length in lengths for one in ((ends[0], length - 1), (ends[1], 1))]


def _run(plan: Plan, changes: Changes | None = None) -> Run:
    """Begin a count."""
    return DeltaRun(plan, changes=changes) if plan.options.delta else Run(plan)


def count(plan: Plan, lengths: Sequence[int], *, changes: Changes | None = None) -> CycleCount:
    """Timing of sequences of ``lengths`` steps, fed without a gap from reset on.

    Args:
        plan: the core's plan.
        lengths: steps of each sequence.
        changes: for a delta core the elements that are sent in all steps, see
            :func:`golden.changes.changes_in_use`; ``None`` for its longest time, in which all are.

    Raises:
        InputError: a length is less than 1.
    """
    if plan.options.max_steps:
        return Sequences(plan).run(lengths)
    return _run(plan, changes).run(_repeats(lengths))


def count_steps(
    plan: Plan, controls: Sequence[Control], *, changes: Changes | None = None
) -> CycleCount:
    """Timing of steps, fed without a gap from reset on; ``changes`` as of :func:`count`."""
    if plan.options.max_steps:
        ends = [n for n, control in enumerate(controls) if control.last]
        return Sequences(plan).run(np.diff(ends, prepend=-1).tolist())
    repeats = [([one], len(list(alike))) for one, alike in groupby(controls)]
    return _run(plan, changes).run(repeats)


def count_inputs(
    plan: Plan, x: Sequence[NDArray[np.int64]] | NDArray[np.int64], controls: Sequence[Control]
) -> CycleCount:
    """Timing of steps with these input words, (inputs,) each; they matter in a delta core."""
    delta = plan.options.delta
    return count_steps(
        plan, controls, changes=changes_in_use(plan.network, x, controls) if delta else None
    )


def cycles_per_sequence(plan: Plan, steps: int) -> int:
    """Cycles that a sequence takes behind others of its length."""
    if plan.options.max_steps:
        return Sequences(plan).period(steps)
    run = _run(plan)
    ends = [run.run(_repeats([steps])).last_output for _ in range(4)]
    return ends[-1] - ends[-2]


def steady_state(plan: Plan) -> SteadyState:
    """Timing of a step when many have gone before.

    Where sequences are buffered it is a step's share of the longest ones.
    """
    if plan.options.max_steps:
        return Sequences(plan).steady_state()
    streams, every_step = plan.options.interface.streams, plan.options.interface.every_step
    steps = 4 * streams

    def after(turns: int) -> CycleCount:
        turn = [Control(stream=n) for n in range(streams)]
        end = [*turn[:-1], replace(turn[-1], last=True)]
        return _run(plan).run([(turn, 4 * turns - 1), (end, 1)])

    early, late = after(1), after(2)
    span = late.end - early.end
    passes = plan.work.passes if every_step else plan.work.step_passes
    products = sum(
        single.columns * plan.network.layers[single.layer].units * len(single.gates)
        for single in passes
    )
    return SteadyState(
        cycles_per_step=-(-span // steps),
        ideal_cycles_per_step=products / plan.options.lanes,
        issued_per_step=sum(plan.work.macs(single) for single in passes),
        utilization=products / plan.options.lanes * steps / span,
        waited={
            reason: (cycles - early.waited.get(reason, 0)) // steps
            for reason, cycles in late.waited.items()
            if cycles > early.waited.get(reason, 0)
        },
    )
