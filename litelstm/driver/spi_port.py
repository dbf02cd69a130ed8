"""Registers over SPI: the host's side of :mod:`golden.link.spi`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from golden.errors import InputError
from golden.link import spi
from golden.link.access import STATUS_MEANINGS, Status
from golden.packages import load
from litelstm.driver.backend import WALL, World
from litelstm.driver.errors import DriverError

DEFAULT_HERTZ = 1_000_000


class SpiPort(Protocol):
    """The members of ``spidev.SpiDev`` that the driver uses."""

    def xfer2(self, data: list[int], /) -> list[int]: ...

    def close(self) -> None: ...


class SpiBackend:
    """Registers over SPI; data registers are accessed word by word.

    Args:
        port: the open device in mode 0; its clock is at most 1/16 of the core's.
        world: source of time.
    """

    def __init__(self, port: SpiPort, *, world: World = WALL) -> None:
        self._port = port
        self.time, self.wait = world.time, world.wait

    @classmethod
    def open(cls, path: str, *, hertz: int = DEFAULT_HERTZ) -> SpiBackend:
        """Open a Linux device, ``/dev/spidevBUS.DEVICE``.

        Raises:
            MissingToolError: the package spidev is not installed.
            InputError: the device cannot be opened.
        """
        found = re.fullmatch(r"/dev/spidev(\d+)\.(\d+)", path)
        if not found:
            raise InputError(f"SPI device is {path}, expected /dev/spidevBUS.DEVICE")
        spidev = load("spidev", how="pip install spidev")
        port = spidev.SpiDev()
        try:
            port.open(int(found[1]), int(found[2]))
        except OSError as error:
            raise InputError(f"{path}: cannot be opened: {error.strerror}") from None
        port.mode, port.max_speed_hz = 0, hertz
        return cls(port)

    def read(self, address: int) -> int:
        """See :class:`litelstm.driver.backend.Backend`."""
        status, word = self._read(address)
        _check(status, address)
        return word

    def write(self, address: int, word: int) -> None:
        """See :class:`litelstm.driver.backend.Backend`."""
        _check(self._write(address, word), address)

    def put(self, address: int, words: Sequence[int]) -> int:
        """See :class:`litelstm.driver.backend.WindowBackend`."""
        for count, word in enumerate(words):
            status = self._write(address, word)
            if status == Status.BUSY:
                return count
            _check(status, address)
        return len(words)

    def take(self, address: int, count: int) -> list[int]:
        """See :class:`litelstm.driver.backend.WindowBackend`."""
        taken: list[int] = []
        while len(taken) < count:
            status, word = self._read(address)
            if status == Status.BUSY:
                break
            _check(status, address)
            taken.append(word)
        return taken

    def close(self) -> None:
        """Close the device."""
        self._port.close()

    def _read(self, address: int) -> tuple[Status, int]:
        byte, word = spi.was_read(self._exchange(spi.read_frame(address)))
        return _status(byte), word

    def _write(self, address: int, word: int) -> Status:
        return _status(spi.written(self._exchange(spi.write_frame(address, word))))

    def _exchange(self, frame: bytes) -> bytes:
        try:
            return bytes(self._port.xfer2(list(frame)))
        except OSError as error:
            raise DriverError(f"SPI fails: {error.strerror}") from None


def _status(byte: int) -> Status:
    found = spi.status(byte)
    if found is None:
        late = byte == spi.MARK | spi.LATE
        why = "the clock is too fast for the core" if late else f"status byte is 0x{byte:02x}"
        raise DriverError(f"no answer over SPI: {why}")
    return found


def _check(status: Status, address: int) -> None:
    if status != Status.DONE:
        raise DriverError(
            f"the core refuses the register at 0x{address:02x}: {STATUS_MEANINGS[status]}"
        )
