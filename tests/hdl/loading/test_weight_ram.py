"""Data sheet of the weights' RAM: written in parts, read whole, one port or two banks."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from hdl.layout.weight_image import sections
from hdl.loading.loader import section_of
from hdl.loading.weight_ram import WeightRam
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network


def make(weights: str) -> WeightRam:
    """Words of 5 lanes and 9 bits: two parts."""
    network = quantized_network(Recipe(units=(5,), inputs=2, weight_width=9), 1)
    storage = Storage(weights=weights)
    return WeightRam(plan=Plan(network=network, options=CoreOptions(lanes=5, storage=storage)))


def random_words(ram: WeightRam, seed: int) -> list[int]:
    random = Random(seed)
    return [random.getrandbits(5 * 9) for _ in range(ram.plan.sizes.weight_words)]


async def load(ctx: Any, ram: WeightRam, words: list[int], *, bank: int) -> None:
    number = section_of(ram.plan, "weights")
    assert sections(ram.plan)[number].parts == 2
    for address, word in enumerate(words):
        for part in (0, 1):
            data = word >> 32 * part & 0xFFFF_FFFF
            beat = {"valid": 1, "section": number, "address": address, "part": part}
            ctx.set(ram.write, beat | {"data": data, "bank": bank})
            await ctx.tick()
    # Words of another section, and words that are not valid, are not for this memory.
    for valid, section in ((1, 0), (0, number)):
        ctx.set(ram.write, {"valid": valid, "section": section, "data": 0x5A5A5A5A, "bank": bank})
        await ctx.tick()
    ctx.set(ram.write, {"valid": 0})


async def check(ctx: Any, ram: WeightRam, words: list[int]) -> None:
    """Read a word per cycle, each a cycle after its address."""
    for address in reversed(range(len(words))):
        ctx.set(ram.address, address)
        await ctx.tick()
        assert ctx.get(ram.data) == words[address]


def test_one_bank_has_one_port() -> None:
    """The loader's while it owns it: what is read then stays as it was."""
    ram = make("ram")
    words, later = random_words(ram, 1), random_words(ram, 2)

    async def bench(ctx: Any) -> None:
        for written in (words, later):
            ctx.set(ram.owns, 1)
            await load(ctx, ram, written, bank=0)
            ctx.set(ram.owns, 0)
            await check(ctx, ram, written)
            ctx.set(ram.owns, 1)
            ctx.set(ram.address, 1)
            ctx.set(ram.write, {"valid": 0, "address": 1})
            await ctx.tick()
            assert ctx.get(ram.data) == written[0]

    run(ram, bench)


@pytest.mark.parametrize("bank", [0, 1])
def test_one_of_two_banks_is_read_while_the_other_is_written(bank: int) -> None:
    ram = make("double")
    words, later = random_words(ram, 1), random_words(ram, 2)

    async def write(ctx: Any) -> None:
        await load(ctx, ram, words, bank=bank)
        await load(ctx, ram, later, bank=1 - bank)

    async def read(ctx: Any) -> None:
        ctx.set(ram.bank, bank)
        await ctx.tick().repeat(2 * len(words) + 2)
        await check(ctx, ram, words)
        await ctx.tick().repeat(2 * len(words) + 2)
        await check(ctx, ram, words)
        ctx.set(ram.bank, 1 - bank)
        await check(ctx, ram, later)

    run(ram, write, read)
