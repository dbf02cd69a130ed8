"""Sharing of units in a pipeline that takes an item every few cycles.

An item enters every ``interval`` cycles at most, so a unit that takes an operation a cycle can
serve ``interval`` operations of each item: those whose stages differ modulo ``interval``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Slot:
    """A reservation: a unit, and the stage in which it takes its operands."""

    unit: int
    stage: int


class Slots:
    """Reservations of a kind of unit.

    Args:
        units: how many there are; ``None`` for as many as are asked for.
        interval: cycles between items.
    """

    def __init__(self, *, units: int | None, interval: int) -> None:
        self._units = units
        self._interval = interval
        self.taken: dict[tuple[int, int], int] = {}
        """The reservations: (unit, phase) to the stage."""

    def reserve(self, stage: int) -> Slot:
        """The first free slot in ``stage`` or later.

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
