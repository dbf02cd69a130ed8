"""What the hardware must know of each cell: the order of its operands and its state update.

The gates themselves, and which operand each reads, come from :mod:`golden.cells`.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

S = TypeVar("S")
"""A value in the state update's pipeline."""


class Update(Protocol[S]):
    """What a state update is built from.

    :class:`hdl.update_builder.UpdateBuilder` makes gates of it, :mod:`hdl.latency` counts its
    stages.
    """

    def pre(self, gate: int) -> S:
        """Pre-activation of a gate, in the layer's format ``pre``."""
        ...

    def state_c(self, *, beside: S) -> S:
        """c of step t-1, read so that it meets another value."""
        ...

    def sigmoid(self, a: S, *, name: str) -> S:
        """The layer's gate activation, in format ``gate``."""
        ...

    def tanh(self, a: S, *, name: str) -> S:
        """tanh, in the table's format."""
        ...

    def add(self, a: S, b: S, *, name: str) -> S:
        """Exact sum."""
        ...

    def multiply(self, a: S, b: S, *, name: str) -> S:
        """Exact product; one multiplier."""
        ...

    def to_c(self, a: S) -> S:
        """Narrow to format ``c`` and write as the new c."""
        ...

    def to_h(self, a: S) -> S:
        """Narrow to format ``h`` and write as the new h."""
        ...


class Cell(Protocol):
    """One kind of cell in hardware."""

    kind: str

    @staticmethod
    def order(*, first_layer: bool) -> tuple[str, ...]:
        """Operands in the order of a step's passes.

        What is ready early comes first, so that the drain of the sums before it is hidden. In the
        first layer that is x, which the input stream brings; in the others h and c of the step
        before, while x, the layer below's h, is still being drained.
        """
        ...

    @staticmethod
    def update(u: Update[S]) -> None:
        """Build the state update of one unit."""
        ...


class LiteLSTM:
    """Eqs. (18)-(25); two multipliers."""

    kind = "litelstm"

    @staticmethod
    def order(*, first_layer: bool) -> tuple[str, ...]:
        """c comes before h, because it is known before h = f tanh(c)."""
        return ("x", "c", "h") if first_layer else ("c", "h", "x")

    @staticmethod
    def update(u: Update[S]) -> None:
        """c = f (c + g), h = f tanh(c)."""
        f = u.sigmoid(u.pre(0), name="f")  # (20)
        g = u.tanh(u.pre(1), name="g")  # (23)
        c_plus_g = u.add(u.state_c(beside=g), g, name="c_plus_g")
        c = u.to_c(u.multiply(f, c_plus_g, name="f_c"))  # (24)
        u.to_h(u.multiply(f, u.tanh(c, name="tanh_c"), name="f_tanh_c"))  # (25)


CELLS: dict[str, type[Cell]] = {cell.kind: cell for cell in (LiteLSTM,)}
"""Cells by name."""
