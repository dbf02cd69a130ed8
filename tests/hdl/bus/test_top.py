"""Data sheet of the AXI top: its ports, its clock and reset, a register over AXI4-Lite."""

from __future__ import annotations

from typing import Any

from amaranth.sim import Simulator

from hdl.bus.register_map import registers
from hdl.bus.top import AxiTop
from hdl.core import Core
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from tests.networks import Recipe, quantized_network


def test_a_register_over_the_bus_and_reset() -> None:
    """A scratch value is kept, and gone after ``aresetn`` was low at a rising edge of ``aclk``."""
    network = quantized_network(Recipe(inputs=2, units=(2,), outputs=1), 1)
    plan = Plan(network=network, options=CoreOptions(lanes=1))
    top = AxiTop(core=Core(plan=plan, watched=True))
    assert {port.name for port in top.ports} >= {"aclk", "aresetn", "irq", "s_axis_tdata"}
    address = next(register.address for register in registers() if register.name == "LENGTH")

    async def bench(ctx: Any) -> None:
        async def edge() -> None:
            for level in (1, 0):
                await ctx.delay(5e-7)
                ctx.set(top.aclk, level)
            await ctx.delay(1e-9)

        async def until(*ports: Any) -> None:
            """Clock edges up to the one at which all of them are high."""
            for _ in range(100):
                together = all(ctx.get(port) for port in ports)
                await edge()
                if together:
                    return
            raise TimeoutError

        async def read() -> int:
            ctx.set(top.s_axil_araddr, address)
            ctx.set(top.s_axil_arvalid, 1)
            await until(top.s_axil_arready)
            ctx.set(top.s_axil_arvalid, 0)
            assert ctx.get(top.s_axil_rvalid)
            assert ctx.get(top.s_axil_rresp) == 0
            data = ctx.get(top.s_axil_rdata)
            await until(top.s_axil_rvalid)
            return data

        async def write(data: int) -> None:
            for port, value in (
                (top.s_axil_awaddr, address),
                (top.s_axil_wdata, data),
                (top.s_axil_wstrb, 15),
                (top.s_axil_awvalid, 1),
                (top.s_axil_wvalid, 1),
            ):
                ctx.set(port, value)
            await until(top.s_axil_awready, top.s_axil_wready)
            ctx.set(top.s_axil_awvalid, 0)
            ctx.set(top.s_axil_wvalid, 0)
            await until(top.s_axil_bvalid)

        ctx.set(top.s_axil_rready, 1)
        ctx.set(top.s_axil_bready, 1)
        ctx.set(top.aresetn, 0)
        await edge()
        ctx.set(top.aresetn, 1)
        await write(77)
        assert await read() == 77
        ctx.set(top.aresetn, 0)
        await edge()
        ctx.set(top.aresetn, 1)
        assert await read() == 0
        assert not ctx.get(top.irq)

    sim = Simulator(top)
    sim.add_testbench(bench)
    sim.run()
