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

from sim.fields import DUE, LAST, PORTS, STREAM, port_value
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
    """Record of everything that moved so far; lists as in `sim.streams.StreamRun`.

    Attributes:
        beats: input beats of the run.
        outputs: words that the run expects.
        loads, saves: state words that the run loads, and that it expects.
        weights: words of weights that the run writes.
        due: sequences that were sent and not answered.
        moved: number of the first edge after the last transfer.
        changed: called after each word and the last beat, and when a violation is found.
        violation: kind and edge of the first violation.
        wanted: set when an answer becomes due, or no more are.
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
        """The core took a beat."""
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
        """The core gave a word."""
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
        """The core took a state word."""
        self.loaded.append(edge)
        self.moved = edge + 1
        if len(self.loaded) == self.loads:
            self.changed()

    def write(self, edge: int, _fields: int) -> None:
        """The core took a word of weights."""
        self.written.append(edge)
        self.moved = edge + 1
        if len(self.written) == self.weights:
            self.changed()

    def save(self, edge: int, word: int, _fields: int) -> None:
        """The core gave a state word."""
        self.state.append(word)
        self.saved.append(edge)
        self.moved = edge + 1
        if len(self.state) == self.saves:
            self.changed()

    def violate(self, kind: str, edge: int) -> None:
        """The core broke the protocol."""
        self.violation = (kind, edge)
        self.changed()

    def rewind(self, *, beat: int, word: int) -> None:
        """The core was reset: forget the beats from `beat` on and the words from `word` on."""
        self.due = 0
        del self.accepted[beat:]
        for values in (self.words, self.last, self.streams, self.taken):
            del values[word:]
        for values in (self.state, self.loaded, self.saved, self.written):
            values.clear()


def ports(dut: Any, stream: str) -> dict[str, LogicObject | PackedObject[Any]]:
    """The ports beside data, valid and ready that a stream of a top module has, by field."""
    found = {name: getattr(dut, f"{stream}_{name}", None) for name in PORTS}
    return {
        name: handle
        for name, handle in found.items()
        if isinstance(handle, LogicObject | PackedObject)
    }


class Driver:
    """Sends beats on a stream.

    While valid is low the payload is the complement of what comes next: a core that looks at it
    too early or too late gets wrong results.

    Args:
        dut: cocotb's handle of the top module.
        clock: its clock.
        stream: name of the stream, ``i``, ``i_state`` or ``i_weights``.
    """

    def __init__(self, dut: Any, clock: EdgeClock, stream: str = "i") -> None:
        self._clock = clock
        self._data = bus(dut, f"{stream}_data")
        self._valid = line(dut, f"{stream}_valid")
        self._ready = line(dut, f"{stream}_ready")
        self._ready_changes = ValueChange(self._ready)
        self._mask = (1 << len(self._data)) - 1
        self._fields = ports(dut, stream)
        self._levels: tuple[int, bool] | None = None  # of fields and valid; a write takes 1 µs

    def idle(self) -> None:
        """Offer nothing."""
        self._levels = None
        self._offer(0, 0, valid=False)

    async def send(
        self,
        beats: list[int],
        fields: list[int],
        *,
        record: Record,
        accept: Callable[[int, int], None],
        gaps: Gaps,
    ) -> None:
        """Send all beats, and tell `accept` when each was accepted. Starts after an edge.

        Args:
            beats: raw values that fit the stream's data.
            fields: what travels beside them, see `sim.fields`.
            record: where violations are entered.
            accept: called with the edge and the fields of each beat.
            gaps: for how long valid is low before each beat.
        """
        for value, number in zip(beats, fields, strict=True):
            if gap := gaps.draw():
                self._offer(~value, ~number, valid=False)
                await self._clock.edges(gap)
            self._offer(value, number, valid=True)
            await self._clock.rising
            while not self._is_ready(record):
                await self._ready_changes
                await self._clock.rising
            accept(self._clock.edge, number)
        self._offer(~beats[-1] if beats else 0, ~fields[-1] if fields else 0, valid=False)

    def _is_ready(self, record: Record) -> bool:
        try:
            return bool(self._ready.value)
        except ValueError:
            record.violate("unknown ready", self._clock.edge)
            return False

    def _offer(self, value: int, fields: int, *, valid: bool) -> None:
        self._data.value = value & self._mask
        if self._levels != (fields, valid):
            self._levels = (fields, valid)
            for name, handle in self._fields.items():
                handle.value = port_value(fields, name) & (1 << len(handle)) - 1
            self._valid.value = int(valid)


class Monitor:
    """Takes words from a stream; checks that a word on offer stays as it is until taken.

    Args:
        dut: cocotb's handle of the top module.
        clock: its clock.
        stream: name of the stream, ``o`` or ``o_state``.
    """

    def __init__(self, dut: Any, clock: EdgeClock, stream: str = "o") -> None:
        self._clock = clock
        self._data = bus(dut, f"{stream}_data")
        self._valid = line(dut, f"{stream}_valid")
        self._ready = line(dut, f"{stream}_ready")
        self._valid_changes = ValueChange(self._valid)
        self._fields = ports(dut, stream)

    def idle(self) -> None:
        """Take nothing."""
        self._ready.value = 0

    async def receive(
        self,
        *,
        record: Record,
        take: Callable[[int, int, int], None],
        full: Callable[[], bool],
        gaps: ReadyGaps,
    ) -> None:
        """Take words, and tell `take` of them, until a violation. Starts after an edge.

        Args:
            record: where violations are entered.
            take: called with the edge, the value and the fields of each word.
            full: whether all expected words have come.
            gaps: the level of ready in each cycle.
        """
        level = self._offer(record, gaps, None)
        held: tuple[int, int] | None = None
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
            surplus = full() and (level or record.over)
            if kind := self._violation(held, word, valid=valid, surplus=surplus):
                record.violate(kind, self._clock.edge)
                return
            held = None if level else word
            if word is not None and level:
                take(self._clock.edge, *word)
            gaps.edge(bool(valid))
            level = self._offer(record, gaps, level)

    def _offer(self, record: Record, gaps: ReadyGaps, before: bool | None) -> bool:
        """Drive ready, which was `before`, for the next edge; its level."""
        level = gaps.ready and (record.due > 0 or not gaps.until_due)
        if level != before:
            self._ready.value = int(level)
        return level

    def _sample(self) -> tuple[bool | None, tuple[int, int] | None]:
        """Level of valid, and the word on offer with its fields; None for unknown bits."""
        valid = None
        try:
            valid = bool(self._valid.value)
            if not valid:
                return valid, None
            fields = sum(int(handle.value) << PORTS[n][0] for n, handle in self._fields.items())
            return valid, (self._data.value.to_signed(), fields)
        except ValueError:
            return valid, None

    @staticmethod
    def _violation(
        held: tuple[int, int] | None,
        word: tuple[int, int] | None,
        *,
        valid: bool | None,
        surplus: bool,
    ) -> str | None:
        """Return the rule broken at this edge; `held` was offered at the edge before, not taken."""
        if valid is None:
            return "unknown valid"
        if held is not None and not valid:
            return "valid dropped"
        if valid and word is None:
            return "unknown payload"
        if held is not None and word != held:
            return "payload changed"
        if valid and surplus:
            return "surplus word"
        return None
