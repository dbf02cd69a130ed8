"""Frames on a line of bytes: RFC 1662 byte stuffing with its 32-bit frame check sequence.

A frame is a flag, the stuffed body and check sequence, and a flag. Any flag ends a frame and begins
the next, so whatever noise did to a frame, the next one is found (RFC 1662, section 4).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
"""Flag; byte before one that is sent with ``FLIP`` turned over. Both need that themselves."""

CHECK_BYTES = 4
"""Bytes of the check sequence: FCS-32, the CRC-32 of zlib, its least significant byte first."""

MIN_BODY = 2
"""A frame with fewer bytes between flags and check sequence is not valid."""


def check_sequence(body: bytes) -> bytes:
    """FCS-32 of a body (RFC 1662, C.3), as it is sent."""
    return zlib.crc32(body).to_bytes(CHECK_BYTES, "little")


def encode(body: bytes) -> bytes:
    """The bytes of a frame, both flags included."""
    data = body + check_sequence(body)
    for special in (ESCAPE, FLAG):
        data = data.replace(bytes([special]), bytes([ESCAPE, special ^ FLIP]))
    return bytes([FLAG, *data, FLAG])


class Decoder:
    """Finds frames in bytes as they come.

    Bytes before the first flag belong to no frame: a receiver may have been switched on amid one.

    Args:
        longest: bytes of the longest body that is valid; ``None`` for no limit.
    """

    def __init__(self, *, longest: int | None = None) -> None:
        self._limit = None if longest is None else longest + CHECK_BYTES
        self._frame: bytearray | None = None
        self._escaped = self._too_long = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Take bytes in.

        Yields:
            For each frame that they end, except empty ones, its body; ``None`` if it is not valid.
        """
        for byte in data:
            if byte == FLAG:
                if self._frame or self._escaped:
                    yield self._body()
                self._frame, self._escaped, self._too_long = bytearray(), False, False
            elif self._frame is None:
                continue
            elif byte == ESCAPE and not self._escaped:
                self._escaped = True
            elif len(self._frame) == self._limit:
                self._too_long = True
            else:
                self._frame.append(byte ^ FLIP if self._escaped else byte)
                self._escaped = False

    def _body(self) -> bytes | None:
        """Check a frame that ended; an escape before the flag aborts it (RFC 1662, 4.3)."""
        data = bytes(self._frame or b"")
        body, check = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
        whole = not self._too_long and not self._escaped and len(body) >= MIN_BODY
        return body if whole and check == check_sequence(body) else None
