"""Backends: the interfaces through which :class:`litelstm.driver.core.Core` accesses a core."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable


class Backend(Protocol):
    """Registers of a core.

    All methods raise :class:`litelstm.driver.errors.DriverError` if the connection to the core
    fails, or the core refuses the access.
    """

    def read(self, address: int) -> int:
        """A register's word; the address is in bytes from the core's first register."""
        ...

    def write(self, address: int, word: int) -> None:
        """Write a register."""
        ...

    def time(self) -> float:
        """Seconds since any moment on the core's clock; in a simulation, simulated seconds."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait up to ``seconds`` for the core; return early at an interrupt, if it has one."""
        ...

    def close(self) -> None:
        """Release the connection to the core."""
        ...


@runtime_checkable
class StreamBackend(Backend, Protocol):
    """Registers and streams."""

    def transfer(
        self, outgoing: Mapping[str, bytes], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, bytes]:
        """Move one frame over each given stream, all at the same time.

        Args:
            outgoing: to the core, by the stream's name; each ends with ``tlast``.
            incoming: bytes from the core, at most, by the stream's name.
            timeout: seconds for all of it.

        Returns:
            The data of each incoming stream, up to ``tlast`` or the requested number.

        Raises:
            CoreTimeoutError: not all frames moved in time; the rest is cancelled.
        """
        ...

    def settle(self) -> None:
        """Cancel transfers on every stream, then discard the core's output until there is none.

        The driver calls it before and after a reset of the core.
        """
        ...


@runtime_checkable
class WindowBackend(Backend, Protocol):
    """Registers, with bursts for data registers; the core itself answers if it is not ready."""

    def put(self, address: int, words: Sequence[int]) -> int:
        """Write words to a data register until it has no room; return how many it accepted."""
        ...

    def take(self, address: int, count: int) -> list[int]:
        """Read words from a data register until it is empty, ``count`` at most."""
        ...


POLL_SECONDS = 1e-4
"""Interval for polling a register."""


class World(Protocol):
    """Source of time: real or simulated; see :meth:`Backend.time` and :meth:`Backend.wait`."""

    def time(self) -> float: ...

    def wait(self, seconds: float) -> None: ...


class WallTime:
    """Real time of the machine that runs the program."""

    def time(self) -> float:
        """Return seconds since any moment."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Sleep until the next poll of a register, ``seconds`` at most."""
        time.sleep(min(seconds, POLL_SECONDS))


WALL = WallTime()
