"""Verdicts on random sequences of several streams, whose states come when they like."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.bus.verdicts import DEPTH, Verdicts


def random_steps(random: Random, streams: int, count: int) -> list[dict[str, int]]:
    """Steps of sequences in turns; of one that goes on nothing is said but whether it ends."""
    is_open = [False] * streams
    steps = []
    for _ in range(count):
        number, last = random.randrange(streams), random.random() < 0.6
        fields = {name: random.getrandbits(1) for name in ("keep", "load")}
        wrong = int(last and random.random() < 0.3)
        steps.append(
            {"number": number, "new": int(not is_open[number]), "last": int(last), "wrong": wrong}
            | fields
        )
        is_open[number] = not last
    return steps


def expected_marks(steps: list[dict[str, int]], states: list[int]) -> list[int]:
    """Marks of the sequences that end, in order."""
    defective, bad, marks = iter(states), dict[int, int](), []
    for step in steps:
        number = step["number"]
        if step["new"]:
            bad[number] = next(defective) if step["load"] else step["keep"] & bad.get(number, 0)
        bad[number] |= step["wrong"]
        marks += [bad[number]] * step["last"]
    return marks


SETTLED = 6
"""Cycles after which a step that has its state is judged: in a core the next one takes longer."""


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_marks(streams: int, seed: int) -> None:
    """A state comes before its step is whole, or long after; steps behind it wait for it."""
    random = Random(seed)
    steps = random_steps(random, streams, 300)
    loads = sum(step["new"] & step["load"] for step in steps)
    states = [random.getrandbits(1) for _ in range(loads)]
    verdicts = Verdicts(streams=streams)
    marks: list[int] = []

    async def bench(sim: Any) -> None:
        left, coming = deque(steps), deque(states)
        begun = taken = given = quiet = 0  # loads: steps begun, taken in whole, with their states
        sim.set(verdicts.room, 1)
        while left or coming or sim.get(verdicts.some):
            step = left[0] if left else None
            asks = bool(step and step["new"] & step["load"])
            if asks and begun == taken:
                begun += 1
            offers = bool(step) and random.random() < 0.5
            comes = given < begun and quiet > SETTLED and random.random() < 0.3
            sim.set(verdicts.i.valid, offers)
            sim.set(verdicts.i.payload, step or {})
            sim.set(verdicts.loaded, comes)
            sim.set(verdicts.defective, coming[0] if comes else 0)
            if sim.get(verdicts.add):
                marks.append(sim.get(verdicts.mark))
            if offers and sim.get(verdicts.i.ready):
                taken += asks
                left.popleft()
            if comes:
                coming.popleft()
                given += 1
            quiet = quiet + 1 if given <= taken and not comes else 0
            await sim.tick()

    simulator = Simulator(verdicts)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert marks == expected_marks(steps, states)
    assert 0 < sum(marks) < len(marks)


@pytest.mark.parametrize("event", ["forget", "restart"])
def test_what_is_forgotten(event: str) -> None:
    """States are as new; after a restart steps and verdicts that wait are gone, too."""
    verdicts = Verdicts(streams=1)

    async def bench(sim: Any) -> None:
        async def step(**fields: int) -> None:
            sim.set(verdicts.i.payload, {"new": 1, "last": 1, **fields})
            sim.set(verdicts.i.valid, 1)
            await sim.tick()
            sim.set(verdicts.i.valid, 0)

        sim.set(verdicts.room, 1)
        await step(wrong=1)
        await sim.tick()
        if event == "restart":
            for _ in range(DEPTH):
                await step(load=1)
            assert sim.get(verdicts.some)
        sim.set(getattr(verdicts, event), 1)
        await sim.tick()
        sim.set(getattr(verdicts, event), 0)
        assert not sim.get(verdicts.some)
        await step(keep=1)
        assert (sim.get(verdicts.add), sim.get(verdicts.mark)) == (1, 0)

    simulator = Simulator(verdicts)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_without_room_steps_wait() -> None:
    """Nothing is judged without room for its mark, and no step is lost."""
    verdicts = Verdicts(streams=1)
    marks: list[int] = []

    async def bench(sim: Any) -> None:
        sim.set(verdicts.i.payload, {"new": 1, "last": 1, "wrong": 1})
        sim.set(verdicts.i.valid, 1)
        for _ in range(DEPTH):
            assert sim.get(verdicts.i.ready)
            assert not sim.get(verdicts.add)
            await sim.tick()
        assert not sim.get(verdicts.i.ready)
        sim.set(verdicts.i.valid, 0)
        sim.set(verdicts.room, 1)
        while sim.get(verdicts.some):
            assert sim.get(verdicts.add)
            marks.append(sim.get(verdicts.mark))
            await sim.tick()

    simulator = Simulator(verdicts)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert marks == [1] * DEPTH
