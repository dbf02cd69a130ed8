"""The base of this package's components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amaranth.lib import wiring


class Component(wiring.Component):
    """A ``wiring.Component`` whose ports, known only once it is made, type checkers let pass."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
