"""Opening of a core by the name of its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from litelstm.driver import running
from litelstm.driver.axi_dma import AxiDma, Buffers
from litelstm.driver.backend import Backend
from litelstm.driver.channels import Channel, DmaBackend, MmioBackend
from litelstm.driver.core import Core
from litelstm.driver.description import STATE_IN, STATE_OUT, WEIGHTS, Description, X, Y
from litelstm.driver.memory import MemoryMap, UioInterrupt
from litelstm.driver.model import ModelBackend
from litelstm.driver.serial_line import DEFAULT_BAUD
from litelstm.driver.serial_port import SerialBackend
from litelstm.driver.spi_port import DEFAULT_HERTZ, SpiBackend
from litelstm.driver.supervision import DEFAULT_TIMEOUT

AT = "LITELSTM_AT"
"""Environment variable with the place of the core, if the program does not name one."""

DMA_REGISTERS = 0x60
"""Bytes of an AXI DMA's registers."""

_DMAS = {"dma": (X, Y), "dma_state": (STATE_IN, STATE_OUT), "dma_weights": (WEIGHTS, None)}
"""Streams that each DMA moves, to the core and from it."""


def open_core(
    description: str | Path,
    at: str | Backend | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> Core:
    """Open a core.

    Args:
        description: the JSON that ``litelstm generate`` wrote.
        at: place of the core, one of

            - ``sim``: in the simulation that the program runs in, see ``litelstm run``;
            - ``model:NETWORK.q.npz``: a model of the core, for a network in the Verilog;
            - ``uio:/dev/uio0``: Linux's UIO;
            - ``mem:0x43C00000``: physical memory, through ``/dev/mem``;
            - ``uart:/dev/ttyUSB0`` with ``?baud=1000000``;
            - ``spi:/dev/spidev0.0`` with ``?hertz=1000000``;
            - a backend, e.g. one made of PYNQ's objects.

            ``uio`` and ``mem`` take ``?dma=ADDRESS&buffer=udmabuf0`` for a core with streams: an
            AXI DMA at a physical address, and a buffer of the driver u-dma-buf; also ``dma_state``
            and ``dma_weights``.
            ``None``: the value of the environment variable ``LITELSTM_AT``, or else ``sim``.
        timeout: seconds that a sequence or an image of weights may take.

    Raises:
        InputError: a file cannot be read, or ``at`` is none of these.
        DriverError: the core does not answer, or another core does.
    """
    known = Description.load(description)
    if not (at is None or isinstance(at, str)):
        return Core(at, known, timeout=timeout)
    backend = _backend(known, at or os.environ.get(AT) or "sim")
    try:
        return Core(backend, known, timeout=timeout)
    except BaseException:
        backend.close()
        raise


def _backend(description: Description, at: str) -> Backend:
    kind, _, rest = at.partition(":")
    place, _, query = rest.partition("?")
    options = dict(parse_qsl(query))
    makers: dict[str, Callable[[], Backend]] = {
        "sim": running.backend,
        "model": lambda: ModelBackend(description, QuantizedNetwork.load(place)),
        "uio": lambda: _memory(MemoryMap(place), options, interrupts=True),
        "mem": lambda: _memory(
            MemoryMap("/dev/mem", offset=_number("address", place)), options, interrupts=False
        ),
        "uart": lambda: SerialBackend.open(
            place, baud=_number("baud", options.pop("baud", str(DEFAULT_BAUD)))
        ),
        "spi": lambda: SpiBackend.open(
            place, hertz=_number("hertz", options.pop("hertz", str(DEFAULT_HERTZ)))
        ),
    }
    if kind not in makers:
        raise InputError(f"place of the core is {at!r}, expected one of {', '.join(makers)}")
    backend = makers[kind]()
    if options:
        backend.close()
        raise InputError(f"place of the core is {at!r}, which has no {next(iter(options))}")
    return backend


def _memory(registers: MemoryMap, options: dict[str, str], *, interrupts: bool) -> Backend:
    """Make a backend over mapped memory, with the DMAs that the options name."""
    interrupt = UioInterrupt(registers.file) if interrupts else None
    dmas = {name: options.pop(name) for name in _DMAS if name in options}
    if not dmas:
        return Mapped(registers, interrupt=interrupt)
    maps = [registers]
    buffers = udmabuf(options.pop("buffer", "udmabuf0"), maps)
    channels: dict[str, Channel] = {}
    for name, address in dmas.items():
        maps.append(MemoryMap("/dev/mem", offset=_number(name, address), length=DMA_REGISTERS))
        dma = AxiDma(maps[-1], buffers)
        into, out_of = _DMAS[name]
        channels[into] = dma.sendchannel
        if out_of:
            channels[out_of] = dma.recvchannel
    return MappedDma(maps, channels, buffers, interrupt=interrupt)


class Mapped(MmioBackend):
    """Backend for registers in mapped memory."""

    def __init__(self, registers: MemoryMap, *, interrupt: UioInterrupt | None) -> None:
        super().__init__(registers, interrupt=interrupt)
        self._registers = registers

    def close(self) -> None:
        """Unmap the memory."""
        self._registers.close()


class MappedDma(DmaBackend):
    """Backend for a core and DMAs in mapped memory; the core's map is the first of ``maps``."""

    def __init__(
        self,
        maps: list[MemoryMap],
        channels: Mapping[str, Channel],
        buffers: Buffers,
        *,
        interrupt: UioInterrupt | None,
    ) -> None:
        super().__init__(maps[0], channels, allocate=buffers, interrupt=interrupt)
        self._maps = maps

    def close(self) -> None:
        """Unmap the memory."""
        self._buffers.clear()
        for one in self._maps:
            one.close()


def udmabuf(
    name: str,
    maps: list[MemoryMap],
    *,
    root: Path = Path("/sys/class/u-dma-buf"),
    device: Path | None = None,
) -> Buffers:
    """Map a buffer of the driver u-dma-buf, and add its map to ``maps``.

    Raises:
        InputError: no buffer has this name, or it cannot be mapped.
    """
    try:
        size, physical = (
            int((root / name / file).read_text(), 0) for file in ("size", "phys_addr")
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{root / name}: cannot be read: {reason}") from None
    maps.append(MemoryMap(device or f"/dev/{name}", length=size))
    return Buffers(maps[-1].data, physical)


def _number(name: str, text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise InputError(f"{name} is {text!r}, expected a number") from None
