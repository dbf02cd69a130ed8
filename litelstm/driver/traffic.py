"""Elements to and from a core, over its streams or its data registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from litelstm.driver.backend import Backend, StreamBackend, WindowBackend
from litelstm.driver.description import STATE_IN, STATE_OUT, WEIGHTS, Description, X, Y
from litelstm.driver.errors import CoreTimeoutError, DriverError
from litelstm.driver.packing import pack, packed_octets, unpack
from litelstm.driver.registers import Registers

Elements = NDArray[np.int64]

WORD = 32

_INTO = {X: ("X", "X_LAST"), WEIGHTS: ("WEIGHT", "WEIGHT_LAST"), STATE_IN: ("STATE_IN", "STATE_IN")}
"""Data register of each stream into the core, and the one for its last word."""

_OUT_OF = {Y: "Y", STATE_OUT: "STATE_OUT"}


class Traffic(Protocol):
    """Moves whole frames."""

    def move(
        self, outgoing: Mapping[str, Elements], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, Elements]:
        """One frame over each of some streams at the same time.

        Args:
            outgoing: elements to the core, by the stream's name.
            incoming: numbers of elements from the core, by the stream's name.
            timeout: seconds for all of it.

        Raises:
            CoreTimeoutError: not all of it moved in time.
            DriverError: more or less came, or the way to the core fails.
        """
        ...


def traffic(backend: Backend, description: Description) -> Traffic:
    """The way that a core has for its data.

    Raises:
        DriverError: it has streams, and the backend cannot move them.
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
    """Over the streams; frames are packed as the core's buses have it."""

    def __init__(self, backend: StreamBackend, description: Description) -> None:
        self._backend = backend
        self._streams = description.streams

    def move(
        self, outgoing: Mapping[str, Elements], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, Elements]:
        streams = self._streams
        came = self._backend.transfer(
            {name: pack(streams[name], elements) for name, elements in outgoing.items()},
            {name: packed_octets(streams[name], count) for name, count in incoming.items()},
            timeout=timeout,
        )
        for name, count in incoming.items():
            expected = packed_octets(streams[name], count)
            if len(came[name]) != expected:
                raise DriverError(f"{name} has {len(came[name])} octets, expected {expected}")
        return {name: unpack(streams[name], came[name], n) for name, n in incoming.items()}


class WindowTraffic:
    """Over the data registers, with a look at ROOM before each access, or in bursts."""

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
        left = {name: [int(e) & 0xFFFFFFFF for e in all_] for name, all_ in outgoing.items()}
        came: dict[str, list[int]] = {name: [] for name in incoming}
        until = self._backend.time() + timeout
        while any(left.values()) or any(len(came[name]) < n for name, n in incoming.items()):
            moved = sum(self._put(name, words) for name, words in left.items() if words)
            for name, count in incoming.items():
                # What goes in may wait for what comes out, so nobody waits for anything here.
                taken = self._bursts.take(
                    self._registers.address(_OUT_OF[name]), count - len(came[name])
                )
                came[name] += taken
                moved += len(taken)
            if moved:
                continue
            if self._backend.time() > until:
                parts = [f"{len(words)} words for {name} left" for name, words in left.items()]
                parts += [f"{len(came[name])} of {n} words of {name}" for name, n in incoming.items()]
                raise CoreTimeoutError(f"after {timeout:g} s: {', '.join(parts)}")
            self._backend.wait(timeout)
        return {name: self._signed(name, words) for name, words in came.items()}

    def _put(self, name: str, words: list[int]) -> int:
        """Write what the core takes, and strike it off; returns how many."""
        middle, last = map(self._registers.address, _INTO[name])
        if len(words) > 1:
            taken = self._bursts.put(middle, words[:-1])
        else:
            taken = self._bursts.put(last, words)
        del words[:taken]
        return taken

    def _signed(self, name: str, words: Sequence[int]) -> Elements:
        width = self._streams[name].element if self._streams[name].signed else WORD
        raw = np.array(words, dtype=np.int64) & (1 << width) - 1
        return np.where(raw >> (width - 1) & self._streams[name].signed, raw - (1 << width), raw)


class Polled:
    """Bursts over a plain backend: ROOM is read before each word."""

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
