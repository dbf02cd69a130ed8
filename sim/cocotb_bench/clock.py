"""Clock under cocotb, and the numbers of its edges."""

from __future__ import annotations

from cocotb.clock import Clock
from cocotb.handle import Immediate, LogicObject
from cocotb.simtime import get_sim_time
from cocotb.triggers import RisingEdge, Timer

PERIOD = 10_000
"""Length of a clock cycle in time steps of the simulator (10 ns at its default step of 1 ps)."""


class EdgeClock:
    """Clock that the simulator runs without Python, with numbered rising edges.

    The numbers are computed from simulation time, so counting costs nothing.
    """

    def __init__(self, signal: LogicObject) -> None:
        self.rising = RisingEdge(signal)
        self._first = get_sim_time("step") + PERIOD // 2
        Clock(signal, PERIOD, "step", impl="gpi", set_action=Immediate).start(start_high=False)

    def restart(self) -> None:
        """Number the next edge 0; call this right after an edge."""
        self._first = get_sim_time("step") + PERIOD

    @property
    def edge(self) -> int:
        """Number of the latest edge; negative before edge 0."""
        return (get_sim_time("step") - self._first) // PERIOD

    async def edges(self, count: int) -> None:
        """Wait for `count` edges after the latest one; Python wakes only for the last."""
        if count > 2:
            since = (get_sim_time("step") - self._first) % PERIOD
            # The timer ends between two edges: one that ends on an edge may fire before it.
            await Timer((count - 1) * PERIOD + PERIOD // 2 - since, "step")
            count = 1
        for _ in range(count):
            await self.rising
