"""Registers over a serial line: the host's side of :mod:`golden.link.access`."""

from __future__ import annotations

from collections.abc import Sequence

from golden.link.access import (
    FAULT,
    LONGEST_BODY,
    MAX_WORDS,
    STATUS_MEANINGS,
    Answer,
    Kind,
    Request,
    Status,
)
from litelstm.driver.backend import WALL, World
from litelstm.driver.errors import CoreTimeoutError, DriverError
from litelstm.driver.serial_line import DEFAULT_BAUD, DEFAULT_RETRIES, Line, Port, open_port

DEFAULT_SILENCE = 0.2


class SerialBackend:
    """Registers over a serial line, with bursts for data registers.

    Every access is made once, whatever the line does to bytes: see docs/system.md.

    Args:
        port: the open line.
        silence: seconds after which a request counts as unanswered, beside the time that the
            request itself takes on the line.
        retries: how often to resend an unanswered request.
        world: source of time.

    Raises:
        InputError: a number is out of range.
    """

    def __init__(
        self,
        port: Port,
        *,
        silence: float = DEFAULT_SILENCE,
        retries: int = DEFAULT_RETRIES,
        world: World = WALL,
    ) -> None:
        self._line = Line(port, retries=retries, silence=silence)
        self.time = world.time
        self._number = 0
        self._greeted = False

    @classmethod
    def open(
        cls,
        url: str,
        *,
        baud: int = DEFAULT_BAUD,
        silence: float = DEFAULT_SILENCE,
        retries: int = DEFAULT_RETRIES,
    ) -> SerialBackend:
        """Open a serial device, or any other URL that pyserial supports.

        Raises:
            MissingToolError: pyserial is not installed.
            InputError: the device cannot be opened.
        """
        port = open_port(url, baud=baud)
        try:
            return cls(port, silence=silence, retries=retries)
        except BaseException:
            port.close()
            raise

    def read(self, address: int) -> int:
        """See :class:`litelstm.driver.backend.Backend`."""
        answer = self._request(Kind.READ, address, count=1)
        _check(answer, address)
        return answer.words[0]

    def write(self, address: int, word: int) -> None:
        """See :class:`litelstm.driver.backend.Backend`."""
        _check(self._request(Kind.WRITE, address, words=(word,)), address)

    def put(self, address: int, words: Sequence[int]) -> int:
        """See :class:`litelstm.driver.backend.WindowBackend`."""
        at = 0
        while at < len(words):
            part = tuple(words[at : at + MAX_WORDS])
            answer = self._request(Kind.WRITE, address, words=part)
            at += self._moved(answer, address)
            if answer.status == Status.BUSY:
                break
        return at

    def take(self, address: int, count: int) -> list[int]:
        """See :class:`litelstm.driver.backend.WindowBackend`."""
        taken: list[int] = []
        while len(taken) < count:
            wanted = min(MAX_WORDS, count - len(taken))
            answer = self._request(Kind.READ, address, count=wanted)
            self._moved(answer, address)
            taken += answer.words
            if answer.status == Status.BUSY:
                break
        return taken

    @property
    def retried(self) -> int:
        """Number of resends so far."""
        return self._line.retried

    def wait(self, seconds: float) -> None:
        """Do nothing: a request over the line takes long enough."""

    def close(self) -> None:
        """Close the line."""
        self._line.close()

    def _moved(self, answer: Answer, address: int) -> int:
        if answer.status != Status.BUSY:
            _check(answer, address)
        return answer.count

    def _request(
        self, kind: Kind, address: int, *, count: int = 0, words: tuple[int, ...] = ()
    ) -> Answer:
        """Send a request until an answer comes; return the answer.

        Before the first request, a HELLO makes the core forget the number of its last request.

        Raises:
            CoreTimeoutError: no answer came.
            DriverError: the line is broken.
        """
        if not self._greeted and kind != Kind.HELLO:
            self._request(Kind.HELLO, 0)
            self._greeted = True
        self._number = (self._number + 1) % 256
        request = Request(
            kind=kind,
            number=self._number,
            address=address,
            count=len(words) if kind == Kind.WRITE else count,
            words=words,
        )
        return self._line.tried(lambda: self._answer(request))

    def _answer(self, request: Request) -> Answer:
        """Send a request; return its answer, and ignore late answers to others."""
        for body in self._line.exchange(request.pack(), longest=LONGEST_BODY):
            if body == FAULT:
                raise CoreTimeoutError("the core takes no frame")
            answer = Answer.unpack(body)
            if answer and _answers(answer, request):
                return answer
        raise AssertionError("unreachable")


def _answers(answer: Answer, request: Request) -> bool:
    """Whether an answer belongs to a request, and has the right number of words."""
    words = answer.count if request.kind == Kind.READ else 0
    return (answer.kind, answer.number, len(answer.words)) == (request.kind, request.number, words)


def _check(answer: Answer, address: int) -> None:
    """Refuse an answer without the status ``DONE``.

    Raises:
        DriverError: the core did not make the access; the message has the status.
    """
    if answer.status != Status.DONE:
        meaning = (
            STATUS_MEANINGS[Status(answer.status)]
            if answer.status in list(Status)
            else f"status {answer.status}"
        )
        raise DriverError(f"the core refuses the register at 0x{address:02x}: {meaning}")
