"""Streams of a core, and the record and errors of a run on them, for both benches.

Fields that travel beside a stream's data are packed into one number per beat. An input beat's
number has the bits of `PORTS`, each for the port ``i_<name>`` if the core has it, and `DUE`, for
the benches only: the beat ends a sequence. In a core with plain streams the numbers are 0 and
``LAST | DUE``. An output word's number has ``last`` and ``stream``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.interface import LAST_BEAT, Control
from sim.tools.errors import SimulationError

PORTS = {"last": (0, 1), "keep": (1, 1), "load": (2, 1), "save": (3, 1), "stream": (8, 8)}
"""Lowest bit and number of bits of each port's value."""

LAST, DUE = 1, 1 << 4
STREAM_BIT = PORTS["stream"][0]

Progress = Callable[[int, int], None]
"""Callback with the number of output words so far, and that of the whole run."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A stream that a core may have.

    Attributes:
        name: prefix of its ports: ``<name>_data``, ``<name>_valid``, ``<name>_ready``, and one port
            per field of `PORTS` that travels on it.
        words: plural noun for its words in messages.
        signed: whether its words are signed integers.
    """

    name: str
    words: str
    signed: bool = True

    @property
    def into(self) -> bool:
        """Whether its words go into the core."""
        return self.name.startswith("i")


STREAMS = {
    stream.name: stream
    for stream in (
        Stream(name="i", words="beats"),
        Stream(name="o", words="output words"),
        Stream(name="i_state", words="state words"),
        Stream(name="o_state", words="state words"),
        Stream(name="i_weights", words="words of weights", signed=False),
    )
}
"""All streams by name. Both benches, their requests and their records use this table.

A stream's place in the table numbers its random draws (`sim.patterns.Gaps`)."""

SIDES = {name: side for side, name in enumerate(STREAMS)}


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Words that moved over one stream, in order.

    Attributes:
        words: (M,) int32, or uint32 on a stream of unsigned words.
        fields: (M,) uint32, fields beside the words.
        cycles: (M,) uint64, number of the clock edge at which each word moved; 0 is the first edge
            after the reset at a run's start.
    """

    words: NDArray[Any]
    fields: NDArray[np.uint32]
    cycles: NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Record of a run: ``record["o"].words``; properties give parts of ``i`` and ``o``.

    Attributes:
        moved: transfers of each stream of `STREAMS`.
        cycles: clock cycles from the run's start to its last transfer, both included.
    """

    moved: Mapping[str, Moved]
    cycles: int

    def __getitem__(self, stream: str) -> Moved:
        return self.moved[stream]

    @property
    def words(self) -> NDArray[np.int32]:
        """The output words."""
        return self["o"].words

    @property
    def last(self) -> NDArray[np.bool_]:
        """Last flags of the output words."""
        return (self["o"].fields & LAST).astype(np.bool_)

    @property
    def streams(self) -> NDArray[np.uint32]:
        """Stream numbers of the output words; 0 if the core has no such port."""
        return self["o"].fields >> np.uint32(STREAM_BIT)

    @property
    def taken(self) -> NDArray[np.uint64]:
        """Cycle of each output word."""
        return self["o"].cycles

    @property
    def accepted(self) -> NDArray[np.uint64]:
        """Cycle of each input beat."""
        return self["i"].cycles

    def answers(self, words: int) -> NDArray[np.int32]:
        """Reshape the output words to (sequences, `words`).

        Raises:
            ValueError: the number of output words is not a multiple of `words`.
        """
        if words < 1 or self.words.size % words:
            raise ValueError(f"{self.words.size} words are not sequences of {words!r}")
        return self.words.reshape(-1, words)


class BenchError(SimulationError):
    """A run failed; `run` is the record up to the failure."""

    def __init__(self, message: str, run: Record) -> None:
        super().__init__(message)
        self.run = run


class CycleLimitError(BenchError):
    """No word moved for `patience` cycles, most likely because of a deadlock."""

    def __init__(self, patience: int, run: Record) -> None:
        super().__init__(
            f"no transfer in {patience} cycles, after {run.accepted.size} input beats "
            f"and {run.words.size} output words",
            run,
        )


class ProtocolError(BenchError):
    """The core broke the rules of an output stream, or told of a fault in a memory.

    Attributes:
        kind: "valid dropped" or "payload changed" (while valid waits for ready), "surplus word"
            (more words than expected), "memory fault" (of a core with parity); under Icarus also
            "unknown payload", "unknown valid" and "unknown ready" (X or Z bits).
        cycle: number of the clock edge at which the bench saw it, counted as in `Moved`.
    """

    def __init__(self, kind: str, cycle: int, run: Record) -> None:
        super().__init__(f"{kind} in cycle {cycle}, after {run.words.size} output words", run)
        self.kind = kind
        self.cycle = cycle


class StoppedError(BenchError):
    """The model ended the simulation: an assertion of the design failed, or it called $finish."""

    def __init__(self, cycle: int, run: Record) -> None:
        super().__init__(f"the model stopped by itself before cycle {cycle}", run)


def of_last(last: ArrayLike) -> NDArray[np.uint32]:
    """Make the numbers of beats whose only field is ``last``, from their last flags."""
    return np.where(np.asarray(last, dtype=np.bool_), LAST | DUE, 0).astype(np.uint32)


def of_steps(controls: Sequence[Control], inputs: int) -> NDArray[np.uint32]:
    """Make the numbers of all beats of some steps, each of ``inputs`` beats.

    A field has its value only in the beat in which the core reads it. The step's other beats carry
    its complement, so a core that reads it in the wrong beat fails.
    """
    numbers = np.zeros((len(controls), inputs), dtype=np.uint32)
    for name, (low, width) in PORTS.items():
        mask = (1 << width) - 1
        values = np.array([int(getattr(control, name)) for control in controls], dtype=np.uint32)
        column = np.repeat((values ^ mask)[:, np.newaxis], inputs, axis=1)
        column[:, inputs - 1 if name in LAST_BEAT else 0] = values
        numbers |= column << low
    numbers[:, -1] |= np.array([DUE if c.last else 0 for c in controls], dtype=np.uint32)
    return numbers.reshape(-1)


def port_value(number: int, name: str) -> int:
    """Return a port's value from a beat's number."""
    low, width = PORTS[name]
    return number >> low & (1 << width) - 1
