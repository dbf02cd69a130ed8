"""Record of a run under cocotb, while it grows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cocotb.triggers import Event

from sim.run import Run
from sim.streams import DUE, LAST, STREAMS, Moved, Record, Stream


class Side:
    """One stream in a run.

    Args:
        stream: the stream.
        run: the request.

    Attributes:
        count: number of the run's words.
        words, fields, cycles: lists of the transfers so far, as in `sim.streams.Moved`.
    """

    def __init__(self, stream: Stream, run: Run) -> None:
        self.stream = stream
        self.count = run.count(stream.name)
        self.words: list[int] = []
        self.fields: list[int] = []
        self.cycles: list[int] = []

    @property
    def done(self) -> bool:
        """Whether all its words have moved."""
        return len(self.cycles) == self.count

    def rewind(self, place: int) -> None:
        """Forget words from number `place` on."""
        for values in (self.words, self.fields, self.cycles):
            del values[place:]

    def moved(self) -> Moved:
        """Return the transfers so far, as arrays."""
        return Moved(
            words=np.array(self.words, np.int32 if self.stream.signed else np.uint32),
            fields=np.array(self.fields, np.uint32),
            cycles=np.array(self.cycles, np.uint64),
        )


class LiveRecord:
    """Record of everything that moved so far.

    Args:
        run: the request.
        due: number of sequences sent before this run but not answered yet.
        start: number of the run's first edge.
        changed: called after each output word, after a stream's last word, and when a violation is
            found.

    Attributes:
        sides: transfers by stream.
        due: number of sequences sent but not answered yet.
        moved: number of the first edge after the last transfer.
        violation: kind and edge of the first violation.
        wanted: set when an answer becomes due, or when the last one has come.
    """

    def __init__(self, run: Run, *, due: int, start: int, changed: Callable[[], None]) -> None:
        self.sides = {name: Side(stream, run) for name, stream in STREAMS.items()}
        self.due = due
        self.moved = self._start = start
        self._changed = changed
        self.violation: tuple[str, int] | None = None
        self.wanted = Event()

    @property
    def over(self) -> bool:
        """Whether all words were sent and all expected words have come."""
        return all(side.done for side in self.sides.values())

    def enter(self, side: Side, edge: int, word: int, fields: int) -> None:
        """Enter a word that moved over a stream."""
        side.words.append(word)
        side.fields.append(fields)
        side.cycles.append(edge)
        self.moved = edge + 1
        into = side.stream.into
        if into and fields & DUE:
            self.due += 1
            self.wanted.set()
        elif not into and fields & LAST and self.due:
            self.due -= 1
        if side.done:
            self.wanted.set()
        if side.done or side.stream.name == "o":
            self._changed()

    def violate(self, kind: str, edge: int) -> None:
        """Enter a violation of the protocol."""
        self.violation = (kind, edge)
        self._changed()

    def rewind(self, run: Run) -> None:
        """Forget the words that move again after a reset."""
        self.due = 0
        for name, side in self.sides.items():
            side.rewind(run.reset.place(name) if run.reset else 0)

    def record(self) -> Record:
        """Return the record so far."""
        moved = {name: side.moved() for name, side in self.sides.items()}
        return Record(moved=moved, cycles=self.moved - self._start)
