"""The operand store: banks of x, ready counters, reads and writes at the same time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from hdl.layout.vectors import Operand, WindowOperand
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.store.operand_store import OperandStore
from hdl.timing.latency import ANNOUNCED
from tests.hdl.simulate import PERIOD
from tests.networks import Recipe, quantized_network


def make(
    *, inputs: int = 3, units: tuple[int, ...] = (4, 2), x_width: int = 6, **changes: Any
) -> OperandStore:
    """A store of x and h of ``x_width`` bits and c of 8."""
    recipe = Recipe(
        inputs=inputs, units=units, activation_width=x_width, **{"state_width": 8, **changes}
    )
    return OperandStore(
        plan=Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=1))
    )


def run(store: OperandStore, *benches: Any) -> None:
    sim = Simulator(store)
    sim.add_clock(PERIOD)
    for bench in benches:
        sim.add_testbench(bench)
    sim.run()


async def send(ctx: Any, store: OperandStore, value: int, *, last: bool = False) -> None:
    """Offer one element until it is taken."""
    ctx.set(store.i.valid, 1)
    ctx.set(store.i.payload, {"data": value, "last": last})
    await ctx.tick().until(store.i.ready)
    ctx.set(store.i.valid, 0)


async def read(ctx: Any, store: OperandStore, operand: Any, address: int) -> int:
    """Read one element; it is there two cycles later."""
    ctx.set(store.read_operand, operand)
    ctx.set(store.read_address, address)
    await ctx.tick().repeat(2)
    return ctx.get(store.read_data)


def arrived(ctx: Any, store: OperandStore) -> int:
    """Elements of the current step's input that can be read."""
    return store.plan.network.inputs if ctx.get(store.x_whole) else ctx.get(store.x_ready)


async def release(ctx: Any, store: OperandStore) -> None:
    ctx.set(store.x_releasing, 1)
    await ctx.tick()
    ctx.set(store.x_releasing, 0)
    ctx.set(store.x_release, 1)
    await ctx.tick()
    ctx.set(store.x_release, 0)


@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 5])
def test_elements_can_be_read_as_soon_as_they_count(inputs: int) -> None:
    store = make(inputs=inputs, units=(1,))

    async def bench(ctx: Any) -> None:
        assert arrived(ctx, store) == 0
        for index in range(inputs):
            await send(ctx, store, -index - 1)
            assert arrived(ctx, store) == index + 1
            assert await read(ctx, store, Operand.X, index) == -index - 1
        for index in range(inputs):
            assert await read(ctx, store, Operand.X, index) == -index - 1

    run(store, bench)


@pytest.mark.parametrize("inputs", [1, 3, 4])
def test_two_banks_and_no_more(inputs: int) -> None:
    """A second step arrives beside the first; a third waits until the first is released."""
    store = make(inputs=inputs, units=(1,))

    async def bench(ctx: Any) -> None:
        for step in range(2):
            for index in range(inputs):
                assert ctx.get(store.i.ready)
                await send(ctx, store, 10 * step + index, last=step == 1 and index == inputs - 1)
        assert not ctx.get(store.i.ready)
        ctx.set(store.i.valid, 1)  # not taken
        ctx.set(store.i.payload, {"data": -7, "last": 0})
        for _ in range(3):
            assert not ctx.get(store.i.ready)
            await ctx.tick()
        ctx.set(store.i.valid, 0)
        assert arrived(ctx, store) == inputs
        assert not ctx.get(store.x_step.last)
        values = [await read(ctx, store, Operand.X, index) for index in range(inputs)]
        assert values == [*range(inputs)]

        await release(ctx, store)
        assert ctx.get(store.i.ready)
        assert arrived(ctx, store) == inputs  # the second step, whole
        assert ctx.get(store.x_step.last)
        await send(ctx, store, -1, last=True)  # into the bank that was released
        values = [await read(ctx, store, Operand.X, index) for index in range(inputs)]
        assert values == [10 + index for index in range(inputs)]
        assert ctx.get(store.x_step.last)

        await release(ctx, store)
        assert arrived(ctx, store) == 1
        assert await read(ctx, store, Operand.X, 0) == -1
        for index in range(1, inputs):
            await send(ctx, store, -1 - index, last=False)
        assert arrived(ctx, store) == inputs
        assert ctx.get(store.x_step.last) == (inputs == 1)

    run(store, bench)


def test_only_the_last_beat_of_a_step_says_whether_it_is_the_last() -> None:
    store = make()

    async def bench(ctx: Any) -> None:
        # Each of the two banks sees both, one after the other.
        for flags in ([1, 1, 0], [0, 0, 1], [1, 1, 1], [1, 0, 0], [0, 1, 0], [1, 0, 1]):
            for value, last in enumerate(flags):
                await send(ctx, store, value, last=bool(last))
            assert ctx.get(store.x_step.last) == flags[-1]
            await release(ctx, store)

    run(store, bench)


