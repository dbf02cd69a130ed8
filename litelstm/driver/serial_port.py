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
from litelstm.driver.host import DEFAULT_BAUD, LINE_BITS_PER_BYTE, PATIENCE, Port, open_port

DEFAULT_SILENCE = 0.2
DEFAULT_RETRIES = 5

LONGEST_FRAME = len(frames.encode(bytes([frames.FLAG] * LONGEST_BODY)))
"""Bytes of the longest frame there is."""


class SerialBackend:
    """Registers, and data registers in bursts.

    Every access is made once, whatever the line does to bytes: see docs/system.md.

    Args:
        port: the line, opened.
        silence: seconds after which a request has no answer; the time that the request takes on
            the line is added.
        retries: how often a request without an answer is sent again.
        world: where time goes by for it.

    Raises:
        InputError: a number is out of range.

    Attributes:
        retried: how often something was sent again so far.
    """

    def __init__(
        self,
        port: Port,
        *,
        silence: float = DEFAULT_SILENCE,
        retries: int = DEFAULT_RETRIES,
        world: World = WALL,
    ) -> None:
        if not silence > 0:
            raise InputError(f"silence is {silence}, expected more than 0 seconds")
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
        """Over a serial device, or any other URL that pyserial takes.

        Raises:
            MissingToolError: pyserial is not installed.
            InputError: the device cannot be opened.
        """
        port = open_port(url, baud=baud, timeout=silence)
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
        """A request over the line takes long enough."""

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
        """The answer to a request, which is sent until there is one.

        Before the first, the core is asked to forget the number of its last one.

        Raises:
            CoreTimeoutError: there is none.
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
        """The answer to a request, if one comes; late ones to others are not looked at."""
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
    """Whether an answer is to a request, and has what it must have."""
    words = answer.count if request.kind == Kind.READ else 0
    return (answer.kind, answer.number, len(answer.words)) == (request.kind, request.number, words)


def _check(answer: Answer, address: int) -> None:
    """Refuse an answer that is not of accesses that were made.

    Raises:
        DriverError: what it says.
    """
    if answer.status != Status.DONE:
        meaning = (
            STATUS_MEANINGS[Status(answer.status)]
            if answer.status in list(Status)
            else f"status {answer.status}"
        )
        raise DriverError(f"the core refuses the register at 0x{address:02x}: {meaning}")
