"""Cocotb tests of a core; each takes its work from the job file (see sim.core_job.job)."""

from __future__ import annotations

import os
import time
from itertools import cycle as repeated
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from sim.cocotb_bench.bench import Bench
from sim.core_job.job import PROGRESS, RESULT, CoreJob
from sim.core_job.result import CoreResult
from sim.patterns import (
    IDLE_PATTERNS,
    NO_STALLS,
    READY_PATTERNS,
    WHEN_DUE,
    Pattern,
    Stalls,
    Trigger,
)
from sim.run import Reset, Run, Source, flatten
from sim.streams import Progress

PHASES = 8
"""Approximate number of cycles at which `resets` resets a core."""

RESET_SEQUENCES = 3
"""Number of the job's sequences that run after a reset."""


@cocotb.test()
async def samples(dut: Any) -> None:
    """Run all sequences back to back, check every word and every cycle, and save the result.

    If only the ends of sequences give words, ready stays low until a word is due, so that Python
    need not watch valid. Ready rises early enough that no word waits.
    """
    job = CoreJob.of_environment()
    stalls = Stalls(ready=WHEN_DUE) if job.ends.all() else NO_STALLS
    run = await Bench(dut).run(job.request(stalls=stalls), progress=_progress_file())
    result = CoreResult.judge(job, run, stalled=False)
    if RESULT in os.environ:
        result.save(os.environ[RESULT])
    await Timer(1, "ns")
    _check(result)


@cocotb.test()
async def crossings(dut: Any) -> None:
    """Run the job with every pattern of idle crossed with every pattern of back-pressure."""
    job = CoreJob.of_environment()
    bench = Bench(dut)
    for idle in IDLE_PATTERNS:
        for ready in READY_PATTERNS:
            stalls = Stalls.named(idle, ready)
            run = await bench.run(job.request(stalls=stalls, seed=cocotb.RANDOM_SEED))
            _check(CoreResult.judge(job, run, stalled=stalls != NO_STALLS))
    await Timer(1, "ns")


@cocotb.test()
async def jams(dut: Any) -> None:
    """Run with a receiver, then with a sender, that stalls for longer than the whole job takes.

    First, ready goes low at each result's first word, so that the core fills up and stops. Then
    valid stays low between any two beats, so that the core runs out of input.
    """
    job = CoreJob.of_environment()
    bench = Bench(dut)
    words = job.expected.shape[1]
    whole = int(job.taken[-1])
    jam = Pattern(probability=1, shortest=whole, longest=whole, burst=words, trigger=Trigger.VALID)
    steps = whole // job.inputs.size + 50
    drought = Pattern(probability=1, shortest=steps, longest=steps)
    for stalls in (Stalls(ready=jam), Stalls(idle=drought)):
        run = await bench.run(job.request(stalls=stalls))
        _check(CoreResult.judge(job, run, stalled=True))
    await Timer(1, "ns")


@cocotb.test()
async def steps(dut: Any) -> None:
    """Run a job of steps on several streams, with states in and out.

    It runs once with every cycle checked, once per pattern of back-pressure, and after resets at
    several phases.
    """
    job = CoreJob.of_environment()
    bench = Bench(dut)
    compared = job.expected.size + job.saves.size
    runs: list[tuple[Stalls, Reset | None]] = [(NO_STALLS, None)]
    runs += [
        (Stalls(idle=idle, ready=ready), None)
        for idle, ready in zip(repeated(IDLE_PATTERNS.values()), READY_PATTERNS.values())
        if ready.trigger is not Trigger.DUE
    ]
    end = job.weights.size + int(job.taken[-1])
    runs += [(NO_STALLS, Reset(cycle=at)) for at in range(0, end, max(1, end // PHASES))]
    for stalls, reset in runs:
        run = await bench.run(job.request(stalls=stalls, seed=cocotb.RANDOM_SEED, reset=reset))
        result = CoreResult.judge(job, run, stalled=stalls != NO_STALLS)
        _check(result)
        assert result.compared == compared, f"{result.compared} of {compared} words came"
    await Timer(1, "ns")


@cocotb.test()
async def resets(dut: Any) -> None:
    """Reset at many phases of the first sequences, then run everything from the start.

    Without stalls, every cycle after the reset is checked too. With stalls, a word may wait at the
    output when the reset comes.
    """
    job = CoreJob.of_environment().first(RESET_SEQUENCES)
    bench = Bench(dut)
    load = job.weights.size
    end = load + int(job.taken[-1])
    for cycle in sorted({*range(min(end, 6)), *range(0, end, max(1, end // PHASES)), end}):
        reset = Reset(cycle=cycle, hold=1 + cycle % 3)
        run = await bench.run(job.request(reset=reset))
        _check(CoreResult.judge(job, run, stalled=False))
    waiting = Stalls(ready=Pattern(probability=1, shortest=9, longest=9, trigger=Trigger.VALID))
    first = load + int(job.taken[0])
    for cycle in range(first, first + 24, 5):
        run = await bench.run(job.request(stalls=waiting, reset=Reset(cycle=cycle)))
        _check(CoreResult.judge(job, run, stalled=True))
    await Timer(1, "ns")


@cocotb.test()
async def resets_in_a_row(dut: Any) -> None:
    """Stop a run in the middle of a sequence, then reset the core during the next run."""
    job = CoreJob.of_environment().first(RESET_SEQUENCES)
    bench = Bench(dut)
    beats, last = flatten(job.sequences)
    before = int(last.argmax()) or 1  # beats too few for a word, if possible
    outputs = 0 if before == last.argmax() else job.expected.shape[1]
    end = job.weights.size + int(job.taken[-1])
    for cycle in range(0, end, max(1, end // 8)):
        sources = {"i": Source(beats[:before], last[:before]), "i_weights": Source(job.weights)}
        await bench.run(Run(sources=sources, sinks={"o": outputs}, settle=cycle % 50))
        run = await bench.run(job.request(reset=Reset(cycle=cycle)))
        _check(CoreResult.judge(job, run, stalled=False))
    await Timer(1, "ns")


@cocotb.test()
async def idle_core(dut: Any) -> None:
    """Check that a core without input puts out nothing, and works afterwards."""
    job = CoreJob.of_environment()
    bench = Bench(dut)
    await bench.reset(hold=3)
    for _ in range(500):
        await bench.clock.edges(1)
        assert dut.o_valid.value == 0, "a word without input"
    run = await bench.run(job.request(fresh=False))
    _check(CoreResult.judge(job, run, stalled=False))
    await Timer(1, "ns")


def _check(result: CoreResult) -> None:
    assert result.mismatched == 0, f"{result.mismatched} words differ: {result.first_mismatch}"
    assert not result.wrong_cycle, result.wrong_cycle


def _progress_file() -> Progress | None:
    """Make a function that writes the number of output words to a file, 4 times per second."""
    if PROGRESS not in os.environ:
        return None
    path = Path(os.environ[PROGRESS])
    fresh = path.with_name(f"{path.name}.new")  # renamed when complete, so no one reads a part
    told = 0.0

    def tell(done: int, _total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > 0.25:
            told = now
            fresh.write_text(str(done), encoding="utf-8")
            fresh.replace(path)

    return tell
