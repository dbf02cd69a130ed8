"""Data sheet of a loaded memory: only its own section's words, two banks, one cycle or none."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from golden.cells import LiteLSTM
from hdl.layout.weight_image import sections
from hdl.loading.loaded_memory import LoadedMemory
from hdl.loading.loader import section_of
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network


def plan(weights: str) -> Plan:
    recipe = Recipe(units=(6,), inputs=2, cells=(LiteLSTM(),), weight_width=9)
    options = CoreOptions(lanes=2, storage=Storage(weights=weights))
    return Plan(network=quantized_network(recipe, 1), options=options)


async def load(ctx: Any, memory: Any, section: int, words: list[int], *, bank: int) -> None:
    """Write words, each in parts of 32 bits, as the loader does; they have their places' order."""
    for address, word in enumerate(words):
        for part in range(sections(memory.plan)[section].parts):
            data = word >> 32 * part & 0xFFFF_FFFF
            beat = {"valid": 1, "section": section, "address": address, "part": part}
            ctx.set(memory.write, beat | {"data": data, "bank": bank})
            await ctx.tick()
    ctx.set(memory.write, {"valid": 0})


@pytest.mark.parametrize("weights", ["ram", "double"])
@pytest.mark.parametrize(("name", "table"), [("passes", False), ("passes", True), ("bias1", False)])
def test_words_of_its_section(name: str, table: bool, weights: str) -> None:
    """Another section's words leave it alone, and so does the bank that is not active."""
    memory, random = LoadedMemory(plan=plan(weights), section=name, table=table), Random(1)
    mine, other = section_of(memory.plan, name), section_of(memory.plan, "bias0")
    found = sections(memory.plan)[mine]
    words = [random.getrandbits(found.width) for _ in range(found.depth)]
    later = [random.getrandbits(found.width) for _ in range(found.depth)]
    banks = weights == "double"

    async def check(ctx: Any, want: list[int]) -> None:
        """Read a word per cycle, from the last to the first."""
        for address in reversed(range(len(want))):
            ctx.set(memory.address, address)
            if not table:
                await ctx.tick()
            assert ctx.get(memory.data) == want[address]
            if table:
                assert ctx.get(memory.first) == want[0]

    async def bench(ctx: Any) -> None:
        assert found.parts == (1 if name == "bias1" else 2)
        await load(ctx, memory, mine, words, bank=0)
        await load(ctx, memory, other, [random.getrandbits(32) for _ in words], bank=0)
        await check(ctx, words)
        await load(ctx, memory, mine, later, bank=1)
        await check(ctx, words if banks else later)
        ctx.set(memory.bank, 1)
        await check(ctx, later)

    run(memory, bench)
