"""Clock, reset and one agent per stream of a core under cocotb."""

from __future__ import annotations

from typing import Any

from sim.cocotb_bench.agents import Driver, EdgeClock, Monitor, line


class BenchPorts:
    """Drives the top module of a simulation; starts its clock at once.

    Args:
        dut: cocotb's handle of the top module.

    Raises:
        TypeError: a port is missing.

    Attributes:
        clock, driver, monitor: its parts.
        state_driver, state_monitor: where the core has streams of state words.
        weight_driver: where its weights are loaded.
        due: sequences that were sent and not answered when the last run ended.
    """

    def __init__(self, dut: Any) -> None:
        self._rst = line(dut, "rst")
        self._widths = {"i_width": len(dut.i_data)}
        self.clock = EdgeClock(line(dut, "clk"))
        self.driver = Driver(dut, self.clock)
        self.monitor = Monitor(dut, self.clock)
        has_state = hasattr(dut, "i_state_data")
        if has_state:
            self._widths["state_width"] = len(dut.i_state_data)
        self.state_driver = Driver(dut, self.clock, "i_state") if has_state else None
        self.state_monitor = Monitor(dut, self.clock, "o_state") if has_state else None
        has_weights = hasattr(dut, "i_weights_data")
        self.weight_driver = Driver(dut, self.clock, "i_weights") if has_weights else None
        if has_weights:
            self._widths["weight_width"] = len(dut.i_weights_data)
            line(dut, "restart").value = 0
        self.due = 0

    @property
    def cycle(self) -> int:
        """Clock edges since the last reset at a run's start: the next edge's number."""
        return self.clock.edge + 1

    async def reset(self, hold: int = 1) -> None:
        """Reset the core for `hold` clock edges. The next edge is number 0."""
        await self.hold_reset(hold)
        self.clock.restart()

    async def hold_reset(self, hold: int) -> None:
        """Reset the core for `hold` clock edges, both streams idle; the edges count on."""
        self._rst.value = 1
        self.due = 0
        self.idle()
        await self.clock.edges(hold)
        self._rst.value = 0

    def idle(self) -> None:
        """Offer and take nothing on any stream."""
        state = (self.state_driver, self.state_monitor)
        for agent in (self.driver, self.monitor, *state, self.weight_driver):
            if agent:
                agent.idle()
