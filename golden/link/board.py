"""Model of the board's side of the link: takes bytes of requests, returns bytes of answers."""

from __future__ import annotations

import numpy as np

from golden.interface import Interface
from golden.link import frames
from golden.link.messages import (
    ANSWER,
    DEFAULT_CAPACITY,
    HEADER,
    NUMBERLESS,
    Fault,
    Identity,
    Kind,
    Steps,
    pack_words,
    unpack_words,
)
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork


class BoardModel:
    """Model of a board's answers to any input that does not arrive during a request's execution.

    Args:
        network: the network of its core.
        interface: interface of its core; the plain one by default.
        capacity: most bytes of x in a request.
        max_steps: steps of the longest sequence that its core buffers; 0 if it buffers none.

    Raises:
        InputError: see :meth:`golden.link.messages.Identity.of`.
    """

    def __init__(
        self,
        network: QuantizedNetwork,
        *,
        interface: Interface | None = None,
        capacity: int = DEFAULT_CAPACITY,
        max_steps: int = 0,
    ) -> None:
        self._max_steps = max_steps
        self._interface = interface or Interface()
        self.identity = Identity.of(network, self._interface, capacity=capacity)
        self._network = network
        self._model = IntegerModel(network)
        self._decoder = frames.Decoder()
        self._steps: bytes | None = None
        self._next = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes; return the answers to all requests that they complete."""
        answers = [self._answer(body) for body in self._decoder.feed(data)]
        return b"".join(map(frames.encode, answers))

    def _answer(self, body: bytes | None) -> bytes:
        if body is None:
            return self._fault(Fault.DAMAGED)
        kind, number, payload = body[0], body[1], body[HEADER:]
        fault: Fault | None = Fault.UNKNOWN
        answer: bytes | None = b""
        if len(body) > self.identity.longest_request:
            fault = Fault.TOO_LONG
        elif kind == Kind.IDENTIFY:
            fault, answer = (Fault.LENGTH if payload else None), self.identity.pack()
        elif kind == Kind.RUN:
            fault = self._refused(number, payload)
            answer = b"" if fault else self._run(number, payload)
        if fault or answer is None:
            return self._fault(fault or Fault.STEPS, number)
        return bytes([kind | ANSWER, number]) + answer

    def _fault(self, fault: Fault, number: int = 0) -> bytes:
        return bytes([Kind.FAULT, 0 if fault in NUMBERLESS else number, fault])

    def _refused(self, number: int, payload: bytes) -> Fault | None:
        """Return why the board refuses steps; ``None`` if it accepts them."""
        x = payload[1:]
        if not x or len(x) % self.identity.step_bytes:
            return Fault.LENGTH
        if not payload[0] & Steps.FIRST and (self._steps is None or number != self._next):
            return Fault.ORDER
        return None

    def _run(self, number: int, payload: bytes) -> bytes | None:
        """Run steps; return the result if they end a sequence, else no bytes.

        A sequence that is too long has no result, ``None``.
        """
        before = b"" if payload[0] & Steps.FIRST else self._steps or b""
        self._steps, self._next = before + payload[1:], (number + 1) % 256
        if not payload[0] & Steps.LAST:
            return b""
        words = unpack_words(self._steps, self.identity.input_bytes)
        self._steps = None
        if self._max_steps and len(words) > self._max_steps * self.identity.inputs:
            return None
        width = self._network.x.width  # the core ignores a word's upper bits
        x = ((words + (1 << (width - 1))) % (1 << width)) - (1 << (width - 1))
        result = self._model.forward(x.reshape(1, -1, self.identity.inputs))
        return pack_words(self._interface.answer(np.asarray(result)), self.identity.result_bytes)
