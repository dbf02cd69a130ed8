"""Data sheet of the unpacker: beats to elements against NumPy, stalls, frames of any length."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from golden.errors import InputError
from golden.packing import Packing
from hdl.bus.unpacker import Unpacker
from tests.hdl.bus.packings import COUNTS, PACKINGS, beats_of, exchange, vectors


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
                assert cycles == x.size  # one per cycle


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