def test_a_step_completes_in_the_cycle_in_which_another_is_released() -> None:
    store = make()

    async def bench(ctx: Any) -> None:
        for value in range(3):
            await send(ctx, store, value)
        await send(ctx, store, 10)
        ctx.set(store.x_releasing, 1)
        await send(ctx, store, 11)
        ctx.set(store.x_releasing, 0)
        ctx.set(store.x_release, 1)
        await send(ctx, store, 12, last=True)
        ctx.set(store.x_release, 0)
        assert arrived(ctx, store) == 3
        assert ctx.get(store.x_step.last)
        assert ctx.get(store.i.ready)
        assert [await read(ctx, store, Operand.X, n) for n in range(3)] == [10, 11, 12]

    run(store, bench)


def test_steps_stream_through_without_a_gap() -> None:
    """Elements are offered in every cycle and released as soon as a step was read."""
    store = make(inputs=4, x_width=12)
    steps = np.random.default_rng(1).integers(-2048, 2048, size=(12, 4))
    got: list[list[int]] = []

    async def producer(ctx: Any) -> None:
        for step in steps.tolist():
            for value in step:
                await send(ctx, store, value)

    async def consumer(ctx: Any) -> None:
        while len(got) < len(steps):
            await ctx.tick().until(store.x_whole)
            got.append([await read(ctx, store, Operand.X, n) for n in range(4)])
            await release(ctx, store)

    run(store, producer, consumer)
    assert got == steps.tolist()


def test_a_first_step_reads_the_first_state() -> None:
    """h of layer 1 and c of layer 0 have one; others are zero."""
    recipe = Recipe(inputs=3, units=(4, 2), activation_width=6, state_width=8)
    network = quantized_network(recipe, 1)
    first, second, *rest = network.layers
    c, h = [5, -128, 0, 127], [-32, 31]
    first = replace(first, first={"c": np.array(c)})
    second = replace(second, first={"h": np.array(h)})
    network = replace(network, layers=(first, second, *rest))
    store = OperandStore(plan=Plan(network=network, options=CoreOptions(lanes=1)))
    reads = {(Operand.C, n): v for n, v in enumerate([*c, 0, 0])}
    reads |= {(Operand.H, n): v for n, v in enumerate([0, 0, 0, 0, *h])}

    async def bench(ctx: Any) -> None:
        got: list[int] = []
        for operand, address in reads:  # one per cycle
            ctx.set(store.read_operand, operand)
            ctx.set(store.read_address, address)
            ctx.set(store.read_zero, 1)
            await ctx.tick()
            got.append(ctx.get(store.read_data))
        ctx.set(store.read_zero, 0)
        await ctx.tick()
        got.append(ctx.get(store.read_data))
        assert got[1:] == [*reads.values()]
        await ctx.tick()
        assert ctx.get(store.read_data) == 0  # the memory's word

    run(store, bench)


async def write(ctx: Any, port: Any, *, layer: int, address: int, value: int) -> None:
    """Write like the state update: first the announcement, some cycles later the word."""
    ctx.set(port.announce, 1)
    ctx.set(port.layer, layer)
    await ctx.tick()
    ctx.set(port.announce, 0)
    await ctx.tick().repeat(ANNOUNCED - 1)
    ctx.set(port.valid, 1)
    ctx.set(port.address, address)
    ctx.set(port.data, value)
    await ctx.tick()
    ctx.set(port.valid, 0)


def counts(ctx: Any, store: OperandStore) -> list[list[int]]:
    """Ready units of h and of c, for each layer."""
    layers = range(len(store.plan.network.body))
    return [[ctx.get(store.ready[f"{name}{n}"]) for n in layers] for name in ("h", "c")]


def test_ready_counters_begin_full_and_restart_at_zero() -> None:
    store = make()

    async def bench(ctx: Any) -> None:
        assert counts(ctx, store) == [[4, 2], [4, 2]]
        ctx.set(store.restart, 0b01)
        await ctx.tick()
        ctx.set(store.restart, 0)
        assert counts(ctx, store) == [[0, 2], [0, 2]]
        for unit in range(4):
            await write(ctx, store.write_c, layer=0, address=unit, value=unit)
            assert counts(ctx, store) == [[unit, 2], [unit + 1, 2]]
            await write(ctx, store.write_h, layer=0, address=unit, value=unit)
            assert counts(ctx, store) == [[unit + 1, 2], [unit + 1, 2]]
        ctx.set(store.restart, 0b10)
        await ctx.tick()
        ctx.set(store.restart, 0)
        assert counts(ctx, store) == [[4, 0], [4, 0]]
        await write(ctx, store.write_h, layer=1, address=4, value=0)
        assert counts(ctx, store) == [[4, 1], [4, 0]]

    run(store, bench)


