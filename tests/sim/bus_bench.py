"""A bench around a core with AXI buses: registers by name, frames in and out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)
from numpy.typing import NDArray

from golden.quantized import Integers, QuantizedNetwork
from hdl.bus.register_map import Register, registers
from tests.sim.buses import CASE, BusCase, case

PERIOD_NS = 10
PATIENCE_NS = 400_000

REGISTERS = {register.name: register for register in registers()}


def random_pauses(seed: int, rate: float) -> Iterator[bool]:
    """Pauses of a channel, cycle by cycle."""
    random = Random(seed)
    while True:
        yield random.random() < rate


class BusBench:
    """Masters, sources and sinks at a core; ``start`` it first.

    Attributes:
        case: the core.
        lite: the registers' master.
        x, state_in, weights: sources; y, state_out: sinks. ``None`` where there is no such bus.
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.case: BusCase = case(os.environ[CASE])
        self.random = Random(cocotb.RANDOM_SEED)
        reset = (dut.aclk, dut.aresetn, False)
        self.lite: Any = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), *reset)
        self.x: Any = None
        self.y: Any = None
        self.state_in: Any = None
        self.state_out: Any = None
        self.weights: Any = None
        if not self.case.bus.window:
            self.x = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), *reset)
            self.y = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *reset)
            if self.case.storage.loadable:
                words = AxiStreamBus.from_prefix(dut, "s_axis_weights")
                self.weights = AxiStreamSource(words, *reset)
            if self.case.interface.state == "load":
                source = AxiStreamBus.from_prefix(dut, "s_axis_state")
                sink = AxiStreamBus.from_prefix(dut, "m_axis_state")
                self.state_in = AxiStreamSource(source, *reset)
                self.state_out = AxiStreamSink(sink, *reset)

    async def start(self, *, enable: bool = True) -> BusBench:
        """Clock, reset, and sequences allowed to begin."""
        self.dut.aresetn.value = 0
        Clock(self.dut.aclk, PERIOD_NS, "ns").start()
        await self.reset()
        if enable:
            await self.write("CONTROL", ENABLE=1)
        return self

    async def reset(self, cycles: int = 3) -> None:
        """The reset pin."""
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, cycles)
        self.dut.aresetn.value = 1
        await RisingEdge(self.dut.aclk)

    def pause(self, rate: float) -> None:
        """Let every channel pause at random; 0 for none."""
        write, read = self.lite.write_if, self.lite.read_if
        channels = [
            write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel,
            *filter(None, (self.x, self.y, self.state_in, self.state_out, self.weights)),
        ]  # fmt: skip
        for channel in channels:
            if rate:
                channel.set_pause_generator(random_pauses(self.random.getrandbits(32), rate))
            else:
                channel.clear_pause_generator()
                channel.pause = False

    async def read(self, name: str, field: str | None = None) -> int:
        """A register, or a field of it."""
        register = REGISTERS[name]
        word, error = await self.read_at(register.address)
        assert not error, name
        if field is None:
            return word
        found = register.field(field)
        return (word & found.mask) >> found.low

    async def read_at(self, address: int) -> tuple[int, bool]:
        """The word at an address, and whether that was refused."""
        answer: Any = await with_timeout(self.lite.read(address, 4), PATIENCE_NS, "ns")
        assert answer.resp in (AxiResp.OKAY, AxiResp.SLVERR)
        return int.from_bytes(answer.data, "little"), answer.resp == AxiResp.SLVERR

    async def write(self, name: str, word: int | None = None, /, **fields: int) -> None:
        """A register's word, or its fields, the others 0."""
        register = REGISTERS[name]
        if word is None:
            word = join(register, fields)
        assert not await self.write_at(register.address, word), name

    async def write_at(self, address: int, word: int) -> bool:
        """Whether a write was refused."""
        data = word.to_bytes(4, "little")
        answer: Any = await with_timeout(self.lite.write(address, data), PATIENCE_NS, "ns")
        assert answer.resp in (AxiResp.OKAY, AxiResp.SLVERR)
        return answer.resp == AxiResp.SLVERR

    async def load(self, image: NDArray[np.uint32]) -> None:
        """An image of weights, as it is."""
        await self.weights.send(AxiStreamFrame(image.astype("<u4").tobytes()))

    async def loaded(self) -> bool:
        """Until what was sent is active or refused; whether it is active."""
        await with_timeout(self.weights.wait(), PATIENCE_NS, "ns")
        for _ in range(200):
            status = await self.read("IRQ_STATUS")
            loaded, refused = (
                bool(status & REGISTERS["IRQ_STATUS"].field(name).mask)
                for name in ("LOADED", "REFUSED")
            )
            if loaded or refused:
                assert loaded != refused
                await self.write("IRQ_STATUS", LOADED=loaded, REFUSED=refused)
                return loaded
        raise AssertionError("an image is neither active nor refused")

    async def send(self, data: bytes, *, stream: int = 0, user: int = 0) -> None:
        """A frame of x, as it is."""
        await self.x.send(AxiStreamFrame(data, tid=stream, tuser=user))

    async def send_x(self, x: Integers, *, stream: int = 0, user: int = 0) -> None:
        """A sequence."""
        await self.send(self.case.frame(x), stream=stream, user=user)

    async def beats_taken(self, count: int) -> None:
        """Until so many more beats of x have been taken."""
        seen: list[int] = []
        watching = cocotb.start_soon(handshakes(self.dut, "s_axis", seen))
        while len(seen) < count:
            await RisingEdge(self.dut.aclk)
        watching.cancel()

    async def frame(self) -> Any:
        """The next frame of results."""
        return await with_timeout(self.y.recv(), PATIENCE_NS, "ns")

    async def results(self, *, wrong: bool = False, stream: int | None = None) -> Integers:
        """A sequence's results; whether it is marked is checked."""
        frame = await self.frame()
        assert bool(last_of(frame.tuser)) == wrong
        if stream is not None:
            assert set(np.atleast_1d(frame.tid)) == {stream}
        return self.case.words(bytes(frame.tdata))

    async def expect(
        self, x: Integers, *, wrong: bool = False, network: QuantizedNetwork | None = None
    ) -> None:
        """The next results are those of a sequence that began from zero."""
        got = await self.results(wrong=wrong)
        assert got.tolist() == self.case.answer(x, network).tolist()

    async def good(self, seed: int, steps: int = 3) -> None:
        """A good sequence, with right results."""
        x = self.case.x(steps, seed)
        await self.send_x(x)
        await self.expect(x)

    async def settle(self) -> None:
        """Until nothing is left to do, and the counters have told of it."""
        for _ in range(400):
            if await self.read("STATUS", "IDLE"):
                break
        else:
            raise AssertionError("the core does not become idle")
        await ClockCycles(self.dut.aclk, 40)

    async def quiet(self, cycles: int) -> None:
        """No frame of results comes."""
        await ClockCycles(self.dut.aclk, cycles)
        assert self.y.empty()


def last_of(values: Any) -> int:
    """The value with a frame's last byte."""
    return values[-1] if isinstance(values, list) else values


def join(register: Register, fields: dict[str, int]) -> int:
    """A word of fields."""
    return sum(value << register.field(name).low for name, value in fields.items())


async def handshakes(dut: Any, prefix: str, seen: list[int]) -> None:
    """Append the number of each cycle in which a beat moves."""
    valid, ready = getattr(dut, f"{prefix}_tvalid"), getattr(dut, f"{prefix}_tready")
    cycle = 0
    while True:
        await RisingEdge(dut.aclk)
        await ReadOnly()  # levels behind this edge move at the next
        cycle += 1
        if int(valid.value) and int(ready.value):
            seen.append(cycle)
