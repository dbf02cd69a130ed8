"""The loader alone: every way in which an image can be wrong, and the next one taken."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.cells import LiteLSTM
from hdl.layout.weight_image import HEADER, image, sections
from hdl.loading.loader import Loader, Reason
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from tests.networks import Recipe, quantized_network

Image = list[tuple[int, bool]]
"""Words, and whether each is marked as the last."""


@cache
def plan(weights: str) -> Plan:
    recipe = Recipe(units=(3,), inputs=2, cells=(LiteLSTM(),), weight_width=9)
    return Plan(
        network=quantized_network(recipe, 1),
        options=CoreOptions(lanes=2, storage=Storage(weights=weights)),
    )


def good(weights: str) -> Image:
    words = image(plan(weights)).tolist()
    return [(word, n == len(words) - 1) for n, word in enumerate(words)]


def summed(words: list[int]) -> Image:
    """Words with a right CRC behind them."""
    crc = zlib.crc32(np.array(words, "<u4").tobytes())
    return [*((word, False) for word in words), (crc, True)]


@dataclass
class Seen:
    """Record of a loader's run.

    Attributes:
        ends: ``done`` as Reason.NONE, or why it failed, with its cycle.
        taken: cycle of each word.
        writes: section, address, part, data and bank of each write.
        loaded, blocks, bank: in each cycle.
    """

    ends: list[tuple[Reason, int]] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    writes: list[tuple[int, ...]] = field(default_factory=list)
    loaded: list[int] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    bank: list[int] = field(default_factory=list)


def run(weights: str, *images: Image, gap: int = 0, busy: range = range(0)) -> Seen:
    """Offer images to a loader; ``gap`` cycles before each word, not idle in cycles of ``busy``."""
    dut: Any = Loader(plan=plan(weights))
    seen = Seen()
    words = [word for one in images for word in one]

    async def send(ctx: Any) -> None:
        for data, last in words:
            ctx.set(dut.i.valid, 0)
            await ctx.tick().repeat(gap) if gap else None
            ctx.set(dut.i.payload, {"data": data, "last": last})
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)

    async def watch(ctx: Any) -> None:
        for cycle in range((len(words) + 6) * (gap + 1) + len(busy) + 12 * len(images)):
            ctx.set(dut.idle, cycle not in busy)
            await ctx.tick()

    async def see(ctx: Any) -> None:
        cycle = 0
        ports = (dut.i.valid & dut.i.ready, dut.load, dut.write, dut.blocks, dut.bank)
        async for _, _, taken, load, write, blocks, bank in ctx.tick().sample(*ports):
            if taken:
                seen.taken.append(cycle)
            if load.done or load.failed:
                assert bool(load.reason) == bool(load.failed) != bool(load.done)
                seen.ends.append((Reason(load.reason), cycle))
            if write.valid:
                assert write.bank == (1 - bank if plan(weights).options.storage.double else 0)
                fields = ("section", "address", "part", "data", "bank")
                seen.writes.append(tuple(int(write[name]) for name in fields))
            seen.loaded.append(load.loaded)
            seen.blocks.append(blocks)
            seen.bank.append(bank)
            cycle += 1

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_process(see)
    simulator.add_testbench(send)
    simulator.add_testbench(watch)
    simulator.run()
    return seen


@pytest.mark.parametrize("weights", ["ram", "double"])
@pytest.mark.parametrize("gap", [0, 2])
def test_a_good_image(weights: str, gap: int) -> None:
    seen = run(weights, good(weights), good(weights), gap=gap)
    assert [end for end, _ in seen.ends] == [Reason.NONE, Reason.NONE]
    found = sections(plan(weights))
    places = [
        (number, address, part)
        for number, section in enumerate(found)
        for address in range(section.depth)
        for part in range(section.parts)
    ]
    data = [word for word, _ in good(weights)[HEADER:-1]]
    banks = [1, 0] if plan(weights).options.storage.double else [0, 0]
    assert seen.writes == [
        (*place, word, bank) for bank in banks for place, word in zip(places, data, strict=True)
    ]
    first = seen.taken[: len(good(weights))]
    assert first[-1] - first[0] == (gap + 1) * (len(first) - 1)


def bad_images() -> dict[str, tuple[Image, Reason]]:
    words = [word for word, _ in good("ram")]
    wrong = dict(enumerate(words[:HEADER]))

    def header(place: int, value: int) -> Image:
        return summed([*{**wrong, place: value}.values(), *words[HEADER:-1]])

    found = {
        "no image": (header(0, 0), Reason.MISFIT),
        "version": (header(1, 2), Reason.MISFIT),
        "core": (header(2, words[2] ^ 1), Reason.MISFIT),
        "length more": (header(3, words[3] + 1), Reason.MISFIT),
        "length less": (header(3, words[3] - 1), Reason.MISFIT),
        "length 0": (header(3, 0), Reason.MISFIT),
        "one wrong word": ([(0, True)], Reason.MISFIT),
        "not marked": ([*((w, False) for w in words), (7, False), (8, True)], Reason.LONG),
        "a word too many": ([*((w, False) for w in words), (words[-1], True)], Reason.LONG),
    }
    for count in (1, 2, HEADER, HEADER + 1, len(words) - 1):
        found[f"{count} words"] = (
            [*((w, False) for w in words[: count - 1]), (words[count - 1], True)],
            Reason.SHORT,
        )
    for place in (HEADER, len(words) // 2, len(words) - 2, len(words) - 1):
        flipped = [(w ^ (1 << 31) * (n == place), last) for n, (w, last) in enumerate(good("ram"))]
        found[f"flipped in {place}"] = (flipped, Reason.CRC)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["ram", "double"])
def test_bad_images_and_a_good_one_behind_each(weights: str) -> None:
    right, named = good(weights), bad_images()
    seen = run(weights, right, *(image for bad, _ in named.values() for image in (bad, right)))
    ends = [end for _, reason in named.values() for end in (reason, Reason.NONE)]
    assert [end for end, _ in seen.ends] == [Reason.NONE, *ends]
    place = len(right)
    for number, (name, (bad, reason)) in enumerate(named.items()):
        (_, first), (_, failed), (_, again) = seen.ends[2 * number : 2 * number + 3]
        kept = weights == "double" or reason is Reason.MISFIT or len(bad) <= HEADER
        third = seen.taken[place + len(bad)]
        assert all(seen.loaded[first:third]) if kept else not any(seen.loaded[failed:again]), name
        assert seen.loaded[again], name
        place += len(bad) + len(right)
    assert len(seen.taken) == place


@pytest.mark.parametrize("weights", ["ram", "double"])
def test_it_waits_for_the_core(weights: str) -> None:
    """With one bank before the first word, with two before the set becomes active."""
    seen = run(weights, good(weights), busy=range(100))
    (end,) = seen.ends
    assert end[0] is Reason.NONE
    assert end[1] > 100
    assert (seen.taken[0] > 100) == (weights == "ram")
    assert seen.bank[-1] == (weights == "double")


def test_blocks() -> None:
    """Nothing may pass while one bank changes; two are changed in one cycle."""
    one, two = (run(weights, good(weights), good(weights)) for weights in ("ram", "double"))
    length = len(good("ram"))
    begin = one.taken[length]
    assert all(one.blocks[begin : one.ends[1][1]])
    between = two.blocks[two.ends[0][1] : two.ends[1][1] + 1]
    assert sum(between) == 1
