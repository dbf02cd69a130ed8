"""Register accesses over SPI: the frames of mode 0, the most significant bit first.

A frame has seven bytes, in both directions at once; words' lowest bytes come first:

    byte         0        1        2        3        4        5        6
    read, host    command  -        -        -        -        -        -
          core    -        -        status   word 0   word 1   word 2   word 3
    write, host   command  word 0   word 1   word 2   word 3   -        -
           core   -        -        -        -        -        -        status

The access is made when its last byte has come; the byte behind it is the time for that.
"""

from __future__ import annotations

from golden.link.access import WORD_BYTES, Status

FRAME = 7
"""Bytes of a frame."""

WRITE = 0x80
"""Bit of a command; the others are the register's address divided by 4."""

MARK = 0xA0
"""Bits of a status byte that no idle line gives."""

READ_STATUS, WRITE_STATUS = 2, 6
"""Bytes in which the core gives the status."""

LATE = 3
"""Status of an unfinished access: the clock is too fast for the core."""


def write_frame(address: int, word: int) -> bytes:
    """Make the frame with which a host writes a register."""
    return bytes([WRITE | address // 4]) + word.to_bytes(WORD_BYTES, "little") + bytes(2)


def read_frame(address: int) -> bytes:
    """Make the frame with which a host reads a register."""
    return bytes([address // 4]) + bytes(FRAME - 1)


def written(answer: bytes) -> int:
    """The status byte of a write."""
    return answer[WRITE_STATUS]


def was_read(answer: bytes) -> tuple[int, int]:
    """The status byte and the word of a read."""
    return answer[READ_STATUS], int.from_bytes(answer[READ_STATUS + 1 :], "little")


def status(byte: int) -> Status | None:
    """The status that a byte says; ``None`` if no core said it, or it was too late."""
    if byte & 0xF0 != MARK or byte & 0x0F not in list(Status):
        return None
    return Status(byte & 0x0F)
