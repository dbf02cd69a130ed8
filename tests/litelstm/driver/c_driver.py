"""The driver in C, called from Python: its two accesses are those of a backend."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from ctypes import (  # fmt: skip
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_size_t,
    c_uint,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from enum import IntEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdl.packaging import c_header, c_network
from litelstm.driver import CoreTimeoutError
from litelstm.driver.description import STATE_IN, STATE_OUT, WEIGHTS, X, Y
from tests.litelstm.driver.cores import NAME, BusCase

STRICT = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-O2"]

READ = CFUNCTYPE(c_uint32, c_void_p, c_uint32)
WRITE = CFUNCTYPE(None, c_void_p, c_uint32, c_uint32)


class CFrame(Structure):
    """``litelstm_frame``."""

    _fields_ = [
        ("stream", c_int),
        ("source", c_void_p),
        ("target", c_void_p),
        ("bytes", c_size_t),
    ]


MOVE = CFUNCTYPE(c_int, c_void_p, POINTER(CFrame), c_size_t)
SETTLE = CFUNCTYPE(c_int, c_void_p)
STREAMS = (X, STATE_IN, WEIGHTS, Y, STATE_OUT)
"""``litelstm_stream``."""

SECONDS = 5e-4
"""Longest that a test's ``move`` waits."""


class Status(IntEnum):
    """``litelstm_status``."""

    OK = 0
    NO_CORE = 1
    VERSION = 2
    ARGUMENT = 3
    TIMEOUT = 4
    REFUSED = 5
    NO_WEIGHTS = 6
    ERROR = 7
    DMA = 8
    UNSETTLED = 9


class CCore(Structure):
    """``litelstm_core``."""

    _fields_ = [
        ("read", READ),
        ("write", WRITE),
        ("context", c_void_p),
        ("polls", c_uint32),
        ("move", MOVE),
        ("settle", SETTLE),
        ("buffer", c_void_p),
        ("buffer_bytes", c_size_t),
        ("network", c_void_p),
        ("features", c_uint32),
        ("unsettled", c_uint8),
    ]


class CPacking(Structure):
    """``litelstm_packing``."""

    _fields_ = [
        ("element", c_uint8),
        ("container", c_uint8),
        ("bus", c_uint8),
        ("vector", c_uint32),
    ]


class CSequence(Structure):
    """``litelstm_sequence``."""

    _fields_ = [
        ("stream", c_uint8),
        ("keep", c_uint8),
        ("load_state", POINTER(c_int32)),
        ("save_state", POINTER(c_int32)),
    ]


class CCounters(Structure):
    """``litelstm_counters``."""

    _fields_ = [
        ("cycles", c_uint64),
        *[(name, c_uint32) for name in ("steps", "sequences", "stalled_input", "stalled_output")],
        *[(name, c_uint32) for name in ("dropped", "protocol_errors", "saturated")],
    ]


PROGRAM = """
#include "core_network.h"

const litelstm_shape *network(void);
size_t buffer_bytes(size_t steps);
int32_t quantize(double value);

const litelstm_shape *network(void) { return &core_network; }
size_t buffer_bytes(size_t steps) { (void)steps; return core_BUFFER_BYTES(steps); }
int32_t quantize(double value) { return core_quantize(value); }
"""
"""C functions that call the macros of the generated header."""


