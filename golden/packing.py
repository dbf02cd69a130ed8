"""Packing of vector elements into the beats of a stream bus."""

from __future__ import annotations

from math import gcd
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from golden.dataclass import dataclass
from golden.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Packs the elements of a vector in order into beats, the first in the lowest bits.

    A vector (a step's x, a result, a state) starts with a new beat; the unused bits of its last
    beat are 0.

    Attributes:
        element: bits of an element, signed.
        bus: bits of a beat.
        tight: whether elements follow each other without unused bits; otherwise each is
            sign-extended to a container of 8, 16 or 32 bits.
        least: bits of the smallest container.

    Raises:
        InputError: an element has more than 32 bits, or ``bus`` is not in ``BUSES``.
    """

    element: int
    bus: int
    tight: bool = False
    least: int = 8

    BUSES: ClassVar[tuple[int, ...]] = (8, 16, 32, 64, 128)

    def __post_init__(self) -> None:
        if self.bus not in self.BUSES:
            *others, last = map(str, self.BUSES)
            expected = f"{', '.join(others)} or {last}"
            raise InputError(f"bus is {self.bus} bits, expected {expected}")
        if not 1 <= self.element <= 32:
            raise InputError(f"an element has {self.element} bits, a bus takes 1 to 32")

    @property
    def container(self) -> int:
        """Bits from the start of an element to the start of the next."""
        if self.tight:
            return self.element
        return next(width for width in (8, 16, 32) if width >= max(self.element, self.least))

    @property
    def period(self) -> int:
        """Number of elements after which an element starts with a beat again."""
        return self.bus // gcd(self.container, self.bus)

    def beats(self, count: int) -> int:
        """Number of beats of a vector of ``count`` elements."""
        return -(-count * self.container // self.bus)

    def byte_count(self, count: int) -> int:
        """Number of used bytes of a vector of ``count`` elements."""
        return -(-count * self.container // 8)

    def pack(self, vectors: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Pack vectors (vectors, elements) into whole beats, as bytes (vectors, bytes)."""
        vectors = np.asarray(vectors, dtype="<i8")
        count, elements = vectors.shape
        data = np.ascontiguousarray(vectors)[..., np.newaxis].view(np.uint8)
        bits = np.unpackbits(data, axis=2, bitorder="little")[..., : self.container]
        packed = np.zeros((count, self.beats(elements) * self.bus), np.uint8)
        packed[:, : elements * self.container] = bits.reshape(count, -1)
        return np.packbits(packed, axis=1, bitorder="little")

    def unpack(self, data: NDArray[np.uint8], elements: int) -> NDArray[np.int64]:
        """Unpack vectors (vectors, elements) from their bytes (vectors, bytes)."""
        bits = np.unpackbits(np.asarray(data, np.uint8), axis=1, bitorder="little")
        bits = bits[:, : elements * self.container].reshape(len(bits), elements, self.container)
        bits = bits[..., : self.element].astype(np.int64)
        weights = 1 << np.arange(self.element, dtype=np.int64)
        weights[-1] = -weights[-1]
        return bits @ weights
