"""Registers over a serial line: the host's side of :mod:`golden.link.access`."""

from __future__ import annotations

import termios
from collections.abc import Sequence

from golden.errors import InputError
from golden.link import frames
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
from litelstm.driver.host import (
    DEFAULT_BAUD,
    LINE_BITS_PER_BYTE,
    PATIENCE,
    Port,
    check_patience,
    open_port,
)

DEFAULT_SILENCE = 0.2
DEFAULT_RETRIES = 5

LONGEST_FRAME = len(frames.encode(bytes([frames.FLAG] * LONGEST_BODY)))
"""Bytes of the longest frame there is."""


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

    Attributes:
        retried: number of resends so far.
    """

    def __init__(
        self,
        port: Port,
        *,
        silence: float = DEFAULT_SILENCE,
        retries: int = DEFAULT_RETRIES,
        world: World = WALL,
    ) -> None:
        check_patience("silence", silence)
        if retries < 0:
            raise InputError(f"retries is {retries}, expected 0 or more")
        self.retried = 0
        self._port = port
        self._silence = silence
        self._retries = retries
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

    def wait(self, seconds: float) -> None:
        """Do nothing: a request over the line takes long enough."""

    def close(self) -> None:
        """Close the line."""
        self._port.close()

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
        sent = frames.encode(request.pack())
        for attempt in range(self._retries + 1):
            self.retried += attempt > 0
            try:
                self._port.timeout = (
                    self._silence + LINE_BITS_PER_BYTE * len(sent) / self._port.baudrate
                )
                self._port.reset_input_buffer()
                self._port.write(sent)
                answer = self._answer(request)
            except (OSError, termios.error) as error:  # SerialException is an OSError
                raise DriverError(f"the line is broken: {' '.join(str(error).split())}") from None
            if answer is not None:
                return answer
        raise CoreTimeoutError(
            f"no answer over the serial line, {self._retries + 1} times tried with "
            f"{self._silence:g} s each"
        )

    def _answer(self, request: Request) -> Answer | None:
        """Wait for the answer to a request; ignore late answers to others."""
        decoder = frames.Decoder(longest=LONGEST_BODY)
        patience = PATIENCE * LONGEST_FRAME
        while patience > 0:
            data = self._port.read(max(1, self._port.in_waiting))
            if not data:
                return None
            patience -= len(data)
            for body in decoder.feed(data):
                if body == FAULT:
                    return None
                answer = Answer.unpack(body) if body is not None else None
                if answer and _answers(answer, request):
                    return answer
        return None


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
