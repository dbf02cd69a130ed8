"""Registers and DMA channels with the interface that PYNQ's ``MMIO`` and ``DMA`` have.

Anything with the same methods will do: ``mmio.read(offset)``, ``mmio.write(offset, word)``; and for
each stream a channel with ``transfer(buffer)``, ``idle`` and, where it is known, ``error``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Protocol

import numpy as np

from litelstm.driver.backend import WALL, World
from litelstm.driver.description import INTO, OUT_OF
from litelstm.driver.errors import CoreTimeoutError, DriverError

STREAMS = (*INTO, *OUT_OF)

CLOSING = 32
"""Bytes that end a frame after a reset, at most: two beats of the widest bus."""

SETTLE_SECONDS = 5e-5
"""A stream from the core that offers nothing for so long is settled."""

SETTLE_FRAMES = 1000
"""Frames that are thrown away before that is given up."""


class Mmio(Protocol):
    """Words by byte offsets."""

    def read(self, offset: int, /) -> int: ...

    def write(self, offset: int, word: int, /) -> None: ...


class Channel(Protocol):
    """One direction of a DMA engine in simple mode."""

    @property
    def idle(self) -> bool:
        """The last transfer is done."""
        ...

    def transfer(self, buffer: Any, /) -> None:
        """Begin to move a buffer."""
        ...


Allocate = Callable[[int], Any]
"""A buffer of so many bytes, a NumPy array of ``uint8``, where the DMA reaches it."""


class MmioBackend:
    """Registers alone: a core with data registers.

    Args:
        mmio: words of the core.
        interrupt: waits so many seconds, or until the core's interrupt; ``None`` for polling.
        world: where time goes by for it.
    """

    def __init__(
        self,
        mmio: Mmio,
        *,
        interrupt: Callable[[float], object] | None = None,
        world: World = WALL,
    ) -> None:
        self._mmio = mmio
        self._interrupt = interrupt or world.wait
        self.time = world.time

    def read(self, address: int) -> int:
        """See :class:`litelstm.driver.backend.Backend`."""
        return int(self._mmio.read(address))

    def write(self, address: int, word: int) -> None:
        """See :class:`litelstm.driver.backend.Backend`."""
        self._mmio.write(address, word)

    def wait(self, seconds: float) -> None:
        """See :class:`litelstm.driver.backend.Backend`."""
        self._interrupt(seconds)

    def close(self) -> None:
        """Nothing to give back: the objects belong to the program."""


class DmaBackend(MmioBackend):
    """Registers, and a DMA channel for each stream that the program uses.

    A channel that has a method ``reset`` is reset when the core is opened or reset, and after a
    timeout. PYNQ's channels have none: load the overlay again to open a core, or reset the DMA.

    Args:
        mmio: words of the core.
        channels: of the streams, by name: x, y, weights, state_in, state_out.
        allocate: makes buffers; on PYNQ ``lambda n: pynq.allocate(n, "u1")``.
        interrupt, world: see :class:`MmioBackend`.

    Raises:
        DriverError: a stream has another name.
    """

    def __init__(
        self,
        mmio: Mmio,
        channels: Mapping[str, Channel],
        *,
        allocate: Allocate = lambda size: np.zeros(size, np.uint8),
        interrupt: Callable[[float], object] | None = None,
        world: World = WALL,
    ) -> None:
        super().__init__(mmio, interrupt=interrupt, world=world)
        for name in channels:
            if name not in STREAMS:
                raise DriverError(f"stream is {name!r}, expected one of {', '.join(STREAMS)}")
        self._channels = channels
        self._allocate = allocate
        self._buffers: dict[str, Any] = {}

    def transfer(
        self, outgoing: Mapping[str, bytes], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, bytes]:
        """See :class:`litelstm.driver.backend.StreamBackend`."""
        until = self.time() + timeout
        buffers = {name: self._buffer(name, size) for name, size in incoming.items()}
        for name, data in outgoing.items():
            buffers[name] = self._buffer(name, len(data))
            buffers[name][:] = np.frombuffer(data, np.uint8)
            _call(buffers[name], "flush")
        # Results first: the core may wait for them to be taken.
        for name, buffer in buffers.items():
            self._channel(name).transfer(buffer)
        waiting = list(buffers)
        while waiting := [name for name in waiting if not self._done(name)]:
            if self.time() > until:
                for name in waiting:
                    _call(self._channel(name), "reset")
                raise CoreTimeoutError(f"after {timeout:g} s not done: {', '.join(waiting)}")
        for name in incoming:
            _call(buffers[name], "invalidate")
        return {name: bytes(np.asarray(buffers[name])) for name in incoming}

    def settle(self) -> None:
        """See :class:`litelstm.driver.backend.StreamBackend`."""
        for channel in self._channels.values():
            _call(channel, "reset")
        for name in OUT_OF:
            channel = self._channels.get(name)
            if not hasattr(channel, "reset"):  # what it waits for could not be taken back
                continue
            for _ in range(SETTLE_FRAMES):
                if not self._comes(channel):
                    break
            else:
                raise CoreTimeoutError(f"stream {name} does not settle")

    def _comes(self, channel: Any) -> bool:
        """Take a frame from a channel that can be reset; whether there is one."""
        until = self.time() + SETTLE_SECONDS
        channel.transfer(self._buffer("closing", CLOSING))
        while not channel.idle and not getattr(channel, "error", False):
            if self.time() > until:
                channel.reset()
                return False
        channel.reset()  # after an error, as of a frame that is longer, it would stand still
        return True

    def _channel(self, name: str) -> Channel:
        if name not in self._channels:
            raise DriverError(f"stream {name} has no DMA channel")
        return self._channels[name]

    def _done(self, name: str) -> bool:
        channel = self._channel(name)
        if getattr(channel, "error", False):
            raise DriverError(f"the DMA channel of {name} reports an error")
        return channel.idle

    def _buffer(self, name: str, size: int) -> Any:
        """A buffer of a stream, kept for transfers of the same length."""
        buffer = self._buffers.get(name)
        if buffer is None or len(buffer) != size:
            buffer = self._buffers[name] = self._allocate(size)
        return buffer


def _call(of: Any, method: str) -> None:
    """Call a method where there is one."""
    if (found := getattr(of, method, None)) is not None:
        found()
