"""The core that buffers sequences: words and cycles, reverse and bidirectional layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Fragment

from golden.quantized import QuantizedNetwork
from hdl import cycles
from hdl.core import Core
from hdl.cycles.sequences import SweptRun
from hdl.sequence.sequence_core import SequenceCore, core_of
from tests.hdl.sequence.networks import (
    STEPS,
    expected,
    plan_of,
    send,
    sequences_of,
    turned,
    windowed,
)
from tests.hdl.simulate import run
from tests.networks import Recipe, quantized_network

pytestmark = pytest.mark.slow

PATIENCE = 5000


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize(
    ("drawn", "seed"), [(turned, 0), (turned, 2), (windowed, 3), (windowed, 4)]
)
def test_words_and_cycles(
    drawn: Callable[[int], QuantizedNetwork], seed: int, every_step: bool
) -> None:
    """Sequences of all lengths, one of which is cut."""
    plan = plan_of(drawn(seed), every_step=every_step)
    core = core_of(plan, watched=True)
    assert isinstance(core, SequenceCore)
    least = plan.network.first + 1
    lengths = (least, STEPS, STEPS + 2, least, STEPS)
    sequences = sequences_of(plan.network, *lengths)
    words = [word for sequence in sequences for word in expected(plan, sequence)]
    now, told = 0, 0
    found: list[int] = []
    taken: list[int] = []
    given: list[int] = []

    async def source(ctx: Any) -> None:
        await send(ctx, core.i, sequences, lambda: taken.append(now - 1))

    async def sink(ctx: Any) -> None:
        nonlocal now, told
        ctx.set(core.o.ready, 1)
        while len(found) < len(words) and now < PATIENCE:
            _, _, valid, word, overlong = await ctx.tick().sample(
                core.o.valid, core.o.payload, core.overlong
            )
            now, told = now + 1, told + overlong
            if valid:
                found.append(word.data)
                given.append(now - 1)

    run(core, sink, background=source)
    assert found == words
    assert told == 1
    timing = cycles.count(plan, lengths)
    assert (given, taken) == (timing.outputs.tolist(), timing.inputs.tolist())


@pytest.mark.parametrize("seed", range(8))
def test_what_repeats_is_counted_at_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the cycles of counting step by step; every operation is counted."""
    plan = plan_of(turned(seed), max_steps=60, every_step=seed % 2 == 1)
    whole, steady = cycles.count(plan, [60, 1, 60]), cycles.steady_state(plan)
    monkeypatch.setattr(SweptRun, "_situation", lambda _: object())
    slow = cycles.count(plan, [60, 1, 60])
    assert (whole.outputs == slow.outputs).all()
    assert (whole.inputs == slow.inputs).all()
    assert (whole.end, whole.issued, whole.waited) == (slow.end, slow.issued, slow.waited)
    assert whole.issued == sum(
        plan.work.macs(single) * (3 if phase.once else 121)
        for phase in plan.sweeps.phases
        for sweep in phase.sweeps
        for single in plan.work.passes
        if single.layer == sweep.layer
    )
    assert steady.cycles_per_step == -(-cycles.cycles_per_sequence(plan, 60) // 60)
    assert 0 < steady.utilization < 1


def test_forward_networks_have_the_core_alone() -> None:
    core = core_of(plan_of(quantized_network(Recipe(outputs=None), 1), max_steps=0))
    assert isinstance(core, Core)
    Fragment.get(core, None)
