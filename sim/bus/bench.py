"""Compiled bench of a core with AXI buses: plays beats and accesses, records the core's beats."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.closing import Closing
from sim.compiled.library import verilator_library
from sim.compiled.noise import noise_header
from sim.tools.errors import SimulationError

HARNESS = Path(__file__).with_name("bus_bench.cpp")

ID, USER, KEEP = 8, 16, 24
"""Lowest bits of a beat's fields beside its data; bit 0 is last."""

QUIET = 600
"""Cycles without a transfer after which a small core sends nothing more."""

SLVERR = 2

Beats = NDArray[np.uint64]
Beside = NDArray[np.uint32]

_u64 = ctypes.c_uint64
_u32 = ctypes.c_uint32


class _Source(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("beside", ctypes.c_void_p), ("count", _u64), ("at", _u64),
        ("gap", _u64),
    ]  # fmt: skip


class _Sink(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("beside", ctypes.c_void_p),
        ("room", _u64),
        ("at", _u64),
    ]


ACCESS = np.dtype(
    [
        ("address", "u4"), ("data", "u4"), ("strobe", "u4"), ("delay", "u4"), ("response", "u4"),
        ("answer", "u4"), ("seen", "u8"), ("shown", "u8"),
    ]
)  # fmt: skip
"""Access: address, a write's data and strobe, and cycles to wait before it; then its response
and the data read, and the numbers of beats of x and y that had moved when a write took effect."""


class _Accesses(ctypes.Structure):
    _fields_ = [
        ("list", ctypes.c_void_p), ("count", _u64), ("at", _u64), ("gap", _u64),
        ("second_gap", _u64), ("stage", _u32), ("parts", _u32),
    ]  # fmt: skip


class _Job(ctypes.Structure):
    _fields_ = [
        ("x", _Source), ("state_in", _Source), ("weights", _Source), ("y", _Sink),
        ("state_out", _Sink), ("writes", _Accesses), ("reads", _Accesses), ("random", _u64),
        ("pause", _u64), ("budget", _u64), ("quiet", _u64), ("cycles", _u64),
    ]  # fmt: skip


@dataclass(kw_only=True)
class Traffic:
    """Traffic on all channels, played at once.

    Attributes:
        x, state_in, weights: beats as (data, fields beside it): last, and for x also id and user.
        writes, reads: arrays of ``ACCESS``; the bench fills in their responses.
        pause: share of cycles in which a channel pauses.
        seed: seed of the random pauses.
        cycles: cycles to run; ``None`` runs until transfers cease.
        quiet: cycles without a transfer after which transfers count as ceased.
    """

    x: tuple[Beats, Beside] | None = None
    state_in: tuple[Beats, Beside] | None = None
    weights: tuple[Beats, Beside] | None = None
    writes: NDArray[Any] = field(default_factory=lambda: np.zeros(0, ACCESS))
    reads: NDArray[Any] = field(default_factory=lambda: np.zeros(0, ACCESS))
    pause: float = 0.3
    seed: int = 0
    cycles: int | None = None
    quiet: int = QUIET


@dataclass(frozen=True, kw_only=True)
class Played:
    """Record of a run: beats of y and of states, total number of operations, and cycles."""

    y: tuple[Beats, Beside]
    state_out: tuple[Beats, Beside]
    operations: int
    cycles: int


class BusBench(Closing):
    """Bench of one core; a context manager.

    Args:
        library: library that :func:`bus_library` built.
        which: the core's number in the library.
    """

    _ROOM = 1 << 14

    def __init__(self, library: Path, which: int) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.bus_open.restype = ctypes.c_void_p
        self._bench = ctypes.c_void_p(self._library.bus_open(which))
        if not self._bench.value:
            raise ValueError(f"There is no core {which} in {library}")
        self._out = [
            (np.zeros(self._ROOM, np.uint64), np.zeros(self._ROOM, np.uint32)) for _ in range(2)
        ]

    def close(self) -> None:
        """Free the model."""
        self._library.bus_close(self._bench)

    def reset(self, cycles: int = 2) -> None:
        """Reset the core by its pin."""
        self._library.bus_reset(self._bench, _u64(cycles))

    def noise(self, seed: int, cycles: int) -> None:
        """Put random values on every input, now and then a reset; the core needs one afterwards."""
        self._library.bus_noise(self._bench, _u64(seed), _u64(cycles))

    def play(self, traffic: Traffic) -> Played:
        """Play traffic until transfers cease, or for ``traffic.cycles`` cycles.

        Raises:
            SimulationError: the core hangs, or withdraws or changes an offered beat.
        """
        job = _Job(
            random=traffic.seed,
            pause=int(traffic.pause * (1 << 32)),
            budget=traffic.cycles or 2_000_000,
            quiet=traffic.quiet,
        )
        for name in ("x", "state_in", "weights"):
            if beats := getattr(traffic, name):
                data, beside = beats
                setattr(job, name, _Source(data.ctypes.data, beside.ctypes.data, len(data), 0, 0))
        for name, (data, beside) in zip(("y", "state_out"), self._out, strict=True):
            setattr(job, name, _Sink(data.ctypes.data, beside.ctypes.data, self._ROOM, 0))
        for name in ("writes", "reads"):
            accesses = getattr(traffic, name)
            setattr(job, name, _Accesses(accesses.ctypes.data, len(accesses), 0, 0, 0, 0, 0))
        status = self._library.bus_run(self._bench, ctypes.byref(job))
        if status > 1 or (status == 1 and traffic.cycles is None):
            what = {
                1: "hangs",
                2: "withdraws or changes an offered beat",
                3: "sends beats without end",
            }
            ends = ("x", "state_in", "weights", "writes", "reads")
            left = {name: getattr(job, name).count - getattr(job, name).at for name in ends}
            raise SimulationError(f"the core {what[status]} in cycle {job.cycles}; left: {left}")
        y, state_out = (
            (data[: sink.at].copy(), beside[: sink.at].copy())
            for (data, beside), sink in zip(self._out, (job.y, job.state_out), strict=True)
        )
        moved = (job.x, job.state_in, job.weights, job.y, job.state_out, job.writes, job.reads)
        return Played(
            y=y, state_out=state_out, operations=sum(o.at for o in moved), cycles=job.cycles
        )


def bus_library(
    cores: Mapping[str, str], *, optimize: bool = True, cache: Path | None = None
) -> Path:
    """Build one library of benches for several cores: Verilog texts by name of the top module."""
    headers = {"noise.h": noise_header(cores)}
    return verilator_library(
        cores, harness=HARNESS, headers=headers, optimize=optimize, cache=cache
    )
