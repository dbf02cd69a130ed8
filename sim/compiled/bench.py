"""Bench for long runs: a Verilated core driven from C++ with whole NumPy arrays.

The model and `compiled_bench.cpp` are compiled into one shared library, called through ctypes. A
run is split into slices of about a tenth of a second. Between slices, Python reports progress and
handles Ctrl-C; the slices do not affect the core's cycles.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from golden.closing import Closing
from hdl.verilog import Generated
from sim.compiled.adapter import Design, adapters
from sim.compiled.job import (
    CYCLE_LIMIT,
    HARNESS,
    RUNNING,
    STOPPED,
    VIOLATIONS,
    Job,
    JobRun,
    load,
    new_bench,
)
from sim.compiled.library import verilator_library
from sim.run import Run
from sim.streams import (
    SIDES,
    CycleLimitError,
    Progress,
    ProtocolError,
    Record,
    StoppedError,
)

_SLICE_SECONDS = 0.1
_FIRST_SLICE = 10_000  # clock cycles


class CompiledBench(Closing):
    """One core, Verilated once, for any number of runs; a context manager.

    Args:
        design: the core.
        library: library of `bench_library` that includes the core; None builds one for it alone.

    Raises:
        sim.tools.errors.SimulationError: the model cannot be built.
    """

    def __init__(self, design: Design, library: Path | None = None) -> None:
        self._ports = design.ports
        self._library = load(library or bench_library([design]))
        self._bench: int | None = new_bench(self._library, design.class_name)

    @classmethod
    def of(cls, core: Generated, *, library: Path | None = None) -> Self:
        """Make the bench of a generated core."""
        return cls(Design.of(core), library)

    def close(self) -> None:
        """Free the model. A second call does nothing."""
        if self._bench is not None:
            self._library.bench_free(self._bench)
            self._bench = None

    @property
    def cycle(self) -> int:
        """Number of the next clock edge, counted from the last reset at a run's start."""
        return self._library.bench_cycle(self._open())

    def write_counts(self, path: Path) -> None:
        """Write what the model counted, in Verilator's format of coverage.

        Only for a library that counts something.
        """
        self._library.bench_write_counts(ctypes.c_void_p(self._open()), str(path).encode())

    def run(self, run: Run, *, progress: Progress | None = None) -> Record:
        """Send and take the words of a run, and record the cycle of each.

        Args:
            run: the request.
            progress: called about ten times per second.

        Raises:
            ValueError: a word does not fit its port, or the run ended before its reset.
            CycleLimitError, ProtocolError, StoppedError: the run failed; ``error.run`` is the
                record up to there.
            RuntimeError: the bench is closed.
        """
        bench = self._open()
        run.check_widths(self._ports)
        work = JobRun(run)
        if run.fresh:
            self._library.bench_restart(bench)
        start = self.cycle
        self._library.bench_begin(bench, ctypes.byref(work.job))
        status = self._slices(work.job, run.count("o"), progress)
        record = work.record(start)
        if status == CYCLE_LIMIT:
            raise CycleLimitError(run.patience, record)
        if status == STOPPED:
            raise StoppedError(self.cycle, record)
        if status in VIOLATIONS:
            raise ProtocolError(VIOLATIONS[status], self.cycle, record)
        if work.job.reset_hold:
            raise ValueError(f"Reset in cycle {work.job.reset_cycle}: the run was over before it")
        return record

    def _slices(self, job: Job, outputs: int, progress: Progress | None) -> int:
        """Run `job` to its end and return its status."""
        bench, budget = self._open(), _FIRST_SLICE
        while True:
            begun = time.perf_counter()
            status: int = self._library.bench_run(bench, ctypes.byref(job), budget)
            if progress is not None:
                progress(job.sides[SIDES["o"]].moved, outputs)
            if status != RUNNING:
                return status
            if time.perf_counter() - begun < _SLICE_SECONDS / 2:
                budget *= 2

    def _open(self) -> int:
        if self._bench is None:
            raise RuntimeError("The bench is closed")
        return self._bench


def bench_library(
    designs: Sequence[Design],
    *,
    optimize: bool = True,
    counting: tuple[str, ...] = (),
    cache: Path | None = None,
) -> Path:
    """Build one library of benches for several cores, which is quicker than one library per core.

    Args:
        designs: the cores.
        optimize, counting, cache: as in `verilator_library`.

    Raises:
        sim.tools.errors.SimulationError: a model cannot be built.
    """
    evaluate = HARNESS.with_name("evaluate.h").read_text(encoding="utf-8")
    return verilator_library(
        {design.top: design.verilog for design in designs},
        harness=HARNESS,
        headers={"ports.h": adapters(designs), "evaluate.h": evaluate},
        optimize=optimize,
        counting=counting,
        cache=cache,
    )
