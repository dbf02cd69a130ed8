"""cocotb tests of cores whose weights come over a bus."""

from __future__ import annotations

import zlib
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from hdl.layout.weight_image import HEADER, image
from sim.draw.networks import input_words
from tests.sim.bus_bench import BusBench, handshakes, last_of

SHORT, LONG, CRC, MISFIT = 1, 2, 3, 4


@cocotb.test()
async def weights(dut: Any) -> None:
    """Nothing runs before there are weights; then they are replaced again and again."""
    bench = await BusBench(dut).start()
    case = bench.case
    x = case.x(3, 1)
    assert await bench.read("STATUS", "LOADED") == 0
    await bench.send_x(x)
    await bench.quiet(300)
    for number in range(6):
        bench.pause(0 if number < 2 else 0.4)
        network = (case.network, case.mirrored)[number % 2]
        await bench.load(image(case.plan_of(network)))
        assert await bench.loaded()
        assert await bench.read("STATUS", "LOADED") == 1
        if number == 0:
            await bench.expect(x)
        for seed in range(3):
            x = case.x(2, 10 * number + seed)
            await bench.send_x(x)
            await bench.expect(x, network=network)
    assert case.answer(x).tolist() != case.answer(x, case.mirrored).tolist()
    assert await bench.read("ERRORS") == 0
    assert await bench.read("STATUS", "LOAD_REASON") == 0


@cocotb.test()
async def load_rate(dut: Any) -> None:
    """Without pauses a word moves in every cycle."""
    bench = await BusBench(dut).start()
    words = image(bench.case.plan)
    moved: list[int] = []
    cocotb.start_soon(handshakes(dut, "s_axis_weights", moved))
    await bench.load(words)
    assert await bench.loaded()
    assert np.diff(moved).tolist() == [1] * (len(words) - 1)


@cocotb.test()
async def wrong_weights(dut: Any) -> None:
    """Images that are short, long, damaged, or for another core: refused with the reason. With
    two sets the one before goes on; with one it does, if nothing of the image was written."""
    bench = await BusBench(dut).start()
    bench.pause(0.3)
    case = bench.case
    good, other = image(case.plan), image(case.plan_of(case.mirrored))

    def flipped(place: int, *, right_sum: bool = False) -> Any:
        words = other.copy()
        words[place] ^= 1 << 7
        if right_sum:
            words[-1] = zlib.crc32(words[:-1].astype("<u4").tobytes())
        return words

    wrong = {
        "misfit": (flipped(0), MISFIT),
        "other core": (flipped(2, right_sum=True), MISFIT),
        "other length": (flipped(3), MISFIT),
        "header only": (other[:2], SHORT),
        "cut": (other[:-3], SHORT),
        "without its sum": (other[:-1], SHORT),
        "word too many": (np.append(other, np.uint32(5)), LONG),
        "damaged": (flipped(HEADER), CRC),
        "sum damaged": (flipped(-1), CRC),
    }
    for number, (name, (words, reason)) in enumerate(wrong.items()):
        await bench.load(good)
        assert await bench.loaded()
        assert await bench.read("STATUS", "LOAD_REASON") == 0
        await bench.load(words)
        assert not await bench.loaded(), name
        assert await bench.read("STATUS", "LOAD_REASON") == reason, name
        assert await bench.read("ERRORS", "WEIGHTS") == 1
        await bench.write("ERRORS", WEIGHTS=1)
        stays = case.storage.double or reason == MISFIT or name == "header only"
        assert await bench.read("STATUS", "LOADED") == stays, name
        if stays:
            await bench.good(number)
    await bench.load(other)
    assert await bench.loaded()
    x = case.x(2, 50)
    await bench.send_x(x)
    await bench.expect(x, network=case.mirrored)
    await ClockCycles(dut.aclk, 40)
    assert await bench.read("PROTOCOL_ERRORS") == len(wrong)


@cocotb.test()
async def resets_among_weights(dut: Any) -> None:
    """CONTROL.RESET and the reset pin while an image comes and sequences run."""
    bench = await BusBench(dut).start()
    case = bench.case
    words = image(case.plan)
    for number in range(5):
        bench.pause(bench.random.choice((0, 0.3)))
        await bench.load(words)
        await bench.send_x(case.x(3, number))
        await ClockCycles(dut.aclk, bench.random.randint(1, 2 * len(words)))
        await bench.write("CONTROL", ENABLE=1, RESET=1)  # the image goes on
        assert await bench.loaded()
        await bench.x.wait()
        await bench.settle()
        bench.y.clear()
        await bench.good(number)
        await bench.load(words)
        await ClockCycles(dut.aclk, bench.random.randint(1, len(words)))
        await bench.reset()
        bench.weights.clear()
        bench.y.clear()
        assert await bench.read("STATUS", "LOADED") == 0
        await bench.write("CONTROL", ENABLE=1)
        await bench.load(words)
        assert await bench.loaded()
        await bench.good(number)


@cocotb.test()
async def two_sizes(dut: Any) -> None:
    """Networks of other sizes in turns: steps and results are as long as theirs."""
    bench = await BusBench(dut).start()
    bench.pause(0.3)
    case = bench.case
    for number in range(6):
        network = (case.network, *case.others)[number % 2]
        await bench.load(image(case.plan_of(network)))
        assert await bench.loaded()
        for seed in range(3):
            x = input_words(network, batch=1, steps=2, seed=(number, seed))[0]
            await bench.send_x(x)
            frame = await bench.frame()
            assert not last_of(frame.tuser)
            data = np.frombuffer(bytes(frame.tdata), np.uint8)[np.newaxis]
            words = case.y_packing.unpack(data, network.outputs)
            assert words.tolist() == case.answer(x, network).tolist()
    assert await bench.read("ERRORS") == 0
