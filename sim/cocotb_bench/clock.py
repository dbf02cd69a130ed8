"""The clock under cocotb, and the numbers of its edges."""

from __future__ import annotations

from cocotb.clock import Clock
from cocotb.handle import Immediate, LogicObject
from cocotb.simtime import get_sim_time
from cocotb.triggers import RisingEdge, Timer

PERIOD = 10_000
"""Time steps of the simulator in a clock cycle (10 ns at its usual precision of 1 ps)."""


class EdgeClock:
    """The clock, which the simulator runs without Python, and the numbers of its rising edges.

    The numbers are computed from simulation time, so counting costs nothing.
    """

    def __init__(self, signal: LogicObject) -> None:
        self.rising = RisingEdge(signal)
        self._first = get_sim_time("step") + PERIOD // 2
        Clock(signal, PERIOD, "step", impl="gpi", set_action=Immediate).start(start_high=False)

    def restart(self) -> None:
        """Number the next edge 0. To be called right after an edge."""
        self._first = get_sim_time("step") + PERIOD

    @property
    def edge(self) -> int:
        """Number of the latest edge; negative before edge 0."""
        return (get_sim_time("step") - self._first) // PERIOD

    async def edges(self, count: int) -> None:
        """Wait for `count` edges after the latest one, asleep for all but the last."""
        if count > 2:
            since = (get_sim_time("step") - self._first) % PERIOD
            # Wait until between two edges: a timer that ends on an edge may fire before it.
            await Timer((count - 1) * PERIOD + PERIOD // 2 - since, "step")
            count = 1
        for _ in range(count):
            await self.rising
