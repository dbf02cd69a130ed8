"""SPI lines of a core's top in simulated time, with the interface of Linux' spidev.

The host's own code uses it from a thread, like :class:`sim.bus.serial_line.SerialLine`.
"""

from __future__ import annotations

from typing import Any

from cocotb.task import resume
from cocotb.triggers import Timer


class SpiLine:
    """Host's end of the lines, mode 0, the most significant bit first.

    Args:
        dut: the top, with ``sck``, ``cs_n``, ``mosi`` and ``miso``.
        bit: length of a bit in nanoseconds.
    """

    def __init__(self, dut: Any, *, bit: float) -> None:
        self._dut = dut
        self._half = round(bit * 500)
        dut.sck.value, dut.cs_n.value, dut.mosi.value = 0, 1, 0

    def xfer2(self, data: list[int]) -> list[int]:
        """Send bytes to the core and return its bytes; call it from a bridged thread."""
        return resume(self.exchange)(data)

    def close(self) -> None:
        """Do nothing: there is no resource to release."""

    async def exchange(self, data: list[int]) -> list[int]:
        """Send bytes to the core and return its bytes; a coroutine."""
        dut, answer = self._dut, []
        dut.cs_n.value = 0
        for byte in data:
            came = 0
            for place in range(7, -1, -1):
                dut.mosi.value = byte >> place & 1
                await Timer(self._half, "ps")
                came = came << 1 | int(dut.miso.value)
                dut.sck.value = 1
                await Timer(self._half, "ps")
                dut.sck.value = 0
            answer.append(came)
        await Timer(self._half, "ps")
        dut.cs_n.value = 1
        await Timer(2 * self._half, "ps")
        return answer
