"""The two ends of a core's streams under cocotb: what sends, what receives, and their common clock.

Both sleep on events of the design: the sender on ``i_ready``, the receiver on ``o_valid`` (with
`sim.patterns.WHEN_DUE` on nothing, until an answer is due). They look at clock edges only while a
beat moves or a gap of a pattern runs, so that a core that computes costs no Python. Levels are
read at the rising edge, before the design reacts to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cocotb.clock import Clock
from cocotb.handle import Immediate, LogicObject, PackedObject
from cocotb.simtime import get_sim_time
from cocotb.triggers import Event, RisingEdge, Timer, ValueChange

from sim.patterns import Gaps, ReadyGaps

PERIOD = 10_000
"""Time steps of the simulator in a clock cycle (10 ns at its usual precision of 1 ps)."""


def line(dut: Any, name: str) -> LogicObject:
    """The one-bit port `name` of a top module.

    Raises:
        TypeError: there is no such port.
    """
    handle = getattr(dut, name, None)
    if not isinstance(handle, LogicObject):
        raise TypeError(f"The top module has no port {name} of one bit")
    return handle


def bus(dut: Any, name: str) -> PackedObject[Any]:
    """The port `name` of a top module, two bits wide or more.

    Raises:
        TypeError: there is no such port.
    """
    handle = getattr(dut, name, None)
    if not isinstance(handle, PackedObject):
        raise TypeError(f"The top module has no port {name} of several bits")
    return handle


class EdgeClock:
    """The clock, kept running by the simulator alone, and the numbers of its rising edges.

    The numbers come from simulation time: nothing counts.
    """

    def __init__(self, signal: LogicObject) -> None:
        self.rising = RisingEdge(signal)
        self._first = get_sim_time("step") + PERIOD // 2
        Clock(signal, PERIOD, "step", impl="gpi", set_action=Immediate).start(start_high=False)

    def restart(self) -> None:
        """Number the next edge 0. Only right after an edge."""
        self._first = get_sim_time("step") + PERIOD

    @property
    def edge(self) -> int:
        """Number of the latest edge; negative before edge 0."""
        return (get_sim_time("step") - self._first) // PERIOD

    async def edges(self, count: int) -> None:
        """Wait for `count` edges after the latest one, asleep for all but the last."""
        if count > 2:
            since = (get_sim_time("step") - self._first) % PERIOD
            # To the middle between two edges: a timer that ends on an edge may come before it.
            await Timer((count - 1) * PERIOD + PERIOD // 2 - since, "step")
            count = 1
        for _ in range(count):
            await self.rising


@dataclass(kw_only=True)
class Record:
    """What sender and receiver have seen; lists as in `sim.streams.StreamRun`.

    Attributes:
        beats: input beats of the run.
        outputs: words that the run expects.
        due: sequences that were sent and not answered.
        moved: number of the first edge after the last transfer.
        changed: called after each word and the last beat, and when a violation is found.
        violation: kind and edge of the first violation.
        wanted: set when an answer becomes due, or no more are.
    """

    beats: int
    outputs: int
    due: int
    moved: int
    changed: Callable[[], None]
    words: list[int] = field(default_factory=list)
    last: list[bool] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    violation: tuple[str, int] | None = None
    wanted: Event = field(default_factory=Event)

    @property
    def over(self) -> bool:
        """Whether all was sent and all expected words have come."""
        return len(self.accepted) == self.beats and len(self.words) == self.outputs

    def accept(self, edge: int, last: bool) -> None:
        """The core took a beat."""
        self.accepted.append(edge)
        self.moved = edge + 1
        self.due += last
        end = len(self.accepted) == self.beats
        if last or end:
            self.wanted.set()
        if end:
            self.changed()

    def take(self, edge: int, word: int, last: bool) -> None:
        """The core gave a word."""
        self.words.append(word)
        self.last.append(last)
        self.taken.append(edge)
        self.moved = edge + 1
        if last and self.due:
            self.due -= 1
        self.changed()

    def violate(self, kind: str, edge: int) -> None:
        """The core broke the protocol."""
        self.violation = (kind, edge)
        self.changed()

    def rewind(self, *, beat: int, word: int) -> None:
        """The core was reset: forget the beats from `beat` on and the words from `word` on."""
        self.due = 0
        del self.accepted[beat:]
        for values in (self.words, self.last, self.taken):
            del values[word:]


class Driver:
    """Sends beats on stream ``i``.

    While valid is low the payload is the complement of what comes next: a core that looks at it
    too early or too late gets wrong results.
    """

    def __init__(self, dut: Any, clock: EdgeClock) -> None:
        self._clock = clock
        self._data = bus(dut, "i_data")
        self._last = line(dut, "i_last")
        self._valid = line(dut, "i_valid")
        self._ready = line(dut, "i_ready")
        self._ready_changes = ValueChange(self._ready)
        self._mask = (1 << len(self._data)) - 1
        self._levels: tuple[bool, bool] | None = None  # of last and valid; a write takes 1 µs

    def idle(self) -> None:
        """Offer nothing."""
        self._levels = None
        self._offer(0, False, valid=False)

    async def send(self, beats: list[int], last: list[bool], *, record: Record, gaps: Gaps) -> None:
        """Send all beats, and enter in `record` when each was accepted. Starts after an edge.

        Args:
            beats: raw values that fit ``i_data``.
            last: their last flags.
            record: where accepted beats are entered.
            gaps: for how long valid is low before each beat.
        """
        for value, flag in zip(beats, last, strict=True):
            if gap := gaps.draw():
                self._offer(~value, not flag, valid=False)
                await self._clock.edges(gap)
            self._offer(value, flag, valid=True)
            await self._clock.rising
            while not self._is_ready(record):
                await self._ready_changes
                await self._clock.rising
            record.accept(self._clock.edge, flag)
        self._offer(~beats[-1], not last[-1], valid=False)

    def _is_ready(self, record: Record) -> bool:
        try:
            return bool(self._ready.value)
        except ValueError:
            record.violate("unknown ready", self._clock.edge)
            return False

    def _offer(self, value: int, flag: bool, *, valid: bool) -> None:
        self._data.value = value & self._mask
        if self._levels != (flag, valid):
            self._levels = (flag, valid)
            self._last.value = int(flag)
            self._valid.value = int(valid)


class Monitor:
    """Takes words from stream ``o``; checks that a word on offer stays as it is until taken."""

    def __init__(self, dut: Any, clock: EdgeClock) -> None:
        self._clock = clock
        self._data = bus(dut, "o_data")
        self._last = line(dut, "o_last")
        self._valid = line(dut, "o_valid")
        self._ready = line(dut, "o_ready")
        self._valid_changes = ValueChange(self._valid)

    def idle(self) -> None:
        """Take nothing."""
        self._ready.value = 0

    async def receive(self, *, record: Record, gaps: ReadyGaps) -> None:
        """Take words, and enter them in `record`, until a violation. Starts after an edge.

        Args:
            record: where words and violations are entered.
            gaps: the level of ready in each cycle.
        """
        level = self._offer(record, gaps, None)
        held: tuple[int, bool] | None = None
        valid: bool | None = True  # look at the first edge
        while True:
            if gaps.until_due and not record.due and not record.over:
                record.wanted.clear()
                await record.wanted.wait()
                level = self._offer(record, gaps, level)
            elif not valid and gaps.waits_for_valid:
                await self._valid_changes
            await self._clock.rising
            valid, word = self._sample()
            if kind := self._violation(record, held, word, valid=valid, ready=level):
                record.violate(kind, self._clock.edge)
                return
            held = None if level else word
            if word is not None and level:
                record.take(self._clock.edge, *word)
            gaps.edge(bool(valid))
            level = self._offer(record, gaps, level)

    def _offer(self, record: Record, gaps: ReadyGaps, before: bool | None) -> bool:
        """Drive ready, which was `before`, for the next edge; its level."""
        level = gaps.ready and (record.due > 0 or not gaps.until_due)
        if level != before:
            self._ready.value = int(level)
        return level

    def _sample(self) -> tuple[bool | None, tuple[int, bool] | None]:
        """Level of valid, and the word on offer; None for what has unknown bits."""
        valid = None
        try:
            valid = bool(self._valid.value)
            return valid, (self._data.value.to_signed(), bool(self._last.value)) if valid else None
        except ValueError:
            return valid, None

    @staticmethod
    def _violation(
        record: Record,
        held: tuple[int, bool] | None,
        word: tuple[int, bool] | None,
        *,
        valid: bool | None,
        ready: bool,
    ) -> str | None:
        """What is wrong at this edge; `held` was on offer at the edge before and not taken."""
        if valid is None:
            return "unknown valid"
        if held is not None and not valid:
            return "valid dropped"
        if valid and word is None:
            return "unknown payload"
        if held is not None and word != held:
            return "payload changed"
        if valid and len(record.words) == record.outputs and (ready or record.over):
            return "surplus word"
        return None
