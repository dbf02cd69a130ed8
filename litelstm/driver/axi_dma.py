"""Xilinx' AXI DMA (PG021) in simple mode, with the interface of PYNQ's channels.

Simple ("direct register") mode: a transfer is an address and a length. Buffers are in memory with a
known physical address, e.g. that of the ``u-dma-buf`` driver or a reserved region.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.errors import InputError
from litelstm.driver.channels import Mmio

CONTROL, STATUS, ADDRESS, ADDRESS_HIGH, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28
"""Registers of a channel."""

MEMORY_TO_STREAM, STREAM_TO_MEMORY = 0x00, 0x30
"""Offset of the first register of each direction."""

RUN, RESET = 1 << 0, 1 << 2
"""Bits of CONTROL."""

IDLE, ERRORS = 1 << 1, 0x70
"""Bits of STATUS; ERRORS has the errors of simple mode."""

ALIGNMENT = 64
"""Alignment of buffers: whole bursts for any width of the memory's bus."""


class Buffers:
    """Allocates buffers in memory that the DMA can access.

    Args:
        memory: what the buffers are cut from, in bytes.
        physical: address of its first byte.
    """

    def __init__(self, memory: np.ndarray[Any, np.dtype[np.uint8]], physical: int) -> None:
        self._memory = memory
        self._physical = physical
        self._next = 0

    def __call__(self, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Allocate a buffer; buffers are never freed.

        Raises:
            InputError: the memory is too small.
        """
        first, end = self._next, self._next + size
        if end > len(self._memory):
            raise InputError(
                f"buffers take {end} bytes, the memory for DMA has {len(self._memory)}"
            )
        self._next = -(-end // ALIGNMENT) * ALIGNMENT
        return self._memory[first:end]

    def address(self, buffer: np.ndarray[Any, Any]) -> int:
        """Physical address of a buffer."""
        return self._physical + buffer.ctypes.data - self._memory.ctypes.data


class AxiDmaChannel:
    """One direction.

    Args:
        mmio: registers of the DMA.
        first: ``MEMORY_TO_STREAM`` or ``STREAM_TO_MEMORY``.
        buffers: allocator of the buffers.
    """

    def __init__(self, mmio: Mmio, first: int, buffers: Buffers) -> None:
        self._mmio, self._first, self._buffers = mmio, first, buffers

    def reset(self) -> None:
        """Reset the DMA, both directions; this drops pending transfers."""
        self._mmio.write(self._first + CONTROL, RESET)
        while self._mmio.read(self._first + CONTROL) & RESET:
            pass

    @property
    def idle(self) -> bool:
        """Whether the last transfer is done."""
        return bool(self._mmio.read(self._first + STATUS) & IDLE)

    @property
    def error(self) -> bool:
        """Whether the last transfer failed."""
        return bool(self._mmio.read(self._first + STATUS) & ERRORS)

    def transfer(self, buffer: np.ndarray[Any, Any]) -> None:
        """Start the transfer of a buffer."""
        address = self._buffers.address(buffer)
        self._mmio.write(self._first + CONTROL, RUN)
        self._mmio.write(self._first + ADDRESS, address & 0xFFFFFFFF)
        self._mmio.write(self._first + ADDRESS_HIGH, address >> 32)
        self._mmio.write(self._first + LENGTH, len(buffer))


class AxiDma:
    """Both directions of one DMA.

    Args:
        mmio: its registers.
        buffers: allocator of the buffers.
    """

    def __init__(self, mmio: Mmio, buffers: Buffers) -> None:
        self.sendchannel = AxiDmaChannel(mmio, MEMORY_TO_STREAM, buffers)
        self.recvchannel = AxiDmaChannel(mmio, STREAM_TO_MEMORY, buffers)
