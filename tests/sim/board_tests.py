"""cocotb tests of a board's top: the host's own code in a thread, over a line that does damage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.task import bridge
from cocotb.triggers import Timer

from golden.link import frames
from golden.link.messages import ANSWER, HEADER, Fault, Kind, Steps, pack_words
from litelstm.driver.errors import DriverError
from litelstm.driver.host import Link
from sim.bus.serial_line import Damage, SerialLine, intact
from tests.sim.boards import BIT_NS, BOARD, CLOCK_NS, BoardCase, case

SILENCE = 20e-6
"""Simulated seconds: longer than any of these cores takes for what fits one request."""


async def start(
    dut: Any, *, bit: float = BIT_NS, to_board: Damage = intact, from_board: Damage = intact
) -> tuple[BoardCase, SerialLine]:
    """The board after its reset at power-on, and a line to it."""
    line = SerialLine(dut, bit=bit, to_board=to_board, from_board=from_board)
    line.timeout = SILENCE
    Clock(dut.clk, CLOCK_NS, "ns").start()
    await Timer(20 * BIT_NS, "ns")
    return case(os.environ[BOARD]), line


def link_to(
    board: BoardCase, line: SerialLine, *, timeout: float = SILENCE, retries: int = 0
) -> Link:
    return Link(line, board.network, interface=board.interface, timeout=timeout, retries=retries)


def run_all(link: Link, board: BoardCase, lengths: list[int]) -> None:
    """Sequences of some lengths, each word compared."""
    for number, steps in enumerate(lengths):
        x = board.sequence(steps, number)
        assert link.run(x).tolist() == board.result(x), f"sequence {number} of {steps} steps"


async def check_works(board: BoardCase, line: SerialLine) -> None:
    """The board does as it should, without anything sent twice."""
    await bridge(run_all)(link_to(board, line), board, [2, 5])


@cocotb.test()
async def sequences(dut: Any) -> None:
    """Nothing is damaged: identity, and every word of sequences of all lengths."""
    board, line = await start(dut)
    link = link_to(board, line)
    assert await bridge(link.identify)() == board.board_model().identity
    await bridge(run_all)(link, board, [1, 2, 4, 5, 9, 3, 13])
    assert dut.always_high.value == 1


class Noise:
    """Drops, changes and adds bytes.

    Args:
        rate: share of bytes that something happens to.
        seed: of what happens.

    Attributes:
        done: how often something happened.
    """

    def __init__(self, *, rate: float, seed: int) -> None:
        self._rate = rate
        self._random = Random(seed)
        self.done = 0

    def __call__(self, byte: int) -> bytes:
        if self._random.random() >= self._rate:
            return bytes([byte])
        self.done += 1
        other = self._random.randrange(256)
        flipped = byte ^ 1 << self._random.randrange(8)
        special = self._random.choice((frames.FLAG, frames.ESCAPE))
        damaged = ([], [byte, other], [flipped], [other], [special], [byte, special])
        return bytes(self._random.choice(damaged))


@cocotb.test()
async def noise(dut: Any) -> None:
    """Bytes are lost, changed and added in both directions; each result is right all the same."""
    to_board, from_board = (Noise(rate=0.02, seed=cocotb.RANDOM_SEED + n) for n in range(2))
    board, line = await start(dut, to_board=to_board, from_board=from_board)
    link = link_to(board, line, retries=50)
    await bridge(run_all)(link, board, [1 + sequence % 9 for sequence in range(30)])
    assert to_board.done > 5
    assert from_board.done > 5
    assert link.retried > 5


@cocotb.test()
@cocotb.parametrize(dead=["to_board", "from_board"])
async def dead_line(dut: Any, dead: str) -> None:
    """Nothing arrives in one direction: an error, not a wait for ever."""

    def nothing(byte: int) -> bytes:
        return b""

    def talk() -> None:
        with pytest.raises(DriverError, match=r"^no answer for .* s; tries: 3$"):
            link.run(board.sequence(2, 0))

    damage = {"to_board": intact, "from_board": intact, dead: nothing}
    board, line = await start(dut, to_board=damage["to_board"], from_board=damage["from_board"])
    link = link_to(board, line, retries=2)
    await bridge(talk)()


@cocotb.test()
async def impatience(dut: Any) -> None:
    """Hosts that give up too early and ask again: answers come late, requests in the midst of
    others. A result is right or there is none, and a patient host finds the board working.
    """
    board, line = await start(dut)
    random = Random(cocotb.RANDOM_SEED)

    def talk() -> tuple[int, int]:
        results = retried = 0
        for number in range(30):
            link = link_to(
                board, line, timeout=random.uniform(SILENCE / 100, SILENCE / 8), retries=3
            )
            x = board.sequence(random.randint(1, 6), number)
            try:
                assert link.run(x).tolist() == board.result(x)
                results += 1
            except DriverError:
                pass
            retried += link.retried
        return results, retried

    results, retried = await bridge(talk)()
    assert results > 5
    assert retried > 5
    await line.exchange(b"")
    await check_works(board, line)


ENOUGH = 60
"""Requests after which `like_model` ends, if all kinds of answers have come."""


def requests(board: BoardCase, random: Random) -> Iterator[bytes]:
    """Bytes that a board may get: good requests, bad ones, and what noise makes of either."""
    identity = board.board_model().identity
    number = 0

    def run(flags: int, x: bytes) -> bytes:
        return bytes([Kind.RUN, number, flags]) + x

    for _ in range(150):
        number = (number + 1) % 256
        most = identity.capacity // identity.step_bytes
        x = pack_words(board.sequence(random.randint(1, most), number), identity.input_bytes)
        bodies = [
            *[run(flags, x) for flags in range(4)],  # some of them out of order
            run(Steps.FIRST | Steps.LAST | 0xF0, x),  # flags that mean nothing
            run(Steps.FIRST | Steps.LAST, random.randbytes(len(x))),
            bytes([Kind.RUN, random.randrange(256), Steps.LAST]) + x,
            run(3, b""),
            run(3, x + b"\0" * (identity.step_bytes - 1)) if identity.step_bytes > 1 else b"",
            run(3, bytes(identity.capacity + random.randint(1, 3))),
            bytes([Kind.IDENTIFY, number]),
            bytes([Kind.IDENTIFY, number, 0]),
            bytes([random.randrange(3, 256), number]) + x,
            bytes([Kind.RUN, number]),
            *[random.randbytes(length) for length in range(3)],
        ]
        frame = frames.encode(random.choice(bodies))
        at = random.randrange(len(frame))
        yield random.choice(
            [
                *[frame] * 6,
                frame[:at] + frame[at + 1 :],
                frame[:at] + bytes([frame[at] ^ 1 << random.randrange(8)]) + frame[at + 1 :],
                frame[:at] + random.randbytes(1) + frame[at:],
                frame[:-1] + bytes([frames.ESCAPE, frames.FLAG]),
                bytes([frames.FLAG, frames.FLAG]),
                bytes([frames.FLAG, frames.ESCAPE, frames.FLAG]),
            ]
        )


@cocotb.test()
async def like_model(dut: Any) -> None:
    """Whatever a board gets, it answers byte by byte what golden's model of it answers."""
    board, line = await start(dut)
    model = board.board_model()
    flag = bytes([frames.FLAG])  # ends whatever an earlier test left
    await line.exchange(flag)
    model.feed(flag)
    seen: set[int] = set()
    faults = set(Fault) - {Fault.OVERRUN, *(() if board.max_steps else (Fault.STEPS,))}
    every = {Kind.IDENTIFY | ANSWER, Kind.RUN | ANSWER, *faults}
    for number, data in enumerate(requests(board, Random(cocotb.RANDOM_SEED))):
        expected = model.feed(data)
        got = await line.exchange(data)
        assert got == expected, f"{number}: {data.hex()}: {got.hex()} for {expected.hex()}"
        for body in frames.Decoder().feed(got):
            assert body is not None
            seen.add(body[HEADER] if body[0] == Kind.FAULT else body[0])
        if number >= ENOUGH and seen == every:
            break
    assert seen == every


