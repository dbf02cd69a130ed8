"""The ways to a core: what each of them offers to :class:`litelstm.driver.core.Core`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable


class Backend(Protocol):
    """Registers of a core.

    All methods raise :class:`litelstm.driver.errors.DriverError` where the way to the core fails,
    or the core answers that there is no such access.
    """

    def read(self, address: int) -> int:
        """A register's word; the address is in bytes from the core's first register."""
        ...

    def write(self, address: int, word: int) -> None:
        """Write a register."""
        ...

    def time(self) -> float:
        """Seconds of the core's world, from any moment on; a simulation's own."""
        ...

    def wait(self, seconds: float) -> None:
        """Give the core time, up to so long; ends early at an interrupt, where there is one."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


@runtime_checkable
class StreamBackend(Backend, Protocol):
    """Registers and streams."""

    def transfer(
        self, outgoing: Mapping[str, bytes], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, bytes]:
        """Move one frame over each of some streams at the same time.

        Args:
            outgoing: to the core, by the stream's name; each ends with ``tlast``.
            incoming: bytes from the core, at most, by the stream's name.
            timeout: seconds for all of it.

        Returns:
            What came on each incoming stream, up to ``tlast`` or the number asked for.

        Raises:
            CoreTimeoutError: not all of it moved in time; the rest is taken back.
        """
        ...

    def settle(self) -> None:
        """Give up what is under way on every stream, then throw away what the core offers, until
        it offers nothing. Called before a reset of the core and after it.
        """
        ...


@runtime_checkable
class WindowBackend(Backend, Protocol):
    """Registers, of which the data registers are moved in bursts, with the core's own answer
    whether there was room or a word.
    """

    def put(self, address: int, words: Sequence[int]) -> int:
        """Write words to a data register while it takes them; how many it took."""
        ...

    def take(self, address: int, count: int) -> list[int]:
        """Words of a data register, as long as there are some, up to ``count``."""
        ...


POLL_SECONDS = 1e-4
"""Between two looks at a register."""


class World(Protocol):
    """Where time goes by: see :meth:`Backend.time` and :meth:`Backend.wait`."""

    def time(self) -> float: ...

    def wait(self, seconds: float) -> None: ...


class WallTime:
    """Time of the machine that the program runs on."""

    def time(self) -> float:
        """Seconds."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Sleep until the next look at a register."""
        time.sleep(min(seconds, POLL_SECONDS))


WALL = WallTime()
