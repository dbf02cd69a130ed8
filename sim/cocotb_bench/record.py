"""The record of a run: everything that moved on a core's streams so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cocotb.triggers import Event

from sim.fields import DUE, LAST, STREAM


@dataclass(kw_only=True)
class Record:
    """Record of everything that moved so far; lists as in `sim.streams.StreamRun`.

    Attributes:
        beats: input beats of the run.
        outputs: words that the run expects.
        loads, saves: state words that the run loads, and that it expects.
        weights: words of weights that the run writes.
        due: sequences that were sent, but not answered yet.
        moved: number of the first edge after the last transfer.
        changed: called after each word and the last beat, and when a violation is found.
        violation: kind and edge of the first violation.
        wanted: set when an answer becomes due, or when none will be any more.
    """

    beats: int
    outputs: int
    loads: int
    saves: int
    weights: int
    due: int
    moved: int
    changed: Callable[[], None]
    words: list[int] = field(default_factory=list)
    last: list[bool] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    state: list[int] = field(default_factory=list)
    loaded: list[int] = field(default_factory=list)
    saved: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    violation: tuple[str, int] | None = None
    wanted: Event = field(default_factory=Event)

    @property
    def over(self) -> bool:
        """Whether all was sent and all expected words have come."""
        return (
            len(self.accepted) == self.beats
            and len(self.words) == self.outputs
            and len(self.loaded) == self.loads
            and len(self.state) == self.saves
            and len(self.written) == self.weights
        )

    def accept(self, edge: int, fields: int) -> None:
        """Enter a beat that the core took."""
        self.accepted.append(edge)
        self.moved = edge + 1
        ends = bool(fields & DUE)
        self.due += ends
        end = len(self.accepted) == self.beats
        if ends or end:
            self.wanted.set()
        if end:
            self.changed()

    def take(self, edge: int, word: int, fields: int) -> None:
        """Enter a word that the core gave."""
        last = bool(fields & LAST)
        self.words.append(word)
        self.last.append(last)
        self.streams.append(fields >> STREAM)
        self.taken.append(edge)
        self.moved = edge + 1
        if last and self.due:
            self.due -= 1
        self.changed()

    def load(self, edge: int, _fields: int) -> None:
        """Enter a state word that the core took."""
        self.loaded.append(edge)
        self.moved = edge + 1
        if len(self.loaded) == self.loads:
            self.changed()

    def write(self, edge: int, _fields: int) -> None:
        """Enter a word of weights that the core took."""
        self.written.append(edge)
        self.moved = edge + 1
        if len(self.written) == self.weights:
            self.changed()

    def save(self, edge: int, word: int, _fields: int) -> None:
        """Enter a state word that the core gave."""
        self.state.append(word)
        self.saved.append(edge)
        self.moved = edge + 1
        if len(self.state) == self.saves:
            self.changed()

    def violate(self, kind: str, edge: int) -> None:
        """Enter a broken rule of the protocol."""
        self.violation = (kind, edge)
        self.changed()

    def rewind(self, *, beat: int, word: int) -> None:
        """After a reset, forget beats from `beat` on and words from `word` on."""
        self.due = 0
        del self.accepted[beat:]
        for values in (self.words, self.last, self.streams, self.taken):
            del values[word:]
        for values in (self.state, self.loaded, self.saved, self.written):
            values.clear()
