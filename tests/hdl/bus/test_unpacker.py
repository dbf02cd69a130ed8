"""Elements to beats and back: gates against NumPy, with stalls, and frames of any length."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.errors import InputError
from golden.packing import Packing
from hdl.bus.packer import Packer
from hdl.bus.unpacker import Unpacker

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


@pytest.mark.parametrize("packing", PACKINGS, ids=str)
def test_unpacked(packing: Packing) -> None:
    for count in COUNTS:
        x = vectors(packing, count)
        data = packing.pack(x)
        assert np.array_equal(packing.unpack(data, count), x)
        items = [{"data": beat, "last": 0} for beat in beats_of(data, packing)]
        for rate in (1.0, 0.6):
            unpacker = Unpacker(packing=packing, count=count)
            got, cycles = exchange(unpacker, items, x.size, rate=rate)
            assert got == x.reshape(-1).tolist()
            if rate == 1.0 and packing.container <= packing.bus:
                assert cycles == x.size  # one a cycle


@pytest.mark.parametrize("packing", PACKINGS, ids=str)
def test_packed(packing: Packing) -> None:
    for count in COUNTS:
        x = vectors(packing, count)
        expected = beats_of(packing.pack(x), packing)
        items = [
            {"data": value, "ends": n == count - 1, "last": n == count - 1 and vector % 3 == 2}
            for vector, row in enumerate(x.tolist())
            for n, value in enumerate(row)
        ]
        each, whole = packing.beats(count), packing.bus // 8
        used = packing.byte_count(count) - (each - 1) * whole
        for rate in (1.0, 0.6):
            got, cycles = exchange(Packer(packing=packing), items, len(expected), rate=rate)
            assert [beat.data for beat in got] == expected
            for number, beat in enumerate(got):
                is_end = number % each == each - 1
                assert beat.keep == (1 << (used if is_end else whole)) - 1
                assert beat.ends == is_end
                assert beat.last == (is_end and number // each % 3 == 2)
            if rate == 1.0 and packing.container <= packing.bus:
                assert cycles <= x.size + VECTORS  # a word a cycle, one more for a split end


@pytest.mark.parametrize("packing", PACKINGS, ids=str)
def test_frames_cut_short(packing: Packing) -> None:
    """A frame may end with any beat of a vector: what is missing is 0, the next vector is right."""
    count, random = 9, Random(packing.element)
    x = vectors(packing, count)
    items: list[dict[str, int]] = []
    expected: list[int] = []
    for row in x:
        beats = beats_of(packing.pack(row[np.newaxis]), packing)
        short = random.randint(1, len(beats))
        items += [{"data": beat, "last": n == short - 1} for n, beat in enumerate(beats[:short])]
        whole = min(count, short * packing.bus // packing.container)
        expected += [*row[:whole].tolist(), *[0] * (count - whole)]
    got, _ = exchange(Unpacker(packing=packing, count=count), items, len(expected), rate=0.7)
    assert got == expected


@pytest.mark.parametrize(
    ("element", "bus", "text"),
    [
        (8, 24, r"bus is 24 bits, expected 8, 16, 32, 64 or 128"),
        (33, 32, r"an element has 33 bits, a bus takes 1 to 32"),
    ],
)
def test_refused(element: int, bus: int, text: str) -> None:
    with pytest.raises(InputError, match=text):
        Packing(element=element, bus=bus)
