"""Stall patterns: cycles in which a bench withholds ``valid`` (sending) or ``ready`` (receiving).

Both benches share this definition: a :class:`Pattern` and a seed give the same gaps, cycle for
cycle, in the cocotb bench and in the compiled one, whose `compiled_bench.cpp` repeats
:class:`Gaps` and :class:`ReadyGaps` in C++.

A pattern lets ``burst`` beats pass, then draws: with ``probability`` a gap of ``shortest`` to
``longest`` cycles (uniform) comes before the next burst. The *trigger* starts a gap::

    TRANSFER  a transfer: the side is slow after a beat
    VALID     the other side's valid: ready answers it late
    FREE      no event: a gap follows `burst` cycles of ready, with or without transfers
    DUE       (no draws) ready is low until the core owes an answer: it has accepted a sequence's
              last beat, and the last word of the answer was not yet taken
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

_MASK64 = (1 << 64) - 1


class Trigger(IntEnum):
    """Event that starts a gap in ``ready``; a gap in ``valid`` always starts after a transfer."""

    TRANSFER = 0
    VALID = 1
    FREE = 2
    DUE = 3


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Rule by which one side of a stream stalls; see the module's docstring.

    Args:
        probability: chance of a gap at each draw, 0 to 1.
        shortest, longest: bounds of a gap in clock cycles, 1 or more.
        burst: beats (with `Trigger.FREE`: cycles) between two draws, 1 or more.
        trigger: event that starts a gap; for ``valid`` only `Trigger.TRANSFER`.

    Raises:
        ValueError: a value is out of range.
    """

    probability: float = 0.0
    shortest: int = 1
    longest: int = 1
    burst: int = 1
    trigger: Trigger = Trigger.TRANSFER

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"Pattern probability must be 0 to 1, not {self.probability!r}")
        if not 1 <= self.shortest <= self.longest < 1 << 32:
            raise ValueError(
                "Pattern gaps must be 1 <= shortest <= longest < 2**32 cycles, "
                f"not {self.shortest!r} to {self.longest!r}"
            )
        if not 1 <= self.burst < 1 << 32:
            raise ValueError(f"Pattern burst must be 1 to 2**32 - 1 beats, not {self.burst!r}")
        if self.trigger is Trigger.DUE and self.probability:
            raise ValueError(f"Pattern probability must be 0 with DUE, not {self.probability!r}")

    @property
    def threshold(self) -> int:
        """`probability` times 2**32, as both benches compare it with 32 random bits."""
        return round(self.probability * (1 << 32))


NO_GAPS = Pattern()

WHEN_DUE = Pattern(trigger=Trigger.DUE)
"""Pattern for speed: the cocotb bench need not watch ``o_valid`` until an answer is due. It costs
no cycles if an answer takes the core at least one. Unexpected words still count as surplus."""

IDLE_PATTERNS: dict[str, Pattern] = {
    "none": NO_GAPS,
    "single": Pattern(probability=0.3),
    "between": Pattern(probability=1.0),  # valid drops between any two beats
    "bursts": Pattern(probability=1.0, shortest=1, longest=25, burst=7),
    "long": Pattern(probability=0.05, shortest=100, longest=300),
}
"""Named gaps in the valid of the input stream."""

READY_PATTERNS: dict[str, Pattern] = {
    "none": NO_GAPS,
    "when_due": WHEN_DUE,
    "single": Pattern(probability=0.3, trigger=Trigger.FREE),
    "every_third": Pattern(probability=1.0, shortest=2, longest=2, trigger=Trigger.FREE),
    "bursts": Pattern(probability=1.0, shortest=1, longest=25, burst=4, trigger=Trigger.FREE),
    "after_valid": Pattern(probability=1.0, shortest=1, longest=3, trigger=Trigger.VALID),
    "between": Pattern(probability=1.0),  # ready drops between any two words
    "long": Pattern(probability=0.2, shortest=100, longest=600, trigger=Trigger.VALID),
}
"""Named gaps in the ready of the output stream."""


@dataclass(frozen=True, kw_only=True)
class Stalls:
    """Patterns of all streams: `idle` for the valid of inputs, `ready` for the ready of outputs.

    The streams of state words and weights share the patterns, with draws of their own.

    Raises:
        ValueError: `idle` has a trigger other than `Trigger.TRANSFER`.
    """

    idle: Pattern = NO_GAPS
    ready: Pattern = NO_GAPS

    def __post_init__(self) -> None:
        if self.idle.trigger is not Trigger.TRANSFER:
            raise ValueError(f"An idle pattern cannot start at {self.idle.trigger!r}")

    def pattern(self, stream: str) -> Pattern:
        """Return a stream's pattern: no gaps for state words with `Trigger.DUE`, as none is due."""
        if stream.startswith("i"):
            return self.idle
        return NO_GAPS if self.ready.trigger is Trigger.DUE and stream != "o" else self.ready

    @classmethod
    def named(cls, idle: str, ready: str) -> Stalls:
        """Combine two named patterns.

        Raises:
            KeyError: there is no pattern of that name.
        """
        return cls(idle=IDLE_PATTERNS[idle], ready=READY_PATTERNS[ready])


NO_STALLS = Stalls()


class Gaps:
    """Draws the lengths of a pattern's gaps in cycles, one before each beat (0: no gap).

    Args:
        pattern: the pattern.
        seed: 64 bits (taken modulo 2**64).
        side: number of the stream, see `sim.streams.SIDES`; each has draws of its own.
    """

    def __init__(self, pattern: Pattern, *, seed: int, side: int) -> None:
        self._pattern = pattern
        self._state = (seed * 4 + side) & _MASK64
        self._left = 0

    def draw(self) -> int:
        """Draw the gap before the next beat."""
        if self._left:
            self._left -= 1
            return 0
        self._left = self._pattern.burst - 1
        if self._random() >= self._pattern.threshold:
            return 0
        span = self._pattern.longest - self._pattern.shortest + 1
        return self._pattern.shortest + self._random() % span

    def _random(self) -> int:
        """Draw 32 bits by splitmix64 (Steele, Lea, Flood 2014)."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK64
        z = self._state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & _MASK64
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _MASK64
        return (z ^ z >> 31) >> 32


class ReadyGaps:
    """Level of ``ready`` in each clock cycle; `edge` advances to the next cycle."""

    def __init__(self, pattern: Pattern, *, seed: int, side: int = 1) -> None:
        self._gaps = Gaps(pattern, seed=seed, side=side)
        self._trigger = pattern.trigger
        self._gap = self._gaps.draw()

    @property
    def until_due(self) -> bool:
        """Whether ready stays low until an answer is due."""
        return self._trigger is Trigger.DUE

    @property
    def ready(self) -> bool:
        """Level before the next clock edge."""
        return self._gap == 0

    @property
    def waits_for_valid(self) -> bool:
        """Whether `ready` keeps its level until valid is high."""
        return self._trigger is not Trigger.FREE and (
            self._gap == 0 or self._trigger is Trigger.VALID
        )

    def edge(self, valid: bool) -> None:
        """Advance by a clock edge at which the sender's valid was `valid`."""
        if self._gap:
            if valid or self._trigger is not Trigger.VALID:
                self._gap -= 1
        elif valid or self._trigger is Trigger.FREE:
            self._gap = self._gaps.draw()
