"""The recurrent cells: which gate reads which operand, and the paper's equations.

Equation numbers are those of the LiteLSTM paper (Elsayed, ElSayed, Maida 2022). A cell's float
equations and its integer ones stand side by side; both are written from the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from golden.activations import hard_sigmoid, logistic
from golden.formats import Format

Floats = NDArray[np.float64]
Carried = NDArray[Any]
"""Exact integers, in int64 or in floats wide enough."""

SIGMOIDS = {"hard": hard_sigmoid, "logistic": logistic}
"""Gate activations G by name, on real numbers: eq. (21) and the logistic sigmoid."""

OPERANDS = ("x", "h", "c")
"""What a gate's matrices may multiply: input, last step's output, last step's cell state."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate of a cell: its name in the equations and the operands that its matrices read."""

    name: str
    reads: tuple[str, ...]

    @property
    def bias(self) -> str:
        """Name of the bias vector, e.g. ``b_f``."""
        return f"b_{self.name}"

    def matrix(self, operand: str) -> str:
        """Name of the matrix that multiplies ``operand``, e.g. ``W_fx`` or ``U_fh``."""
        return f"{'U' if operand == 'h' else 'W'}_{self.name}{operand}"


class Arithmetic(Protocol):
    """What integer equations need of their layer: formats, activations, the one narrowing.

    Implemented by :class:`golden.model.LayerArithmetic`. Carried may travel in a float carrier
    that holds them exactly, so the equations use +, * and these methods, and no bit operations.
    """

    @property
    def h(self) -> Format: ...
    @property
    def c(self) -> Format: ...
    @property
    def pre(self) -> Format: ...
    @property
    def gate(self) -> Format: ...
    @property
    def candidate(self) -> Format: ...
    def sigmoid(self, raw: Carried) -> Carried:
        """The gate activation of a pre-activation, in format ``gate``."""
        ...

    def tanh(self, raw: Carried, source: Format) -> Carried:
        """tanh of a value in format ``source``, in format ``candidate``."""
        ...

    def requantize(self, raw: Carried, frac: int, to: Format) -> Carried:
        """:func:`golden.formats.requantize` on the carrier."""
        ...


@dataclass(frozen=True, kw_only=True)
class LiteLSTM:
    """Eqs. (18)-(25): one gate f that reads x, h and c, and a candidate g that reads x and h.

    Args:
        peephole: ``full`` for the paper's matrix W_fc on c(t-1), ``none`` to leave it out.

    Raises:
        ValueError: ``peephole`` is something else.
    """

    peephole: str = "full"

    kind = "litelstm"
    peepholes = ("full", "none")
    state = ("h", "c")

    def __post_init__(self) -> None:
        if self.peephole not in self.peepholes:
            raise ValueError(f"peephole must be full or none, not {self.peephole!r}")

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates in the order of the equations."""
        f_reads = ("x", "h", "c") if self.peephole == "full" else ("x", "h")
        return (Gate(name="f", reads=f_reads), Gate(name="g", reads=("x", "h")))

    def step(
        self, pre: Mapping[str, Floats], state: Mapping[str, Floats], sigmoid: str
    ) -> dict[str, Floats]:
        """State update on real numbers.

        Args:
            pre: pre-activations of the gates, each (batch, units); eqs. (18) and (22).
            state: ``h`` and ``c`` of step t-1, each (batch, units).
            sigmoid: the gate activation G, a key of ``SIGMOIDS``.

        Returns:
            ``h`` and ``c`` of step t.
        """
        f = SIGMOIDS[sigmoid](pre["f"])  # (20)
        g = np.tanh(pre["g"])  # (23)
        c = f * state["c"] + f * g  # (24)
        return {"h": f * np.tanh(c), "c": c}  # (25)

    def largest_product(self, q: Arithmetic) -> int:
        """Bound on the size of any integer inside :meth:`step_raw`, in units of its last place."""
        frac = max(q.c.frac, q.candidate.frac)
        c_plus_g = (-q.c.min << (frac - q.c.frac)) + (q.candidate.max << (frac - q.candidate.frac))
        return q.gate.one * max(c_plus_g, q.candidate.max)

    def step_raw(
        self, pre: Mapping[str, Carried], state: Mapping[str, Carried], q: Arithmetic
    ) -> dict[str, Carried]:
        """State update on integers: products and sums exact, c and h narrowed once each.

        Args:
            pre: pre-activations in format ``q.pre``, each (batch, units).
            state: ``h`` in ``q.h`` and ``c`` in ``q.c`` of step t-1.
            q: the layer's formats and activations.

        Returns:
            ``h`` and ``c`` of step t.
        """
        f = q.sigmoid(pre["f"])  # (20)
        g = q.tanh(pre["g"], q.pre)  # (23)
        # (24) as f (c + g): the sum at the finer of the two binary points
        frac = max(q.c.frac, q.candidate.frac)
        c_plus_g = state["c"] * 2 ** (frac - q.c.frac) + g * 2 ** (frac - q.candidate.frac)
        c = q.requantize(f * c_plus_g, q.gate.frac + frac, q.c)
        # (25)
        h = q.requantize(f * q.tanh(c, q.c), q.gate.frac + q.candidate.frac, q.h)
        return {"h": h, "c": c}


Cell = LiteLSTM
"""Any of the cells."""

CELLS: dict[str, type[Cell]] = {cell.kind: cell for cell in (LiteLSTM,)}
"""Cells by name."""
