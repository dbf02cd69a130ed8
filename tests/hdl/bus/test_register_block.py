"""The registers over the access bus: every one's reset value, access and kind, counters exactly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.bus.register_block import RegisterBlock, field_name, own_registers
from hdl.bus.register_map import Field, Register
from hdl.bus.totals import FIRST, HALF, HALF_MASK, SLOT

CONSTANTS = {
    "CORE.HASH": 0x89ABCDEF,
    **{f"FEATURES.{name}": 1 for name in ("SETS", "KEEP", "STATE", "STREAMS", "BUS")},
    **{f"FEATURES.{name}": 0 for name in ("EVERY_STEP", "CLASSES", "TIGHT", "WINDOW")},
    "SIZES.INPUTS": 28,
    "SIZES.OUTPUTS": 10,
    "SHAPE.LAYERS": 2,
    "SHAPE.LANES": 16,
    "STATE_WORDS.WORDS": 256,
    "FORMATS.X_WIDTH": 8,
    "FORMATS.X_FRAC": 0xFF,
    "FORMATS.Y_WIDTH": 12,
    "FORMATS.Y_FRAC": 4,
    "STATUS.LOADED": 1,
}
MAP = own_registers()

Test = Callable[[Any, Any], Awaitable[None]]


def run(test: Test, **arguments: Any) -> None:
    block = RegisterBlock(constants=CONSTANTS, **arguments)
    simulator = Simulator(block)
    simulator.add_clock(1e-6)

    async def bench(sim: Any) -> None:
        await test(sim, block)

    simulator.add_testbench(bench)
    simulator.run()


async def access(
    sim: Any, block: Any, address: int, data: int | None = None, *, strobe: int = 15
) -> tuple[int, int]:
    """A read, or a write of ``data``: what was answered, and the error."""
    bus = block.access
    for signal, value in (
        (bus.request, 1),
        (bus.write, data is not None),
        (bus.address, address),
        (bus.data, data or 0),
        (bus.strobe, strobe),
    ):
        sim.set(signal, value)
    for _ in range(60):
        await sim.tick()
        if sim.get(bus.done):
            sim.set(bus.request, 0)
            answer = sim.get(bus.answer), sim.get(bus.error)
            await sim.tick()
            assert (sim.get(bus.answer), sim.get(bus.error), sim.get(bus.done)) == (*answer, 0)
            return answer
    raise AssertionError(f"no answer to {address:#x}")


def first_value(register: Register) -> int:
    """Value of a register after a reset, with all hardware inputs at 0."""

    def value(field: Field) -> int:
        constant = CONSTANTS.get(f"{register.name}.{field.name}")
        return (field.reset or 0) if constant is None else constant

    return sum(value(field) << field.low for field in register.fields)


def test_every_address_after_a_reset() -> None:
    async def test(sim: Any, block: Any) -> None:
        known = {register.address: register for register in MAP}
        for address in range(0, 256, 4):
            answer, error = await access(sim, block, address + address // 4 % 4)
            if address in known:
                assert (answer, error) == (first_value(known[address]), 0), hex(address)
            else:
                assert error == 1, hex(address)

    run(test)


def test_writes() -> None:
    """Fields that are written keep it; what is not writable is refused, and stays."""

    async def test(sim: Any, block: Any) -> None:
        random = Random(1)
        for register in MAP:
            word = random.getrandbits(32)
            _, error = await access(sim, block, register.address, word)
            assert error == (not register.writable)
            kept = [f for f in register.fields if f.writable and not f.pulse and not f.clears]
            if register.writable:
                mask = sum(field.mask for field in kept)
                expected = word & mask
            else:
                expected = first_value(register)
            assert await access(sim, block, register.address) == (expected, 0), register.name
            for field in kept:
                port = block.settings[field_name(register.name, field.name)]
                assert sim.get(port) == (word & field.mask) >> field.low
        for address in range(max(r.address for r in MAP) + 4, 256, 4):
            assert (await access(sim, block, address, 1))[1] == 1

    run(test)


def test_part_of_a_word_is_refused() -> None:
    async def test(sim: Any, block: Any) -> None:
        for strobe in range(1, 15):
            assert (await access(sim, block, 0x28, 0x1234, strobe=strobe))[1] == 1
            assert await access(sim, block, 0x28) == (0, 0)
            assert (await access(sim, block, 0x38, 0x7F, strobe=strobe))[1] == 1

    run(test)


def test_a_write_of_no_byte_does_nothing() -> None:
    """At every address, also where nothing can be written: no error, and every register stays."""

    async def test(sim: Any, block: Any) -> None:
        await access(sim, block, 0x28, 7)
        for port in (block.facts.errors_early_last, block.facts.irq_status_result):
            sim.set(port, 1)
            await sim.tick()
            sim.set(port, 0)
        before = {r.address: await access(sim, block, r.address) for r in MAP if r.readable}
        for address in range(0, 256, 4):
            assert (await access(sim, block, address, 0xFFFFFFFF, strobe=0))[1] == 0, hex(address)
            assert not sim.get(block.refused)
        for address, answer in before.items():
            assert await access(sim, block, address) == answer, hex(address)

    run(test)


def test_absent_fields_are_zero() -> None:
    async def test(sim: Any, block: Any) -> None:
        assert "errors_state" not in block.facts.shape().members
        assert await access(sim, block, 0x2C, 0xFFFF) == (0, 0)
        assert await access(sim, block, 0x2C) == (0x6FF, 0)
        assert sim.get(block.settings.sequence_keep) == 0

    run(test, absent=["SEQUENCE.KEEP", "ERRORS.STATE"])


def test_a_pulse_comes_with_what_is_written_beside_it() -> None:
    async def test(sim: Any, block: Any) -> None:
        bus = block.access
        for signal, value in ((bus.request, 1), (bus.write, 1), (bus.address, 0x20)):
            sim.set(signal, value)
        sim.set(bus.strobe, 15)
        sim.set(bus.data, 0b111)
        pulses = []
        for _ in range(6):
            await sim.tick()
            if sim.get(bus.done):
                sim.set(bus.request, 0)
            if sim.get(block.settings.control_reset):
                settings = block.settings
                beside = settings.control_enable, settings.control_clear_counters, bus.done
                pulses.append(tuple(sim.get(port) for port in beside))
        assert pulses == [(1, 1, 1)]

    run(test)


@pytest.mark.parametrize("name", ["IRQ_STATUS", "ERRORS"])
def test_events_stay_until_cleared(name: str) -> None:
    register = next(register for register in MAP if register.name == name)

    async def test(sim: Any, block: Any) -> None:
        for field in register.fields:
            port = block.facts[field_name(name, field.name)]
            sim.set(port, 1)
            await sim.tick()
            sim.set(port, 0)
            assert await access(sim, block, register.address) == (field.mask, 0)
            others = ~field.mask & 0xFFFFFFFF
            await access(sim, block, register.address, others)
            assert await access(sim, block, register.address) == (field.mask, 0)
            # What happens while it is cleared stays.
            sim.set(port, 1)
            await access(sim, block, register.address, field.mask)
            sim.set(port, 0)
            assert await access(sim, block, register.address) == (field.mask, 0)
            await access(sim, block, register.address, field.mask)
            assert await access(sim, block, register.address) == (0, 0)

    run(test)


COUNTERS = [register for register in MAP if register.fields[0].counter]


def test_counters_are_exact() -> None:
    """Events at random, two at once where that may be; reads and clears in between."""
    counted = [r for r in COUNTERS if r.name != "CYCLES_HIGH"]
    most = {"PROTOCOL_ERRORS": 2, "DROPPED": 3}

    async def test(sim: Any, block: Any) -> None:
        random = Random(7)
        ports = {r.name: block.facts[field_name(r.name, "COUNT")] for r in counted}
        for _ in range(6):
            totals = dict.fromkeys(ports, 0)
            await access(sim, block, 0x20, 0b100)
            for _ in range(random.randint(1, 400)):
                for name, port in ports.items():
                    event = random.randint(0, most.get(name, 1))
                    sim.set(port, event)
                    totals[name] += event
                await sim.tick()
            for port in ports.values():
                sim.set(port, 0)
            await sim.tick().repeat(block.totals.round)
            for register in random.sample(counted, len(counted)):
                got = await access(sim, block, register.address)
                assert got == (totals[register.name], 0), register.name
            assert await access(sim, block, 0x44) == (0, 0)

    run(test, most=most)


def test_a_counter_that_is_read_is_a_round_behind_at_most() -> None:
    async def test(sim: Any, block: Any) -> None:
        sim.set(block.facts.cycles_count, 1)
        sim.set(block.facts.steps_count, 1)
        before = 0
        random = Random(3)
        cycle = 0

        async def read(address: int) -> int:
            nonlocal cycle
            bus = block.access
            for signal, value in ((bus.request, 1), (bus.write, 0), (bus.address, address)):
                sim.set(signal, value)
            while True:
                await sim.tick()
                cycle += 1
                if sim.get(bus.done):
                    sim.set(bus.request, 0)
                    await sim.tick()
                    cycle += 1
                    return sim.get(bus.answer)

        for _ in range(60):
            value = await read(random.choice([0x40, 0x48]))
            assert cycle - block.totals.round - 5 <= value <= cycle
            assert value >= before or value + block.totals.round >= before
            before = value
            for _ in range(random.randint(0, 5)):
                await sim.tick()
                cycle += 1

    run(test)


@pytest.mark.slow
def test_both_halves_of_a_long_counter_go_together() -> None:
    """Around a wrap of the lower half, in every cycle that a read may begin in."""

    async def test(sim: Any, block: Any) -> None:
        totals, round_ = block.totals, block.totals.round
        counted = (1 << totals.low) - 1  # in registers
        value = 0
        for delay in range(1, 3 * round_):
            await sim.tick().repeat(round_)
            value = value | 0xFFFFFFFF & ~counted
            for _ in range(2):  # a visit that is under way may write the old word again
                for place, memory in enumerate(totals.halves):
                    sim.set(memory.data[FIRST], value >> HALF * place & HALF_MASK)
                await sim.tick().repeat(SLOT)
            sim.set(block.facts.cycles_count, 1)
            await sim.tick().repeat(delay)
            halves = [await access(sim, block, address) for address in (0x40, 0x44)]
            sim.set(block.facts.cycles_count, 0)
            await sim.tick().repeat(round_)
            end = [await access(sim, block, address) for address in (0x40, 0x44)]
            now, after = (low | high << 32 for (low, _), (high, _) in (halves, end))
            assert value <= now <= after <= value + delay + 3 * round_, delay
            value = after
        assert value >> 32 > round_

    run(test)
