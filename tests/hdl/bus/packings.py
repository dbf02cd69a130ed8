"""Packings of every kind, and traffic for what packs and unpacks: for the benches of both."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from amaranth.sim import Simulator

from golden.packing import Packing

SIZES = (
    (8, 32), (1, 8), (7, 32), (12, 32), (13, 32), (16, 8), (12, 8), (5, 8), (20, 16), (32, 32),
    (32, 8), (9, 64), (11, 128), (16, 128), (31, 16),
)  # fmt: skip
PACKINGS = [
    Packing(element=element, bus=bus, tight=tight)
    for element, bus in SIZES
    for tight in (False, True)
]
COUNTS = (1, 9)
VECTORS = 4


def vectors(packing: Packing, count: int) -> Any:
    rng = np.random.default_rng([packing.element, packing.bus, count])
    half = 1 << (packing.element - 1)
    return rng.integers(-half, half, size=(VECTORS, count))


def beats_of(data: Any, packing: Packing) -> list[int]:
    """Beats of vectors as numbers."""
    flat = data.reshape(-1, packing.bus // 8)
    return [int.from_bytes(bytes(beat), "little") for beat in flat]


def exchange(
    component: Any, items: list[dict[str, int]], count: int, *, rate: float
) -> tuple[list[Any], int]:
    """Send items and take ``count``, each side moving in a share of cycles.

    Returns:
        What came, and the cycles from the first to the last that was on offer.
    """
    got: list[Any] = []
    cycles = 0
    fields = list(items[0])

    async def send(sim: Any) -> None:
        random = Random(1)
        for item in items:
            while random.random() > rate:
                await sim.tick()
            for name in fields:
                sim.set(getattr(component.i.payload, name), item[name])
            sim.set(component.i.valid, 1)
            await sim.tick().until(component.i.ready)
            sim.set(component.i.valid, 0)

    async def take(sim: Any) -> None:
        nonlocal cycles
        random, begun, o = Random(2), False, component.o
        while len(got) < count:
            sim.set(o.ready, random.random() <= rate)
            _, _, valid, ready, item = await sim.tick().sample(o.valid, o.ready, o.payload)
            begun |= bool(valid)
            cycles += begun
            if valid and ready:
                got.append(item)
        sim.set(o.ready, 0)

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.add_testbench(take)
    simulator.run()
    return got, cycles
