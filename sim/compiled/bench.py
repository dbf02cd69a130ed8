"""The bench for volume: a Verilated core driven from C++ with whole NumPy arrays.

The model and `compiled_bench.cpp` are compiled into one shared library, called through ctypes. A
run is cut into slices of about a tenth of a second. Between slices Python reports progress and
handles Ctrl-C; the core's cycles do not depend on the cuts.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from numpy.typing import ArrayLike

from golden.closing import Closing
from hdl.export.plain_ports import plain_ports
from hdl.verilog import Generated
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
from sim.patterns import NO_STALLS, Stalls
from sim.streams import (
    PATIENCE,
    SETTLE,
    CycleLimitError,
    Progress,
    ProtocolError,
    Reset,
    Sequences,
    StoppedError,
    StreamRun,
    Terms,
    Traffic,
    flatten,
)

_SLICE_SECONDS = 0.1
_FIRST_SLICE = 10_000  # clock cycles


class CompiledBench(Closing):
    """One core, Verilated once, and as many runs as wanted. A context manager.

    Args:
        verilog: the core's Verilog text, ports as in `sim.cocotb_bench.bench`; or the library that
            `bench_library` made of it.
        top: name of its top module.
        i_width: bits of ``i_data``, 2 to 32.
        o_width: bits of ``o_data``, 2 to 32.
        state_width: bits of ``i_state_data`` and ``o_state_data``, 0 for a core without them.
        stream_width: bits of ``i_stream`` and ``o_stream``, 0 for a core without them.
        weight_width: bits of ``i_weights_data``, 0 for a core without it.
        cache: folder of built libraries; None for the usual one.

    Raises:
        ValueError: a width is not 2 to 32.
        sim.errors.SimulationError: the model cannot be built.
    """

    def __init__(
        self,
        verilog: str | Path,
        *,
        top: str,
        i_width: int,
        o_width: int,
        state_width: int = 0,
        stream_width: int = 0,
        weight_width: int = 0,
        cache: Path | None = None,
    ) -> None:
        for name, width in (("i_width", i_width), ("o_width", o_width)):
            if not 2 <= width <= 32:
                raise ValueError(f"{name} must be 2 to 32 bits, not {width!r}")
        if state_width and not 2 <= state_width <= 32:
            raise ValueError(f"state_width must be 0 or 2 to 32 bits, not {state_width!r}")
        self._widths = {
            "i_width": i_width,
            "state_width": state_width,
            "weight_width": weight_width,
        }
        if isinstance(verilog, str):
            verilog = bench_library({top: verilog}, cache=cache)
        self._library = load(verilog)
        self._bench: int | None = new_bench(self._library, top)(
            i_width, o_width, state_width, stream_width, weight_width
        )

    @classmethod
    def of(cls, core: Generated, *, library: Path | None = None) -> Self:
        """The bench of a generated core; ``library`` is one that `bench_library` made of it."""
        widths = {port.name: port.width for port in plain_ports(core.plan)}
        return cls(
            library or core.verilog,
            top=core.description["name"],
            i_width=widths["i_data"],
            o_width=widths["o_data"],
            state_width=widths.get("i_state_data", 0),
            stream_width=widths.get("i_stream", 0),
            weight_width=widths.get("i_weights_data", 0),
        )

    def close(self) -> None:
        """Free the model. A second call does nothing."""
        if self._bench is not None:
            self._library.bench_free(self._bench)
            self._bench = None

    @property
    def cycle(self) -> int:
        """Clock edges since the last reset at a run's start: the next edge's number."""
        return self._library.bench_cycle(self._open())

    def run(
        self,
        beats: ArrayLike,
        last: ArrayLike,
        *,
        outputs: int,
        loads: ArrayLike = (),
        saves: int = 0,
        weights: ArrayLike = (),
        stalls: Stalls = NO_STALLS,
        seed: int = 0,
        fresh: bool = True,
        reset: Reset | None = None,
        patience: int = PATIENCE,
        settle: int = SETTLE,
        progress: Progress | None = None,
    ) -> StreamRun:
        """Send `beats`, take `outputs` words, and record the cycle of each.

        ``fresh=False, settle=0`` feeds a stream in several calls without a gap: a call ends as soon
        as its last beat is accepted and `outputs` words were taken. The next call goes on in the
        next cycle, and may take words that answer earlier beats.

        Args:
            beats: (N,) integers of `i_width` bits, N >= 1.
            last: (N,) last flags as booleans, or all fields as integers, see `sim.fields`.
            outputs: words M to wait for, 0 or more.
            loads: state words for ``i_state``.
            saves: words to wait for on ``o_state``.
            weights: an image for ``i_weights``, its last word marked.
            stalls: patterns of both streams.
            seed: of the patterns' random gaps.
            fresh: reset the core first, and count cycles from 0; False: go on as the core is.
            reset: a reset in the middle of the run.
            patience: cycles without a transfer after which the run fails.
            settle: cycles in which no word may come after the last one expected.
            progress: called about ten times per second.

        Raises:
            TypeError: `beats` are not integers.
            ValueError: a shape or a value does not fit, or the run was over before `reset`.
            CycleLimitError, ProtocolError, StoppedError: the run failed; ``error.run`` is its
                record until then.
            RuntimeError: the bench is closed.
        """
        self._open()
        traffic = Traffic.checked(beats, last, loads, weights, **self._widths)
        terms = Terms(
            outputs=outputs,
            saves=saves,
            stalls=stalls,
            seed=seed,
            patience=patience,
            settle=settle,
            reset=reset,
        )
        terms.check(traffic)
        return self._finish(JobRun(traffic, terms), patience, fresh=fresh, progress=progress)

    def run_sequences(
        self,
        sequences: Sequences,
        *,
        words: int,
        weights: ArrayLike = (),
        stalls: Stalls = NO_STALLS,
        seed: int = 0,
        patience: int = PATIENCE,
        progress: Progress | None = None,
    ) -> StreamRun:
        """`run` over whole sequences, back to back, from a fresh reset.

        Args:
            sequences: (N, T, I) integers, or a list of (T, I) as in `sim.streams.flatten`.
            words: output words K that the core answers to each; ``answers(K)`` of the result
                is (N, K).
            weights, stalls, seed, patience, progress: as in `run`; it raises the same, too.
        """
        beats, last = flatten(sequences)
        return self.run(
            beats,
            last,
            outputs=words * int(last.sum()),
            weights=weights,
            stalls=stalls,
            seed=seed,
            patience=patience,
            progress=progress,
        )

    def _finish(
        self, run: JobRun, patience: int, *, fresh: bool, progress: Progress | None
    ) -> StreamRun:
        """Run to the end; errors as in `run`."""
        bench = self._open()
        if fresh:
            self._library.bench_restart(bench)
        start = self.cycle
        self._library.bench_begin(bench, ctypes.byref(run.job))
        status = self._slices(run.job, progress)
        self._raise_for(status, run.record(start), patience)
        if run.job.reset_hold:
            raise ValueError(f"Reset in cycle {run.job.reset_cycle}: the run was over before it")
        return run.record(start)

    def _slices(self, job: Job, progress: Progress | None) -> int:
        """Run `job` to its end and return its status."""
        bench, budget = self._open(), _FIRST_SLICE
        while True:
            begun = time.perf_counter()
            status: int = self._library.bench_run(bench, ctypes.byref(job), budget)
            if progress is not None:
                progress(job.n_taken, job.n_words)
            if status != RUNNING:
                return status
            if time.perf_counter() - begun < _SLICE_SECONDS / 2:
                budget *= 2

    def _raise_for(self, status: int, run: StreamRun, patience: int) -> None:
        if status == CYCLE_LIMIT:
            raise CycleLimitError(patience, run)
        if status == STOPPED:
            raise StoppedError(self.cycle, run)
        if status in VIOLATIONS:
            raise ProtocolError(VIOLATIONS[status], self.cycle, run)

    def _open(self) -> int:
        if self._bench is None:
            raise RuntimeError("The bench is closed")
        return self._bench


def bench_library(
    cores: Mapping[str, str], *, optimize: bool = True, cache: Path | None = None
) -> Path:
    """Build one library of benches for several cores, quicker than one for each.

    Args:
        cores: Verilog texts by the names of their top modules.
        optimize: False for short runs: a tenth of the compiling, and a tenth of the speed.
        cache: as in `CompiledBench`.

    Raises:
        sim.errors.SimulationError: a model cannot be built.
    """
    return verilator_library(cores, harness=HARNESS, optimize=optimize, cache=cache)