def test_an_announcement_counts_at_once_and_is_read_when_it_is_written() -> None:
    """Announced in cycle 0, counted in 1, written in 4; a read in 5 shows the word in 7."""
    store = make()

    async def bench(ctx: Any) -> None:
        ctx.set(store.restart, 0b011)
        await ctx.tick()
        ctx.set(store.restart, 0)
        ctx.set(store.write_h.announce, 1)
        await ctx.tick()
        ctx.set(store.write_h.announce, 0)
        assert ctx.get(store.ready["h0"]) == 1
        await ctx.tick().repeat(ANNOUNCED - 1)
        ctx.set(store.write_h.valid, 1)
        ctx.set(store.write_h.address, 0)
        ctx.set(store.write_h.data, -9)
        await ctx.tick()
        ctx.set(store.write_h.valid, 0)
        assert await read(ctx, store, Operand.H, 0) == -9

    run(store, bench)


def test_memories_are_apart_and_signs_are_kept() -> None:
    """One address in x, h and c, all layers' units, and the update's own port of c."""
    store = make()
    h = [-16, 15, 0, -1, 7, -8]
    c = [-128, 127, 1, -2, 64, -65]

    async def bench(ctx: Any) -> None:
        for index, value in enumerate((-32, 31, -5)):
            await send(ctx, store, value)
            assert await read(ctx, store, Operand.X, index) == value
        for unit in range(6):
            layer = int(unit >= 4)
            await write(ctx, store.write_h, layer=layer, address=unit, value=h[unit])
            await write(ctx, store.write_c, layer=layer, address=unit, value=c[unit])
        assert [await read(ctx, store, Operand.X, n) for n in range(3)] == [-32, 31, -5]
        assert [await read(ctx, store, Operand.H, n) for n in range(6)] == h
        for unit in range(6):
            ctx.set(store.state_address, 5 - unit)
            assert await read(ctx, store, Operand.C, unit) == c[unit]
            assert (ctx.get(store.state_h), ctx.get(store.state_c)) == (h[5 - unit], c[5 - unit])

    run(store, bench)


def test_zero_may_be_read_instead() -> None:
    store = make()

    async def bench(ctx: Any) -> None:
        await write(ctx, store.write_h, layer=0, address=2, value=-3)
        ctx.set(store.read_zero, 1)
        assert await read(ctx, store, Operand.H, 2) == 0
        ctx.set(store.read_zero, 0)
        assert await read(ctx, store, Operand.H, 2) == -3

    run(store, bench)


def test_operands_change_from_cycle_to_cycle() -> None:
    store = make()

    async def bench(ctx: Any) -> None:
        await send(ctx, store, 11)
        await write(ctx, store.write_h, layer=0, address=0, value=-12)
        await write(ctx, store.write_c, layer=0, address=0, value=113)
        rng = np.random.default_rng(0)
        want = {Operand.X: 11, Operand.H: -12, Operand.C: 113}
        expected = []
        for index in rng.integers(3, size=40):
            operand = [*want][index]
            zero = bool(rng.random() < 0.3)
            ctx.set(store.read_operand, operand)
            ctx.set(store.read_address, 0)
            ctx.set(store.read_zero, zero)
            await ctx.tick()
            expected.append(0 if zero else want[operand])
            if len(expected) > 1:
                assert ctx.get(store.read_data) == expected[-2]

    run(store, bench)


def test_a_network_that_does_not_multiply_c_keeps_it_for_the_state_update() -> None:
    store = make(peephole="none", state_width=16)
    assert len(store.read_data) == 6

    async def bench(ctx: Any) -> None:
        await write(ctx, store.write_c, layer=0, address=3, value=-30000)
        ctx.set(store.state_address, 3)
        await ctx.tick()
        assert ctx.get(store.state_c) == -30000

    run(store, bench)


def test_h_of_earlier_steps() -> None:
    """Kept words can be read until as many steps later; h of the other layer is not kept."""
    chain = quantized_network(Recipe(inputs=3, units=(3, 2), activation_width=6), 1)
    layers = (chain.layers[0], replace(chain.layers[1], sources=(1,), lags=(2,)), *chain.layers[2:])
    network = replace(chain, layers=layers)
    store = OperandStore(plan=Plan(network=network, options=CoreOptions(lanes=1)))

    async def bench(ctx: Any) -> None:
        for turn in range(6):
            for unit in range(5):
                word = {"valid": 1, "address": unit, "data": 5 * turn + unit - 9, "turn": turn % 4}
                for name, value in {**word, "kept": unit < 3}.items():
                    ctx.set(getattr(store.write_h, name), value)
                await ctx.tick()
            ctx.set(store.write_h.valid, 0)
            for back in range(min(turn, 2) + 1):
                ctx.set(store.read_turn, (turn - back) % 4)
                for unit in range(3):
                    word = await read(ctx, store, WindowOperand.PAST, unit)
                    assert word == 5 * (turn - back) + unit - 9
            assert await read(ctx, store, WindowOperand.H, 4) == 5 * turn + 4 - 9

    run(store, bench)
