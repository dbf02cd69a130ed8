"""Noise on a core's serial line and SPI lines, and sequences that must be right afterwards."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from golden.cells import LiteLSTM
from golden.closing import Closing
from golden.link import frames, spi
from golden.link.access import Answer, Kind, Request, Status
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl.core import Core
from hdl.plan import Plan
from hdl.serial.spi_access import CYCLES_OF_A_BIT, SpiAccess
from hdl.serial.top import SerialTop
from hdl.serial.uart import MIN_DIVISOR
from hdl.serial.uart_access import UartAccess
from hdl.spec.options import CoreOptions
from hdl.verilog import convert
from sim.bus.accesses import ENABLE, REGISTERS
from sim.bus.checked_bench import DifferentError
from sim.compiled.library import verilator_library
from sim.compiled.noise import noise_header
from sim.draw.lively import lively
from sim.draw.networks import Recipe, input_words, quantized_network

HARNESS = Path(__file__).with_name("line_bench.cpp")

PATIENCE = 100
"""Reads of a result until the core hangs."""

SEQUENCES, STEPS = 2, 3
"""Sequences after a piece of noise, and their steps."""

_u64 = ctypes.c_uint64


@dataclass(frozen=True, kw_only=True)
class LineCore:
    """A core behind a serial line or SPI.

    Attributes:
        name: of its top module.
        bit: clock cycles of a bit.
    """

    name: str
    bit: int

    @cached_property
    def network(self) -> QuantizedNetwork:
        """The core's network."""
        recipe = Recipe(inputs=3, units=(3,), outputs=2, cells=(LiteLSTM(),))
        network = quantized_network(recipe, 1)
        return lively(network, input_words(network, batch=8, steps=4, seed=1))

    @property
    def is_spi(self) -> bool:
        """Whether the lines are SPI's."""
        return self.name == "spi"

    def verilog(self) -> str:
        """Generate the Verilog of the core with its lines."""
        plan = Plan(network=self.network, options=CoreOptions(lanes=3))
        front_end = SpiAccess() if self.is_spi else UartAccess(divisor=self.bit)
        top = SerialTop(core=Core(plan=plan, watched=True), front_end=front_end)
        return convert(top, name=self.name)


LINES = (LineCore(name="uart", bit=MIN_DIVISOR), LineCore(name="spi", bit=CYCLES_OF_A_BIT))


class LineBench(Closing):
    """Compiled bench of a core with lines; a context manager.

    Args:
        library: library that :func:`line_library` built.
        which: the core's number in the library.
        core: the core.
    """

    _ROOM = 256

    def __init__(self, library: Path, which: int, core: LineCore) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.line_open.restype = ctypes.c_void_p
        self._library.line_exchange.restype = ctypes.c_int64
        self._bench = ctypes.c_void_p(self._library.line_open(which, _u64(core.bit)))
        self._core, self._number = core, 0
        self._decoder = frames.Decoder()

    def close(self) -> None:
        """Free the model."""
        self._library.line_close(self._bench)

    def reset(self) -> None:
        """Reset the core by its pin, with the lines at rest."""
        self._library.line_reset(self._bench)
        self._decoder = frames.Decoder()

    def noise(self, seed: int, cycles: int, *, hold: int) -> None:
        """Put random levels on the lines, each for 1 to ``hold`` cycles, now and then a reset."""
        self._library.line_noise(self._bench, _u64(seed), _u64(cycles), _u64(hold))

    def write(self, name: str, word: int) -> int | None:
        """Write a register; return the status, ``None`` without an answer."""
        address = REGISTERS[name].address
        if self._core.is_spi:
            answer = self._exchange(spi.write_frame(address, word))
            return spi.status(spi.written(answer))
        told = self._ask(Kind.WRITE, address, (word,))
        return told.status if told else None

    def read(self, name: str) -> tuple[int | None, int]:
        """Read a register; return the status, ``None`` without an answer, and the word."""
        address = REGISTERS[name].address
        if self._core.is_spi:
            status, word = spi.was_read(self._exchange(spi.read_frame(address)))
            return spi.status(status), word
        told = self._ask(Kind.READ, address)
        return (told.status, (*told.words, 0)[0]) if told else (None, 0)

    def _ask(self, kind: Kind, address: int, words: tuple[int, ...] = ()) -> Answer | None:
        self._number = (self._number + 1) % 256
        request = Request(kind=kind, number=self._number, address=address, count=1, words=words)
        bodies = list(self._decoder.feed(self._exchange(frames.encode(request.pack()))))
        if len(bodies) != 1 or bodies[0] is None:
            return None
        told = Answer.unpack(bodies[0])
        right = told and (told.kind, told.number) == (kind, self._number)
        return told if right else None

    def _exchange(self, data: bytes) -> bytes:
        got = ctypes.create_string_buffer(self._ROOM)
        count = self._library.line_exchange(
            self._bench, data, _u64(len(data)), got, _u64(self._ROOM)
        )
        return got.raw[: max(0, count)]


def line_library(cores: Mapping[str, str], *, optimize: bool = True) -> Path:
    """Build one library of benches for several cores: Verilog texts by name of the top module."""
    headers = {"noise.h": noise_header(cores)}
    return verilator_library(cores, harness=HARNESS, headers=headers, optimize=optimize)


def noise(library: Path, which: int, cycles: int, seed: int, pieces: int) -> Counter[str]:
    """Put noise on one core's lines, in pieces, and check sequences after each.

    In one half of the pieces levels change with every cycle, in the others after up to two bits.

    Returns:
        Number of pieces and of register accesses.

    Raises:
        DifferentError: a register or a result is wrong.
    """
    core = LINES[which]
    rng, counts = np.random.default_rng([seed, which]), Counter[str]()
    with LineBench(library, which, core) as bench:
        for piece in range(pieces):
            hold = 2 * core.bit if piece % 2 else 1
            bench.noise(int(rng.integers(1 << 62)), -(-cycles // pieces), hold=hold)
            bench.reset()
            problem = _sequences(core, bench, rng, counts)
            if problem:
                raise DifferentError(f"{core.name}, seed {seed}, piece {piece}: {problem}")
            counts["noise"] += 1
    return counts


def _sequences(
    core: LineCore, bench: LineBench, rng: np.random.Generator, counts: Counter[str]
) -> str:
    """Run sequences through the registers; return what is wrong, or ""."""
    model = IntegerModel(core.network)
    half = 1 << (core.network.x.width - 1)

    def put(name: str, word: int) -> str:
        counts["operations"] += 1
        status = bench.write(name, word & 0xFFFFFFFF)
        return "" if status == Status.DONE else f"status of a write to {name} is {status}"

    if problem := put("CONTROL", ENABLE):
        return problem
    for _ in range(SEQUENCES):
        x = rng.integers(-half, half, size=(1, STEPS, core.network.inputs))
        *most, last = x.ravel().tolist()
        for name, word in (*(("X", word) for word in most), ("X_LAST", last)):
            if problem := put(name, word):
                return problem
        for place, expected in enumerate(model.forward(x)[0].tolist()):
            status, word = next(
                ((s, w) for s, w in (bench.read("Y") for _ in range(PATIENCE)) if s != Status.BUSY),
                (Status.BUSY, 0),
            )
            counts["operations"] += 1
            if (status, word) != (Status.DONE, expected & 0xFFFFFFFF):
                return f"word {place} of Y is {word} with status {status}, expected {expected}"
    status, errors = bench.read("ERRORS")
    return "" if (status, errors) == (Status.DONE, 0) else f"ERRORS is {errors}, status {status}"
