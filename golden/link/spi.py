"""Register accesses over SPI: frames in mode 0, the most significant bit first.

A frame has seven bytes, in both directions at once; a word's lowest byte comes first:

    byte         0        1        2        3        4        5        6
    read, host    command  -        -        -        -        -        -
          core    -        -        status   word 0   word 1   word 2   word 3
    write, host   command  word 0   word 1   word 2   word 3   -        -
           core   -        -        -        -        -        -        status

The core makes the access after the request's last byte, while the line moves the next byte.
"""

from __future__ import annotations

from golden.link.access import WORD_BYTES, Status

FRAME = 7
"""Bytes of a frame."""

WRITE = 0x80
"""Bit of a command; the others are the register's address divided by 4."""

MARK = 0xA0
"""Upper bits of a status byte, which an idle line never has."""

READ_STATUS, WRITE_STATUS = 2, 6
"""Index of the status byte in the frame of a read and of a write."""

LATE = 3
"""Status of an unfinished access: the clock is too fast for the core."""


def write_frame(address: int, word: int) -> bytes:
    """Make the frame with which a host writes a register."""
    return bytes([WRITE | address // 4]) + word.to_bytes(WORD_BYTES, "little") + bytes(2)


def read_frame(address: int) -> bytes:
    """Make the frame with which a host reads a register."""
    return bytes([address // 4]) + bytes(FRAME - 1)


def written(answer: bytes) -> int:
    """Return the status byte of a write."""
    return answer[WRITE_STATUS]


def was_read(answer: bytes) -> tuple[int, int]:
    """Return the status byte and the word of a read."""
    return answer[READ_STATUS], int.from_bytes(answer[READ_STATUS + 1 :], "little")


def status(byte: int) -> Status | None:
    """Decode a status byte; return ``None`` if no core sent it or the access was late."""
    if byte & 0xF0 != MARK or byte & 0x0F not in list(Status):
        return None
    return Status(byte & 0x0F)
