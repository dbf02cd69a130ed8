"""The program of :mod:`tests.litelstm.driver.program` over MMIO and DMA objects like PYNQ's, in a
simulation.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from cocotb.task import resume
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiStreamFrame

from litelstm.driver import DmaBackend, running
from litelstm.driver.description import INTO
from litelstm.driver.simulation import AxiSimulation, SimulatedTime
from tests.litelstm.driver import program

LOOK_CYCLES = 16
"""Clock cycles between two looks at a channel."""


class SimulatedChannel:
    """A DMA channel at a stream of a simulated core."""

    def __init__(self, simulation: AxiSimulation, name: str) -> None:
        self._stream = simulation.streams[name]
        self._clock = simulation.clock
        self._sends = name in INTO
        self._buffer: Any = None

    def transfer(self, buffer: Any) -> None:
        """Begin to move a buffer."""
        self._buffer = buffer
        if self._sends:
            resume(self._send)(bytes(buffer))

    @property
    def idle(self) -> bool:
        """The buffer was moved; some clock cycles go by."""
        return resume(self._moved)()

    def reset(self) -> None:
        """Forget what is under way."""
        resume(self._forget)()

    async def _send(self, data: bytes) -> None:
        self._stream.send_nowait(AxiStreamFrame(tdata=data))

    async def _moved(self) -> bool:
        await ClockCycles(self._clock, LOOK_CYCLES)
        if self._sends:
            return self._stream.idle()
        if self._buffer is not None and not self._stream.empty():
            came = bytes(self._stream.recv_nowait(compact=False).tdata)[: len(self._buffer)]
            self._buffer[: len(came)] = np.frombuffer(came, np.uint8)
            self._buffer = None
        return self._buffer is None

    async def _forget(self) -> None:
        self._buffer = None
        if self._sends:
            self._stream.clear()
            self._stream.assert_reset()


def main(name: str, description: str) -> None:
    simulation: Any = running.backend()
    channels = {stream: SimulatedChannel(simulation, stream) for stream in simulation.streams}
    backend = DmaBackend(simulation, channels, world=SimulatedTime())
    program.main(name, description, backend)


if __name__ == "__main__":
    main(*sys.argv[1:])
