"""Model of the cycles in which elements are taken out of beats, or put into them."""

from __future__ import annotations

from dataclasses import dataclass

from golden.packing import Packing


@dataclass(frozen=True)
class Take:
    """A cycle in which a beat is looked at.

    Attributes:
        kept: bits that were kept of the beats before; an element begins with them.
        start: the first bit of the beat that was not used before.
        makes: an element is complete.
        ends: the beat is not needed any more. What is left of it is kept.
    """

    kept: int
    start: int
    makes: bool
    ends: bool


def takes(packing: Packing) -> tuple[Take, ...]:
    """The cycles of one period, from a fresh beat on: an element in each, if the bus has it."""
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
        carried: bits of the word before that begin the beat.
        filled: bits that the beat has already; 0 if some are carried.
        start, count: bits of the word that go into the beat.
        ends: the word is not needed any more; what is left of it is carried.
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
        """Bits that the beat has then."""
        return self.carried + self.filled + self.count


def puts(packing: Packing) -> tuple[Put, ...]:
    """The cycles of one period, from a fresh beat on: a word in each, if the bus has room."""
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
