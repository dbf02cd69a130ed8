"""Elements of a stream as the octets that travel on its bus, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from litelstm.driver.description import Stream


def packed_octets(stream: Stream, elements: int) -> int:
    """Octets that some elements take."""
    return -(-elements * stream.container // 8)


def pack(stream: Stream, elements: NDArray[np.int64]) -> bytes:
    """Elements in their containers, one after another, the first in the lowest bits.

    An element fills its container by its sign; bits behind the last container are 0.
    """
    bits = np.unpackbits(
        np.ascontiguousarray(elements, dtype="<i8").reshape(-1, 1).view(np.uint8),
        axis=1,
        bitorder="little",
    )
    return np.packbits(bits[:, : stream.container], bitorder="little").tobytes()


def unpack(stream: Stream, octets: bytes, elements: int) -> NDArray[np.int64]:
    """The first elements of what :func:`pack` gives; more octets do not matter."""
    flat = np.unpackbits(np.frombuffer(octets, np.uint8), bitorder="little")
    bits = flat[: elements * stream.container].reshape(elements, stream.container)
    bits = bits[:, : stream.element]
    top = bits[:, -1:] if stream.signed else np.zeros((elements, 1), np.uint8)
    extended = np.hstack([bits, np.repeat(top, 64 - stream.element, axis=1)])
    return np.packbits(extended, axis=1, bitorder="little").view("<i8")[:, 0].astype(np.int64)
