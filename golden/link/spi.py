"""Register accesses over SPI: the frames of mode 0, the most significant bit first.

A frame has seven octets, in both directions at once; words' lowest octets come first:

    octet         0        1        2        3        4        5        6
    read, host    command  -        -        -        -        -        -
          core    -        -        status   word 0   word 1   word 2   word 3
    write, host   command  word 0   word 1   word 2   word 3   -        -
           core   -        -        -        -        -        -        status

The access is made when its last octet has come; the octet behind it is the time for that.
"""

from __future__ import annotations

from golden.link.access import WORD_OCTETS, Status

FRAME = 7
"""Octets of a frame."""

WRITE = 0x80
"""Bit of a command; the others are the register's address divided by 4."""

MARK = 0xA0
"""Bits of a status octet that no idle line gives."""

READ_STATUS, WRITE_STATUS = 2, 6
"""Octets in which the core gives the status."""

LATE = 3
"""Status of an access that is not done yet: the clock is too fast for the core."""


def write_frame(address: int, word: int) -> bytes:
    """What a host sends to write a register."""
    return bytes([WRITE | address // 4]) + word.to_bytes(WORD_OCTETS, "little") + bytes(2)


def read_frame(address: int) -> bytes:
    """What a host sends to read a register."""
    return bytes([address // 4]) + bytes(FRAME - 1)


def written(answer: bytes) -> int:
    """The status octet of a write."""
    return answer[WRITE_STATUS]


def was_read(answer: bytes) -> tuple[int, int]:
    """The status octet and the word of a read."""
    return answer[READ_STATUS], int.from_bytes(answer[READ_STATUS + 1 :], "little")


def status(octet: int) -> Status | None:
    """The status that an octet says; ``None`` if no core said it, or it was too late."""
    if octet & 0xF0 != MARK or octet & 0x0F not in list(Status):
        return None
    return Status(octet & 0x0F)
