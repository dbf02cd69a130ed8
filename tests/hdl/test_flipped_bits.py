"""Bits of memories flip in the middle of a run: no wrong word without a fault, no fault else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Shape, Signal
from amaranth.sim import Simulator

from golden.cells import GRU, LSTM, Cell, LiteLSTM
from golden.interface import DEFAULT, Interface
from hdl.bus.top import AxiTop
from hdl.layout.weight_image import image
from hdl.parts.parity import ParityGuard
from hdl.plan import Plan
from hdl.sequence.sequence_core import core_of
from hdl.serial.top import SerialTop
from hdl.serial.uart_access import UartAccess
from hdl.spec.options import CoreOptions
from hdl.spec.storage import BUILT_IN, Storage
from hdl.verilog import Top
from sim.draw.changes import with_thresholds
from sim.draw.directions import with_directions
from sim.draw.networks import with_first_states
from sim.draw.steps import Work, random_work
from tests.hdl.simulate import PERIOD, beats
from tests.networks import Recipe, quantized_network

STEPS, SETTLE, LIMIT, FLIPS = 5, 8, 4000, 10
STREAMS = Interface(streams=2, state="load", every_step=True)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A core: its cell, and the options that give it other memories."""

    cell: Cell
    interface: Interface = DEFAULT
    storage: Storage = BUILT_IN
    options: Mapping[str, Any] | None = None
    units: tuple[int, ...] = (3,)
    has_start: bool = False

    def plan(self) -> Plan:
        recipe = Recipe(inputs=2, units=self.units, outputs=2, cells=(self.cell,) * len(self.units))
        network, options = quantized_network(recipe, 3), self.options or {}
        if self.has_start:
            network = with_first_states(network, np.random.default_rng(4))
        network = with_thresholds(network, 5) if "delta" in options else network
        network = with_directions(network, (9,)) if "max_steps" in options else network
        common = {"interface": self.interface, "storage": self.storage, "parity": True}
        return Plan(network=network, options=CoreOptions(lanes=2, **common, **options))


CORES = {
    "sums side by side": Chosen(
        cell=LiteLSTM(peephole="diagonal"), storage=Storage(sums="block"), has_start=True
    ),
    "loaded": Chosen(cell=GRU(), storage=Storage(weights="ram"), interface=STREAMS),
    "delta": Chosen(cell=LSTM(), options={"delta": True}, interface=Interface(state="keep")),
    "sequences": Chosen(cell=GRU(), units=(2, 2), options={"max_steps": STEPS}),
}

Flip = Callable[[Any, float], None]
"""Changes memories; called in every cycle with the part of the run that is over."""


class Bench:
    """A core with guarded memories; each run starts from memories as they are at power-on."""

    def __init__(self, plan: Plan) -> None:
        self.plan, options = plan, plan.options
        self.core: Any = core_of(plan)
        self.guard = ParityGuard()
        self.reset, self.fault = Signal(init=1), Signal()
        m = Module()
        m.submodules.core = ResetInserter(self.reset)(self.guard.over(self.core))
        m.d.comb += self.fault.eq(self.guard.fault)
        self.stores = [store for memory in self.guard.memories for store in memory.stores]
        self.runs: list[tuple[list[int], bool]] = []
        self._simulator = Simulator(m)
        self._simulator.add_clock(PERIOD)
        self.work: Work = random_work(
            plan.network,
            options.interface,
            steps=STEPS,
            seed=(7,),
            max_steps=options.max_steps,
        )
        self.image = image(plan).tolist()
        self.length = 1  # cycles of the longest run so far

    def run(self, *flips: Flip) -> list[tuple[list[int], bool]]:
        """Run the same steps with each of the flips; words, and whether there was a fault."""

        async def bench(ctx: Any) -> None:
            for flip in flips:
                self.runs.append(await self._once(ctx, flip))

        self._simulator.add_testbench(bench)
        self._simulator.run()
        return self.runs

    @property
    def expected(self) -> list[int]:
        """Words of the golden model."""
        service = self.work.service
        return [*service.words.ravel().tolist(), *service.saved.ravel().tolist()]

    async def _once(self, ctx: Any, flip: Flip) -> tuple[list[int], bool]:
        for store in self.stores:
            for place, word in enumerate(store.init):
                ctx.set(store.data[place], word)
        for name in ("i", "i_state", "i_weights"):  # the run before may have been stopped
            if name in self.core.signature.members:
                ctx.set(getattr(self.core, name).valid, 0)
        ctx.set(self.reset, 1)
        await ctx.tick()
        ctx.set(self.reset, 0)
        ends = len(self.image) - 1
        weights = [{"data": word, "last": n == ends} for n, word in enumerate(self.image)]
        if weights:
            await self._move(ctx, {"i_weights": weights}, {}, lambda *_: None)
        sources: dict[str, list[Any]] = {
            "i": list(beats(self.plan, self.work.x, self.work.controls))
        }
        sinks = {"o": self.work.service.words.size}
        if self.plan.options.interface.state == "load":
            sources["i_state"] = self.work.loads.ravel().tolist()
            sinks["o_state"] = self.work.service.saved.size
        return await self._move(ctx, sources, sinks, flip)

    async def _move(
        self, ctx: Any, sources: Mapping[str, list[Any]], sinks: Mapping[str, int], flip: Flip
    ) -> tuple[list[int], bool]:
        """Move all beats, until there is a fault or nothing moves any more."""
        got: dict[str, list[int]] = {name: [] for name in sinks}
        moved, fault, settled = dict.fromkeys(sources, 0), 0, 0
        ports = [getattr(self.core, name) for name in (*sources, *sinks)]
        watched = [signal for one in ports for signal in (one.valid, one.ready, one.payload)]
        for cycle in range(LIMIT):
            flip(ctx, cycle / self.length)
            for name, beat in sources.items():
                ctx.set(getattr(self.core, name).valid, moved[name] < len(beat))
                if moved[name] < len(beat):
                    ctx.set(getattr(self.core, name).payload, beat[moved[name]])
            for name in sinks:
                ctx.set(getattr(self.core, name).ready, 1)
            _, _, fault, *seen = await ctx.tick().sample(self.fault, *watched)
            for name, (valid, ready, payload) in zip(
                (*sources, *sinks), zip(*[iter(seen)] * 3, strict=True), strict=True
            ):
                if valid and ready and name in sources:
                    moved[name] += 1
                elif valid and ready:
                    got[name].append(getattr(payload, "data", payload))
            counts = [moved[name] == len(beat) for name, beat in sources.items()]
            counts += [len(got[name]) >= count for name, count in sinks.items()]
            settled = settled + 1 if all(counts) else 0
            if fault or settled > SETTLE:
                self.length = max(self.length, cycle)
                break
        return [word for words in got.values() for word in words], bool(fault)


