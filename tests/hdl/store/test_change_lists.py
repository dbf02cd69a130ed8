"""Data sheet of the lists of changes: which elements make entries, and when these count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.cells import GRU
from golden.thresholds import Thresholds
from hdl.layout.changes import AHEAD
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.store.change_lists import ChangeLists
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

UNITS = (5, 3)


def make(threshold: int) -> ChangeLists:
    """Lists of h of two layers, whose columns are of 2, 3 or 4 words: factors 1 and 3."""
    recipe = Recipe(inputs=2, units=UNITS, outputs=None, cells=(GRU(), GRU()))
    network = quantized_network(recipe, 1)
    network = replace(network, thresholds=Thresholds.of(network, h=threshold))
    plan = Plan(network=network, options=CoreOptions(lanes=2, delta=True))
    return ChangeLists(plan=plan, name="h")


async def write(ctx: Any, lists: ChangeLists, layer: int, words: list[int], *, fresh: bool) -> None:
    """Restart a layer's list and write its vector, an element per cycle."""
    ctx.set(lists.restart, 1 << layer)
    await ctx.tick()
    ctx.set(lists.restart, 0)
    assert ctx.get(lists.count[layer]) == 0
    assert not (ctx.get(lists.complete) >> layer) & 1
    first = sum(UNITS[:layer])
    for cycle in range(len(words) + AHEAD):
        if cycle < len(words):
            element = {"valid": 1, "unit": first + cycle, "list": layer, "fresh": fresh}
            ends = {"begin": cycle == 0, "last": cycle == len(words) - 1}
            ctx.set(lists.element, {**element, **ends})
        else:
            ctx.set(lists.element, {"valid": 0})
        if cycle >= AHEAD:
            ctx.set(lists.word, words[cycle - AHEAD])
        await ctx.tick()


async def entries(ctx: Any, lists: ChangeLists, layer: int) -> list[tuple[int, int, int]]:
    """Read a complete list: each entry's difference and places."""
    found = []
    for place in range(ctx.get(lists.count[layer])):
        ctx.set(lists.asked, {"list": layer, "place": place})
        await ctx.tick()
        entry = ctx.get(lists.entry)
        found.append((entry.difference, entry.times1, entry.times3))
    return found


@pytest.mark.parametrize("threshold", [0, 9])
def test_lists_of_what_changed(threshold: int) -> None:
    """Two layers' vectors in turns, now and then of a new sequence, against values last sent."""
    lists, rng = make(threshold), np.random.default_rng(threshold)
    sent = [np.zeros(units, np.int64) for units in UNITS]

    async def bench(ctx: Any) -> None:
        words = [np.zeros(units, np.int64) for units in UNITS]
        for turn in range(24):
            layer, fresh = turn % 2, turn < 2 or rng.random() < 0.2
            drawn = rng.integers(-127, 128, size=UNITS[layer])
            stays = rng.random(UNITS[layer]) < rng.choice([0.3, 0.9])
            near = words[layer] // 2 * 2 + rng.integers(0, 2)
            words[layer] = np.where(stays, near if turn % 3 else words[layer], drawn)
            before = np.zeros_like(sent[layer]) if fresh else sent[layer]
            difference = words[layer] - before
            changed = np.abs(difference) > threshold
            sent[layer] = np.where(changed, words[layer], before)
            await write(ctx, lists, layer, words[layer].tolist(), fresh=fresh)
            await ctx.tick().repeat(ChangeLists.COUNTED - 2)
            assert not (ctx.get(lists.complete) >> layer) & 1
            await ctx.tick()
            assert (ctx.get(lists.complete) >> layer) & 1
            want = [(int(difference[n]), n, 3 * n) for n in np.flatnonzero(changed).tolist()]
            last = UNITS[layer] - 1
            assert await entries(ctx, lists, layer) == (want or [(0, last, 3 * last)])

    run(lists, bench)


def test_an_entry_counts_once_another_follows() -> None:
    """Only with the next entry, or at the end, is it known whether an entry is the last."""
    lists = make(0)

    async def bench(ctx: Any) -> None:
        await write(ctx, lists, 1, [5, 0, 7], fresh=True)
        ctx.set(lists.restart, 2)
        await ctx.tick()
        ctx.set(lists.restart, 0)
        counts = []
        for cycle in range(10):
            step, unit = divmod(cycle, 2)
            if step < 3 and not unit:
                ends = {"begin": step == 0, "last": step == 2}
                ctx.set(lists.element, {"valid": 1, "unit": 5 + step, "list": 1, **ends})
            else:
                ctx.set(lists.element, {"valid": 0})
            ctx.set(lists.word, (0, 0, 6, 6, 6, 6, 7)[min(cycle, 6)])
            await ctx.tick()
            counts.append((ctx.get(lists.count[1]), ctx.get(lists.complete) >> 1))
        # Words come in cycles 2, 4 and 6: 0 for 5, 6 for 0, and 7 as before.
        counted = ChangeLists.COUNTED - 1
        assert counts[2 + counted] == (0, 0)
        assert counts[4 + counted] == (1, 0)
        assert counts[6 + counted] == (2, 1)

    run(lists, bench)
