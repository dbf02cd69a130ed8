"""Memory-mapped registers under Linux: ``/dev/mem`` and UIO."""

from __future__ import annotations

import mmap
import os
import select
from pathlib import Path

import numpy as np

from golden.errors import InputError

REGISTER_SPACE = 256
"""Bytes of a core's registers."""


class MemoryMap:
    """Words of a device's or a file's memory.

    Every access has 32 bits, as NumPy accesses single elements of a ``uint32`` array.

    Args:
        path: ``/dev/mem``, ``/dev/uio0``, or any file.
        offset: of the first byte; physical for ``/dev/mem``.
        length: bytes.

    Raises:
        InputError: the file cannot be opened or mapped.
    """

    def __init__(self, path: str | Path, *, offset: int = 0, length: int = REGISTER_SPACE) -> None:
        page = offset % mmap.ALLOCATIONGRANULARITY
        try:
            # Without O_SYNC the CPU would cache /dev/mem.
            self.file = os.open(path, os.O_RDWR | os.O_SYNC)
            try:
                self._map = mmap.mmap(self.file, page + length, offset=offset - page)
            except BaseException:
                os.close(self.file)
                raise
        except (OSError, ValueError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"{path}: cannot be mapped at 0x{offset:x}: {reason}") from None
        self.data = np.frombuffer(self._map, np.uint8, length, page)
        self._words = self.data.view(np.uint32)

    def read(self, offset: int) -> int:
        """Read a word."""
        return int(self._words[offset // 4])

    def write(self, offset: int, word: int) -> None:
        """Write a word."""
        self._words[offset // 4] = word

    def close(self) -> None:
        """Unmap the memory; views of it become invalid."""
        del self._words, self.data
        self._map.close()
        os.close(self.file)


class UioInterrupt:
    """Interrupts of a UIO device.

    Args:
        file: descriptor of the opened device.
    """

    def __init__(self, file: int) -> None:
        self._file = file

    def __call__(self, seconds: float) -> None:
        """Enable the interrupt once, and wait for it, up to ``seconds``."""
        os.write(self._file, (1).to_bytes(4, "little"))
        ready, _, _ = select.select([self._file], [], [], seconds)
        if ready:
            os.read(self._file, 4)
