"""Each cell as the hardware sees it: the order of its passes and its state update.

The gates themselves, and which operand each reads, come from :mod:`golden.cells`. To add a cell,
describe it here too and list it in ``CELLS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from golden import cells
from golden.activations import ALPHAS
from golden.cells import Cell

S = TypeVar("S")
"""A value in the state update's pipeline."""


class Update(Protocol[S]):
    """Operations that a state update is written in.

    `CellUpdate` makes gates of them, :mod:`hdl.timing.update_cost` counts their stages. All
    results are exact but those of ``narrow``, ``make``, ``sigmoid``, ``tanh`` and ``exponential``.
    """

    def sum(self, gate: str, *, c: S | None = None) -> S:
        """Sum of a gate with its bias; a diagonal adds w * c, with c of step t-1 by default."""
        ...

    def state(self, name: str) -> S:
        """``h`` or ``c`` of step t-1; before a sequence's first step the cell's ``empty``."""
        ...

    def narrow(self, a: S, to: str, *, name: str) -> S:
        """``requantize`` to the layer's format ``to`` (``pre``, ``hidden``)."""
        ...

    def sigmoid(self, a: S, *, name: str) -> S:
        """The layer's gate activation of a pre-activation, in format ``gate``."""
        ...

    def tanh(self, a: S, *, name: str) -> S:
        """tanh, in the table's format."""
        ...

    def exponential(self, activation: str, a: S, *, name: str) -> S:
        """alpha (exp(a) - 1) for a up to 0, of ELU or SELU, in the table's format."""
        ...

    def add(self, a: S, b: S, *, name: str) -> S:
        """a + b."""
        ...

    def subtract(self, a: S, b: S, *, name: str) -> S:
        """a - b."""
        ...

    def multiply(self, a: S, b: S, *, name: str) -> S:
        """a * b, on one of the shared multipliers."""
        ...

    def relu(self, a: S, *, name: str) -> S:
        """The larger of a and 0."""
        ...

    def maximum(self, a: S, b: S, *, name: str) -> S:
        """The larger of a and b."""
        ...

    def leaky(self, a: S, shift: int, *, name: str) -> S:
        """a, or a / 2**shift where it is negative."""
        ...

    def make(self, vector: str, a: S, *, low: float | None = None, high: float | None = None) -> S:
        """``requantize`` to the format of ``h``, ``c`` or ``rh``, and write it as a new one.

        ``low`` and ``high`` are real numbers that limit the narrowed value. An h that nobody reads
        is not written; it is a result.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Drain:
    """Sums that leave the array together, and what becomes of them.

    Attributes:
        gates: names of the gates whose sums are taken.
        makes: the vectors that are written, in the order in which they become known.
        update: builds it for one unit.
    """

    gates: tuple[str, ...]
    makes: tuple[str, ...]
    update: Callable[[Update[Any]], None]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The order in which a cell's work is done.

    What is ready early comes first, so that the drain of the sums before it is hidden. In a
    network's first layer that is x, which the input stream brings; in the others h and c of the
    step before, while x, the layer below's h, is still being drained.

    Attributes:
        first, later: passes in the first layer and in the others, each an operand and the gates
            that read it; one pass' gates are neighbours in the cell's list of gates.
        drains: in the order in which their sums are complete.
    """

    first: tuple[tuple[str, tuple[str, ...]], ...]
    later: tuple[tuple[str, tuple[str, ...]], ...]
    drains: tuple[Drain, ...]


