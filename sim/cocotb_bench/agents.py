"""Agents at the two ends of a core's streams under cocotb: senders and receivers.

Both sleep until the design acts: the sender waits for ``i_ready``, the receiver for ``o_valid``
(or, with `sim.patterns.WHEN_DUE`, until an answer is due). They wake at clock edges only while a
word moves or a gap of a pattern runs, so Python takes no time while the core computes. Levels are
read at the rising edge, before the design reacts to it.
"""

from __future__ import annotations

from typing import Any

from cocotb.triggers import ValueChange

from sim.cocotb_bench.clock import EdgeClock
from sim.cocotb_bench.pins import bus, line, ports
from sim.cocotb_bench.record import LiveRecord, Side
from sim.patterns import Gaps, ReadyGaps
from sim.run import Source
from sim.streams import PORTS, port_value


class Driver:
    """Sends words on a stream.

    While valid is low, the payload is the complement of the next word's. A core that reads
    it too early or too late then gets wrong results.

    Args:
        dut: cocotb's handle of the top module.
        clock: its clock.
        stream: name of a stream into the core.
    """

    def __init__(self, dut: Any, clock: EdgeClock, stream: str) -> None:
        self._clock = clock
        self._data = bus(dut, f"{stream}_data")
        self._valid = line(dut, f"{stream}_valid")
        self._ready = line(dut, f"{stream}_ready")
        self._ready_changes = ValueChange(self._ready)
        self._mask = (1 << len(self._data)) - 1
        self._fields = ports(dut, stream)
        self._levels: tuple[int, bool] | None = None  # driven now; a write takes 1 µs

    def idle(self) -> None:
        """Offer nothing."""
        self._levels = None
        self._offer(0, 0, valid=False)

    async def send(self, source: Source, *, side: Side, record: LiveRecord, gaps: Gaps) -> None:
        """Send the words that have not moved yet. Start it after a clock edge.

        Args:
            source: all words of the run; they fit the stream's data.
            side: the stream's side of the record.
            record: record of transfers and violations.
            gaps: numbers of cycles with valid low, one before each word.
        """
        at = len(side.cycles)
        words, fields = source.words[at:].tolist(), source.fields[at:].tolist()
        for value, number in zip(words, fields, strict=True):
            if gap := gaps.draw():
                self._offer(~value, ~number, valid=False)
                await self._clock.edges(gap)
            self._offer(value, number, valid=True)
            await self._clock.rising
            while not self._is_ready(record):
                await self._ready_changes
                await self._clock.rising
            record.enter(side, self._clock.edge, value, number)
        self._offer(~words[-1] if words else 0, ~fields[-1] if fields else 0, valid=False)

    def _is_ready(self, record: LiveRecord) -> bool:
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
    """Takes words from a stream, and checks that an offered word stays until it is taken.

    Args:
        dut: cocotb's handle of the top module.
        clock: its clock.
        stream: name of a stream out of the core.
    """

    def __init__(self, dut: Any, clock: EdgeClock, stream: str) -> None:
        self._clock = clock
        self._data = bus(dut, f"{stream}_data")
        self._valid = line(dut, f"{stream}_valid")
        self._ready = line(dut, f"{stream}_ready")
        self._valid_changes = ValueChange(self._valid)
        self._fields = ports(dut, stream)

    def idle(self) -> None:
        """Take nothing."""
        self._ready.value = 0

    async def receive(self, *, side: Side, record: LiveRecord, gaps: ReadyGaps) -> None:
        """Take words until a violation. Start it after a clock edge.

        Args:
            side: the stream's side of the record.
            record: record of transfers and violations.
            gaps: the level of ready in each cycle.
        """
        level = self._offer(record, gaps, None)
        held: tuple[int, int] | None = None
        valid: bool | None = True  # samples the first edge
        while True:
            if gaps.until_due and not record.due and not record.over:
                record.wanted.clear()
                await record.wanted.wait()
                level = self._offer(record, gaps, level)
            elif not valid and gaps.waits_for_valid:
                await self._valid_changes
            await self._clock.rising
            valid, word = self._sample()
            surplus = side.done and (level or record.over)
            if kind := self._violation(held, word, valid=valid, surplus=surplus):
                record.violate(kind, self._clock.edge)
                return
            held = None if level else word
            if word is not None and level:
                record.enter(side, self._clock.edge, *word)
            gaps.edge(bool(valid))
            level = self._offer(record, gaps, level)

    def _offer(self, record: LiveRecord, gaps: ReadyGaps, before: bool | None) -> bool:
        """Drive ready, which was `before`, for the next edge; return its level."""
        level = gaps.ready and (record.due > 0 or not gaps.until_due)
        if level != before:
            self._ready.value = int(level)
        return level

    def _sample(self) -> tuple[bool | None, tuple[int, int] | None]:
        """Return valid, and the offered word with its fields; None for one with unknown bits."""
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
        """Return the rule broken at this edge; `held` is the word not taken at the edge before."""
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
