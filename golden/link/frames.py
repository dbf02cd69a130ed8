"""Frames on a line of bytes: RFC 1662 byte stuffing with its 32-bit frame check sequence.

A frame is a flag, the stuffed body and check sequence, and a flag. Any flag ends a frame and begins
the next, so a receiver finds the frame after a damaged one (RFC 1662, section 4).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
"""Flag, escape byte, and the bits to invert in the byte after an escape."""

CHECK_BYTES = 4
"""Bytes of the check sequence: FCS-32, which is zlib's CRC-32, least significant byte first."""

MIN_BODY = 2
"""Fewest bytes of a valid body."""


def check_sequence(body: bytes) -> bytes:
    """Compute the FCS-32 of a body (RFC 1662, C.3), in order of transmission."""
    return zlib.crc32(body).to_bytes(CHECK_BYTES, "little")


def encode(body: bytes) -> bytes:
    """Encode a body as a frame, with both flags."""
    data = body + check_sequence(body)
    for special in (ESCAPE, FLAG):
        data = data.replace(bytes([special]), bytes([ESCAPE, special ^ FLIP]))
    return bytes([FLAG, *data, FLAG])


class Decoder:
    """Finds frames in a stream of bytes.

    It ignores bytes before the first flag: a receiver may start in the middle of a frame.

    Args:
        longest: most bytes of a valid body; ``None`` for no limit.
    """

    def __init__(self, *, longest: int | None = None) -> None:
        self._limit = None if longest is None else longest + CHECK_BYTES
        self._frame: bytearray | None = None
        self._escaped = self._too_long = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Take bytes; find the frames that end in them.

        Yields:
            The body of each frame, empty frames excepted; ``None`` for an invalid frame.
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
        """Check a finished frame; an escape before the flag aborts it (RFC 1662, 4.3)."""
        data = bytes(self._frame or b"")
        body, check = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
        whole = not self._too_long and not self._escaped and len(body) >= MIN_BODY
        return body if whole and check == check_sequence(body) else None
