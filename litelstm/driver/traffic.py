"""Transfer of elements to and from a core, over its streams or its data registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from litelstm.driver.backend import Backend, StreamBackend, WindowBackend
from litelstm.driver.description import STATE_IN, STATE_OUT, WEIGHTS, Description, X, Y
from litelstm.driver.errors import CoreTimeoutError, DriverError
from litelstm.driver.registers import Registers

Elements = NDArray[np.int64]

WORD = (1 << 32) - 1

MOST = 1 << 16
"""Most words to discard at once; a core holds fewer."""

_INTO = {X: ("X", "X_LAST"), WEIGHTS: ("WEIGHT", "WEIGHT_LAST"), STATE_IN: ("STATE_IN", "STATE_IN")}
"""Data register of each stream into the core, and the one for its last word."""

_OUT_OF = {Y: "Y", STATE_OUT: "STATE_OUT"}


class Traffic(Protocol):
    """Moves whole frames."""

    def move(
        self, outgoing: Mapping[str, Elements], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, Elements]:
        """Move one frame over each given stream, all at the same time.

        Args:
            outgoing: elements to the core, by the stream's name.
            incoming: numbers of vectors from the core, by the stream's name.
            timeout: seconds for all frames together.

        Raises:
            CoreTimeoutError: not all frames moved in time.
            DriverError: the amount of data is wrong, or the connection to the core fails.
        """
        ...

    def discard(self) -> None:
        """Cancel transfers, and discard all output of the core."""
        ...


def traffic(backend: Backend, description: Description) -> Traffic:
    """Choose streams or data registers for a core's data.

    Raises:
        DriverError: the core has streams, and the backend does not support them.
    """
    if description.window:
        return WindowTraffic(backend, description)
    if isinstance(backend, StreamBackend):
        return StreamTraffic(backend, description)
    raise DriverError(
        f"{description.name} has streams, which {type(backend).__name__} cannot move without a "
        "DMA; a core that was generated with --window has data registers instead"
    )


class StreamTraffic:
    """Moves frames over the streams, packed for the core's buses."""

    def __init__(self, backend: StreamBackend, description: Description) -> None:
        self._backend = backend
        self._streams = description.streams

    def move(
        self, outgoing: Mapping[str, Elements], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, Elements]:
        streams = self._streams
        sizes = {name: streams[name].byte_count(vectors) for name, vectors in incoming.items()}
        came = self._backend.transfer(
            {name: streams[name].pack(elements) for name, elements in outgoing.items()},
            sizes,
            timeout=timeout,
        )
        for name, expected in sizes.items():
            beat = streams[name].packing.bus // 8  # of the last one bytes may not be in use
            if not expected - beat < len(came[name]) <= expected:
                raise DriverError(f"{name} has {len(came[name])} bytes, expected {expected}")
        return {name: streams[name].unpack(came[name], n) for name, n in incoming.items()}

    def discard(self) -> None:
        """See :class:`Traffic`."""
        self._backend.settle()


class WindowTraffic:
    """Moves frames over the data registers: in bursts, or reading ROOM before each access."""

    def __init__(self, backend: Backend, description: Description) -> None:
        self._backend = backend
        self._bursts = (
            backend if isinstance(backend, WindowBackend) else Polled(backend, description)
        )
        self._registers = Registers(backend, description)
        self._streams = description.streams

    def move(
        self, outgoing: Mapping[str, Elements], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, Elements]:
        left = {name: (elements & WORD).tolist() for name, elements in outgoing.items()}
        words = {name: n * self._streams[name].vector for name, n in incoming.items()}
        came: dict[str, list[int]] = {name: [] for name in incoming}
        until = self._backend.time() + timeout
        while any(left.values()) or any(len(came[name]) < n for name, n in words.items()):
            moved = sum(self._put(name, some) for name, some in left.items() if some)
            for name, count in words.items():
                # The core may stall its input until its output is read: never block on either.
                taken = self._bursts.take(
                    self._registers.address(_OUT_OF[name]), count - len(came[name])
                )
                came[name] += taken
                moved += len(taken)
            if moved:
                continue
            if self._backend.time() > until:
                parts = [f"{len(some)} words for {name} left" for name, some in left.items()]
                parts += [f"{len(came[name])} of {n} words of {name}" for name, n in words.items()]
                raise CoreTimeoutError(f"after {timeout:g} s: {', '.join(parts)}")
            self._backend.wait(timeout)
        return {name: _signed(some) for name, some in came.items()}

    def discard(self) -> None:
        """See :class:`Traffic`."""
        for name in self._streams.keys() & _OUT_OF:
            self._bursts.take(self._registers.address(_OUT_OF[name]), MOST)

    def _put(self, name: str, words: list[int]) -> int:
        """Write words while the core accepts them; remove them from ``words``, return how many."""
        middle, last = map(self._registers.address, _INTO[name])
        taken = self._bursts.put(middle, words[:-1]) if len(words) > 1 else 0
        if taken == len(words) - 1:
            taken += self._bursts.put(last, words[-1:])
        del words[:taken]
        return taken


class Polled:
    """Bursts over a plain backend; reads ROOM before each word."""

    def __init__(self, backend: Backend, description: Description) -> None:
        self._backend = backend
        self._room = description.register("ROOM")
        self._fields = {
            description.register(register).address: self._room.fields[stream]
            for stream, registers in (
                ("X", ("X", "X_LAST")),
                ("Y", ("Y",)),
                ("WEIGHT", ("WEIGHT", "WEIGHT_LAST")),
                ("STATE_IN", ("STATE_IN",)),
                ("STATE_OUT", ("STATE_OUT",)),
            )
            for register in registers
        }

    def put(self, address: int, words: Sequence[int]) -> int:
        """See :class:`WindowBackend`."""
        for count, word in enumerate(words):
            if not self._has_room(address):
                return count
            self._backend.write(address, word)
        return len(words)

    def take(self, address: int, count: int) -> list[int]:
        """See :class:`WindowBackend`."""
        taken: list[int] = []
        while len(taken) < count and self._has_room(address):
            taken.append(self._backend.read(address))
        return taken

    def _has_room(self, address: int) -> bool:
        low, _ = self._fields[address]
        return bool(self._backend.read(self._room.address) >> low & 1)


def _signed(words: list[int]) -> Elements:
    """Convert register words to signed numbers."""
    return np.array(words, np.uint32).view(np.int32).astype(np.int64)
