"""The host's side of the link to a board: samples go out, results come in.

    with Link.open("/dev/ttyUSB0", network) as link:
        words = link.run(network.quantize_input(sample))

Whatever the line does to bytes, a result is the one of the sequence that was asked for, or there
is none: see docs/host_link.md.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.closing import Closing
from golden.errors import InputError
from golden.interface import DEFAULT, Interface
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
from golden.quantized import QuantizedNetwork
from litelstm.driver.errors import CoreTimeoutError, DriverError
from litelstm.driver.serial_line import DEFAULT_BAUD, DEFAULT_RETRIES, Line, Port, open_port

DEFAULT_TIMEOUT = 1.0


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
        self._line = Line(port, retries=retries, timeout=timeout)
        self._network = network
        self._expected = Identity.of(network, interface, capacity=MAX_CAPACITY)
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

    @property
    def retried(self) -> int:
        """Number of resends so far."""
        return self._line.retried

    def close(self) -> None:
        """Close the line."""
        self._line.close()

    def identify(self) -> Identity:
        """Ask the board for its identity.

        Raises:
            DriverError: the board does not answer, or has another version of the protocol.
        """
        payload = self._line.tried(lambda: self._request(Kind.IDENTIFY, b""))
        if not payload or payload[0] != VERSION:
            raise DriverError(
                f"the board speaks version {payload[:1].hex()}, expected {VERSION:02x}"
            )
        try:
            return Identity.unpack(payload)
        except ValueError as error:
            raise DriverError(f"the board's {error}") from None

    def check(self) -> Identity:
        """Check that the board runs the network; :meth:`run` does so before its first sequence.

        Raises:
            InputError: the board runs another network.
            DriverError: see :meth:`identify`.
        """
        identity = self.identify()
        if replace(identity, capacity=self._expected.capacity) != self._expected:
            raise InputError(
                f"the board runs network {identity.network.hex()} ({identity.inputs} inputs, "
                f"{identity.results} words per result), expected {self._expected.network.hex()} "
                f"({self._expected.inputs}, {self._expected.results})"
            )
        if identity.capacity < identity.step_bytes:
            raise DriverError(f"the board's buffer of {identity.capacity} bytes holds no step")
        self._identity = identity
        return identity

    def run(self, x: ArrayLike) -> NDArray[np.int64]:
        """Run one sequence; return its result words.

        Args:
            x: raw input words, (steps, inputs).

        Raises:
            InputError: ``x`` has a wrong shape or range, or see :meth:`check`.
            DriverError: the board does not answer, or refuses.
        """
        words = check_inputs(self._network, np.asarray(x)[np.newaxis])[0]
        identity = self._identity or self.check()
        at_once = identity.capacity // identity.step_bytes
        parts = [words[start : start + at_once] for start in range(0, len(words), at_once)]
        return self._line.tried(lambda: self._run(identity, parts))

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
                raise DriverError(f"the board answers {len(result)} bytes, expected {expected}")
        return unpack_words(result, identity.result_bytes)

    def _request(self, kind: Kind, payload: bytes) -> bytes:
        """Send a request; return the payload of its answer, and ignore late answers to others.

        Raises:
            CoreTimeoutError: no answer came, or none that this request deserves.
            DriverError: the board refuses the request, or the line is broken.
        """
        number = self._number
        self._number = (number + 1) % 256
        request = bytes([kind, number]) + payload
        for body in self._line.exchange(request, longest=self._expected.longest_answer):
            if body[0] == Kind.FAULT:
                _blame(body[HEADER:], own=body[1] == number)
            elif body[0] == kind | ANSWER and body[1] == number:
                return body[HEADER:]
        raise AssertionError("unreachable")


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
        raise CoreTimeoutError(f"the board does not take it: {what}")
    if own:
        raise DriverError(f"the board refuses: {what}")
