"""Registers and DMA channels with the interface of PYNQ's ``MMIO`` and ``DMA``.

Any objects with these methods work: ``mmio.read(offset)``, ``mmio.write(offset, word)``; and per
stream a channel with ``transfer(buffer)``, ``idle`` and, optionally, ``error``.
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
"""Silence after which a stream from the core counts as settled."""

SETTLE_FRAMES = 1000
"""Most frames to discard before a stream must be settled."""


class Mmio(Protocol):
    """Words by byte offsets."""

    def read(self, offset: int, /) -> int: ...

    def write(self, offset: int, word: int, /) -> None: ...


class Channel(Protocol):
    """One direction of a DMA engine in simple mode."""

    @property
    def idle(self) -> bool:
        """Whether the last transfer is done."""
        ...

    def transfer(self, buffer: Any, /) -> None:
        """Start the transfer of a buffer."""
        ...


Allocate = Callable[[int], Any]
"""Makes a buffer of a number of bytes: an array of ``uint8`` in memory that the DMA reaches."""


class MmioBackend:
    """Registers alone: a core with data registers.

    Args:
        mmio: the core's registers.
        interrupt: function that waits for the core's interrupt, up to its argument in seconds;
            ``None`` for polling.
        world: source of time.
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
        """Do nothing: the objects belong to the program."""


class DmaBackend(MmioBackend):
    """Registers, and a DMA channel for each stream that the program uses.

    The driver resets channels with a method ``reset`` when it opens or resets the core, and after a
    timeout. PYNQ's channels have none: load the overlay again to open a core, or reset the DMA.

    Args:
        mmio: the core's registers.
        channels: DMA channels by stream: x, y, weights, state_in, state_out.
        allocate: function that makes buffers; on PYNQ ``lambda n: pynq.allocate(n, "u1")``.
        interrupt, world: see :class:`MmioBackend`.

    Raises:
        DriverError: a stream's name is unknown.
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
        # Start the results first: the core may stall until they are read.
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
            if not hasattr(channel, "reset"):  # its transfer could not be cancelled
                continue
            for _ in range(SETTLE_FRAMES):
                if not self._comes(channel):
                    break
            else:
                raise CoreTimeoutError(f"stream {name} does not settle")

    def _comes(self, channel: Any) -> bool:
        """Read and discard a frame from a channel with ``reset``; return whether one came."""
        until = self.time() + SETTLE_SECONDS
        channel.transfer(self._buffer("closing", CLOSING))
        while not channel.idle and not getattr(channel, "error", False):
            if self.time() > until:
                channel.reset()
                return False
        channel.reset()  # an error, such as a longer frame, stops the channel until a reset
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
        """Return a stream's buffer; transfers of the same length reuse it."""
        buffer = self._buffers.get(name)
        if buffer is None or len(buffer) != size:
            buffer = self._buffers[name] = self._allocate(size)
        return buffer


def _call(of: Any, method: str) -> None:
    """Call a method if the object has it."""
    if (found := getattr(of, method, None)) is not None:
        found()
