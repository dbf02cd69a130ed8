"""Serial line of a board's top in simulated time, with the interface of a serial port.

The host's own code uses it from a thread::

    port = SerialLine(dut, bit=80)
    await cocotb.task.bridge(talk)(port)

where ``talk`` calls `write` and `read` like those of pyserial's ``Serial``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.task import resume
from cocotb.triggers import Event, FallingEdge, First, Timer
from cocotb.utils import get_sim_time

Damage = Callable[[int], bytes]
"""Function from a byte that is sent to the bytes that arrive."""


def intact(byte: int) -> bytes:
    """Deliver a byte undamaged."""
    return bytes([byte])


class SerialLine:
    """Host's end of a serial line: 8 data bits, no parity, one stop bit.

    Args:
        dut: the top, with ``rx`` and ``tx``.
        bit: length of the host's bits in nanoseconds.
        to_board, from_board: damage to bytes in each direction.

    Attributes:
        timeout: simulated seconds that `read` waits for a byte.
        baudrate: bits per second.
    """

    def __init__(
        self,
        dut: Any,
        *,
        bit: float,
        to_board: Damage = intact,
        from_board: Damage = intact,
    ) -> None:
        self.timeout: float | None = 1e-3
        self.baudrate = round(1e9 / bit)
        self._dut = dut
        self._bit = bit
        self._to_board, self._from_board = to_board, from_board
        self._outgoing, self._incoming = bytearray(), bytearray()
        self._wrote, self._came = Event(), Event()
        dut.rx.value = 1
        self._tasks = [cocotb.start_soon(self._send()), cocotb.start_soon(self._receive())]

    @property
    def in_waiting(self) -> int:
        """Number of bytes that `read` returns without waiting."""
        return len(self._incoming)

    def write(self, data: bytes) -> int:
        """Queue bytes for the line; return their number at once."""
        self._outgoing += data
        self._wrote.set()
        return len(data)

    def read(self, size: int = 1) -> bytes:
        """Read ``size`` bytes, or fewer after the timeout; call it from a bridged thread."""
        return resume(self.take)(size)

    async def take(self, size: int) -> bytes:
        """Read ``size`` bytes, or fewer after the timeout; a coroutine."""
        assert self.timeout is not None
        end = get_sim_time("ps") + self.timeout * 1e12
        while len(self._incoming) < size and (left := round(end - get_sim_time("ps"))) > 0:
            self._came.clear()
            await First(self._came.wait(), Timer(left, "ps"))
        taken = bytes(self._incoming[:size])
        del self._incoming[:size]
        return taken

    async def exchange(self, data: bytes) -> bytes:
        """Send bytes; return all bytes received until the board is silent for the timeout."""
        self.write(data)
        while self._outgoing:
            await Timer(round(self._bit * 1e3), "ps")
        came = bytearray()
        while more := await self.take(1):
            came += more
        return bytes(came)

    def reset_input_buffer(self) -> None:
        """Discard the bytes received so far."""
        self._incoming.clear()

    def close(self) -> None:
        """Stop both directions."""
        for task in self._tasks:
            task.cancel()

    async def drive(self, level: int, bits: float) -> None:
        """Set the line to the board to a level and wait for some bits; the level stays."""
        self._dut.rx.value = level
        await Timer(round(bits * self._bit * 1e3), "ps")

    async def _send(self) -> None:
        while True:
            while not self._outgoing:
                self._wrote.clear()
                await self._wrote.wait()
            byte = self._outgoing.pop(0)
            for damaged in self._to_board(byte):
                levels = [0, *((damaged >> n) & 1 for n in range(8)), 1]
                for level in levels:
                    await self.drive(level, 1)

    async def _receive(self) -> None:
        half, bit = round(self._bit * 500), round(self._bit * 1e3)
        while True:
            await FallingEdge(self._dut.tx)
            await Timer(half, "ps")
            byte = 0
            for place in range(8):
                await Timer(bit, "ps")
                byte |= int(self._dut.tx.value) << place
            await Timer(bit, "ps")
            assert self._dut.tx.value == 1, "the board's stop bit is low"
            self._incoming += self._from_board(byte)
            self._came.set()
