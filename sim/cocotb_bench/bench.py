"""Cocotb bench of one core: clock, reset, and one agent per stream.

The core's top module has these ports, X and Y from 2 to 32::

    input  clk, rst (synchronous, active high)
    input  signed [X-1:0] i_data, input  i_last, i_valid, output i_ready
    output signed [Y-1:0] o_data, output o_last, o_valid, input  o_ready

and perhaps those of other fields (`sim.streams.PORTS`) and other streams (`sim.streams.STREAMS`).

A core and a request give the same cycles as in `sim.compiled.bench`. In a test::

    @cocotb.test()
    async def every_word(dut):
        run = await Bench(dut).run(Run.of_sequences(samples, words=10))
        board = Scoreboard(expected)
        board.add(run.words, run.last)
        board.check()
"""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.task import Task
from cocotb.triggers import Event, ReadWrite

from hdl.export.verilog_names import FAULT
from sim.cocotb_bench.agents import Driver, Monitor
from sim.cocotb_bench.clock import EdgeClock
from sim.cocotb_bench.pins import line
from sim.cocotb_bench.record import LiveRecord
from sim.patterns import Gaps, ReadyGaps
from sim.run import Reset, Run
from sim.streams import SIDES, STREAMS, CycleLimitError, Progress, ProtocolError, Record


class Bench:
    """Drives the top module of a simulation; starts its clock at once.

    Args:
        dut: cocotb's handle of the top module.

    Raises:
        TypeError: a port is missing.

    Attributes:
        clock: its clock.
        drivers, monitors: the agents, by stream.
        due: number of sequences sent but not answered at the end of the last run.
    """

    def __init__(self, dut: Any) -> None:
        self._rst = line(dut, "rst")
        self.clock = EdgeClock(line(dut, "clk"))
        if hasattr(dut, "restart"):  # a core whose weights are loaded
            line(dut, "restart").value = 0
        present = [s for s in STREAMS.values() if hasattr(dut, f"{s.name}_data")]
        self._fault = line(dut, FAULT) if hasattr(dut, FAULT) else None
        self._widths = {f"{s.name}_data": len(getattr(dut, f"{s.name}_data")) for s in present}
        self.drivers = {s.name: Driver(dut, self.clock, s.name) for s in present if s.into}
        self.monitors = {s.name: Monitor(dut, self.clock, s.name) for s in present if not s.into}
        self.due = 0

    @property
    def cycle(self) -> int:
        """Number of the next clock edge, counted from the last reset at a run's start."""
        return self.clock.edge + 1

    @property
    def is_faulty(self) -> bool:
        """Tell whether a core with parity reports a fault."""
        return self._fault is not None and str(self._fault.value) != "0"

    async def reset(self, hold: int = 1) -> None:
        """Reset the core for `hold` clock edges. The next edge is number 0."""
        await self.hold_reset(hold)
        self.clock.restart()

    async def hold_reset(self, hold: int) -> None:
        """Reset the core for `hold` clock edges, all streams idle; the count of edges goes on."""
        self._rst.value = 1
        self.due = 0
        self.idle()
        await self.clock.edges(hold)
        self._rst.value = 0

    def idle(self) -> None:
        """Offer and take nothing on any stream."""
        for agent in (*self.drivers.values(), *self.monitors.values()):
            agent.idle()

    async def run(self, run: Run, *, progress: Progress | None = None) -> Record:
        """Send and take the words of a run, and record the cycle of each.

        Args:
            run: the request.
            progress: called after every word.

        Raises:
            ValueError: a word does not fit its port, or the run ended before its reset.
            CycleLimitError, ProtocolError: the run failed; ``error.run`` is the record up to there.
        """
        run.check_widths(self._widths)
        if run.fresh:
            await self.reset()
        return await _BenchRun(self, run, progress).finish()


class _BenchRun:
    """One run of a bench; create it after a clock edge."""

    def __init__(self, bench: Bench, run: Run, progress: Progress | None) -> None:
        self._bench = bench
        self._run = run
        self._progress = progress
        self._record = LiveRecord(run, due=bench.due, start=bench.cycle, changed=self._changed)
        self._stopped = Event()  # all words have moved, or the run failed
        self._gave_up = False
        self._reset_done = False
        self._agents: list[Task[None]] = []

    async def finish(self) -> Record:
        """Run to the end; raise the errors of `Bench.run`."""
        reset = self._run.reset
        watchers = [cocotb.start_soon(self._watch())]
        if reset is not None:
            watchers.append(cocotb.start_soon(self._reset(reset)))
        self._start_agents()
        try:
            while not await self._settled():
                pass
        finally:
            for task in (*watchers, *self._agents):
                task.cancel()
            self._bench.idle()
            self._bench.due = self._record.due
        if reset is not None and not self._reset_done:
            raise ValueError(f"Reset in cycle {reset.cycle}: the run was over before it")
        return self._record.record()

    def _start_agents(self) -> None:
        """Start the agents at the words that have not moved yet; restart the patterns."""
        run, record = self._run, self._record

        def common(name: str) -> dict[str, Any]:
            draws = Gaps if name in self._bench.drivers else ReadyGaps
            gaps = draws(run.stalls.pattern(name), seed=run.seed, side=SIDES[name])
            return {"side": record.sides[name], "record": record, "gaps": gaps}

        agents = [
            *(d.send(run.source(name), **common(name)) for name, d in self._bench.drivers.items()),
            *(m.receive(**common(name)) for name, m in self._bench.monitors.items()),
        ]
        self._agents = [cocotb.start_soon(agent) for agent in agents]

    def _changed(self) -> None:
        """Stop the run if it is over or has failed; called after each change of the record."""
        if self._record.over or self._record.violation is not None:
            self._stopped.set()
        if self._progress is not None:
            output = self._record.sides["o"]
            self._progress(len(output.words), output.count)

    async def _settled(self) -> bool:
        """Wait for the end and check for surplus words; return False if a reset undid the end."""
        await self._stopped.wait()
        self._raise()
        await self._bench.clock.edges(self._run.settle)
        await ReadWrite()  # by then, all other tasks of this edge have run
        self._raise()
        return self._record.over

    async def _watch(self) -> None:
        """Give up when nothing has moved for `patience` cycles."""
        while True:
            left = self._record.moved + self._run.patience - self._bench.cycle
            await self._bench.clock.edges(max(left, 1))
            await ReadWrite()
            idle = self._bench.cycle - self._record.moved
            if idle >= self._run.patience and not self._record.over:
                self._gave_up = True
                self._stopped.set()
                return

    async def _reset(self, reset: Reset) -> None:
        """Reset the core in the middle of the run, and continue from an earlier place."""
        if (left := reset.cycle - self._bench.cycle) > 0:
            await self._bench.clock.edges(left)
        await ReadWrite()
        for task in self._agents:
            task.cancel()
        self._stopped.clear()
        self._record.rewind(self._run)
        self._record.moved = self._bench.cycle + reset.hold
        await self._bench.hold_reset(reset.hold)
        self._reset_done = True
        self._start_agents()

    def _raise(self) -> None:
        """Raise the run's error, if there is one."""
        if self._record.violation is not None:
            kind, edge = self._record.violation
            raise ProtocolError(kind, edge, self._record.record())
        if self._bench.is_faulty:
            raise ProtocolError("memory fault", self._bench.cycle, self._record.record())
        if self._gave_up:
            raise CycleLimitError(self._run.patience, self._record.record())
