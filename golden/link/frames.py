"""Frames on a line of octets: RFC 1662 octet stuffing with its 32-bit frame check sequence.

A frame is a flag, the stuffed body and check sequence, and a flag. Any flag ends a frame and begins
the next, so whatever noise did to a frame, the next one is found (RFC 1662, section 4).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
"""Flag; octet before one that is sent with ``FLIP`` turned over. Both need that themselves."""

CHECK_OCTETS = 4
"""Octets of the check sequence: FCS-32, the CRC-32 of zlib, its least significant octet first."""

MIN_BODY = 2
"""A frame with fewer octets between flags and check sequence is not valid."""


def check_sequence(body: bytes) -> bytes:
    """FCS-32 of a body (RFC 1662, C.3), as it is sent."""
    return zlib.crc32(body).to_bytes(CHECK_OCTETS, "little")


def encode(body: bytes) -> bytes:
    """The octets of a frame, both flags included."""
    octets = body + check_sequence(body)
    for special in (ESCAPE, FLAG):
        octets = octets.replace(bytes([special]), bytes([ESCAPE, special ^ FLIP]))
    return bytes([FLAG, *octets, FLAG])


class Decoder:
    """Finds frames in octets as they come.

    Octets before the first flag belong to no frame: a receiver may have been switched on amid one.

    Args:
        longest: octets of the longest body that is valid; ``None`` for no limit.
    """

    def __init__(self, *, longest: int | None = None) -> None:
        self._limit = None if longest is None else longest + CHECK_OCTETS
        self._octets: bytearray | None = None
        self._escaped = self._too_long = False

    def feed(self, octets: bytes) -> Iterator[bytes | None]:
        """Take octets in.

        Yields:
            For each frame that they end, except empty ones, its body; ``None`` if it is not valid.
        """
        for octet in octets:
            if octet == FLAG:
                if self._octets or self._escaped:
                    yield self._body()
                self._octets, self._escaped, self._too_long = bytearray(), False, False
            elif self._octets is None:
                continue
            elif octet == ESCAPE and not self._escaped:
                self._escaped = True
            elif len(self._octets) == self._limit:
                self._too_long = True
            else:
                self._octets.append(octet ^ FLIP if self._escaped else octet)
                self._escaped = False

    def _body(self) -> bytes | None:
        """An escape before the flag aborts a frame (RFC 1662, section 4.3)."""
        octets = bytes(self._octets or b"")
        body, check = octets[:-CHECK_OCTETS], octets[-CHECK_OCTETS:]
        whole = not self._too_long and not self._escaped and len(body) >= MIN_BODY
        return body if whole and check == check_sequence(body) else None
