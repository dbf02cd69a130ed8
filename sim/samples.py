"""Run samples through the RTL: under cocotb in either simulator, or in the compiled bench."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdl.verilog import Generated
from sim.cocotb_bench import runner
from sim.compiled.bench import CompiledBench
from sim.core_job.job import JOB, PROGRESS, RESULT, CoreJob
from sim.core_job.result import CoreResult
from sim.patterns import NO_STALLS, Stalls

Progress = Callable[[int], None]
"""Called from time to time with the number of finished sequences."""


@dataclass(frozen=True, kw_only=True)
class SampleRun:
    """Result of running samples through the RTL.

    Attributes:
        words: raw output words of each sequence's last result, (sequences, words).
        compared, mismatched: number of output words compared with the golden model, and of those
            that differ.
        first_mismatch: place and values of the first mismatch, or "".
        wrong_cycle: first difference from the cycle count, or "" (always "" with stalls).
        cycles: clock cycles simulated.
        cycles_per_step: clock cycles per step between the first and the last sequence's results.
        seconds: wall time of the simulation, without the simulator's build.
    """

    words: NDArray[np.int32]
    compared: int
    mismatched: int
    first_mismatch: str
    wrong_cycle: str
    cycles: int
    cycles_per_step: float
    seconds: float


def run_cocotb(
    core: Generated,
    sequences: Sequence[NDArray[Any]],
    expected: NDArray[np.int64],
    *,
    simulator: str,
    jobs: int = 1,
    seed: int | None = None,
    waves: Path | None = None,
    results: Path | None = None,
    progress: Progress | None = None,
    timeout_s: float = 3600,
) -> SampleRun:
    """Run sequences back to back under cocotb.

    Args:
        core: the generated core.
        sequences: raw input words, each (steps, inputs).
        expected: the golden model's words, (sequences, words), or (sequences, steps, words) if
            the core answers every step.
        simulator: ``icarus`` or ``verilator``.
        jobs: number of processes, each with a share of the sequences.
        seed: seed of cocotb's random numbers; None chooses one, which an error names.
        waves: file for waves, ``.fst`` or ``.vcd``; only with one job.
        results: folder for JUnit XML and logs; a temporary one if None.
        progress: see :data:`Progress`.
        timeout_s: wall seconds after which a simulator is killed.

    Raises:
        sim.tools.errors.SimulationError: a tool is missing, or a run failed for any reason but a
            wrong word or cycle.
    """
    kind = waves.suffix[1:] if waves else None
    build = runner.build(
        core.verilog, top=core.description["name"], simulator=simulator, waves=kind
    )
    shares = _share_out(core, sequences, expected, jobs)
    with tempfile.TemporaryDirectory(prefix="litelstm-") as name:
        folder = results or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        work = [
            _Share(job, folder / f"{simulator}{index}", Path(name))
            for index, job in enumerate(shares)
        ]
        start = time.perf_counter()
        cancel = Event()
        with ThreadPoolExecutor(len(work)) as pool:
            futures = [
                pool.submit(
                    share.run, build, seed=seed, waves=waves, timeout_s=timeout_s, cancel=cancel
                )
                for share in work
            ]
            try:
                _watch(futures, work, progress)
            except BaseException:  # Ctrl-C: the pool waits for the simulators, so stop them
                cancel.set()
                raise
        seconds = time.perf_counter() - start
        return _merge([future.result() for future in futures], shares, seconds)


def run_compiled(
    core: Generated,
    sequences: Sequence[NDArray[Any]],
    expected: NDArray[np.int64],
    *,
    jobs: int = 1,
    stalls: Stalls = NO_STALLS,
    seed: int = 0,
    progress: Progress | None = None,
) -> SampleRun:
    """Run sequences back to back in the compiled bench; arguments as in :func:`run_cocotb`.

    ``jobs`` are models in threads of this process.
    """
    shares = _share_out(core, sequences, expected, jobs)
    done = [0] * len(shares)
    cancel = Event()

    def run(index: int, bench: CompiledBench) -> CoreResult:
        def tell(words: int, _total: int) -> None:
            if cancel.is_set():
                raise CancelledError
            done[index] = words * job.count // job.expected.size
            if progress:
                progress(sum(done))

        job = shares[index]
        seen = bench.run(job.request(stalls=stalls, seed=seed + index), progress=tell)
        return CoreResult.judge(job, seen, stalled=stalls != NO_STALLS)

    with ExitStack() as stack:
        benches = [stack.enter_context(CompiledBench.of(core)) for _ in shares]
        start = time.perf_counter()
        with ThreadPoolExecutor(len(shares)) as pool:
            futures = [pool.submit(run, index, bench) for index, bench in enumerate(benches)]
            try:
                results = [future.result() for future in futures]
            except BaseException:  # Ctrl-C or a failure: the others stop at their next report
                cancel.set()
                raise
        seconds = time.perf_counter() - start
    return _merge(results, shares, seconds)


def _share_out(
    core: Generated, sequences: Sequence[NDArray[Any]], expected: NDArray[np.int64], jobs: int
) -> list[CoreJob]:
    """Split the sequences in order into at most ``jobs`` parts of about equal size."""
    parts = np.array_split(np.arange(len(sequences)), min(jobs, len(sequences)))
    return [
        CoreJob.make(core.plan, [sequences[i] for i in part], expected[part], start=int(part[0]))
        for part in parts
    ]


@dataclass(frozen=True)
class _Share:
    """A share of the sequences, for one process."""

    job: CoreJob
    stem: Path
    scratch: Path

    @property
    def _progress(self) -> Path:
        return self.scratch / f"{self.stem.name}.progress"

    @property
    def done(self) -> int:
        """Number of finished sequences."""
        try:
            words = int(self._progress.read_text(encoding="utf-8"))
            return words * self.job.count // self.job.expected.size
        except FileNotFoundError:  # not there yet
            return 0

    def run(
        self,
        build: runner.Build,
        *,
        seed: int | None,
        waves: Path | None,
        timeout_s: float,
        cancel: Event,
    ) -> CoreResult:
        job, result = (self.scratch / f"{self.stem.name}.{kind}.npz" for kind in ("job", "result"))
        self.job.save(job)
        try:
            runner.run(
                build,
                test_module="sim.cocotb_bench.core_tests",
                testcase="samples",
                expect=1,
                seed=seed,
                waves=waves,
                env={JOB: str(job), RESULT: str(result), PROGRESS: str(self._progress)},
                results=self.stem.with_suffix(".xml"),
                log=self.stem.with_suffix(".log"),
                timeout_s=timeout_s,
                cancel=cancel,
            )
        except runner.SimulationError:
            # A wrong word or cycle fails the test too; then the result has all the numbers.
            if not result.exists():
                raise
            judged = CoreResult.load(result)
            if not (judged.mismatched or judged.wrong_cycle):
                raise
            return judged
        return CoreResult.load(result)


def _watch(
    futures: list[Future[CoreResult]], work: list[_Share], progress: Progress | None
) -> None:
    while wait(futures, timeout=0.25).not_done:
        if progress:
            progress(sum(share.done for share in work))
    if progress:
        progress(sum(share.job.count for share in work))


def _merge(results: list[CoreResult], jobs: list[CoreJob], seconds: float) -> SampleRun:
    spans, steps = 0, 0
    for result, job in zip(results, jobs, strict=True):
        ends = result.taken.reshape(job.expected.shape)[job.ends == 1, -1]
        several = len(ends) > 1
        spans += int(ends[-1] - ends[0]) if several else int(ends[-1]) + 1
        steps += job.steps_after_first_result if several else len(job.controls)
    return SampleRun(
        words=np.concatenate(
            [result.words[job.ends == 1] for result, job in zip(results, jobs, strict=True)]
        ),
        compared=sum(result.compared for result in results),
        mismatched=sum(result.mismatched for result in results),
        first_mismatch=next((r.first_mismatch for r in results if r.first_mismatch), ""),
        wrong_cycle=next((r.wrong_cycle for r in results if r.wrong_cycle), ""),
        cycles=sum(int(result.taken[-1]) + 1 for result in results),
        cycles_per_step=spans / steps,
        seconds=seconds,
    )
