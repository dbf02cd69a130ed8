"""The Verilog top of a core with AXI buses."""

from __future__ import annotations

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import connect

from hdl.bus.axi_lite import AxiLite
from hdl.bus.axi_ports import axi_ports
from hdl.bus.bus_core import BusCore
from hdl.bus.options import Bus
from hdl.parts.component import port
from hdl.parts.parity import guarded
from hdl.parts.top_ports import members, wire
from hdl.sequence.sequence_core import Cores

BUS = Bus()


class AxiTop(wiring.Component):
    """A core with AXI4-Lite registers, AXI4-Stream buses and an interrupt.

    ``aresetn`` is taken synchronously to ``aclk``.

    Args:
        core: made with ``watched``.
        bus: its buses.

    Attributes:
        ports: see :func:`hdl.bus.axi_ports.axi_ports`.
    """

    aclk = aresetn = irq = port(Signal)
    s_axil_awaddr = s_axil_awvalid = s_axil_awready = port(Signal)
    s_axil_wdata = s_axil_wstrb = s_axil_wvalid = s_axil_wready = port(Signal)
    s_axil_bresp = s_axil_bvalid = s_axil_bready = port(Signal)
    s_axil_araddr = s_axil_arvalid = s_axil_arready = port(Signal)
    s_axil_rdata = s_axil_rresp = s_axil_rvalid = s_axil_rready = port(Signal)

    def __init__(self, *, core: Cores, bus: Bus = BUS) -> None:
        self.core = BusCore(core=core, bus=bus)
        self.lite = AxiLite()
        self.ports = axi_ports(self.core)
        super().__init__(members(self.ports))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(local=True)
        parity = self.core.plan.options.parity
        fault = guarded(m, {"lite": self.lite, "core": self.core}, parity=parity)
        if parity:
            m.d.comb += self.core.fault.eq(fault)
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        connect(m, self.lite.access, self.core.access)
        wire(m, self, self.ports, self)
        return m