class Corrupts:
    """Gives every word of a memory a wrong bit, from a third of a run on, when it is written, too.

    Args:
        store: the memory.
        bits: for each word the bit that flips.
    """

    def __init__(self, store: Any, bits: Iterable[int]) -> None:
        self._store, self._bits = store, list(bits)
        self._wrong: dict[int, int] = {}

    def __call__(self, ctx: Any, part: float) -> None:
        for place, bit in enumerate(self._bits) if part >= 1 / 3 else ():
            row = self._store.data[place]
            if (word := ctx.get(row)) != self._wrong.get(place):
                self._wrong[place] = word ^ 1 << bit
                ctx.set(row, self._wrong[place])


def single(store: Any, rng: np.random.Generator) -> Flip:
    """Flip one bit once."""
    place, bit = int(rng.integers(store.depth)), int(rng.integers(Shape.cast(store.shape).width))
    todo, when = [store.data[place]], rng.random()

    def flip(ctx: Any, part: float) -> None:
        if todo and part >= when:
            row = todo.pop()
            ctx.set(row, ctx.get(row) ^ 1 << bit)

    return flip


@pytest.mark.slow
@pytest.mark.parametrize("name", CORES)
def test_flipped_bits_are_told(name: str) -> None:
    """Without flips all is right. Every memory's flips are told. No wrong word comes in silence."""
    bench, rng = Bench(CORES[name].plan()), np.random.default_rng(1)
    every = [
        Corrupts(store, rng.integers(Shape.cast(store.shape).width, size=store.depth).tolist())
        for store in bench.stores
    ]
    some = [single(store, rng) for store in rng.choice(np.array(bench.stores, object), FLIPS)]
    right, *runs = bench.run(lambda *_: None, *every, *some)
    assert right == (bench.expected, False)
    assert [n for n, (_, fault) in enumerate(runs[: len(every)]) if not fault] == []
    assert all(fault or words == bench.expected for words, fault in runs)
    assert not all(fault for _, fault in runs)


TOPS: dict[str, Callable[[Plan], Any]] = {
    "plain": lambda plan: Top(core_of(plan)),
    "axi": lambda plan: AxiTop(core=core_of(plan, watched=True)),
    "uart": lambda plan: SerialTop(
        core=core_of(plan, watched=True), front_end=UartAccess(divisor=4)
    ),
}


@pytest.mark.parametrize("kind", TOPS)
def test_tops_tell_of_a_flipped_bit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain core raises ``fault`` until a reset; behind a bus the registers are told of it."""
    guards: list[ParityGuard] = []

    class Kept(ParityGuard):
        def __init__(self) -> None:
            super().__init__()
            guards.append(self)

    monkeypatch.setattr("hdl.parts.parity.ParityGuard", Kept)
    top = TOPS[kind](CORES["sums side by side"].plan())
    clock = {"axi": "aclk", "uart": "clk"}.get(kind)
    reset = Signal(init=1)
    sim = Simulator(top if clock else ResetInserter(reset)(top))
    told = top.core.fault if clock else top.fault
    if not clock:
        sim.add_clock(PERIOD)

    async def cycles(ctx: Any, most: int) -> bool:
        """Wait until the fault is told."""
        for _ in range(most):
            for level in (1, 0):
                await ctx.delay(PERIOD / 2)
                if clock:
                    ctx.set(getattr(top, clock), level)
            if ctx.get(told):
                return True
        return False

    async def bench(ctx: Any) -> None:
        ctx.set(reset, 0)
        if kind == "axi":
            ctx.set(top.aresetn, 1)
        assert not await cycles(ctx, 20)
        for memory in guards[0].memories:
            for row in (memory.stores[0].data[n] for n in range(memory.memory.depth)):
                ctx.set(row, ctx.get(row) ^ 1)
        assert await cycles(ctx, 100)
        if kind == "plain":
            await ctx.tick().repeat(9)
            assert ctx.get(told)
            ctx.set(reset, 1)
            await ctx.tick()
            assert not ctx.get(told)

    sim.add_testbench(bench)
    sim.run()
    assert len(guards) == 1
