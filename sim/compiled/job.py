"""Structures, functions and status codes of `compiled_bench.cpp` for ctypes."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from sim.patterns import Pattern
from sim.run import Run
from sim.streams import SIDES, STREAMS, Moved, Record

HARNESS = Path(__file__).with_name("compiled_bench.cpp")

RUNNING, CYCLE_LIMIT, STOPPED = 1, 2, 6
VIOLATIONS = {3: "valid dropped", 4: "payload changed", 5: "surplus word", 7: "memory fault"}

_U64 = ctypes.c_uint64
_U32 = ctypes.c_uint32


class _Pattern(ctypes.Structure):
    _fields_ = (
        ("threshold", _U64),
        *((name, _U32) for name in ("shortest", "longest", "burst", "trigger")),
    )

    @classmethod
    def of(cls, pattern: Pattern) -> _Pattern:
        return cls(
            pattern.threshold, pattern.shortest, pattern.longest, pattern.burst, pattern.trigger
        )


class _Gaps(ctypes.Structure):
    _fields_ = (("pattern", _Pattern), ("state", _U64), ("left", _U64), ("gap", _U64))


class _Side(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("words", "fields", "cycles")),
        *((name, _U64) for name in ("count", "moved", "again")),
        ("gaps", _Gaps),
    )


class Job(ctypes.Structure):
    _fields_ = (
        ("sides", _Side * len(STREAMS)),
        *((name, _U64) for name in ("seed", "patience", "settle", "reset_cycle", "reset_hold")),
        *((name, _U64) for name in ("moved", "settled")),
    )


class JobRun:
    """A Job with the arrays that it points to."""

    def __init__(self, run: Run) -> None:
        self.job = Job(
            seed=run.seed & 0xFFFF_FFFF_FFFF_FFFF, patience=run.patience, settle=run.settle
        )
        if run.reset:
            self.job.reset_cycle, self.job.reset_hold = run.reset.cycle, run.reset.hold
        self._arrays = {name: self._add(name, run) for name in STREAMS}

    def _add(self, name: str, run: Run) -> Moved:
        """Fill in a stream's side of the job; return its arrays."""
        count, signed = run.count(name), np.int32 if STREAMS[name].signed else np.uint32
        if STREAMS[name].into:
            source = run.source(name)
            words, fields = source.words.astype(signed), source.fields
        else:
            words, fields = np.empty(count, signed), np.empty(count, np.uint32)
        arrays = Moved(words=words, fields=fields, cycles=np.empty(count, np.uint64))
        side = self.job.sides[SIDES[name]]
        for part in ("words", "fields", "cycles"):
            setattr(side, part, getattr(arrays, part).ctypes.data)
        side.count = count
        side.again = run.reset.place(name) if run.reset else 0
        side.gaps.pattern = _Pattern.of(run.stalls.pattern(name))
        return arrays

    def record(self, start: int) -> Record:
        """Return the record so far of a run begun in cycle `start`, without copying the arrays."""
        return Record(
            moved={
                name: Moved(
                    words=arrays.words[: (moved := self.job.sides[SIDES[name]].moved)],
                    fields=arrays.fields[:moved],
                    cycles=arrays.cycles[:moved],
                )
                for name, arrays in self._arrays.items()
            },
            cycles=self.job.moved - start,
        )


def load(path: Path) -> Any:
    """Load the library at `path`, and declare its functions' types."""
    library = ctypes.CDLL(str(path))
    library.bench_job_size.restype = _U64
    library.bench_cycle.restype = _U64
    library.bench_run.argtypes = (ctypes.c_void_p, ctypes.c_void_p, _U64)
    library.bench_run.restype = ctypes.c_int32
    for name in ("bench_free", "bench_cycle", "bench_restart"):
        getattr(library, name).argtypes = (ctypes.c_void_p,)
    library.bench_begin.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    if library.bench_job_size() != ctypes.sizeof(Job):
        raise RuntimeError(f"{path} was built from another version of {HARNESS.name}")
    return library


def new_bench(library: Any, class_name: str) -> int:
    """Make a bench of a model in a library; return its address."""
    function = library[f"bench_new_{class_name}"]
    function.restype = ctypes.c_void_p
    return function()
