"""The host's side of the link to a board: samples go out, results come in.

    with Link.open("/dev/ttyUSB0", network) as link:
        words = link.run(network.quantize_input(sample))

Whatever the line does to bytes, a result is the one of the sequence that was asked for, or there
is none: see docs/host_link.md.
"""

from __future__ import annotations

import termios
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.closing import Closing
from golden.errors import InputError
from golden.interface import DEFAULT, Interface
from golden.link import frames
from golden.link.messages import (
    ANSWER,
    HEADER,
    MAX_CAPACITY,
    MEANINGS,
    NUMBERLESS,
    VERSION,
    Fault,
    Identity,
    Kind,
    Steps,
    pack_words,
    unpack_words,
)
from golden.model import check_inputs
from golden.packages import load
from golden.quantized import QuantizedNetwork

T = TypeVar("T")

DEFAULT_BAUD = 1_000_000
MAX_BAUD = 12_000_000
"""Bits per second of the fastest USB serial chips."""
DEFAULT_TIMEOUT = 1.0
MAX_PATIENCE = 86_400
"""Seconds; far longer waits overflow the system's time."""
DEFAULT_RETRIES = 5

LINE_BITS_PER_BYTE = 10
"""With the start and the stop bit of a UART."""

PATIENCE = 4
"""Longest forms of the wanted answer that may arrive as other traffic before a timeout."""


class LinkError(RuntimeError):
    """No answer or a wrong one from the board; the message is one line."""


class NoAnswerError(LinkError):
    """No sign that the board carried out a request; the host may send it again."""


class Port(Protocol):
    """The members of pyserial's ``Serial`` that the link uses."""

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


