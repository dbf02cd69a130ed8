"""The ways to a core: DMA objects, mapped memory, UIO, Xilinx' AXI DMA, serial lines."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import numpy as np
import pytest

import litelstm
from golden.errors import InputError
from golden.link.access import AccessModel, Status
from litelstm.driver import (
    Core,
    CoreTimeoutError,
    DmaBackend,
    DriverError,
    ModelBackend,
    SerialBackend,
    opening,
)
from litelstm.driver.axi_dma import AxiDma, Buffers
from litelstm.driver.description import INTO
from litelstm.driver.memory import MemoryMap, UioInterrupt
from litelstm.driver.opening import Mapped
from litelstm.driver.program import run_program
from sim.cocotb_bench import runner
from tests.litelstm.driver import dma_program, program
from tests.litelstm.driver.cores import CASES, NAME, BusCase
from tests.litelstm.driver.test_simulation import SEED, write

pytestmark = pytest.mark.simulator

STREAMED = ("plain", "tight", "states", "ram")


class FakeChannel:
    """A DMA channel like PYNQ's at a stream of a model."""

    def __init__(self, model: ModelBackend, name: str) -> None:
        self._model, self._name = model, name
        self._buffer: Any = None

    def transfer(self, buffer: Any) -> None:
        self._buffer = buffer
        if self._name in INTO:
            self._model.transfer({self._name: bytes(buffer)}, {}, timeout=1)
            self._buffer = None

    @property
    def idle(self) -> bool:
        if self._buffer is not None:
            try:
                incoming = {self._name: len(self._buffer)}
                came = self._model.transfer({}, incoming, timeout=1)[self._name]
            except CoreTimeoutError:
                return False
            self._buffer[:] = np.frombuffer(came, np.uint8)
            self._buffer = None
        return True


def described(case: BusCase, folder: Path) -> Path:
    path = folder / "core.json"
    path.write_text(json.dumps(case.json))
    return path


