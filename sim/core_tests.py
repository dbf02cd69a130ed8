"""The cocotb tests of a core; each takes its work from the job file (see sim.core_job)."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from sim.bench import Bench
from sim.core_job import PROGRESS, RESULT, CoreJob, CoreResult
from sim.patterns import IDLE_PATTERNS, NO_STALLS, READY_PATTERNS, Stalls
from sim.streams import Progress, Reset, flatten

MANY = 64
"""Sequences from which on a sample of the crossings is enough."""


@cocotb.test()
async def samples(dut: Any) -> None:
    """All sequences back to back without stalls: every word and every cycle; leaves the result."""
    job = CoreJob.of_environment()
    run = await Bench(dut).run_sequences(
        job.sequences, words=job.expected.shape[1], progress=_progress_file()
    )
    result = CoreResult.judge(job, run, stalled=False)
    if RESULT in os.environ:
        result.save(os.environ[RESULT])
    await Timer(1, "ns")
    _check(result)


@cocotb.test()
async def crossings(dut: Any) -> None:
    """Every pattern of idle crossed with every pattern of back-pressure."""
    job = CoreJob.of_environment()
    bench = Bench(dut)
    for idle in IDLE_PATTERNS:
        for ready in READY_PATTERNS:
            stalls = Stalls.named(idle, ready)
            run = await bench.run_sequences(
                job.sequences, words=job.expected.shape[1], stalls=stalls, seed=cocotb.RANDOM_SEED
            )
            _check(CoreResult.judge(job, run, stalled=stalls != NO_STALLS))
    await Timer(1, "ns")


@cocotb.test()
async def resets(dut: Any) -> None:
    """A reset in any phase of the first sequence, then everything from the start."""
    job = CoreJob.of_environment()
    bench = Bench(dut)
    beats, last = flatten(job.sequences)
    end = int(job.taken[job.expected.shape[1] - 1])
    phases = sorted({*range(1, min(end, 24)), *range(1, end, max(1, end // 40)), end - 1, end})
    for cycle in (phase for phase in phases if phase > 0):
        run = await bench.run(
            beats, last, outputs=job.expected.size, reset=Reset(cycle=cycle, beat=0, word=0)
        )
        _check(CoreResult.judge(job, run, stalled=True))
    await Timer(1, "ns")


@cocotb.test()
async def idle_core(dut: Any) -> None:
    """Nothing comes out of a core that gets nothing, and it works after the wait."""
    job = CoreJob.of_environment()
    bench = Bench(dut)
    await bench.reset(hold=3)
    await bench.clock.edges(500)
    assert dut.o_valid.value == 0, "a word without input"
    run = await bench.run_sequences(job.sequences, words=job.expected.shape[1])
    _check(CoreResult.judge(job, run, stalled=False))
    await Timer(1, "ns")


def _check(result: CoreResult) -> None:
    assert result.mismatched == 0, f"{result.mismatched} words differ: {result.first_mismatch}"
    assert not result.wrong_cycle, result.wrong_cycle


def _progress_file() -> Progress | None:
    """Writes the number of output words so far to a file, a few times a second."""
    if PROGRESS not in os.environ:
        return None
    path = Path(os.environ[PROGRESS])
    told = 0.0

    def tell(done: int, _total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > 0.25:
            told = now
            path.write_text(str(done), encoding="utf-8")

    return tell