class Link(Closing):
    """A board that runs a network.

    Args:
        port: the open line.
        network: the network that the board must run.
        interface: interface of the board's core.
        timeout: seconds of silence after which a request counts as unanswered, beside the time
            that the request itself takes on the line.
        retries: how often to resend an unanswered request, or a sequence.

    Raises:
        InputError: a number is out of range, or boards do not support the interface.

    Attributes:
        retried: number of resends so far.
    """

    def __init__(
        self,
        port: Port,
        network: QuantizedNetwork,
        *,
        interface: Interface = DEFAULT,
        timeout: float = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
    ) -> None:
        check_patience("timeout", timeout)
        if retries < 0:
            raise InputError(f"retries is {retries}, expected 0 or more")
        self.retried = 0
        self._port = port
        self._network = network
        self._expected = Identity.of(network, interface, capacity=MAX_CAPACITY)
        self._timeout = timeout
        self._retries = retries
        self._number = 0
        self._identity: Identity | None = None

    @classmethod
    def open(
        cls,
        url: str,
        network: QuantizedNetwork,
        *,
        baud: int = DEFAULT_BAUD,
        interface: Interface = DEFAULT,
        timeout: float = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
    ) -> Link:
        """Open a link over a serial device, or any other URL that pyserial supports.

        Raises:
            MissingToolError: pyserial is not installed.
            InputError: the device cannot be opened, or see :class:`Link`.
        """
        port = open_port(url, baud=baud)
        try:
            return cls(port, network, interface=interface, timeout=timeout, retries=retries)
        except InputError:
            port.close()
            raise

    def close(self) -> None:
        """Close the line."""
        self._port.close()

    def identify(self) -> Identity:
        """Ask the board for its identity.

        Raises:
            LinkError: the board does not answer, or has another version of the protocol.
        """
        payload = self._tried(lambda: self._request(Kind.IDENTIFY, b""))
        if not payload or payload[0] != VERSION:
            raise LinkError(f"the board speaks version {payload[:1].hex()}, expected {VERSION:02x}")
        try:
            return Identity.unpack(payload)
        except ValueError as error:
            raise LinkError(f"the board's {error}") from None

    def check(self) -> Identity:
        """Check that the board runs the network; :meth:`run` does so before its first sequence.

        Raises:
            InputError: the board runs another network.
            LinkError: see :meth:`identify`.
        """
        identity = self.identify()
        if replace(identity, capacity=self._expected.capacity) != self._expected:
            raise InputError(
                f"the board runs network {identity.network.hex()} ({identity.inputs} inputs, "
                f"{identity.results} words per result), expected {self._expected.network.hex()} "
                f"({self._expected.inputs}, {self._expected.results})"
            )
        if identity.capacity < identity.step_bytes:
            raise LinkError(f"the board's buffer of {identity.capacity} bytes holds no step")
        self._identity = identity
        return identity

    def run(self, x: ArrayLike) -> NDArray[np.int64]:
        """Run one sequence; return its result words.

        Args:
            x: raw input words, (steps, inputs).

        Raises:
            InputError: ``x`` has a wrong shape or range, or see :meth:`check`.
            LinkError: the board does not answer, or refuses.
        """
        words = check_inputs(self._network, np.asarray(x)[np.newaxis])[0]
        identity = self._identity or self.check()
        at_once = identity.capacity // identity.step_bytes
        parts = [words[start : start + at_once] for start in range(0, len(words), at_once)]
        return self._tried(lambda: self._run(identity, parts))

    def _run(self, identity: Identity, parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        """Send a sequence from its first step, in one or more requests."""
        result = b""
        for index, part in enumerate(parts):
            first, last = index == 0, index == len(parts) - 1
            flags = (Steps.FIRST if first else 0) | (Steps.LAST if last else 0)
            x = pack_words(part, identity.input_bytes)
            result = self._request(Kind.RUN, bytes([flags]) + x)
            expected = identity.results * identity.result_bytes if last else 0
            if len(result) != expected:
                raise LinkError(f"the board answers {len(result)} bytes, expected {expected}")
        return unpack_words(result, identity.result_bytes)

    def _tried(self, action: Callable[[], T]) -> T:
        """Repeat an action until it has an answer; return its value."""
        for attempt in range(self._retries + 1):
            try:
                return action()
            except NoAnswerError as error:
                if attempt == self._retries:
                    raise LinkError(f"{error}, {attempt + 1} times tried") from None
                self.retried += 1
        raise AssertionError("unreachable")

    def _request(self, kind: Kind, payload: bytes) -> bytes:
        """Send a request; return the payload of its answer.

        Raises:
            NoAnswerError: no answer came.
            LinkError: the board refuses the request, or the line is broken.
        """
        number = self._number
        self._number = (number + 1) % 256
        sent = frames.encode(bytes([kind, number]) + payload)
        seconds = self._timeout + LINE_BITS_PER_BYTE * len(sent) / self._port.baudrate
        try:
            self._port.timeout = seconds
            self._port.reset_input_buffer()
            self._port.write(sent)
            return self._answer(kind, number)
        except (OSError, termios.error) as error:
            raise LinkError(f"the line is broken: {' '.join(str(error).split())}") from None

    def _answer(self, kind: Kind, number: int) -> bytes:
        """Wait for the answer to a request; ignore late answers to others."""
        longest = self._expected.longest_answer
        decoder = frames.Decoder(longest=longest)
        patience = PATIENCE * len(frames.encode(bytes([frames.FLAG] * longest)))
        while patience > 0:
            data = self._port.read(max(1, self._port.in_waiting))
            if not data:
                raise NoAnswerError(f"no answer for {self._port.timeout:.3g} s")
            patience -= len(data)
            for body in decoder.feed(data):
                if body is None:
                    continue
                if body[0] == Kind.FAULT:
                    _blame(body[HEADER:], own=body[1] == number)
                elif body[0] == kind | ANSWER and body[1] == number:
                    return body[HEADER:]
        raise NoAnswerError("nothing but noise")


def check_patience(name: str, seconds: float) -> None:
    """Refuse a wait that is no time, or more than the system's clock takes."""
    if not 0 < seconds <= MAX_PATIENCE:
        raise InputError(f"{name} is {seconds}, expected more than 0 seconds, up to {MAX_PATIENCE}")


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


def _blame(payload: bytes, *, own: bool) -> None:
    """Raise the error that a FAULT answer stands for, if it concerns the request.

    Args:
        payload: payload of the answer.
        own: whether the answer has the request's number.
    """
    known = len(payload) == 1 and payload[0] in list(Fault)
    fault = Fault(payload[0]) if known else None
    what = f"fault {payload.hex()}" if fault is None else MEANINGS[fault]
    if fault in NUMBERLESS or (own and fault is Fault.ORDER):
        raise NoAnswerError(f"the board does not take it: {what}")
    if own:
        raise LinkError(f"the board refuses: {what}")
