"""Messages between host and board, the bodies of frames.

A body is the message's kind, its number, and a payload; numbers in it are little endian. The host
sends requests; the board answers each one once, with the request's number.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import astuple
from enum import IntEnum, IntFlag
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.dataclass import dataclass
from golden.errors import InputError
from golden.formats import Format
from golden.interface import Interface
from golden.quantized import QuantizedNetwork

VERSION = 1
"""Version of the protocol."""

HEADER = 2
"""Bytes of a body before its payload: kind and number."""

DEFAULT_CAPACITY = 1024
"""Default number of bytes of x that a board's buffer holds."""

MAX_CAPACITY = 32768

MAX_RESULTS = 65535
"""Most words of a result."""


class Kind(IntEnum):
    """Kinds of messages; a successful answer's kind is its request's plus ``ANSWER``."""

    IDENTIFY = 0x01
    RUN = 0x02
    FAULT = 0xFF


ANSWER = 0x80


class Steps(IntFlag):
    """First byte of a RUN request's payload: whether its steps begin and end a sequence."""

    FIRST = 1
    LAST = 2


class Fault(IntEnum):
    """Reason for refusing a request; the payload of a FAULT answer."""

    DAMAGED = 1
    OVERRUN = 2
    TOO_LONG = 3
    UNKNOWN = 4
    LENGTH = 5
    ORDER = 6
    STEPS = 7


NUMBERLESS = (Fault.DAMAGED, Fault.OVERRUN)
"""Faults that are answered with number 0, because the request's number is not known."""

MEANINGS = {
    Fault.DAMAGED: "the frame's check sequence is wrong, or the frame was cut short",
    Fault.OVERRUN: "the frame came while another request was being carried out",
    Fault.TOO_LONG: "the payload is longer than the board's buffer",
    Fault.UNKNOWN: "the kind of request is not known",
    Fault.LENGTH: "the payload is not as long as the request needs: x of one or more whole steps",
    Fault.ORDER: "the steps do not follow those of the request before",
    Fault.STEPS: "the sequence has more steps than the core can buffer",
}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A board's description of itself; the payload of the answer to IDENTIFY.

    Attributes:
        version: version of the protocol.
        network: fingerprint of the core's network and output form.
        inputs: number of words of a step's x.
        input_bytes: bytes per word of x.
        results: number of words of a result.
        result_bytes: bytes per word of a result.
        capacity: most bytes of x in a RUN request.
    """

    version: int = VERSION
    network: bytes
    inputs: int
    input_bytes: int
    results: int
    result_bytes: int
    capacity: int

    _LAYOUT: ClassVar[struct.Struct] = struct.Struct("<B8sHBHBH")

    @classmethod
    def of(
        cls, network: QuantizedNetwork, interface: Interface, *, capacity: int = DEFAULT_CAPACITY
    ) -> Identity:
        """Make the identity of a board with a network's core.

        Raises:
            InputError: the link does not support the interface, the result is too long, or
                ``capacity`` is out of range.
        """
        if interface.streams > 1 or interface.state != "clear" or interface.every_step:
            raise InputError(
                "a board's core has one stream, cleared state, and results of whole sequences"
            )
        interface.check(network)
        input_bytes = bytes_of(network.x)
        step = network.inputs * input_bytes
        if not step <= capacity <= MAX_CAPACITY:
            raise InputError(
                f"buffer is {capacity} bytes, expected {step} (one step) to {MAX_CAPACITY}"
            )
        results = interface.words(network)
        if results > MAX_RESULTS:
            raise InputError(f"a result has {results} words, expected up to {MAX_RESULTS}")
        return cls(
            network=fingerprint(network, interface),
            inputs=network.inputs,
            input_bytes=input_bytes,
            results=results,
            result_bytes=bytes_of(interface.out(network)),
            capacity=capacity,
        )

    @property
    def step_bytes(self) -> int:
        """Bytes of a step's x."""
        return self.inputs * self.input_bytes

    @property
    def longest_request(self) -> int:
        """Bytes of the longest body that the board takes: header, flags of steps, x."""
        return HEADER + 1 + self.capacity

    @property
    def longest_answer(self) -> int:
        """Bytes of the longest body that the board sends."""
        return HEADER + max(self._LAYOUT.size, self.results * self.result_bytes)

    def pack(self) -> bytes:
        """Pack the payload."""
        return self._LAYOUT.pack(*astuple(self))

    @classmethod
    def unpack(cls, payload: bytes) -> Identity:
        """Parse a payload.

        Raises:
            ValueError: the payload has a wrong length.
        """
        if len(payload) != cls._LAYOUT.size:
            raise ValueError(f"identity has {len(payload)} bytes, expected {cls._LAYOUT.size}")
        names = ("version", "network", "inputs", "input_bytes", "results", "result_bytes")
        return cls(**dict(zip((*names, "capacity"), cls._LAYOUT.unpack(payload))))


def bytes_of(word: Format) -> int:
    """Bytes per word of a format on the line."""
    return (word.width + 7) // 8


def pack_words(words: ArrayLike, per_word: int) -> bytes:
    """Pack words one after the other, each sign-extended to ``per_word`` bytes."""
    raw = np.asarray(words, dtype="<i8").reshape(-1, 1)
    return raw.view(np.uint8)[:, :per_word].tobytes()


def unpack_words(data: bytes, per_word: int) -> NDArray[np.int64]:
    """Unpack signed words of ``per_word`` bytes each; ``data`` must hold a whole number of them."""
    raw = np.frombuffer(data, dtype=np.uint8).reshape(-1, per_word)
    sign = np.repeat(np.where(raw[:, -1:] & 0x80, 0xFF, 0).astype(np.uint8), 8 - per_word, axis=1)
    return np.hstack([raw, sign]).view("<i8")[:, 0].astype(np.int64)


def fingerprint(network: QuantizedNetwork, interface: Interface) -> bytes:
    """Eight bytes of the SHA-256 of everything that decides a result."""
    fields: Mapping[str, Any] = {**network.fields(), "classes": interface.classes}
    digest = hashlib.sha256()
    for name in sorted(fields):
        value = np.asarray(fields[name])
        # Fixed types, so that the fingerprint does not depend on the machine.
        kind = {"i": "<i8", "u": "<i8", "b": "<i8", "f": "<f8", "U": "<U64"}[value.dtype.kind]
        digest.update(f"{name} {value.shape} {kind}\n".encode())
        digest.update(value.astype(kind).tobytes())
    return digest.digest()[:8]
