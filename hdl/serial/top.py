"""The Verilog top of a core whose registers a host reaches over a serial line or SPI."""

from __future__ import annotations

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal
from amaranth.lib.wiring import In, Out, connect

from hdl.bus.axi_ports import AxiPort
from hdl.bus.bus_core import BusCore
from hdl.bus.options import Bus
from hdl.component import Component
from hdl.core import Core
from hdl.serial.spi_access import SpiAccess
from hdl.serial.uart_access import UartAccess

WINDOW = Bus(window=True)
"""What such a core has: all data go through registers."""

_COMMON = (
    ("clk", "input", "clock, rising edge"),
    ("rst", "input", "synchronous reset, active high"),
    ("irq", "output", "interrupt, level, active high"),
)

_UART = (
    ("rx", "input", "serial line to the core, idle high"),
    ("tx", "output", "serial line from the core, idle high"),
)

_SPI = (
    ("sck", "input", "SPI clock, idle low"),
    ("cs_n", "input", "selects the core, active low"),
    ("mosi", "input", "to the core, sampled at the rising edge"),
    ("miso", "output", "from the core, changes behind the falling edge"),
    ("miso_enable", "output", "miso is to be driven"),
)


class SerialTop(Component):
    """A core, its registers, and a front end.

    Args:
        core: made with ``watched``.
        front_end: what speaks with the host.

    Attributes:
        ports: the ports, in words.
    """

    def __init__(self, *, core: Core, front_end: UartAccess | SpiAccess) -> None:
        self.core = BusCore(core=core, bus=WINDOW)
        self.front_end = front_end
        self._lines = _UART if isinstance(front_end, UartAccess) else _SPI
        self.ports = tuple(
            AxiPort(name=name, direction=direction, width=1, meaning=meaning)
            for name, direction, meaning in (*_COMMON, *self._lines)
        )
        sides = {"input": In, "output": Out}
        super().__init__({port.name: sides[port.direction](1) for port in self.ports})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(local=True)
        m.submodules.front_end = front_end = self.front_end
        m.submodules.core = self.core
        m.d.comb += [
            ClockSignal().eq(self.clk),
            ResetSignal().eq(self.rst),
            self.irq.eq(self.core.interrupt),
        ]
        for name, direction, _ in self._lines:
            inner, outer = getattr(front_end, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if direction == "input" else outer.eq(inner)
        connect(m, front_end.access, self.core.access)
        return m
