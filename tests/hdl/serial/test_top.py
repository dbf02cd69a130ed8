"""Data sheet of the serial tops: their ports, and a register over SPI."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.bus.register_map import registers
from hdl.core import Core
from hdl.plan import Plan
from hdl.serial.spi_access import SpiAccess
from hdl.serial.top import SerialTop
from hdl.serial.uart_access import UartAccess
from hdl.spec.options import CoreOptions
from tests.networks import Recipe, quantized_network

HALF = 8
"""Clock cycles of half a bit."""


def make(front_end: Any) -> SerialTop:
    network = quantized_network(Recipe(inputs=2, units=(2,), outputs=1), 1)
    plan = Plan(network=network, options=CoreOptions(lanes=1))
    return SerialTop(core=Core(plan=plan, watched=True), front_end=front_end)


def test_a_register_over_spi() -> None:
    """Written and read back; ``miso`` is driven only while the core is selected."""
    top = make(SpiAccess())
    assert [port.name for port in top.ports][:3] == ["clk", "rst", "irq"]
    address = next(register.address for register in registers() if register.name == "LENGTH")

    async def bench(ctx: Any) -> None:
        async def edges(count: int) -> None:
            for _ in range(count):
                for level in (1, 0):
                    await ctx.delay(5e-7)
                    ctx.set(top.clk, level)

        async def frame(command: int, content: bytes) -> bytes:
            """A command byte, then bytes out and in."""
            ctx.set(top.cs_n, 0)
            await edges(HALF)
            assert ctx.get(top.miso_enable)
            back = bytearray()
            for byte in bytes([command]) + content:
                value = 0
                for n in range(8):
                    ctx.set(top.mosi, byte >> 7 - n & 1)
                    await edges(HALF)
                    value = value << 1 | ctx.get(top.miso)
                    ctx.set(top.sck, 1)
                    await edges(HALF)
                    ctx.set(top.sck, 0)
                back.append(value)
            await edges(HALF)
            ctx.set(top.cs_n, 1)
            await edges(HALF)
            assert not ctx.get(top.miso_enable)
            return bytes(back)

        ctx.set(top.cs_n, 1)
        ctx.set(top.rst, 1)
        await edges(4)
        ctx.set(top.rst, 0)
        await frame(0x80 | address >> 2, b"\x4d\x01\0\0" + bytes(2))
        back = await frame(address >> 2, bytes(6))
        assert back.endswith(b"\x4d\x01\0\0")

    sim = Simulator(top)
    sim.add_testbench(bench)
    sim.run()


@pytest.mark.usefixtures("made_in_vain")
def test_the_ports_of_a_serial_line() -> None:
    top = make(UartAccess(divisor=4))
    assert [port.name for port in top.ports] == ["clk", "rst", "irq", "rx", "tx"]