@pytest.mark.parametrize("name", STREAMED)
def test_dma_objects(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    model = ModelBackend(case.description, case.has)
    channels = {stream: FakeChannel(model, stream) for stream in case.description.streams}
    program.main(name, str(described(case, tmp_path)), DmaBackend(model, channels))


def test_dma_objects_in_the_simulator(tmp_path: Path) -> None:
    path = write("states", tmp_path)
    printed = run_program(
        Path(dma_program.__file__),
        path,
        arguments=["states", str(path)],
        simulator="icarus",
        logs=tmp_path / "logs",
        seed=SEED,
    )
    assert printed == "states: all is well\n"


def test_troubles_of_dma_objects() -> None:
    case = CASES["plain"]
    model = ModelBackend(case.description, case.network)
    with pytest.raises(DriverError, match=r"^stream is 'z', expected one of x, state_in, "):
        DmaBackend(model, {"z": FakeChannel(model, "x")})
    core = Core(DmaBackend(model, {"x": FakeChannel(model, "x")}), case.description)
    with pytest.raises(DriverError, match=r"^stream y has no DMA channel \(IDLE 1, "):
        core.run(case.sequence(1, 1))

    class Failing(FakeChannel):
        error = True

    channels = {"x": FakeChannel(model, "x"), "y": Failing(model, "y")}
    core = Core(DmaBackend(model, channels), case.description)
    with pytest.raises(DriverError, match=r"^the DMA channel of y reports an error \(IDLE 1, "):
        core.run(case.sequence(1, 1))


class FakeAxiDma:
    """Registers of an AXI DMA that reaches a memory, with a core's streams at its other side."""

    CHANNELS: ClassVar[dict[int, str]] = {0x00: "x", 0x30: "y"}

    def __init__(self, model: ModelBackend, memory: Any, physical: int) -> None:
        self._model, self._memory, self._physical = model, memory, physical
        self._words: dict[int, int] = {}
        self._waiting: dict[int, tuple[int, int]] = {}

    def write(self, offset: int, word: int) -> None:
        channel = 0x30 if offset >= 0x30 else 0
        self._words[offset] = word
        if offset - channel == 0x00 and word & 4:  # a reset is over at once
            self._words[offset] = 0
            self._waiting.clear()
        if offset - channel == 0x28:
            assert self._words[channel] & 1, "the channel does not run"
            address = self._words[channel + 0x18] | self._words[channel + 0x1C] << 32
            self._waiting[channel] = (address - self._physical, word)
            self._move(channel)

    def read(self, offset: int) -> int:
        channel = 0x30 if offset >= 0x30 else 0
        if offset - channel == 0x04:
            self._move(channel)
            return 0 if channel in self._waiting else 2
        return self._words.get(offset, 0)

    def _move(self, channel: int) -> None:
        if channel not in self._waiting:
            return
        at, length = self._waiting[channel]
        name = self.CHANNELS[channel]
        part = self._memory[at : at + length]
        assert len(part) == length, "outside of the memory"
        try:
            if channel == 0:
                self._model.transfer({name: bytes(part)}, {}, timeout=1)
            else:
                came = self._model.transfer({}, {name: length}, timeout=1)[name]
                part[:] = np.frombuffer(came, np.uint8)
        except CoreTimeoutError:
            return
        del self._waiting[channel]


@pytest.mark.parametrize("physical", [0x1000_0000, 0x8_4000_0000])
def test_axi_dma(physical: int, tmp_path: Path) -> None:
    """Through its registers, and buffers below and above 4 GB."""
    case = CASES["plain"]
    model = ModelBackend(case.description, case.network)
    memory = np.zeros(4096, np.uint8)
    buffers = Buffers(memory, physical)
    dma = AxiDma(FakeAxiDma(model, memory, physical), buffers)
    channels = {"x": dma.sendchannel, "y": dma.recvchannel}
    backend = DmaBackend(model, channels, allocate=buffers)
    program.main("plain", str(described(case, tmp_path)), backend)
    with pytest.raises(InputError, match=r"^buffers take \d+ bytes, the memory for DMA has 4096"):
        buffers(4096)


class FullAxiDma(FakeAxiDma):
    """One with frames of an earlier program between the core and itself."""

    def __init__(self, *arguments: Any, frames: list[bytes]) -> None:
        super().__init__(*arguments)
        self.frames = frames
        self._failed = False

    def write(self, offset: int, word: int) -> None:
        if offset == 0x30 and word & 4:
            self._failed = False
        super().write(offset, word)

    def read(self, offset: int) -> int:
        return 0x10 if offset == 0x34 and self._failed else super().read(offset)

    def _move(self, channel: int) -> None:
        if channel == 0x30 and channel in self._waiting and self.frames:
            at, length = self._waiting.pop(channel)
            frame = self.frames.pop(0)
            self._failed = len(frame) > length
            self._memory[at : at + min(len(frame), length)] = list(frame[:length])
        elif not self._failed:
            super()._move(channel)


def test_opening_empties_what_lies_before_the_dma() -> None:
    """Frames that an earlier program did not take, one of them longer than a closing one."""
    case = CASES["plain"]
    model = ModelBackend(case.description, case.network)
    memory = np.zeros(4096, np.uint8)
    buffers = Buffers(memory, 0)
    full = FullAxiDma(model, memory, 0, frames=[bytes([7] * 4), bytes(100), bytes([9] * 4)])
    dma = AxiDma(full, buffers)
    channels = {"x": dma.sendchannel, "y": dma.recvchannel}
    core = Core(DmaBackend(model, channels, allocate=buffers), case.description)
    assert full.frames == []
    assert core.run(case.sequence(2, 1)).tolist() == case.result(case.sequence(2, 1)).tolist()
    full.frames = [bytes(4)] * 10**6
    with pytest.raises(CoreTimeoutError, match=r"^stream y does not settle$"):
        core.reset()
    with pytest.raises(DriverError, match=r"^an earlier call failed "):
        core.run(case.sequence(2, 1))


def test_timeouts_of_an_axi_dma(tmp_path: Path) -> None:
    """The DMA is reset, and what the core then gives to end its frame is taken away."""
    case = CASES["plain"]

    class Deaf(ModelBackend):
        deaf = True

        def _run(self, x: Any) -> None:
            if not self.deaf:
                super()._run(x)

    model = Deaf(case.description, case.network)
    memory = np.zeros(4096, np.uint8)
    buffers = Buffers(memory, 0)
    dma = AxiDma(FakeAxiDma(model, memory, 0), buffers)
    channels = {"x": dma.sendchannel, "y": dma.recvchannel}
    core = Core(DmaBackend(model, channels, allocate=buffers), case.description, timeout=0.01)
    with pytest.raises(CoreTimeoutError, match=r"^after 0.01 s not done: y "):
        core.run(case.sequence(2, 1))
    model.deaf = False
    core.reset()
    core.timeout = 1
    assert core.run(case.sequence(2, 1)).tolist() == case.result(case.sequence(2, 1)).tolist()


def register_file(case: BusCase, path: Path) -> Path:
    """A file with the registers that say what a core is."""
    model = ModelBackend(case.description, case.network)
    words = np.zeros(64, "<u4")
    for register in case.description.registers.values():
        if register.address < 0x40:
            words[register.address // 4] = model.read(register.address)
    path.write_bytes(words.tobytes())
    return path


def test_uio_on_a_file(tmp_path: Path) -> None:
    """The registers of a core that does nothing: it is known, and told to run."""
    case = CASES["window"]
    path = register_file(case, tmp_path / "uio")
    core = litelstm.open(described(case, tmp_path), f"uio:{path}")
    control = case.description.register("CONTROL").address
    assert np.frombuffer(path.read_bytes(), "<u4")[control // 4] == 0b1001
    core.close()
    assert np.frombuffer(path.read_bytes(), "<u4")[control // 4] == 0
    with pytest.raises(InputError, match=r"which has no speed$"):
        litelstm.open(described(case, tmp_path), f"uio:{path}?speed=3")


def test_memory_at_any_offset(tmp_path: Path) -> None:
    """Words are where they belong, and nothing beside them changes."""
    path = tmp_path / "memory"
    path.write_bytes(bytes(range(256)) * 64)
    before = path.read_bytes()
    memory = MemoryMap(path, offset=0x1234, length=0x100)
    assert memory.read(8) == int.from_bytes(before[0x123C:0x1240], "little")
    memory.write(12, 0xDEADBEEF)
    memory.close()
    assert path.read_bytes() == before[:0x1240] + b"\xef\xbe\xad\xde" + before[0x1244:]


def test_interrupts_of_uio() -> None:
    """One is let through, waited for, and taken; without one the time is up."""
    device, kernel = socket.socketpair()
    interrupt = UioInterrupt(device.fileno())
    interrupt(0.01)
    assert kernel.recv(8) == b"\1\0\0\0"
    kernel.send(b"\7\0\0\0")
    interrupt(10)
    assert kernel.recv(8) == b"\1\0\0\0"
    device.setblocking(False)
    with pytest.raises(BlockingIOError):
        device.recv(4)


def test_mapped_registers_are_given_back(tmp_path: Path) -> None:
    path = register_file(CASES["window"], tmp_path / "uio")
    memory = MemoryMap(path)
    Mapped(memory, interrupt=None).close()
    with pytest.raises(OSError, match=r"Bad file descriptor"):
        os.fstat(memory.file)


def test_a_buffer_of_u_dma_buf(tmp_path: Path) -> None:
    """Its size and address are the kernel's words; without the driver that is said."""
    with pytest.raises(InputError, match=r"buf9: cannot be read: No such file or directory$"):
        opening.udmabuf("buf9", [], root=tmp_path)
    (tmp_path / "buf0").mkdir()
    (tmp_path / "buf0" / "size").write_text("4096\n")
    (tmp_path / "buf0" / "phys_addr").write_text("0x0000000070000000\n")
    device = tmp_path / "device"
    device.write_bytes(bytes(4096))
    maps: list[MemoryMap] = []
    buffers = opening.udmabuf("buf0", maps, root=tmp_path, device=device)
    first, second = buffers(10), buffers(10)
    assert (buffers.address(first), buffers.address(second)) == (0x70000000, 0x70000040)
    second[:] = 7
    assert device.read_bytes()[0x40:0x4B] == b"\7" * 10 + b"\0"


class Line:
    """A serial port with the model of a core behind it, and damage on the way."""

    baudrate = 1_000_000
    timeout: float | None = None

    def __init__(self, model: AccessModel, damage: Callable[[bytes], bytes]) -> None:
        self._model, self._damage = model, damage
        self._came = bytearray()

    @property
    def in_waiting(self) -> int:
        return len(self._came)

    def read(self, size: int = 1) -> bytes:
        taken = bytes(self._came[:size])
        del self._came[:size]
        return taken

    def write(self, data: bytes) -> int:
        self._came += self._damage(self._model.feed(self._damage(data)))
        return len(data)

    def reset_input_buffer(self) -> None:
        self._came.clear()

    def close(self) -> None:
        pass


def access_model(case: BusCase) -> AccessModel:
    """A core's side of the line: the model's data registers are looked at first."""
    model = ModelBackend(case.description, case.network)
    room = case.description.register("ROOM")
    ends = {case.description.register(name).address: name for name in ("Y", "STATE_OUT")}

    def read(address: int) -> tuple[Status, int]:
        if address in ends:
            low, _ = room.fields[ends[address]]
            if not model.read(room.address) >> low & 1:
                return Status.BUSY, 0
        try:
            return Status.DONE, model.read(address)
        except DriverError:
            return Status.REFUSED, 0

    def write(address: int, word: int) -> Status:
        try:
            model.write(address, word)
        except DriverError:
            return Status.REFUSED
        return Status.DONE

    return AccessModel(read, write)


@pytest.mark.parametrize("rate", [0, 0.005])
def test_serial_line(rate: float, tmp_path: Path) -> None:
    """The program over a line, good or bad; everything is done once."""
    case, random = CASES["uart"], Random(2)

    def damage(data: bytes) -> bytes:
        damaged = bytearray()
        for byte in data:
            if random.random() < rate:
                byte ^= 1 << random.randrange(8)
                damaged += bytes([byte] * random.randrange(3))
            else:
                damaged.append(byte)
        return bytes(damaged)

    backend = SerialBackend(Line(access_model(case), damage), silence=1e-3, retries=30)
    program.main("uart", str(described(case, tmp_path)), backend)
    assert (backend.retried > 5) == (rate > 0)


def test_troubles_of_a_serial_line() -> None:
    case = CASES["uart"]
    backend = SerialBackend(Line(access_model(case), lambda data: data))
    with pytest.raises(
        DriverError, match=r"^the core refuses the register at 0x3c: the register does"
    ):
        backend.read(0x3C)
    silent = SerialBackend(Line(access_model(case), lambda data: b""), silence=0.01, retries=2)
    with pytest.raises(CoreTimeoutError, match=r"^no answer for .* s; tries: 3$"):
        silent.read(0)
    line = Line(access_model(case), lambda data: data)
    with pytest.raises(
        InputError, match=r"^silence is 0, expected more than 0 seconds, up to 86400$"
    ):
        SerialBackend(line, silence=0)
    with pytest.raises(InputError, match=r"^retries is -1, expected 0 or more$"):
        SerialBackend(line, retries=-1)


def test_serial_line_with_noise_in_the_simulator(tmp_path: Path) -> None:
    path = write("uart", tmp_path)
    build = runner.build(path.with_suffix(".v").read_text(), top=NAME, simulator="verilator")
    runner.run(
        build,
        test_module="tests.litelstm.driver.noise_tests",
        testcase="noise",
        expect=1,
        seed=SEED,
        env={"LITELSTM_NOISY_CORE": str(path)},
        results=tmp_path / "results.xml",
        log=tmp_path / "log",
        timeout_s=120,
    )
