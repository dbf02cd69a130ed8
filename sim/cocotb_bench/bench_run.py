"""One run of the cocotb bench: the tasks that drive and watch the core, and how they end."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.task import Task
from cocotb.triggers import Event, ReadWrite

from sim.cocotb_bench.bench_ports import BenchPorts
from sim.cocotb_bench.record import Record
from sim.fields import LAST
from sim.patterns import Gaps, ReadyGaps
from sim.streams import CycleLimitError, Progress, ProtocolError, Reset, StreamRun, Terms, Traffic


class BenchRun:
    """One run, with the checked arguments of `Bench.run`. To be made after a clock edge."""

    def __init__(
        self, bench: BenchPorts, traffic: Traffic, terms: Terms, progress: Progress | None
    ) -> None:
        self._bench = bench
        self._beats, self._fields = traffic.beats.tolist(), traffic.fields.tolist()
        self._loads = traffic.loads.tolist()
        self._weights = traffic.weights.tolist()
        self._terms = terms
        self._progress = progress
        self._start = bench.cycle
        self._record = Record(
            beats=len(self._beats),
            outputs=terms.outputs,
            loads=len(self._loads),
            saves=terms.saves,
            weights=len(self._weights),
            due=bench.due,
            moved=bench.cycle,
            changed=self._changed,
        )
        self._stopped = Event()  # all was sent and taken, or something went wrong
        self._gave_up = False
        self._reset_done = False
        self._agents: list[Task[None]] = []

    async def finish(self) -> StreamRun:
        """Run to the end; errors as in `sim.cocotb_bench.bench.Bench.run`."""
        reset = self._terms.reset
        watchers = [cocotb.start_soon(self._watch())]
        if reset is not None:
            watchers.append(cocotb.start_soon(self._reset(reset)))
        self._start_agents(0)
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
        return self._result()

    def _start_agents(self, beat: int) -> None:
        """Start the agents at input beat `beat`, and the patterns from their start."""
        bench, record = self._bench, self._record
        stalls, seed = self._terms.stalls, self._terms.seed
        agents = [
            bench.driver.send(
                self._beats[beat:],
                self._fields[beat:],
                record=record,
                accept=record.accept,
                gaps=Gaps(stalls.idle, seed=seed, side=0),
            ),
            bench.monitor.receive(
                record=record,
                take=record.take,
                full=lambda: len(record.words) == record.outputs,
                gaps=ReadyGaps(stalls.ready, seed=seed),
            ),
        ]
        if bench.state_driver and bench.state_monitor:
            agents += [
                bench.state_driver.send(
                    self._loads,
                    [0] * len(self._loads),
                    record=record,
                    accept=record.load,
                    gaps=Gaps(stalls.idle, seed=seed, side=2),
                ),
                bench.state_monitor.receive(
                    record=record,
                    take=record.save,
                    full=lambda: len(record.state) == record.saves,
                    gaps=ReadyGaps(stalls.state_ready, seed=seed, side=3),
                ),
            ]
        if bench.weight_driver:
            agents.append(
                bench.weight_driver.send(
                    self._weights,
                    [LAST * (left == 0) for left in reversed(range(len(self._weights)))],
                    record=record,
                    accept=record.write,
                    gaps=Gaps(stalls.idle, seed=seed, side=4),
                )
            )
        self._agents = [cocotb.start_soon(agent) for agent in agents]

    def _changed(self) -> None:
        """Stop the run if it is over or failed; called after each change of the record."""
        if self._record.over or self._record.violation is not None:
            self._stopped.set()
        if self._progress is not None:
            self._progress(len(self._record.words), self._record.outputs)

    async def _settled(self) -> bool:
        """Wait for the end and look for surplus words after it; False if a reset undid the end."""
        await self._stopped.wait()
        self._raise()
        await self._bench.clock.edges(self._terms.settle)
        await ReadWrite()  # by then, all other tasks of this edge have run
        self._raise()
        return self._record.over

    async def _watch(self) -> None:
        """Give up when nothing has moved for `patience` cycles."""
        while True:
            left = self._record.moved + self._terms.patience - self._bench.cycle
            await self._bench.clock.edges(max(left, 1))
            await ReadWrite()
            idle = self._bench.cycle - self._record.moved
            if idle >= self._terms.patience and not self._record.over:
                self._gave_up = True
                self._stopped.set()
                return

    async def _reset(self, reset: Reset) -> None:
        """Reset the core in the middle of the run, and start again from an earlier place."""
        if (left := reset.cycle - self._bench.cycle) > 0:
            await self._bench.clock.edges(left)
        await ReadWrite()
        for task in self._agents:
            task.cancel()
        self._stopped.clear()
        self._record.rewind(beat=reset.beat, word=reset.word)
        self._record.moved = self._bench.cycle + reset.hold
        await self._bench.hold_reset(reset.hold)
        self._reset_done = True
        self._start_agents(reset.beat)

    def _raise(self) -> None:
        """Raise what went wrong, if anything did."""
        if self._record.violation is not None:
            kind, edge = self._record.violation
            raise ProtocolError(kind, edge, self._result())
        if self._gave_up:
            raise CycleLimitError(self._terms.patience, self._result())

    def _result(self) -> StreamRun:
        record = self._record
        return StreamRun(
            words=np.array(record.words, np.int32),
            last=np.array(record.last, np.bool_),
            accepted=np.array(record.accepted, np.uint64),
            taken=np.array(record.taken, np.uint64),
            cycles=record.moved - self._start,
            streams=np.array(record.streams, np.uint32),
            state=np.array(record.state, np.int32),
            loaded=np.array(record.loaded, np.uint64),
            saved=np.array(record.saved, np.uint64),
            written=np.array(record.written, np.uint64),
        )
