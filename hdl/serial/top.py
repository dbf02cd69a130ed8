"""The Verilog top of a core whose registers a host reaches over a serial line or SPI."""

from __future__ import annotations

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import connect

from hdl.bus.bus_core import BusCore
from hdl.bus.options import Bus
from hdl.parts.component import port
from hdl.parts.parity import guarded
from hdl.parts.top_ports import Port, members, wire
from hdl.sequence.sequence_core import Cores
from hdl.serial.spi_access import SpiAccess
from hdl.serial.uart_access import UartAccess

WINDOW = Bus(window=True)
"""Bus of a core behind a serial interface: all data go through registers."""

_COMMON = (
    Port("clk", "input", 1, "clock, rising edge"),
    Port("rst", "input", 1, "synchronous reset, active high"),
    Port("irq", "output", 1, "interrupt, level, active high", "core.interrupt"),
)

_UART = (
    Port("rx", "input", 1, "serial line to the core, idle high", "front_end.rx"),
    Port("tx", "output", 1, "serial line from the core, idle high", "front_end.tx"),
)

_SPI = (
    Port("sck", "input", 1, "SPI clock, idle low", "front_end.sck"),
    Port("cs_n", "input", 1, "selects the core, active low", "front_end.cs_n"),
    Port("mosi", "input", 1, "to the core, sampled at the rising edge", "front_end.mosi"),
    Port("miso", "output", 1, "from the core, changes behind the falling edge", "front_end.miso"),
    Port("miso_enable", "output", 1, "miso is to be driven", "front_end.miso_enable"),
)


class SerialTop(wiring.Component):
    """A core with registers that a host reaches through a front end.

    Args:
        core: made with ``watched``.
        front_end: between the host's line and the registers.

    Attributes:
        ports: descriptions of the ports.
    """

    clk = rst = irq = rx = tx = port(Signal)
    sck = cs_n = mosi = miso = miso_enable = port(Signal)

    def __init__(self, *, core: Cores, front_end: UartAccess | SpiAccess) -> None:
        self.core = BusCore(core=core, bus=WINDOW)
        self.front_end = front_end
        self.ports = (*_COMMON, *(_UART if isinstance(front_end, UartAccess) else _SPI))
        super().__init__(members(self.ports))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(local=True)
        parity = self.core.plan.options.parity
        inside = {"front_end": self.front_end, "core": self.core}
        fault = guarded(m, inside, parity=parity)
        if parity:
            m.d.comb += self.core.fault.eq(fault)
        m.d.comb += [ClockSignal().eq(self.clk), ResetSignal().eq(self.rst)]
        wire(m, self, self.ports, self)
        connect(m, self.front_end.access, self.core.access)
        return m
