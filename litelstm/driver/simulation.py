"""Backend for a core in a cocotb simulation: programs run against the RTL as on a board.

    backend = await connect(dut, description)
    await cocotb.task.bridge(program)(backend)

The program runs in its own thread; the simulation advances only while it waits for the core.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from cocotb.clock import Clock
from cocotb.task import resume
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from litelstm.driver.backend import Backend
from litelstm.driver.description import INTO, Description
from litelstm.driver.errors import CoreTimeoutError, DriverError
from litelstm.driver.serial_line import LINE_BITS_PER_BYTE
from litelstm.driver.serial_port import SerialBackend
from litelstm.driver.spi_port import SpiBackend
from sim.bus.serial_line import SerialLine
from sim.bus.spi_line import SpiLine

CLOCK_NS = 10
RESET_CYCLES = 4
LOOK_CYCLES = 64
"""Cycles between two polls of a register without an interrupt."""

SILENCE_BYTES = 60
"""Silence on a serial line, in characters, after which a request counts as unanswered."""

SPI_BIT_CYCLES = 16


async def connect(dut: Any, description: Description) -> Backend:
    """Start a simulated core's clock, reset the core, and return its backend."""
    if description.kind == "axi":
        clock, reset, active = dut.aclk, dut.aresetn, 0
    else:
        clock, reset, active = dut.clk, dut.rst, 1
    backend = _BACKENDS[description.kind](dut, description)
    await start_clock(clock, reset, active=active)
    return backend


async def start_clock(clock: Any, reset: Any, *, active: int) -> None:
    """Start a core's clock, and reset the core."""
    reset.value = active
    Clock(clock, CLOCK_NS, "ns").start()
    await ClockCycles(clock, RESET_CYCLES)
    reset.value = 1 - active
    await ClockCycles(clock, RESET_CYCLES)


class SimulatedTime:
    """Simulated time, for a program's thread."""

    def time(self) -> float:
        """Return simulated seconds."""
        return resume(_now)()

    def wait(self, seconds: float) -> None:
        """Let the simulation run until the next poll of a register."""
        resume(_pass)(min(seconds, LOOK_CYCLES * CLOCK_NS * 1e-9))


class AxiSimulation(SimulatedTime):
    """Registers over AXI4-Lite and frames over AXI4-Stream, with cocotbext-axi.

    Args:
        dut: a top with AXI.
        description: description of the core.
    """

    def __init__(self, dut: Any, description: Description) -> None:
        logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.WARNING)
        reset = {"reset": dut.aresetn, "reset_active_level": False}
        self._dut = dut
        self.clock = dut.aclk
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.aclk, **reset)
        self.streams: dict[str, Any] = {}
        for name, stream in description.streams.items():
            if stream.port:
                side = AxiStreamSource if name in INTO else AxiStreamSink
                bus = AxiStreamBus.from_prefix(dut, stream.port)
                self.streams[name] = side(bus, dut.aclk, **reset)

    def read(self, address: int) -> int:
        """See :class:`litelstm.driver.backend.Backend`."""
        answer: Any = resume(self.registers.read)(address, 4)
        _check(answer.resp, address)
        return int.from_bytes(answer.data, "little")

    def write(self, address: int, word: int) -> None:
        """See :class:`litelstm.driver.backend.Backend`."""
        answer: Any = resume(self.registers.write)(address, word.to_bytes(4, "little"))
        _check(answer.resp, address)

    def wait(self, seconds: float) -> None:
        """See :class:`litelstm.driver.backend.Backend`."""
        resume(self._wait)(seconds)

    def transfer(
        self, outgoing: Mapping[str, bytes], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, bytes]:
        """See :class:`litelstm.driver.backend.StreamBackend`."""
        return resume(self._transfer)(outgoing, incoming, timeout)

    def settle(self) -> None:
        """See :class:`litelstm.driver.backend.StreamBackend`."""
        resume(self._settle)()

    def close(self) -> None:
        """Do nothing: the simulation continues."""

    async def _wait(self, seconds: float) -> None:
        look = Timer(min(round(seconds * 1e12), LOOK_CYCLES * CLOCK_NS * 1000), "ps")
        if self._dut.irq.value:
            await RisingEdge(self._dut.aclk)
        else:
            await First(RisingEdge(self._dut.irq), look)

    async def _transfer(
        self, outgoing: Mapping[str, bytes], incoming: Mapping[str, int], timeout: float
    ) -> dict[str, bytes]:
        for name, data in outgoing.items():
            self.streams[name].send_nowait(AxiStreamFrame(tdata=data))
        end = get_sim_time("ps") + timeout * 1e12
        waiting = [*outgoing, *incoming]
        while waiting := [name for name in waiting if not self._done(name)]:
            if get_sim_time("ps") > end:
                self._give_up()
                raise CoreTimeoutError(f"after {timeout:g} s not done: {', '.join(waiting)}")
            await RisingEdge(self._dut.aclk)
        # Bytes that are not in use keep their places.
        frames = {name: self.streams[name].recv_nowait(compact=False) for name in incoming}
        return {name: bytes(frame.tdata) for name, frame in frames.items()}

    def _done(self, name: str) -> bool:
        stream = self.streams[name]
        return stream.idle() if name in INTO else not stream.empty()

    def _give_up(self) -> None:
        """Cancel all frames that are not yet sent."""
        for name, stream in self.streams.items():
            if name in INTO:
                stream.clear()
                stream.assert_reset()

    async def _settle(self) -> None:
        self._give_up()
        await ClockCycles(self._dut.aclk, LOOK_CYCLES)
        for name, stream in self.streams.items():
            if name not in INTO:
                stream.clear()


def _serial(dut: Any, description: Description) -> Backend:
    bit = CLOCK_NS * description.cycles_of_a_bit
    silence = SILENCE_BYTES * LINE_BITS_PER_BYTE * bit * 1e-9
    return SerialBackend(SerialLine(dut, bit=bit), silence=silence, world=SimulatedTime())


def _spi(dut: Any, description: Description) -> Backend:
    return SpiBackend(SpiLine(dut, bit=SPI_BIT_CYCLES * CLOCK_NS), world=SimulatedTime())


_BACKENDS = {"axi": AxiSimulation, "uart": _serial, "spi": _spi}


async def _now() -> float:
    return get_sim_time("ps") * 1e-12


async def _pass(seconds: float) -> None:
    await Timer(round(seconds * 1e12), "ps")


def _check(response: AxiResp, address: int) -> None:
    if response != AxiResp.OKAY:
        raise DriverError(f"the core refuses the register at 0x{address:02x}: {response.name}")
