"""Options of a core: what is chosen for it beside its network."""

from __future__ import annotations

from dataclasses import dataclass

from golden.errors import InputError
from golden.interface import DEFAULT, Interface
from hdl.spec.storage import BUILT_IN, Storage


@dataclass(frozen=True, kw_only=True)
class CoreOptions:
    """Options of a core, chosen when it is generated.

    Attributes:
        lanes: multipliers in the array, 1 to the largest number of units.
        tail_multipliers: multipliers that the state update may have beside the array. With
            fewer, a unit enters every few cycles. With 0, the state update has one made of adders,
            for parts whose multipliers the array takes.
        interface: streams, state and outputs.
        storage: memories of weights and sums.
    """

    lanes: int
    tail_multipliers: int = 2
    interface: Interface = DEFAULT
    storage: Storage = BUILT_IN

    def check(self, largest: int) -> None:
        """Refuse options that no network of ``largest`` units in a layer can have.

        Raises:
            InputError: names the option and what was expected.
        """
        for name in ("lanes", "tail_multipliers"):
            if not isinstance(getattr(self, name), int):
                raise InputError(f"{name} is {getattr(self, name)!r}, expected an integer")
        if not 1 <= self.lanes <= largest:
            raise InputError(
                f"lanes is {self.lanes}, expected 1 to {largest} (the units of the largest layer)"
            )
        if self.tail_multipliers < 0:
            raise InputError(f"tail_multipliers is {self.tail_multipliers}, expected 0 or more")
