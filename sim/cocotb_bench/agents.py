"""The two ends of a core's streams under cocotb: what sends, and what receives.

Both sleep until the design acts: the sender waits for ``i_ready``, the receiver for ``o_valid``
(or, with `sim.patterns.WHEN_DUE`, until an answer is due). They wake at clock edges only while a
beat moves or a gap of a pattern runs, so Python takes no time while the core computes. Levels are
read at the rising edge, before the design reacts to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cocotb.triggers import ValueChange

from sim.cocotb_bench.clock import EdgeClock
from sim.cocotb_bench.pins import bus, line, ports
from sim.cocotb_bench.record import Record
from sim.fields import PORTS, port_value
from sim.patterns import Gaps, ReadyGaps


class Driver:
    """Sends beats on a stream.

    While valid is low, the payload is the complement of the next beat's, so that a core that reads
    it too early or too late gets wrong results.

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
        """Send all beats, and call `accept` for each. To be started after a clock edge.

        Args:
            beats: raw values that fit the stream's data.
            fields: the fields beside them, see `sim.fields`.
            record: where violations are entered.
            accept: called with the edge and the fields of each beat.
            gaps: cycles for which valid is low before each beat.
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
    """Takes words from a stream, and checks that an offered word does not change until taken.

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
        """Take words, and call `take` for each, until a violation. To be started after an edge.

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
        """Drive ready, which was `before`, for the next edge; return its level."""
        level = gaps.ready and (record.due > 0 or not gaps.until_due)
        if level != before:
            self._ready.value = int(level)
        return level

    def _sample(self) -> tuple[bool | None, tuple[int, int] | None]:
        """Return valid, and the offered word with its fields; None for either with unknown bits."""
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