def compiled(folder: Path, case: BusCase) -> Path:
    """The driver with a core's headers as a shared library, by the strictest settings."""
    (folder / c_header.NAME).write_text(c_header.register_header())
    (folder / c_network.file_name(NAME)).write_text(c_network.network_header(case.json))
    (folder / "program.c").write_text(PROGRAM)
    for end in ("h", "c"):
        source = files("litelstm.driver") / "c" / f"litelstm.{end}"
        (folder / f"litelstm.{end}").write_text(source.read_text())
    command = [*STRICT, "-shared", "-fPIC", "-o", "driver.so", "litelstm.c", "program.c"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "driver.so"


class Callbacks:
    """The outside world of a program in C: its two accesses, and its streams.

    Args:
        backend: the way to the core, and its streams, if it has any.

    Attributes:
        end: what ended the program in one of its functions; from then on nothing reaches the core.
    """

    def __init__(self, backend: Any) -> None:
        self.end: BaseException | None = None
        self._backend = backend
        self.read = READ(lambda _, address: self._do(lambda: backend.read(address), 0))
        self.write = WRITE(
            lambda _, address, word: self._do(lambda: backend.write(address, word), None)
        )
        self.move = MOVE(self._move)
        self.settle = SETTLE(lambda _: self._do(lambda: backend.settle() or 0, 1))

    def _do(self, access: Callable[[], Any], otherwise: Any) -> Any:
        """A function of the program; C knows no exceptions."""
        if self.end is not None:
            return otherwise
        try:
            return access()
        except CoreTimeoutError:
            return otherwise
        except BaseException as error:
            self.end = error
            return otherwise

    def _move(self, _: Any, frames: Any, count: int) -> int:
        outgoing, incoming, targets = {}, {}, {}
        for frame in frames[:count]:
            name = STREAMS[frame.stream]
            if frame.source:
                outgoing[name] = ctypes.string_at(frame.source, frame.bytes)
            else:
                incoming[name], targets[name] = frame.bytes, frame.target
        came = self._do(lambda: self._backend.transfer(outgoing, incoming, timeout=SECONDS), None)
        for name, data in (came or {}).items():
            ctypes.memmove(targets[name], data, len(data))
        return int(came is None)


class CDriver:
    """The library and one core.

    Args:
        library: that :func:`compiled` made.
        backend: see :class:`Callbacks`.
        steps: of the longest sequence.
    """

    def __init__(self, library: Path, backend: Any, *, steps: int = 8) -> None:
        self.c: Any = ctypes.CDLL(str(library))
        self.c.litelstm_message.restype = c_char_p
        self.c.litelstm_message.argtypes = [c_int]
        self.c.litelstm_init.argtypes = [POINTER(CCore), c_void_p, READ, WRITE, c_void_p]
        self.c.litelstm_errors.restype = c_uint32
        self.c.litelstm_load_reason.restype = c_uint
        self.c.litelstm_take_interrupts.restype = c_uint32
        self.c.network.restype = c_void_p
        self.c.buffer_bytes.argtypes = [c_size_t]
        self.c.buffer_bytes.restype = c_size_t
        self.c.quantize.argtypes = [c_double]
        self.c.quantize.restype = c_int32
        self.callbacks = calls = Callbacks(backend)
        self.core = CCore()
        self.c.litelstm_init(byref(self.core), self.c.network(), calls.read, calls.write, None)
        if size := self.c.buffer_bytes(steps):
            self._buffer = (c_uint8 * size)()
            self.core.move, self.core.settle = calls.move, calls.settle
            self.core.buffer = ctypes.addressof(self._buffer)
            self.core.buffer_bytes = size

    def call(self, name: str, *arguments: Any) -> Status:
        """A function of the driver that returns a status."""
        function = getattr(self.c, f"litelstm_{name}")
        return Status(function(byref(self.core), *arguments))

    def word(self, name: str) -> int:
        """A function that returns a word, or nothing."""
        return int(getattr(self.c, f"litelstm_{name}")(byref(self.core)))

    def load(self, image: bytes) -> Status:
        """``litelstm_load``."""
        words = (c_uint32 * (len(image) // 4)).from_buffer_copy(image)
        return self.call("load", words, c_size_t(len(words)))

    def run(
        self, x: NDArray[np.int64], words: int, sequence: CSequence | None = None
    ) -> tuple[Status, list[int]]:
        """``litelstm_run``: the status and the words."""
        elements = (c_int32 * x.size)(*x.reshape(-1).tolist())
        y = (c_int32 * words)()
        pointer = byref(sequence) if sequence else None
        status = self.call("run", pointer, elements, c_size_t(len(x)), y, c_size_t(words))
        return status, list(y)

    def counters(self) -> CCounters:
        """``litelstm_read_counters``."""
        counters = CCounters()
        self.c.litelstm_read_counters(byref(self.core), byref(counters))
        return counters
