"""Sharing of hardware units in a pipeline that takes one item every few cycles.

Items enter at least ``interval`` cycles apart. A unit that takes one operation per cycle therefore
serves ``interval`` operations of each item, provided that their stages differ modulo ``interval``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Slot:
    """One reservation: a unit, and the stage in which it takes its operands."""

    unit: int
    stage: int


class ReservationTable:
    """Reservations of one kind of hardware unit.

    Args:
        units: number of units; ``None`` for as many as are asked for.
        interval: cycles between items.
    """

    def __init__(self, *, units: int | None, interval: int) -> None:
        self._units = units
        self._interval = interval
        self.taken: dict[tuple[int, int], int] = {}
        """Stages by (unit, phase)."""

    def reserve(self, stage: int) -> Slot:
        """Reserve the first free slot in ``stage`` or later.

        Raises:
            ValueError: every slot is taken.
        """
        units = len(self.taken) + 1 if self._units is None else self._units
        for later in range(stage, stage + self._interval):
            for unit in range(units):
                if (unit, later % self._interval) not in self.taken:
                    self.taken[unit, later % self._interval] = later
                    return Slot(unit, later)
        raise ValueError(f"all slots of {units} units are taken")
