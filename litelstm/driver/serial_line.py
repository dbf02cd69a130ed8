"""A serial line to a board or a core: a frame goes out, frames come back."""

from __future__ import annotations

import termios
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from golden.errors import InputError
from golden.link import frames
from golden.packages import load
from litelstm.driver.errors import CoreTimeoutError, DriverError

T = TypeVar("T")

DEFAULT_BAUD = 1_000_000
MAX_BAUD = 12_000_000
"""Bits per second of the fastest USB serial chips."""
MAX_PATIENCE = 86_400
"""Seconds; far longer waits overflow the system's time."""
DEFAULT_RETRIES = 5

LINE_BITS_PER_BYTE = 10
"""With the start and the stop bit of a UART."""

PATIENCE = 4
"""Longest forms of the wanted answer that may arrive as other traffic before a timeout."""


class Port(Protocol):
    """The members of pyserial's ``Serial`` that a line uses."""

    @property
    def baudrate(self) -> int: ...

    @property
    def in_waiting(self) -> int: ...

    @property
    def timeout(self) -> float | None: ...

    @timeout.setter
    def timeout(self, seconds: float | None, /) -> None: ...

    def read(self, size: int = 1, /) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...

    def reset_input_buffer(self) -> None: ...

    def close(self) -> None: ...


def open_port(url: str, *, baud: int) -> Port:
    """Open a serial device, or any other URL that pyserial supports.

    Every request sets the port's timeout.

    Raises:
        MissingToolError: pyserial is not installed.
        InputError: the baud rate is out of range, or the device cannot be opened.
    """
    if not 1 <= baud <= MAX_BAUD:
        raise InputError(f"baud is {baud}, expected 1 to {MAX_BAUD}")
    serial = load("serial", how="pip install pyserial")
    try:
        return serial.serial_for_url(url, baudrate=baud)
    except (OSError, ValueError) as error:  # SerialException is an OSError
        reason = " ".join(str(error).split())
        raise InputError(f"{url}: cannot be opened: {reason}") from None


class Line:
    """Requests and answers over an open port.

    Args:
        port: the open port.
        retries: how often to repeat what was not answered.
        silence: one keyword argument, whose name messages use: seconds of silence after which a
            request counts as unanswered, beside the time that it takes on the line.

    Raises:
        InputError: a number is out of range.

    Attributes:
        retried: number of repetitions so far.
    """

    def __init__(self, port: Port, *, retries: int, **silence: float) -> None:
        ((name, seconds),) = silence.items()
        if not 0 < seconds <= MAX_PATIENCE:
            raise InputError(
                f"{name} is {seconds}, expected more than 0 seconds, up to {MAX_PATIENCE}"
            )
        if retries < 0:
            raise InputError(f"retries is {retries}, expected 0 or more")
        self.retried = 0
        self.close = port.close
        self._port = port
        self._retries = retries
        self._silence = seconds

    def tried(self, action: Callable[[], T]) -> T:
        """Repeat an action until it has an answer; return its value.

        Raises:
            CoreTimeoutError: it has none, however often it was tried.
        """
        for attempt in range(self._retries + 1):
            try:
                return action()
            except CoreTimeoutError as error:
                if attempt == self._retries:
                    raise CoreTimeoutError(f"{error}; tries: {attempt + 1}") from None
                self.retried += 1
        raise AssertionError("unreachable")

    def exchange(self, body: bytes, *, longest: int) -> Iterator[bytes]:
        """Send a frame, and yield the bodies of the frames that arrive.

        Args:
            body: body of the frame.
            longest: bytes of the longest body that can arrive.

        Raises:
            CoreTimeoutError: nothing arrives any more, or too much does.
            DriverError: the line is broken.
        """
        sent = frames.encode(body)
        decoder = frames.Decoder(longest=longest)
        patience = PATIENCE * len(frames.encode(bytes([frames.FLAG] * longest)))
        try:
            seconds = self._silence + LINE_BITS_PER_BYTE * len(sent) / self._port.baudrate
            self._port.timeout = seconds
            self._port.reset_input_buffer()
            self._port.write(sent)
            while patience > 0:
                data = self._port.read(max(1, self._port.in_waiting))
                if not data:
                    raise CoreTimeoutError(f"no answer for {seconds:.3g} s")
                patience -= len(data)
                yield from (found for found in decoder.feed(data) if found is not None)
        except (OSError, termios.error) as error:  # SerialException is an OSError
            raise DriverError(f"the line is broken: {' '.join(str(error).split())}") from None
        raise CoreTimeoutError("nothing but noise")
