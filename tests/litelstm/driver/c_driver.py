"""The driver in C, called from Python: its two accesses are those of a backend."""

from __future__ import annotations

import ctypes
import subprocess
from ctypes import (  # fmt: skip
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_int,
    c_int32,
    c_size_t,
    c_uint,
    c_uint8,
    c_uint16,
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

from hdl.packaging import c_header
from litelstm.driver import Backend

STRICT = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-O2"]

READ = CFUNCTYPE(c_uint32, c_void_p, c_uint32)
WRITE = CFUNCTYPE(None, c_void_p, c_uint32, c_uint32)
MOVE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)


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


class CCore(Structure):
    """``litelstm_core``."""

    _fields_ = [
        ("read", READ),
        ("write", WRITE),
        ("move", MOVE),
        ("context", c_void_p),
        ("polls", c_uint32),
        ("id", c_uint32),
        ("features", c_uint32),
        ("inputs", c_uint16),
        ("outputs", c_uint16),
        ("state_words", c_uint32),
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


def compiled(folder: Path) -> Path:
    """The driver as a shared library, by the strictest settings."""
    (folder / c_header.NAME).write_text(c_header.register_header())
    for end in ("h", "c"):
        source = files("litelstm.driver") / "c" / f"litelstm.{end}"
        (folder / f"litelstm.{end}").write_text(source.read_text())
    command = [*STRICT, "-shared", "-fPIC", "-o", "driver.so", "litelstm.c"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "driver.so"


class CDriver:
    """The library and one core.

    Args:
        library: that :func:`compiled` made.
        backend: the way to the core.
    """

    def __init__(self, library: Path, backend: Backend) -> None:
        self.c: Any = ctypes.CDLL(str(library))
        self.c.litelstm_message.restype = c_char_p
        self.c.litelstm_message.argtypes = [c_int]
        self.c.litelstm_init.argtypes = [POINTER(CCore), READ, WRITE, c_void_p]
        self.c.litelstm_errors.restype = c_uint32
        self.c.litelstm_load_reason.restype = c_uint
        self.c.litelstm_take_interrupts.restype = c_uint32
        self._functions = (
            READ(lambda _, address: backend.read(address)),
            WRITE(lambda _, address, word: backend.write(address, word)),
        )
        self.core = CCore()
        self.c.litelstm_init(byref(self.core), *self._functions, None)

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