@cocotb.test()
async def overrun(dut: Any) -> None:
    """Requests without waiting for answers: what is missed is reported, what is not is answered."""
    board, line = await start(dut)
    model = board.board_model()
    data = pack_words(board.sequence(1, 0), model.identity.input_bytes)
    run = frames.encode(bytes([Kind.RUN, 0, Steps.FIRST | Steps.LAST]) + data)
    identify = [frames.encode(bytes([Kind.IDENTIFY, number])) for number in range(1, 9)]
    got = list(frames.Decoder().feed(await line.exchange(run + b"".join(identify))))
    right = [next(frames.Decoder().feed(model.feed(data))) for data in (run, *identify)]
    missed = bytes([Kind.FAULT, 0, Fault.OVERRUN])
    assert got[0] == right[0]
    assert missed in got
    assert [body for body in got if body != missed] == [body for body in right if body in got]
    await check_works(board, line)


@cocotb.test()
async def troubles(dut: Any) -> None:
    """Spikes, a stop bit that is low, a line that is held low, half a frame: then all is well."""
    board, line = await start(dut)
    identify = frames.encode(bytes([Kind.IDENTIFY, 1]))
    for bits in (0.05, 0.3):  # shorter than half a start bit
        await line.drive(0, bits)
        await line.drive(1, 3)
    assert await line.exchange(identify) == board.board_model().feed(identify)
    await line.drive(0, 10)  # zeros and no stop bit
    await line.drive(1, 2)
    await check_works(board, line)
    await line.drive(0, 200)
    await line.drive(1, 2)
    await check_works(board, line)
    damaged = frames.encode(bytes([Kind.FAULT, 0, Fault.DAMAGED]))
    assert await line.exchange(identify[:4]) == b""
    assert await line.exchange(identify) == damaged + board.board_model().feed(identify)


@cocotb.test()
@cocotb.parametrize(speed=[0.975, 1.025])
async def other_baud(dut: Any, speed: float) -> None:
    """The host's clock is off by as much as boards' and hosts' may be together."""
    board, line = await start(dut, bit=BIT_NS / speed)
    await check_works(board, line)
