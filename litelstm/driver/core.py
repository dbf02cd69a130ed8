"""The driver's door: a core with its network, sequences and state.
with litelstm.open("build/litelstm_core.json", "uio:/dev/uio0") as core:
    core.load("weights.bin")
    y = core.run(x)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.closing import Closing
from golden.errors import InputError
from litelstm.driver.backend import Backend
from litelstm.driver.description import STATE_IN, STATE_OUT, WEIGHTS, Description, X, Y
from litelstm.driver.errors import DriverError
from litelstm.driver.samples import Samples
from litelstm.driver.supervision import DEFAULT_TIMEOUT, Supervised
from litelstm.driver.traffic import traffic
from litelstm.driver.weights import NetworkOrImage, image_words, require_network

REASONS = ("it was not", "too short", "too long", "wrong CRC-32", "not for this core")
"""Meanings of STATUS.LOAD_REASON."""


class Core(Supervised, Closing):
    """A core, driven over its registers and streams.

    The constructor resets the core (see :meth:`reset`), so nothing of an earlier program remains.
    If :meth:`load` or :meth:`run` fails with a :class:`DriverError`, words may remain in the core;
    both then refuse to work until :meth:`reset`. A refused image of weights leaves no words.

    Args:
        backend: connection to the core.
        description: description of the core.
        timeout: seconds, of the backend's time, that a sequence or an image may take.

    Raises:
        DriverError: no core answers, another core answers, or the core does not become idle.
        InputError: ``timeout`` is not positive.

    Attributes:
        description: description of the core.
        timeout: seconds; a program may change it.
    """

    def __init__(
        self, backend: Backend, description: Description, *, timeout: float = DEFAULT_TIMEOUT
    ) -> None:
        super().__init__(backend, description, timeout=timeout)
        self._samples = Samples(description)
        self._traffic = traffic(backend, description)
        self._length: int | None = None  # contents of LENGTH and SEQUENCE, None if unknown
        self._sequence: dict[str, int] | None = None
        self._unsettled = False  # a call began and did not end without an error
        self._has_state = False  # of an earlier sequence, so that every step has a result
        self.enable_interrupts()
        self.reset()

    def close(self) -> None:
        """Disable the core, and close the connection."""
        try:
            self._registers.set("CONTROL", ENABLE=0)
        finally:
            self._backend.close()

    def load(self, network: NetworkOrImage) -> None:
        """Load a network into the core, or check that the core has it.

        Args:
            network: a quantized network or its file, or an image from ``litelstm pack``. A core
                with its weights in the Verilog accepts only the network that it was made for.

        Raises:
            InputError: the network does not fit this core.
            DriverError: the core refuses the weights.
        """
        if not self._registers.field("FEATURES", "SETS"):
            require_network(self.description, network)
            return
        words = image_words(self.description, network)
        with self._settled():
            self._registers.set("IRQ_STATUS", LOADED=1, REFUSED=1)
            self._move({WEIGHTS: words}, {})
            self._wait("IRQ_STATUS", "LOADED", "REFUSED")
        if self._registers.field("IRQ_STATUS", "REFUSED"):
            reason = self._registers.field("STATUS", "LOAD_REASON")
            why = REASONS[reason] if reason < len(REASONS) else f"reason {reason}"
            raise DriverError(f"the core refuses the weights: {why}")

    def run(
        self,
        x: ArrayLike | Sequence[ArrayLike],
        *,
        stream: int = 0,
        keep: bool = False,
        state: ArrayLike | None = None,
        save: bool = False,
    ) -> Any:
        """Run sequences, one after another.

        Args:
            x: one sequence, (steps, inputs), several of equal length, (sequences, steps, inputs),
                or a list of sequences. Integers are raw words; floats are samples to quantize.
            stream: number of the sequences' stream.
            keep: whether to continue from the stream's state; otherwise from zero.
            state: raw state words to start from, (state words,); for a single sequence.
            save: whether to also return the state words after the last step; for a single sequence.

        Returns:
            The result of one sequence: (outputs,), or (steps, outputs) if the core answers every
            step. For several sequences, an array or a list of results, like ``x``. Results are raw
            integers for integers, real numbers for floats; class numbers are always integers.
            With ``save``, a tuple of the result and the state, (state words,).

        Raises:
            InputError: an argument has a wrong shape or range, or the core does not support it.
            DriverError: the core reports an error during the call; :meth:`errors` has it until the
                next call. Earlier bits in ERRORS do not count.
            CoreTimeoutError: the core does not finish in time.
        """
        sequences, finish = self._samples.sequences(x)
        self._check_request(len(sequences), stream, keep, state, save)
        if not self._registers.field("STATUS", "LOADED"):
            raise DriverError("the core has no weights yet: load a network")
        loads = {} if state is None else {STATE_IN: self._samples.state(state)}
        fields = {"STREAM": stream, "KEEP": keep, "LOAD": bool(loads), "SAVE": save}
        results, saved = [], np.zeros(0, np.int64)
        with self._settled():
            for sequence in sequences:
                came = self._run(sequence, fields, loads, save=save)
                results.append(self._samples.result(came[Y]))
                saved = came.get(STATE_OUT, saved)
        return (finish(results), saved) if save else finish(results)

    def _run(
        self,
        sequence: NDArray[np.int64],
        fields: dict[str, int],
        loads: dict[str, NDArray[np.int64]],
        *,
        save: bool,
    ) -> dict[str, NDArray[np.int64]]:
        description, registers = self.description, self._registers
        steps = len(sequence)
        silent = 0 if fields["KEEP"] and self._has_state else description.first_step
        if steps <= silent:
            raise InputError(
                f"a sequence has {steps} steps, expected {silent + 1} or more: the first {silent} "
                "have no result"
            )
        if fields != self._sequence:
            registers.set("SEQUENCE", **fields)
            self._sequence = fields
        if steps != self._length:
            _, width = description.register("LENGTH").fields["STEPS"]
            registers.set("LENGTH", STEPS=steps if steps < 1 << width else 0)
            self._length = steps
        incoming = {Y: steps - silent if description.every_step else 1}
        if save:
            incoming[STATE_OUT] = 1
        came = self._move({**loads, X: sequence.reshape(-1)}, incoming)
        if errors := self.errors():
            raise DriverError(f"the core reports {', '.join(errors)}")
        self._has_state = True
        return came

    def _move(
        self, outgoing: dict[str, NDArray[np.int64]], incoming: dict[str, int]
    ) -> dict[str, NDArray[np.int64]]:
        """Send elements and receive vectors; add the core's state to the message of an error."""
        try:
            return self._traffic.move(outgoing, incoming, timeout=self.timeout)
        except DriverError as error:
            raise type(error)(f"{error} ({self._state()})") from None

    def reset(self) -> None:
        """Bring the core into a known state: idle, no output, ERRORS and IRQ_STATUS 0.

        This drops computations, all states, and a half-loaded image of weights. Weights, counters
        and IRQ_ENABLE stay.

        Raises:
            DriverError: the core does not reach that state; only another reset works then.
        """
        self._unsettled, self._has_state = True, False
        self._length = self._sequence = None
        self._traffic.discard()
        self._registers.set("CONTROL", RESET=1)  # without ENABLE: the next word begins a new frame
        self._until("STATUS.IDLE", self._is_idle)
        self._end_image()
        self.clear_errors()
        self._registers.write("IRQ_STATUS", self._all("IRQ_STATUS"))
        self._registers.set("CONTROL", ENABLE=1, BY_REGISTER=1)
        self._unsettled = False

    def _is_idle(self) -> bool:
        # A word that the core offers survives the reset.
        self._traffic.discard()
        return bool(self._registers.field("STATUS", "IDLE"))

    def _end_image(self) -> None:
        """End a half-loaded image of weights, so that the core refuses it as too short.

        The core's reset does not end it, because it does not include the loader.
        """
        if not self._registers.field("FEATURES", "SETS"):
            return
        self._until("ROOM.WEIGHT", self._takes_weights)
        if self._registers.field("STATUS", "LOADING"):
            self._move({WEIGHTS: np.zeros(1, np.int64)}, {})
            self._until("end of STATUS.LOADING", self._is_not_loading)

    def _takes_weights(self) -> bool:
        """Whether the data register for weights has room; always true of a core with streams."""
        return not self.description.window or bool(self._registers.field("ROOM", "WEIGHT"))

    def _is_not_loading(self) -> bool:
        return self._takes_weights() and not self._registers.field("STATUS", "LOADING")

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """Guard a call: it needs a core in a known state, and leaves it so unless it raises.

        Raises:
            DriverError: an earlier call raised, and there was no reset since.
        """
        if self._unsettled:
            raise DriverError(
                "an earlier call failed and may have left words in the core: reset it"
            )
        if self.errors():  # from before this call
            self.clear_errors()
        self._unsettled = True
        yield
        self._unsettled = False

    def _check_request(
        self, sequences: int, stream: int, keep: bool, state: ArrayLike | None, save: bool
    ) -> None:
        description = self.description
        if not 0 <= stream < description.number_of_streams:
            raise InputError(
                f"stream is {stream}, expected 0 to {description.number_of_streams - 1}"
            )
        if keep and description.state == "clear":
            raise InputError("keep needs a core with --state keep or load")
        if state is None and not save:
            return
        if description.state != "load":
            raise InputError("state and save need a core with --state load")
        if sequences != 1:
            raise InputError(f"state and save are for one sequence, not {sequences}")
