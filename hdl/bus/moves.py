"""Schedules of cycles: which bits leave a beat for an element, or enter it from a word."""

from __future__ import annotations

from dataclasses import dataclass

from golden.packing import Packing


@dataclass(frozen=True)
class Take:
    """A cycle in which the unpacker reads a beat.

    Attributes:
        kept: bits kept from earlier beats; an element begins with them.
        start: the first unused bit of the beat.
        makes: an element is complete.
        ends: the cycle uses up the beat; the unpacker keeps its last bits.
    """

    kept: int
    start: int
    makes: bool
    ends: bool


def takes(packing: Packing) -> tuple[Take, ...]:
    """List the cycles of one period from a fresh beat on: one element in each, if it is there."""
    moves: list[Take] = []
    kept = start = 0
    while not moves or (kept, start) != (0, 0):
        end = start + packing.container - kept
        makes = end <= packing.bus
        ends = not makes or packing.bus - end < packing.container
        moves.append(Take(kept, start, makes, ends))
        if not makes:
            kept += packing.bus - start
        else:
            kept = packing.bus - end if ends else 0
        start = 0 if ends else end
    return tuple(moves)


@dataclass(frozen=True)
class Put:
    """A cycle in which bits of a word go into a beat.

    Attributes:
        carried: bits of the word before, which begin the beat.
        filled: bits that the beat already has; 0 if some are carried.
        start, count: bits of the word that go into the beat.
        ends: the cycle uses up the word; the packer carries its last bits.
        completes: the beat is full.
    """

    carried: int
    filled: int
    start: int
    count: int
    ends: bool
    completes: bool

    @property
    def bits(self) -> int:
        """Bits of the beat after this cycle."""
        return self.carried + self.filled + self.count


def puts(packing: Packing) -> tuple[Put, ...]:
    """List the cycles of one period from a fresh beat on: one word in each, if it has room."""
    moves: list[Put] = []
    carried = filled = start = 0
    while not moves or (carried, filled, start) != (0, 0, 0):
        count = min(packing.container - start, packing.bus - carried - filled)
        completes = carried + filled + count == packing.bus
        left = packing.container - start - count
        ends = left < packing.bus
        moves.append(Put(carried, filled, start, count, ends, completes))
        filled = 0 if completes else carried + filled + count
        start = 0 if ends else start + count
        carried = left if ends else 0
    return tuple(moves)
