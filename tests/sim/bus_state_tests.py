"""cocotb tests of cores with streams and states behind a bus, and of data registers."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, with_timeout
from cocotbext.axi import AxiStreamFrame

from golden.formats import Format
from golden.interface import Control
from golden.quantized import Integers
from golden.sessions import state_words
from tests import reference
from tests.sim.bus_bench import PATIENCE_NS, BusBench, handshakes
from tests.sim.buses import BusCase

KEEP, LOAD, SAVE = 1, 2, 4


def sequence_controls(
    steps: int, *, stream: int = 0, keep: bool = False, load: bool = False, save: bool = False
) -> list[Control]:
    """Controls of a sequence's steps, as the bus's user bits make them."""
    return [
        Control(
            last=n == steps - 1,
            stream=stream,
            keep=keep and n == 0,
            load=load and n == 0,
            save=save and n == steps - 1,
        )
        for n in range(steps)
    ]


def some_state(case: BusCase, seed: int) -> Integers:
    """State words that others led to."""
    x = case.x(2, seed)
    return case.serve(x, sequence_controls(2, save=True)).saved[0]


async def send_state(bench: BusBench, words: Integers) -> None:
    data = bench.case.state_packing.pack(words[np.newaxis]).tobytes()
    await bench.state_in.send(AxiStreamFrame(data))


async def saved_state(bench: BusBench) -> Integers:
    frame: Any = await with_timeout(bench.state_out.recv(), PATIENCE_NS, "ns")
    rows = np.frombuffer(bytes(frame.tdata), np.uint8)[np.newaxis]
    words = state_words(bench.case.network)
    assert rows.size == bench.case.state_packing.byte_count(words)
    return bench.case.state_packing.unpack(rows, words)[0]


@cocotb.test()
async def streams_and_states(dut: Any) -> None:
    """Sequences on any streams, their states cleared, kept, loaded and saved at random."""
    bench = await BusBench(dut).start()
    bench.pause(0.4)
    case, random = bench.case, bench.random
    controls: list[Control] = []
    xs, loads, order = [], [], []
    for number in range(16):
        steps, stream = random.randint(1, 3), random.randrange(case.interface.streams)
        keep, load, save = (random.random() < p for p in (0.5, 0.3, 0.3))
        controls += sequence_controls(steps, stream=stream, keep=keep, load=load, save=save)
        x = case.x(steps, number)
        xs.append(x)
        order.append(stream)
        user = keep * KEEP | load * LOAD | save * SAVE
        await bench.send_x(x, stream=stream, user=user)
        if load:
            loads.append(some_state(case, number))
            await send_state(bench, loads[-1])
    service = case.serve(np.concatenate(xs), controls, tuple(loads))
    for stream, words in zip(order, service.words, strict=True):
        assert (await bench.results(stream=stream)).tolist() == [words.tolist()]
    for words in service.saved:
        assert (await saved_state(bench)).tolist() == words.tolist()
    assert len(service.saved) >= 3
    assert len(loads) >= 3
    await bench.settle()
    assert await bench.read("ERRORS") == 0
    assert await bench.read("IRQ_STATUS", "SAVED") == 1


@cocotb.test()
async def state_rate(dut: Any) -> None:
    """Without pauses a state is loaded and saved in two cycles per word at most."""
    bench = await BusBench(dut).start()
    case = bench.case
    moved: dict[str, list[int]] = {"s_axis_state": [], "m_axis_state": []}
    for prefix, cycles in moved.items():
        cocotb.start_soon(handshakes(dut, prefix, cycles))
    state, x = some_state(case, 1), case.x(1, 1)
    await send_state(bench, state)
    await bench.send_x(x, stream=0, user=LOAD | SAVE)
    saved = await saved_state(bench)
    service = case.serve(x, sequence_controls(1, load=True, save=True), (state,))
    assert saved.tolist() == service.saved[0].tolist()
    words = state_words(case.network)
    for prefix, cycles in moved.items():
        beats = case.state_packing.beats(words)
        assert len(cycles) == beats > 1, prefix
        assert cycles[-1] - cycles[0] <= 2 * words, prefix


@cocotb.test()
async def unknown_stream(dut: Any) -> None:
    """Sequences of streams that there are not are dropped, each counted once."""
    bench = await BusBench(dut).start()
    bench.pause(0.3)
    case, dropped = bench.case, 0
    for number, stream in enumerate((3, 255, 17)):
        x = case.x(2, number)
        await bench.send_x(x, stream=stream, user=KEEP)
        dropped += 2 * case.x_packing.beats(case.network.inputs)
        await bench.good(number)
    await bench.settle()
    assert await bench.read("ERRORS", "STREAM") == 1
    assert await bench.read("PROTOCOL_ERRORS") == 3
    assert await bench.read("DROPPED") == dropped


@cocotb.test()
async def wrong_states(dut: Any) -> None:
    """A state that is cut short is filled up with zeros, what one has too much is dropped; the
    sequence that begins from it is marked."""
    bench = await BusBench(dut).start()
    bench.pause(0.3)
    case = bench.case
    per_beat, words = case.bus.width // 8, state_words(case.network)
    each = case.bus.width // case.state_packing.container
    wrong = dropped = 0
    full = case.state_packing.beats(words)
    for number, beats in enumerate((1, 2, full, full - 1, full + 1, full + 7)):
        state = some_state(case, number)
        data = case.state_packing.pack(state[np.newaxis]).tobytes()
        sent = (data + bytes(range(1, 41)))[: beats * per_beat]
        await bench.state_in.send(AxiStreamFrame(sent))
        wrong += beats != full
        dropped += max(0, beats - full)
        taken = state.copy()
        taken[min(words, beats * each) :] = 0
        x = case.x(2, number)
        await bench.send_x(x, user=LOAD)
        service = case.serve(x, sequence_controls(2, load=True), (taken,))
        assert (await bench.results(wrong=beats != full)).tolist() == service.words.tolist()
        await bench.good(number)
    await bench.settle()
    assert wrong >= 3
    assert dropped > 0
    assert await bench.read("ERRORS", "STATE") == 1
    assert await bench.read("PROTOCOL_ERRORS") == wrong
    assert await bench.read("DROPPED") == dropped


@cocotb.test()
async def marks_go_on_with_the_state(dut: Any) -> None:
    """A sequence that goes on from a state that was not right is marked, until the state is new."""
    bench = await BusBench(dut).start()
    bench.pause(0.3)
    case = bench.case
    per_beat = case.bus.width // 8
    each = case.x_packing.beats(case.network.inputs) * per_beat
    state = some_state(case, 1)
    data = case.state_packing.pack(state[np.newaxis]).tobytes()
    short, whole = data[:per_beat], data[: case.state_packing.beats(len(state)) * per_beat]

    async def run(stream: int, user: int = 0, *, wrong: bool, steps: int = 1) -> None:
        """A sequence; only whether it is marked is looked at."""
        await bench.send_x(case.x(steps, 1), stream=stream, user=user)
        await bench.results(wrong=wrong, stream=stream)

    for steps in (1, 3):
        # Another stream's sequences, and states, know nothing of it.
        await bench.state_in.send(AxiStreamFrame(short))
        await run(1, LOAD, wrong=True, steps=steps)
        await run(0, KEEP, wrong=False)
        await run(1, KEEP, wrong=True, steps=steps)
        await bench.state_in.send(AxiStreamFrame(whole))
        await run(0, LOAD, wrong=False)
        await run(1, KEEP | SAVE, wrong=True)
        await run(1, wrong=False, steps=steps)
        await run(1, KEEP, wrong=False)
        # A frame that was not right leaves such a state, too; a right one makes it good again.
        await bench.write("LENGTH", STEPS=2)
        await bench.send(case.frame(case.x(1, 1))[:each], stream=2)
        await bench.results(wrong=True, stream=2)
        await bench.write("LENGTH", STEPS=0)
        await run(2, KEEP, wrong=True)
        await bench.state_in.send(AxiStreamFrame(whole))
        await run(2, LOAD, wrong=False)
        await run(2, KEEP, wrong=False)
        # All at once, so that several wait for their states.
        for frame in (short, whole, short):
            await bench.state_in.send(AxiStreamFrame(frame))
        for user in (LOAD, LOAD, KEEP, LOAD, KEEP):
            await bench.send_x(case.x(1, 1), stream=1, user=user)
        for wrong in (True, False, False, True, True):
            await bench.results(wrong=wrong, stream=1)
        await bench.write("CONTROL", ENABLE=1, RESET=1)
        await run(1, KEEP, wrong=False)
        await run(2, KEEP, wrong=False)


@cocotb.test()
async def by_register(dut: Any) -> None:
    """Stream, keep, load and save from SEQUENCE; what the bus says does not count."""
    bench = await BusBench(dut).start(enable=False)
    case = bench.case
    await bench.write("CONTROL", ENABLE=1, BY_REGISTER=1)
    controls: list[Control] = []
    xs, loads, got, saved = [], [], [], []
    for number in range(10):
        stream = number % case.interface.streams
        keep, load, save = number % 2 == 0, number % 3 == 1, number % 4 > 1
        await bench.write("SEQUENCE", STREAM=stream, KEEP=keep, LOAD=load, SAVE=save)
        x = case.x(2, number)
        xs.append(x)
        controls += sequence_controls(2, stream=stream, keep=keep, load=load, save=save)
        if load:
            loads.append(some_state(case, number))
            await send_state(bench, loads[-1])
        await bench.send_x(x, stream=200, user=7 - number % 8)
        got += (await bench.results(stream=stream)).tolist()
        if save:
            saved.append((await saved_state(bench)).tolist())
        await bench.settle()
    service = case.serve(np.concatenate(xs), controls, tuple(loads))
    assert got == service.words.tolist()
    assert saved == service.saved.tolist()
    assert saved
    await bench.write("SEQUENCE", STREAM=77)
    await bench.send_x(case.x(2, 1))
    await ClockCycles(dut.aclk, 100)
    assert await bench.read("ERRORS", "STREAM") == 1


@cocotb.test()
async def resets_among_states(dut: Any) -> None:
    """CONTROL.RESET while states are loaded, saved and given; then all is right."""
    bench = await BusBench(dut).start()
    case = bench.case
    for number in range(10):
        bench.pause(bench.random.choice((0, 0.5)))
        state = some_state(case, number)
        x = case.x(2, number)
        await send_state(bench, state)
        await bench.send_x(x, stream=1, user=LOAD | SAVE)
        await ClockCycles(dut.aclk, bench.random.randint(1, 120))
        await bench.write("CONTROL", ENABLE=1, RESET=1)
        await bench.x.wait()
        await ClockCycles(dut.aclk, 60)
        bench.state_in.clear()
        await ClockCycles(dut.aclk, 60)
        # What did not begin before the reset is whole; a load that still waits for its state ends.
        await bench.write("CONTROL", ENABLE=1, RESET=1)
        await bench.settle()
        await bench.reset()
        bench.y.clear()
        bench.state_out.clear()
        await bench.write("CONTROL", ENABLE=1)
        await send_state(bench, state)
        await bench.send_x(x, user=LOAD | SAVE)
        service = case.serve(x, sequence_controls(2, load=True, save=True), (state,))
        assert (await bench.results()).tolist() == service.words.tolist()
        assert (await saved_state(bench)).tolist() == service.saved[0].tolist()
        await bench.settle()


def cut_elements(case: BusCase, x: Integers) -> int:
    """Elements of c that the scalar model cuts in a sequence: only c is a narrowed sum of two."""
    cut = 0
    narrowed = reference.LayerStep.sum_to

    def counting(step: Any, to: Any, *terms: tuple[int, int]) -> int:
        nonlocal cut
        value = narrowed(step, to, *terms)
        cut += value != narrowed(step, Format(width=32, frac=to.frac), *terms)
        return value

    with patch.object(reference.LayerStep, "sum_to", counting):
        reference.run(case.network, x.tolist())
    return cut


@cocotb.test()
async def saturated(dut: Any) -> None:
    """Elements of c that were cut are counted as in the scalar model."""
    bench = await BusBench(dut).start()
    case, expected = bench.case, 0
    for number in range(6):
        x = case.x(4, number)
        expected += cut_elements(case, x)
        await bench.send_x(x)
        await bench.expect(x)
    await bench.settle()
    assert expected > 10
    assert await bench.read("SATURATED") == expected


async def put(bench: BusBench, register: str, word: int, room: str) -> None:
    """Write a data register as soon as there is room."""
    while not await bench.read("ROOM", room):
        pass
    await bench.write(register, word & 0xFFFFFFFF)


async def take(bench: BusBench, register: str, room: str) -> int:
    """Read a data register as soon as there is a word."""
    while not await bench.read("ROOM", room):
        pass
    word = await bench.read(register)
    return word - (word >> 31 << 32)


@cocotb.test()
async def window(dut: Any) -> None:
    """Everything by registers: sequences, states, and what cannot be."""
    bench = await BusBench(dut).start()
    bench.pause(0.2)
    case = bench.case
    controls: list[Control] = []
    xs, loads, got, saved = [], [], [], []
    for number in range(6):
        stream, load, save = number % 2, number % 3 == 1, number % 3 != 2
        await bench.write("SEQUENCE", STREAM=stream, KEEP=1, LOAD=load, SAVE=save)
        x = case.x(2, number)
        xs.append(x)
        controls += sequence_controls(2, stream=stream, keep=True, load=load, save=save)
        elements = x.reshape(-1).tolist()
        for index, value in enumerate(elements):
            is_last = index == len(elements) - 1
            await put(bench, "X_LAST" if is_last else "X", value, "X")
            if load and index == 0:
                loads.append(some_state(case, number))
                for word in loads[-1].tolist():
                    await put(bench, "STATE_IN", word, "STATE_IN")
        words = []
        for index in range(case.plan.result_words):
            while not await bench.read("ROOM", "Y"):
                pass
            last = index == case.plan.result_words - 1
            assert await bench.read("ROOM", "Y_LAST") == last
            assert await bench.read("ROOM", "Y_STREAM") == stream
            words.append(await take(bench, "Y", "Y"))
        got.append(words)
        if save:
            count = state_words(case.network)
            saved.append([await take(bench, "STATE_OUT", "STATE_OUT") for _ in range(count)])
        await bench.settle()
    service = case.serve(np.concatenate(xs), controls, tuple(loads))
    assert got == service.words.tolist()
    assert saved == service.saved.tolist()
    assert await bench.read("ERRORS") == 0
    await bench.write("SEQUENCE", 0)
    _, empty = await bench.read_at(0x8C)
    assert empty
    assert await bench.read("ERRORS", "WINDOW") == 1
    assert await bench.read("ERRORS", "ACCESS") == 0
    x = case.x(1, 3)
    x[0, 1:] = 0
    await put(bench, "X_LAST", int(x[0, 0]), "X")  # inside a step
    words = [await take(bench, "Y", "Y")]
    assert await bench.read("ROOM", "Y_ERROR") == 1
    words.append(await take(bench, "Y", "Y"))
    assert words == case.answer(x)[0].tolist()
    # The bank of x and the one behind it are full: no room.
    await bench.write("CONTROL", ENABLE=0)
    await ClockCycles(dut.aclk, 5)
    assert await bench.read("ROOM", "X") == 0
    assert await bench.write_at(0x84, 1)
    await bench.settle()
    assert await bench.read("PROTOCOL_ERRORS") == 3
