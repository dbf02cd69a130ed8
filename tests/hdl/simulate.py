"""amaranth.sim runs: a pipeline swept over its inputs, and a whole core between two streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import numpy as np
from amaranth.hdl import Elaboratable, Module, ResetInserter, Signal, Value
from amaranth.sim import Simulator
from numpy.typing import NDArray

from golden.interface import DEFAULT, LAST_BEAT, Control, Interface
from golden.quantized import QuantizedNetwork
from golden.sessions import state_words
from hdl.core import Core
from hdl.cycles import controls_of
from hdl.layout.ports import step_fields
from hdl.plan import Plan
from hdl.spec.options import CoreOptions

PERIOD = 1e-6


def sweep(
    m: Module, inputs: Sequence[Signal], values: Iterable[Sequence[int]], outputs: Sequence[Value]
) -> list[tuple[int, ...]]:
    """Outputs of every clock cycle while the inputs take one row of ``values`` a cycle.

    Row ``n`` of the result was sampled in the cycle in which row ``n`` of ``values`` was applied,
    so a pipeline's results are found its latency further down.
    """
    sampled_signals = [
        Signal(output.shape(), name=f"sampled{n}") for n, output in enumerate(outputs)
    ]
    m.d.comb += [s.eq(output) for s, output in zip(sampled_signals, outputs, strict=True)]
    m.d.sync += Signal(name="clocked").eq(1)  # a design without a register has no clock
    sim = Simulator(m)
    sim.add_clock(PERIOD)
    result: list[tuple[int, ...]] = []

    async def bench(ctx: Any) -> None:
        for row in values:
            for signal, value in zip(inputs, row, strict=True):
                ctx.set(signal, value)
            _, _, *sampled = await ctx.tick().sample(*sampled_signals)
            result.append(tuple(sampled))

    sim.add_testbench(bench)
    sim.run()
    return result


def run(component: Any, *benches: Any, background: Any = None) -> None:
    """Simulate a design until all benches, each a coroutine function of ``ctx``, return.

    A bench in the ``background`` may run for ever.
    """
    m = Module()
    m.submodules.component = component
    m.d.sync += Signal(name="clocked").eq(1)  # a design without a register has no clock
    sim = Simulator(m)
    sim.add_clock(PERIOD)
    for bench in benches:
        sim.add_testbench(bench)
    if background:
        sim.add_testbench(background, background=True)
    sim.run()


def count_up(m: Module, counter: Signal) -> None:
    """Make a signal go through all its values, from its initial one on."""
    m.d.sync += counter.eq(counter + 1)


def watch(m: Module, outputs: Sequence[Value], *, cycles: int) -> list[tuple[int, ...]]:
    """Outputs of the first clock cycles of a design that drives its own inputs."""
    return sweep(m, [], repeat((), cycles), outputs)


@dataclass(frozen=True)
class CoreRun:
    """Record of a core's run. Cycles count from the one that accepts the first input element.

    Attributes:
        words: output words, all results one after the other.
        last: for each word whether it came with ``last``.
        streams: for each word its stream.
        inputs: cycle in which each input element was taken.
        outputs: cycle in which each output word was taken.
        loaded, saved: cycle in which each state word was taken or given.
        state: state words that were given.
    """

    words: list[int] = field(default_factory=list)
    last: list[bool] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    loaded: list[int] = field(default_factory=list)
    saved: list[int] = field(default_factory=list)
    state: list[int] = field(default_factory=list)


Beat = dict[str, int]
"""Payload of a beat of the input stream."""


def beats(
    plan: Plan, x: Iterable[NDArray[np.int64]], controls: Iterable[Control]
) -> Iterator[Beat]:
    """Steps, each (inputs,), as beats of the input stream.

    A field stands in the beat in which it is looked at, and is wrong in the others.
    """
    fields = step_fields(plan)
    for vector, control in zip(x, controls, strict=True):
        for n, value in enumerate(vector.tolist()):
            beat = {"data": value}
            for name in fields:
                looked_at = n == (plan.network.inputs - 1 if name in LAST_BEAT else 0)
                beat[name] = int(getattr(control, name)) ^ int(not looked_at)
            yield beat


def always() -> Iterator[bool]:
    """A side of a stream that never pauses."""
    return repeat(True)


def sometimes(seed: int, *, share: float) -> Iterator[bool]:
    """A side of a stream that is on in a share of the cycles, at random."""
    rng = np.random.default_rng(seed)
    while True:
        yield from (rng.random(256) < share).tolist()


def late(cycles: int) -> Iterator[bool]:
    """A side of a stream that is off for long, then on for as long, and so on."""
    while True:
        yield from chain(repeat(False, cycles), repeat(True, cycles))


class CoreBench:
    """One core and its simulation; every run begins with a reset of all but the memories.

    The reset line is high for one cycle before a run, and the memories keep what the run before
    left in them: no run may depend on that.
    """

    def __init__(
        self,
        network: QuantizedNetwork,
        lanes: int,
        *,
        tail_multipliers: int = 2,
        interface: Interface = DEFAULT,
        delta: bool = False,
    ) -> None:
        self.network = network
        options = CoreOptions(
            lanes=lanes, tail_multipliers=tail_multipliers, interface=interface, delta=delta
        )
        plan = Plan(network=network, options=options)
        self.core = Core(plan=plan)
        self._reset = Signal(init=1)
        design: Elaboratable = ResetInserter(self._reset)(self.core)
        self._sim = Simulator(design)
        self._sim.add_clock(PERIOD)
        self._jobs: list[Any] = []
        self._results: list[CoreRun] = []
        self._sim.add_testbench(self._bench)

    async def _bench(self, ctx: Any) -> None:
        for job in self._jobs:
            ctx.set(self._reset, 1)
            ctx.set(self.core.i.valid, 0)
            ctx.set(self.core.o.ready, 0)
            await ctx.tick()
            ctx.set(self._reset, 0)
            self._results.append(await self._run(ctx, **job))

    async def _run(
        self,
        ctx: Any,
        *,
        stream: list[Beat],
        loads: list[int],
        expected: int,
        saves: int,
        offer: Iterator[bool],
        take: Iterator[bool],
        until: int | None,
        patience: int,
    ) -> CoreRun:
        core = self.core
        state = core.access is not None
        watched = [core.i.ready, core.o.valid, core.o.payload]
        watched += [core.i_state.ready, core.o_state.valid, core.o_state.payload] if state else []
        run = CoreRun()
        sent, valid, first, moved, cycle = 0, False, None, 0, 0
        driven: dict[str, Any] = {}

        def drive(port: str, signal: Any, value: Any) -> None:
            """Set an input that changes: the simulator settles after every ``ctx.set``."""
            if driven.get(port) != value:
                ctx.set(signal, value)
                driven[port] = value

        def over() -> bool:
            return len(run.words) == expected and len(run.state) == saves

        while not over() if until is None else cycle < until:
            valid = sent < len(stream) and (valid or next(offer))
            drive("i.valid", core.i.valid, valid)
            if valid:
                drive("i", core.i.payload, stream[sent])
            drive("o.ready", core.o.ready, ready := next(take))
            loading = state and len(run.loaded) < len(loads)
            if state:
                drive("i_state.valid", core.i_state.valid, loading)
                drive("i_state", core.i_state.payload, loads[len(run.loaded)] if loading else 0)
                drive("o_state.ready", core.o_state.ready, ready)
            _, _, accepted, offered, payload, *rest = await ctx.tick().sample(*watched)
            if valid and accepted:
                first = cycle if first is None else first
                run.inputs.append(cycle - first)
                sent, valid, moved = sent + 1, False, cycle
            if offered and ready:
                run.words.append(payload.data)
                run.last.append(bool(payload.last))
                run.streams.append(payload.stream if core.plan.options.interface.streams > 1 else 0)
                run.outputs.append(cycle - (first or 0))
                moved = cycle
            if rest and loading and rest[0]:
                run.loaded.append(cycle - (first or 0))
                moved = cycle
            if rest and rest[1] and ready:
                run.saved.append(cycle - (first or 0))
                run.state.append(rest[2])
                moved = cycle
            cycle += 1
            if cycle - moved > patience:
                raise TimeoutError(f"nothing moved for {patience} cycles: {run}")
        return run

    def add(
        self,
        sequences: Iterable[NDArray[np.int64]],
        *,
        offer: Iterator[bool] | None = None,
        take: Iterator[bool] | None = None,
        until: int | None = None,
        patience: int = 3000,
    ) -> None:
        """Plan a run.

        Args:
            sequences: input words, each (steps, inputs).
            offer: in which cycles a next input element is offered; once offered it stays.
            take: in which cycles ``o.ready`` is high.
            until: stop after so many cycles, instead of when all words have come.
            patience: cycles without any word in or out after which the core has hung.
        """
        sequences = list(sequences)
        controls = controls_of([len(sequence) for sequence in sequences])
        self.add_steps(
            [x for sequence in sequences for x in sequence],
            controls,
            offer=offer,
            take=take,
            until=until,
            patience=patience,
        )

    def add_steps(
        self,
        x: Iterable[NDArray[np.int64]],
        controls: Sequence[Control],
        *,
        loads: Iterable[NDArray[np.int64]] = (),
        offer: Iterator[bool] | None = None,
        take: Iterator[bool] | None = None,
        until: int | None = None,
        patience: int = 3000,
    ) -> None:
        """Plan a run of steps, each (inputs,), with their controls and the states to load."""
        plan = self.core.plan
        every_step, first = plan.options.interface.every_step, self.network.first
        place, answers = 0, 0
        for control in controls:
            answers += control.last or (every_step and place >= first)
            place = 0 if control.last else place + 1
        job = {
            "stream": list(beats(plan, x, controls)),
            "loads": [word for load in loads for word in load.tolist()],
            "expected": answers * plan.result_words,
            "saves": sum(control.save for control in controls) * state_words(self.network),
            "offer": offer or always(),
            "take": take or always(),
            "until": until,
            "patience": patience,
        }
        self._jobs.append(job)

    def run(self) -> list[CoreRun]:
        """Do all planned runs, one after the other."""
        self._sim.run()
        return self._results
