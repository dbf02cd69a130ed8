"""Data sheet of the state update: sums in, h, c and results out, bit for bit and on time."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from golden.cells import GRU, LSTM, RNN, Cell
from golden.model import IntegerModel
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.timing.latency import ANNOUNCED, drain_latency
from hdl.update.state_update import StateUpdate
from hdl.update.unit_dispatch import UnitDispatch
from tests.hdl.simulate import run
from tests.networks import Recipe, input_words, quantized_network

UNITS, LANES = 3, 2
ROWS = [
    {"job": 0, "row": 0, "units": 1, "begin": 1, "last": 0, "emit": 1, "zero": 1, "final": 1},
    {"job": 0, "row": 1, "units": 0, "begin": 0, "last": 1, "emit": 1, "zero": 1, "final": 1},
]


def sums_of(plan: Plan, x: Any) -> Any:
    """Exact sums W x of a first step, by gate and unit; h and c before it are zero."""
    layer = plan.network.layers[0]
    return [layer.weights[f"W_{gate.name}x"] @ x for gate in layer.cell.gates]


@pytest.mark.parametrize("tail", [0, 2])
@pytest.mark.parametrize("cell", [LSTM(), RNN()], ids=["lstm", "rnn"])
def test_one_step(cell: Cell, tail: int) -> None:
    """Written when ``plan.update_cost`` says, announced ``ANNOUNCED`` cycles before."""
    recipe = Recipe(inputs=4, units=(UNITS,), outputs=None, cells=(cell,))
    network = quantized_network(recipe, 3)
    plan = Plan(network=network, options=CoreOptions(lanes=LANES, tail_multipliers=tail))
    update = StateUpdate(plan=plan)
    x = input_words(network, batch=1, steps=1, seed=1)
    state = IntegerModel(network).run(x).layers[0]
    sums = sums_of(plan, x[0, 0])
    latency = drain_latency(deep=False)
    written: dict[str, list[tuple[int, int, int]]] = {name: [] for name in cell.state}
    announced: dict[str, list[int]] = {name: [] for name in cell.state}
    results: list[tuple[int, int]] = []

    async def shadow(ctx: Any) -> None:
        """Give each sum that is asked for, the drain's latency later."""
        answers = deque[list[int]]([[0] * plan.array.banks] * (latency - 1))
        while True:
            asked = [ctx.get(update.read[bank]) for bank in range(plan.array.banks)]
            await ctx.tick()
            units = [
                min(LANES * ask.row + ask.groups // 2 * plan.array.banks + bank, UNITS - 1)
                for bank, ask in enumerate(asked)
            ]
            gates = [min(ask.gate, len(sums) - 1) for ask in asked]
            answers.append([int(sums[g][u]) for g, u in zip(gates, units, strict=True)])
            for bank, value in enumerate(answers.popleft()):
                ctx.set(update.sums[bank], value)

    async def bench(ctx: Any) -> None:
        for name in cell.state:  # a first step does not look at them
            ctx.set(getattr(update, f"state_{name}"), 5)
        ctx.set(update.o.ready, 1)
        for cycle in range(160):
            ctx.set(update.row_done, cycle < len(ROWS))
            ctx.set(update.row, ROWS[min(cycle, 1)])
            for name in cell.state:
                write = getattr(update, f"write_{name}")
                if ctx.get(write.valid):
                    written[name].append((cycle, ctx.get(write.address), ctx.get(write.data)))
                if ctx.get(write.announce):
                    announced[name].append(cycle)
            if ctx.get(update.o.valid):
                results.append((ctx.get(update.o.payload.data), ctx.get(update.o.payload.last)))
            await ctx.tick()

    run(update, bench, background=shadow)
    for name in cell.state:
        assert [(unit, word) for _, unit, word in written[name]] == [
            *enumerate(state[name][0, 0].tolist())
        ]
        cycles = [cycle for cycle, _, _ in written[name]]
        assert cycles[0] == UnitDispatch.LATENCY + plan.update_cost.written[name]
        assert announced[name] == [cycle - ANNOUNCED for cycle in cycles]
        assert cycles[1] - cycles[0] == plan.update_cost.interval
    assert results == [(word, unit == 2) for unit, word in enumerate(state["h"][0, 0].tolist())]


def test_the_head_is_free_from_its_last_unit_on() -> None:
    network = quantized_network(Recipe(inputs=2, units=(2,), outputs=2, cells=(GRU(),)), 1)
    plan = Plan(network=network, options=CoreOptions(lanes=2))
    update = StateUpdate(plan=plan)
    head = len(plan.kinds) - 1

    async def bench(ctx: Any) -> None:
        assert ctx.get(update.head_free)
        ctx.set(update.head_start, 1)
        await ctx.tick()
        ctx.set(update.head_start, 0)
        for job in (0, head):
            assert not ctx.get(update.head_free)
            ctx.set(update.row_done, 1)
            ctx.set(update.row, {"job": job, "units": 1, "begin": 1, "last": 1})
            await ctx.tick()
            ctx.set(update.row_done, 0)
            await ctx.tick().repeat(30)
        assert ctx.get(update.head_free)

    run(update, bench)
