"""Register accesses over a serial line: messages in frames, and a model of the core's side.

The bodies of :mod:`golden.link.frames` are requests, and one answer to each:

    request   kind, number, address, count, words of a write
    answer    kind + 0x80, number, status, count, words of a read

All words go to or come from one address; the answer's count is the number of words that moved. A
request for no words has no effect, whatever its address, and gets ``DONE``. A request with the
number of the previous request repeats it: the core sends the same answer and does nothing twice.
``HELLO`` clears the number, so a host can begin with any.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Callable, Tuple

from golden.dataclass import dataclass
from golden.link import frames
from golden.link.messages import ANSWER

WORD_BYTES = 4

MAX_WORDS = 16
"""Most words of a request."""

HEADER = 4
"""Bytes of a body before its words."""

LONGEST_BODY = HEADER + MAX_WORDS * WORD_BYTES
"""Most bytes of a request's or an answer's body."""


class Kind(IntEnum):
    """Kinds of requests; an answer's kind is its request's plus ``ANSWER``, or ``FAULT``."""

    HELLO = 0x10
    READ = 0x11
    WRITE = 0x12
    FAULT = 0xFF


class Status(IntEnum):
    """Outcome of an access; unless it is ``DONE``, the core skips the rest of the request."""

    DONE = 0
    REFUSED = 1
    BUSY = 2


STATUS_MEANINGS = {
    Status.REFUSED: "the register does not exist or does not allow the access",
    Status.BUSY: "a data register has no room or no word",
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request: ``words`` to write, or none for a read; ``count`` is the number of words."""

    kind: int
    number: int
    address: int = 0
    count: int = 0
    words: tuple[int, ...] = ()

    def pack(self) -> bytes:
        """Return the body of its frame."""
        head = bytes([self.kind, self.number, self.address, self.count])
        return head + struct.pack(f"<{len(self.words)}I", *self.words)

    @classmethod
    def unpack(cls, body: bytes) -> Request | None:
        """Parse a body; return ``None`` if it is not a request."""
        if len(body) < HEADER or body[0] not in (Kind.HELLO, Kind.READ, Kind.WRITE):
            return None
        kind, number, address, count = body[:HEADER]
        words = count if kind == Kind.WRITE else 0
        if count > MAX_WORDS or len(body) != HEADER + words * WORD_BYTES:
            return None
        unpacked = struct.unpack(f"<{words}I", body[HEADER:])
        return cls(kind=kind, number=number, address=address, count=count, words=unpacked)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer; ``words`` are the words of a read."""

    kind: int
    number: int
    status: int = Status.DONE
    count: int = 0
    words: tuple[int, ...] = ()

    def pack(self) -> bytes:
        """Return the body of its frame."""
        head = bytes([self.kind | ANSWER, self.number, self.status, self.count])
        return head + struct.pack(f"<{len(self.words)}I", *self.words)

    @classmethod
    def unpack(cls, body: bytes) -> Answer | None:
        """Parse a body; return ``None`` if it does not answer a request."""
        if len(body) < HEADER or not body[0] & ANSWER or len(body) % WORD_BYTES:
            return None
        kind, number, status, count = body[:HEADER]
        words = struct.unpack(f"<{len(body) // WORD_BYTES - 1}I", body[HEADER:])
        return cls(kind=kind & ~ANSWER, number=number, status=status, count=count, words=words)


FAULT = bytes([Kind.FAULT, 0, 0, 0])
"""Body of the answer to a frame that is damaged or not a request."""

Read = Callable[[int], Tuple[Status, int]]
Write = Callable[[int, int], Status]


class AccessModel:
    """Model of the core's answers to any input that does not arrive during a request's execution.

    Args:
        read: reads the register at an address; its word counts only if the status is ``DONE``.
        write: writes a word to the register at an address.
    """

    def __init__(self, read: Read, write: Write) -> None:
        self._read, self._write = read, write
        self._decoder = frames.Decoder(longest=LONGEST_BODY)
        self._number: int | None = None
        self._answer = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes; return the answers to all requests that they complete."""
        answers = [self._carry_out(body) for body in self._decoder.feed(data)]
        return b"".join(map(frames.encode, answers))

    def _carry_out(self, body: bytes | None) -> bytes:
        request = None if body is None else Request.unpack(body)
        if request is None:
            return FAULT
        if request.kind == Kind.HELLO:
            self._number = None
            return Answer(kind=Kind.HELLO, number=request.number, count=MAX_WORDS).pack()
        if request.number != self._number:
            self._number = request.number
            self._answer = self._accesses(request).pack()
        return self._answer

    def _accesses(self, request: Request) -> Answer:
        status, words = Status.DONE, []
        for index in range(request.count):
            if request.kind == Kind.WRITE:
                status, word = self._write(request.address, request.words[index]), 0
            else:
                status, word = self._read(request.address)
            if status != Status.DONE:
                break
            words.append(word)
        given: Sequence[int] = words if request.kind == Kind.READ else ()
        return Answer(
            kind=request.kind,
            number=request.number,
            status=status,
            count=len(words),
            words=tuple(given),
        )
