"""The streams of a core, and the record of a run on them, with its failures; for both benches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import SimulationError
from sim.fields import LAST, STREAM

Progress = Callable[[int, int], None]
"""Called now and then with the output words so far and the output words of the whole run."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A stream that a core may have.

    Attributes:
        name: prefix of its ports: ``<name>_data``, ``<name>_valid``, ``<name>_ready``, and one port
            per field of `sim.fields` that travels on it.
        words: what its words are called in messages.
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
"""All streams by name: both benches, their requests and their records are made from this table.

A stream's place in the table numbers its random draws (`sim.patterns.Gaps`)."""

SIDES = {name: side for side, name in enumerate(STREAMS)}


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Words that moved over one stream, in order.

    Attributes:
        words: (M,) int32, or uint32 on a stream of unsigned words.
        fields: (M,) uint32, the fields beside them, see `sim.fields`.
        cycles: (M,) uint64, the clock edge at which each moved; 0 is the first edge after the
            (first) reset.
    """

    words: NDArray[Any]
    fields: NDArray[np.uint32]
    cycles: NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Record of a run: ``record["o"].words``; the attributes name parts of ``i`` and ``o``.

    Attributes:
        moved: what moved over each stream of `STREAMS`.
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
        """Their last flags."""
        return (self["o"].fields & LAST).astype(np.bool_)

    @property
    def streams(self) -> NDArray[np.uint32]:
        """Their stream numbers; 0 where the core has none."""
        return self["o"].fields >> np.uint32(STREAM)

    @property
    def taken(self) -> NDArray[np.uint64]:
        """Cycle of each output word."""
        return self["o"].cycles

    @property
    def accepted(self) -> NDArray[np.uint64]:
        """Cycle of each input beat."""
        return self["i"].cycles

    def answers(self, words: int) -> NDArray[np.int32]:
        """The output as (sequences, `words`).

        Raises:
            ValueError: the number of words is no multiple of `words`.
        """
        if words < 1 or self.words.size % words:
            raise ValueError(f"{self.words.size} words are not sequences of {words!r}")
        return self.words.reshape(-1, words)


class BenchError(SimulationError):
    """A run failed; `run` is its record until then."""

    def __init__(self, message: str, run: Record) -> None:
        super().__init__(message)
        self.run = run


class CycleLimitError(BenchError):
    """Nothing moved for `patience` cycles: most likely a deadlock."""

    def __init__(self, patience: int, run: Record) -> None:
        super().__init__(
            f"no transfer in {patience} cycles, after {run.accepted.size} input beats "
            f"and {run.words.size} output words",
            run,
        )


class ProtocolError(BenchError):
    """The core broke the rules of an output stream.

    Attributes:
        kind: "valid dropped" or "payload changed" (while valid waited for ready), "surplus word"
            (one more than expected). Icarus adds "unknown payload", "unknown valid" and "unknown
            ready" (X or Z bits).
        cycle: clock edge at which it was seen, counted as in `Moved`.
    """

    def __init__(self, kind: str, cycle: int, run: Record) -> None:
        super().__init__(f"{kind} in cycle {cycle}, after {run.words.size} output words", run)
        self.kind = kind
        self.cycle = cycle


class StoppedError(BenchError):
    """The model ended the simulation: an assertion of the design failed, or it called $finish."""

    def __init__(self, cycle: int, run: Record) -> None:
        super().__init__(f"the model stopped by itself before cycle {cycle}", run)
