"""Register accesses in frames, against the model: a byte per cycle, requests of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from amaranth.sim import Simulator

from golden.link import frames
from golden.link.access import (
    FAULT,
    LONGEST_BODY,
    MAX_WORDS,
    AccessModel,
    Answer,
    Kind,
    Request,
    Status,
)
from hdl.serial.access_responder import AccessResponder
from hdl.serial.framing import Framed
from tests.hdl.serial.fake_registers import BY_ADDRESS, NAMED, FakeRegisters
from tests.hdl.simulate import PERIOD

pytestmark = pytest.mark.slow

ROOM = {"X": 23, "Y": 17, "WEIGHT": 40, "STATE_IN": 0, "STATE_OUT": 3}
LONG = 3000
"""Cycles in which any request is answered."""


def exchange(requests: list[tuple[bytes, int]], registers: FakeRegisters, seed: int) -> bytes:
    """Answer to lots of bytes, each followed by so many cycles without."""
    responder = AccessResponder()
    link = Framed(responder=responder)
    random = Random(seed)
    answers = bytearray()

    async def line(ctx: Any) -> None:
        for data, cycles in requests:
            quiet = -1
            for byte in [*data, *[None] * cycles]:
                ctx.set(link.i.valid, byte is not None)
                ctx.set(link.i.payload, byte or 0)
                ready = random.random() < 0.7
                ctx.set(link.o.ready, ready)
                came = ready and ctx.get(link.o.valid)
                if came:
                    answers.append(ctx.get(link.o.payload))
                quiet = 0 if byte is not None or came else quiet + 1
                await ctx.tick()
                registers.after_edge(ctx, responder.access, random)
                if cycles == LONG and quiet > 400:
                    break

    sim = Simulator(link)
    sim.add_clock(PERIOD)
    sim.add_testbench(line)
    sim.run()
    return bytes(answers)


def bodies(random: Random, count: int) -> Iterator[bytes]:
    """Requests of every kind, good ones and others, some of them twice."""
    number = random.randrange(256)
    busy = [NAMED[name].address for name in ("X", "Y", "STATE_IN")]
    addresses = [*BY_ADDRESS, 0x3C, 0xFC, *busy * 6]
    before = b""
    for _ in range(count):
        number = (number + 1) % 256
        address, words = random.choice(addresses), random.randint(0, MAX_WORDS)
        written = tuple(random.getrandbits(32) for _ in range(words))
        read = Request(kind=Kind.READ, number=number, address=address, count=words).pack()
        write = Request(
            kind=Kind.WRITE, number=number, address=address, count=words, words=written
        ).pack()
        good = random.choice((read, write))
        before = random.choice(
            (
                *[good] * 8,
                *[before or good] * 2,
                Request(kind=Kind.HELLO, number=number).pack(),
                bytes([random.randrange(256), number, address, 1]),
                good + bytes(random.randint(1, 5)),
                good[: random.randint(2, len(good))],
                bytes([Kind.READ, number, address, MAX_WORDS + 1]),
                random.randbytes(LONGEST_BODY + random.randint(0, 2)),
            )
        )
        yield before


@pytest.mark.parametrize("seed", range(2))
def test_like_the_model(seed: int) -> None:
    """Byte by byte, and the same accesses in the same order; some frames are damaged."""
    random = Random(seed)
    registers, model_registers = FakeRegisters(ROOM), FakeRegisters(ROOM)
    model = AccessModel(model_registers.read, model_registers.write)
    lots = [bytes([frames.FLAG])]
    for body in bodies(random, 60):
        frame = bytearray(frames.encode(body))
        if random.random() < 0.1:
            frame[random.randrange(1, len(frame) - 1)] ^= 1 << random.randrange(8)
        lots.append(bytes(frame))
    lots.append(bytes([frames.FLAG]))
    expected = b"".join(model.feed(lot) for lot in lots)
    assert exchange([(lot, LONG) for lot in lots], registers, seed) == expected
    assert registers.made == model_registers.made
    answers = [
        Answer.unpack(body or b"") for body in frames.Decoder().feed(expected) if body != FAULT
    ]
    assert {answer.status for answer in answers if answer} == set(Status)
    assert FAULT in frames.Decoder().feed(expected)
    assert any(answer and len(answer.words) > MAX_WORDS // 2 for answer in answers)


def test_nothing_is_done_twice() -> None:
    """A request that comes again is answered again; after HELLO it is a new one."""
    read = Request(kind=Kind.READ, number=9, address=NAMED["Y"].address, count=2).pack()
    hello = Request(kind=Kind.HELLO, number=9).pack()
    registers = FakeRegisters(ROOM)
    lots = [frames.encode(body) for body in (hello, read, read, hello, read)]
    answers = [
        Answer.unpack(body or b"")
        for body in frames.Decoder().feed(exchange([(lot, LONG) for lot in lots], registers, 1))
    ]
    words = [answer.words for answer in answers if answer]
    assert words == [(), (0x1010, 0x100F), (0x1010, 0x100F), (), (0x100E, 0x100D)]
    assert len(registers.made) == 4


@pytest.mark.parametrize("name", ["LENGTH", "ID", "STATE_IN", None])
def test_a_request_of_no_words_does_nothing(name: str | None) -> None:
    """Whatever its address: a register, one to read only, one without room, none at all."""
    address = NAMED[name].address if name else 0xFC
    registers = FakeRegisters(ROOM)
    lots = [
        frames.encode(Request(kind=kind, number=number, address=address).pack())
        for number, kind in enumerate((Kind.WRITE, Kind.READ))
    ]
    data = exchange([(lot, LONG) for lot in lots], registers, 1)
    assert [Answer.unpack(body or b"") for body in frames.Decoder().feed(data)] == [
        Answer(kind=kind, number=number) for number, kind in enumerate((Kind.WRITE, Kind.READ))
    ]
    assert registers.made == []


def test_what_comes_amid_a_request_is_not_looked_at() -> None:
    """Whatever comes before the answer is done or is not, whole; what comes after it is done."""
    random = Random(5)
    registers = FakeRegisters({**ROOM, "X": 10_000})
    lots: list[tuple[bytes, int]] = []
    written: list[tuple[int, ...]] = []
    for number in range(40):
        words = tuple(random.getrandbits(32) for _ in range(MAX_WORDS))
        request = Request(
            kind=Kind.WRITE,
            number=number,
            address=NAMED["X"].address,
            count=MAX_WORDS,
            words=words,
        )
        written.append(words)
        lots.append((frames.encode(request.pack()), LONG if number % 2 else 5 * number))
    answers = [
        Answer.unpack(body or b"")
        for body in frames.Decoder().feed(exchange(lots, registers, 5))
        if body != FAULT
    ]
    done = [answer.number for answer in answers if answer]
    assert done == sorted(set(done))
    assert set(range(0, 40, 2)) <= set(done)
    assert len(set(range(1, 40, 2)) - set(done)) > 2
    assert [word for _, _, word in registers.made] == [w for n in done for w in written[n]]