def _reading(cell: Cell, *operands: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A pass for each operand over all gates that read it; none for one that nobody reads."""
    passes = [
        (operand, tuple(gate.name for gate in cell.gates if operand in gate.reads))
        for operand in operands
    ]
    return tuple(single for single in passes if single[1])


def _plain(cell: Cell, update: Callable[[Update[Any]], None], *makes: str) -> Schedule:
    """x, c, h, or c, h, x: c comes before h, because it is known before; and one drain."""
    gates = tuple(gate.name for gate in cell.gates)
    return Schedule(
        first=_reading(cell, "x", "c", "h"),
        later=_reading(cell, "c", "h", "x"),
        drains=(Drain(gates=gates, makes=makes, update=update),),
    )


def _candidate(u: Update[S], activation: str, total: S, gate: str) -> S:
    """A candidate of a gate's sum, by its activation."""
    if activation == "tanh":
        return u.tanh(u.narrow(total, "pre", name=f"pre_{gate}"), name=gate)
    return _rectified(u, activation, u.narrow(total, "hidden", name=f"pre_{gate}"), gate)


def _rectified(u: Update[S], activation: str, a: S, name: str) -> S:
    """ReLU, ELU or SELU of a value."""
    if activation == "relu":
        return u.relu(a, name=name)
    above = u.relu(a, name=f"above_{name}")
    below = u.subtract(a, above, name=f"below_{name}")
    return u.add(above, u.exponential(activation, below, name=f"exp_{name}"), name=name)


def _blend(u: Update[S], gate: S, a: S, b: S, *names: str) -> S:
    """(1 - gate) a + gate b as a + gate (b - a), given the names of a, b and the gate."""
    of_a, of_b, of_gate = names
    less = u.subtract(b, a, name=f"{of_b}_less_{of_a}")
    product = u.multiply(gate, less, name=f"{of_gate}_{of_b}_less_{of_a}")
    return u.add(a, product, name=f"{of_a}_sum")


def rnn(cell: cells.RNN) -> Schedule:
    """Eq. (1); no multiplier."""

    def update(u: Update[S]) -> None:  # (1)
        if cell.activation == "relu":
            u.make("h", u.sum("h"), low=0)
        elif cell.activation == "tanh":
            u.make("h", u.tanh(u.narrow(u.sum("h"), "pre", name="pre"), name="h"))
        else:
            u.make("h", _candidate(u, cell.activation, u.sum("h"), "h"))

    return _plain(cell, update, "h")


def lstm(cell: cells.LSTM) -> Schedule:
    """Eqs. (2)-(7), (8)-(13); three products, six with peepholes; two and four if coupled."""

    def update(u: Update[S]) -> None:
        i = u.sigmoid(u.narrow(u.sum("i"), "pre", name="pre_i"), name="i")  # (2), (8)
        if cell.forget == "coupled":
            g = _candidate(u, cell.activation, u.sum("g"), "g")  # (5), (12)
            total = _blend(u, i, u.state("c"), g, "c", "g", "i")
        else:
            f = u.sigmoid(u.narrow(u.sum("f"), "pre", name="pre_f"), name="f")  # (3), (9)
            g = _candidate(u, cell.activation, u.sum("g"), "g")  # (5), (12)
            f_c = u.multiply(f, u.state("c"), name="f_c")
            i_g = u.multiply(i, g, name="i_g")
            total = u.add(f_c, i_g, name="c_sum")
        c = u.make("c", total)  # (6)
        total = u.sum("o", c=c) if cell.peephole == "current" else u.sum("o")
        o = u.sigmoid(u.narrow(total, "pre", name="pre_o"), name="o")  # (4), (11)
        if cell.activation == "tanh":
            seen = u.tanh(c, name="tanh_c")
        else:
            seen = _rectified(u, cell.activation, c, "seen_c")
        u.make("h", u.multiply(o, seen, name="o_tanh_c"))  # (7)

    return _plain(cell, update, "c", "h")


def gru(cell: cells.GRU) -> Schedule:
    """Eqs. (14)-(17); two products, and as many if the reset comes after the product."""

    def gate(u: Update[S], name: str) -> S:
        return u.sigmoid(u.narrow(u.sum(name), "pre", name=f"pre_{name}"), name=name)

    def reset(u: Update[S]) -> None:
        r = gate(u, "r")  # (14)
        u.make("rh", u.multiply(r, u.state("h"), name="r_h"))

    def blend(u: Update[S], total: S) -> None:
        n = _candidate(u, cell.activation, total, "n")  # (16)
        u.make("h", _blend(u, gate(u, "z"), u.state("h"), n, "h", "n", "z"))  # (15), (17)

    def candidate(u: Update[S]) -> None:
        blend(u, u.sum("n"))

    def after(u: Update[S]) -> None:
        m = u.narrow(u.sum("m"), "hidden", name="m")
        total = u.add(u.sum("n"), u.multiply(gate(u, "r"), m, name="r_m"), name="n_sum")
        blend(u, total)

    if cell.reset == "after":
        return _plain(cell, after, "h")
    # r is complete early, and r * h drains under the passes that follow.
    return Schedule(
        first=(("x", ("r", "z", "n")), ("h", ("r",)), ("h", ("z",)), ("rh", ("n",))),
        later=(("h", ("z",)), ("h", ("r",)), ("x", ("r",)), ("x", ("z", "n")), ("rh", ("n",))),
        drains=(
            Drain(gates=("r",), makes=("rh",), update=reset),
            Drain(gates=("z", "n"), makes=("h",), update=candidate),
        ),
    )


def litelstm(cell: cells.LiteLSTM) -> Schedule:
    """Eqs. (18)-(25); two products, three with a diagonal peephole."""

    def update(u: Update[S]) -> None:
        f = u.sigmoid(u.narrow(u.sum("f"), "pre", name="pre_f"), name="f")  # (18) (20)
        g = u.tanh(u.narrow(u.sum("g"), "pre", name="pre_g"), name="g")  # (22) (23)
        c_plus_g = u.add(u.state("c"), g, name="c_plus_g")
        c = u.make("c", u.multiply(f, c_plus_g, name="f_c"))  # (24)
        u.make("h", u.multiply(f, u.tanh(c, name="tanh_c"), name="f_tanh_c"))  # (25)

    return _plain(cell, update, "c", "h")


def dense(cell: cells.Dense) -> Schedule:
    """A layer without state: h = A(y), or A of the largest of several y; no multiplier."""

    def update(u: Update[S]) -> None:
        y, *others = (u.sum(gate.name) for gate in cell.gates)
        for other in others:
            y = u.maximum(y, other, name="largest_y")
        if cell.activation == "tanh":
            y = u.tanh(u.narrow(y, "pre", name="pre_y"), name="y")
        elif cell.activation == "sigmoid":
            y = u.sigmoid(u.narrow(y, "pre", name="pre_y"), name="y")
        elif cell.activation in ALPHAS:
            y = _candidate(u, cell.activation, y, "y")
        elif cell.activation == "leaky":
            y = u.leaky(y, cell.shift, name="leaky_y")
        low = 0 if cell.activation in ("relu", "relu6") else None
        u.make("h", y, low=low, high=6 if cell.activation == "relu6" else None)

    return _plain(cell, update, "h")


def pool(cell: cells.Pool) -> Schedule:
    """h = h + y, or the larger of h and y; no multiplier."""

    def update(u: Update[S]) -> None:
        y, h = u.sum("y"), u.state("h")
        combine = u.add if cell.over == "sum" else u.maximum
        u.make("h", combine(y, h, name=f"{cell.over}_h"))

    return _plain(cell, update, "h")


CELLS: dict[str, Callable[[Any], Schedule]] = {
    "rnn": rnn,
    "lstm": lstm,
    "gru": gru,
    "litelstm": litelstm,
    "dense": dense,
    "pool": pool,
}
"""Schedules by the name of the cell."""


def schedule(cell: Cell) -> Schedule:
    """The schedule of a cell."""
    return CELLS[cell.kind](cell)


def reads_x_once(cell: Cell) -> bool:
    """Tell whether a cell has one sum per unit, which is complete with the passes over x."""
    return [gate.reads for gate in cell.gates] == [("x",)]
