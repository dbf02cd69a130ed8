"""The runs of a case on any bench, and what was wrong with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from sim.core_job.job import CoreJob
from sim.core_job.result import CoreResult
from sim.patterns import NO_STALLS, WHEN_DUE, Pattern, Stalls, Trigger
from sim.run import Reset, Run
from sim.streams import BenchError, Record

PATIENCE = 20_000
"""Clock cycles without a transfer after which a core hangs; the longest gap is far shorter."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Outcome of a case.

    Attributes:
        number: of the case.
        bench: where it ran.
        problem: what was wrong, or "".
        words, cycles: output words compared, and clock cycles simulated.
    """

    number: int
    bench: str
    problem: str
    words: int = 0
    cycles: int = 0


class Verdict(TypedDict):
    """Attributes of an outcome that the trials decide."""

    problem: str
    words: int
    cycles: int


async def run_all(
    job: CoreJob, trials: Iterable[Run], bench: Callable[[Run], Awaitable[Record]]
) -> Verdict:
    """Run a case's trials up to the first that fails.

    Args:
        job: the case's.
        trials: its runs.
        bench: runs one of them.
    """
    words, cycles, problem = 0, 0, ""
    for trial in trials:
        try:
            record = await bench(trial)
            problem = judge(job, trial, record)
            words, cycles = words + record.words.size, cycles + record.cycles
        except BenchError as error:
            problem = str(error)
        if problem:
            break
    return {"problem": problem, "words": words, "cycles": cycles}


def judge(job: CoreJob, run: Run, record: Record) -> str:
    """Return what was wrong with a run, or ""."""
    stalled = run.stalls != NO_STALLS
    result = CoreResult.judge(job, record, stalled=stalled)
    missing = result.compared != job.expected.size + job.saves.size
    if not (result.mismatched or result.wrong_cycle or missing):
        return ""
    what = f"{result.mismatched} of {result.compared} words differ: {result.first_mismatch}"
    what = what if result.mismatched else result.wrong_cycle or "words are missing"
    return f"{what}{' (stalled)' if stalled else ''}{' (after a reset)' if run.reset else ''}"


def trials_of(job: CoreJob, rng: np.random.Generator, *, due: bool) -> Iterator[Run]:
    """Yield the runs of a job: without stalls, with a reset, and twice with stalls.

    Args:
        job: what is run.
        rng: decides reset and stalls.
        due: see :func:`random_stalls`.
    """
    reset = Reset(
        cycle=int(rng.integers(0, job.weights.size + job.taken[-1], endpoint=True)),
        hold=int(rng.integers(1, 4)),
    )
    yield job.request(patience=PATIENCE)
    yield job.request(reset=reset, patience=PATIENCE)
    for _ in range(2):
        stalls = random_stalls(rng, due=due)
        yield job.request(stalls=stalls, seed=int(rng.integers(1 << 32)), patience=PATIENCE)


def random_stalls(rng: np.random.Generator, *, due: bool) -> Stalls:
    """Draw stalls; ``due``: gaps in ready may end when a word is due.

    In one of four cases valid has no gaps, in one of ten ready has none.
    """
    idle = _pattern(rng) if rng.random() < 0.75 else Pattern()
    chosen = rng.random()
    if chosen < 0.1:
        return Stalls(idle=idle)
    if chosen < 0.2 and due:
        return Stalls(idle=idle, ready=WHEN_DUE)
    triggers = [Trigger.TRANSFER, Trigger.VALID, Trigger.FREE]
    return Stalls(idle=idle, ready=_pattern(rng, triggers[int(rng.integers(3))]))


def _pattern(rng: np.random.Generator, trigger: Trigger = Trigger.TRANSFER) -> Pattern:
    longest = int(rng.choice([1, 3, 10, 40, 200], p=[0.3, 0.3, 0.2, 0.15, 0.05]))
    return Pattern(
        probability=float(rng.choice([0.05, 0.3, 0.7, 1.0])),
        shortest=int(rng.integers(1, longest, endpoint=True)),
        longest=longest,
        burst=int(rng.choice([1, 1, 2, 5, 16])),
        trigger=trigger,
    )
