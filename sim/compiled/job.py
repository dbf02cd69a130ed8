"""`compiled_bench.cpp` as ctypes sees it: its structures, its functions, its status codes."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from sim.fields import LAST, STREAM
from sim.patterns import Pattern
from sim.streams import StreamRun, Terms, Traffic

HARNESS = Path(__file__).with_name("compiled_bench.cpp")

RUNNING, CYCLE_LIMIT, STOPPED = 1, 2, 6
VIOLATIONS = {3: "valid dropped", 4: "payload changed", 5: "surplus word"}

_U64 = ctypes.c_uint64
_U32 = ctypes.c_uint32


class _Pattern(ctypes.Structure):
    _fields_ = (
        ("threshold", _U64),
        ("shortest", _U32),
        ("longest", _U32),
        ("burst", _U32),
        ("trigger", _U32),
    )

    @classmethod
    def of(cls, pattern: Pattern) -> _Pattern:
        return cls(
            pattern.threshold, pattern.shortest, pattern.longest, pattern.burst, pattern.trigger
        )


class _Gaps(ctypes.Structure):
    _fields_ = (("pattern", _Pattern), ("state", _U64), ("left", _U64), ("gap", _U64))


class Job(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("beats", "beat_fields", "accepted")),
        *((name, ctypes.c_void_p) for name in ("words", "word_fields", "taken")),
        *((name, ctypes.c_void_p) for name in ("loads", "loaded", "state", "saved")),
        *((name, ctypes.c_void_p) for name in ("weights", "written")),
        *((name, _U64) for name in ("n_beats", "n_words", "n_loads", "n_saves", "n_weights")),
        *((name, _Gaps) for name in ("idle", "ready", "load_idle", "save_ready", "weight_idle")),
        *((name, _U64) for name in ("seed", "patience", "settle")),
        *((name, _U64) for name in ("reset_cycle", "reset_beat", "reset_word", "reset_hold")),
        *((name, _U64) for name in ("n_accepted", "n_taken", "n_loaded", "n_saved", "n_written")),
        *((name, _U64) for name in ("moved", "settled")),
    )


class JobRun:
    """A Job together with the arrays that it points to."""

    def __init__(self, traffic: Traffic, terms: Terms) -> None:
        outputs, saves, stalls = terms.outputs, terms.saves, terms.stalls
        self._arrays = {
            "beats": traffic.beats,
            "beat_fields": traffic.fields,
            "accepted": np.empty(traffic.beats.size, np.uint64),
            "words": np.empty(outputs, np.int32),
            "word_fields": np.empty(outputs, np.uint32),
            "taken": np.empty(outputs, np.uint64),
            "loads": traffic.loads,
            "loaded": np.empty(traffic.loads.size, np.uint64),
            "state": np.empty(saves, np.int32),
            "saved": np.empty(saves, np.uint64),
            "weights": traffic.weights,
            "written": np.empty(traffic.weights.size, np.uint64),
        }
        self.job = Job(
            **{name: array.ctypes.data for name, array in self._arrays.items()},
            n_beats=traffic.beats.size,
            n_words=outputs,
            n_loads=traffic.loads.size,
            n_saves=saves,
            n_weights=traffic.weights.size,
            idle=_Gaps(pattern=_Pattern.of(stalls.idle)),
            ready=_Gaps(pattern=_Pattern.of(stalls.ready)),
            load_idle=_Gaps(pattern=_Pattern.of(stalls.idle)),
            save_ready=_Gaps(pattern=_Pattern.of(stalls.state_ready)),
            weight_idle=_Gaps(pattern=_Pattern.of(stalls.idle)),
            seed=terms.seed & 0xFFFF_FFFF_FFFF_FFFF,
            patience=terms.patience,
            settle=terms.settle,
        )
        if reset := terms.reset:
            self.job.reset_cycle, self.job.reset_hold = reset.cycle, reset.hold
            self.job.reset_beat, self.job.reset_word = reset.beat, reset.word

    def record(self, start: int) -> StreamRun:
        """Return the record so far of the run begun in cycle `start`; the arrays are not copied."""
        accepted, taken = self.job.n_accepted, self.job.n_taken
        loaded, saved = self.job.n_loaded, self.job.n_saved
        fields = self._arrays["word_fields"][:taken]
        return StreamRun(
            words=self._arrays["words"][:taken],
            last=(fields & LAST).astype(np.bool_),
            accepted=self._arrays["accepted"][:accepted],
            taken=self._arrays["taken"][:taken],
            cycles=self.job.moved - start,
            streams=fields >> STREAM,
            state=self._arrays["state"][:saved],
            loaded=self._arrays["loaded"][:loaded],
            saved=self._arrays["saved"][:saved],
            written=self._arrays["written"][: self.job.n_written],
        )


def load(path: Path) -> Any:
    """The library at `path`, its functions typed."""
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


def new_bench(library: Any, top: str) -> Any:
    """The function of a library that makes a new bench of the core `top`."""
    function = library[f"bench_new_V{top}"]
    function.argtypes, function.restype = (_U32,) * 5, ctypes.c_void_p
    return function
