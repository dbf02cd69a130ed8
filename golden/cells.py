"""The cells: which gate reads which operand, and the paper's equations.

Equation numbers are those of the LiteLSTM paper (Elsayed, ElSayed, Maida 2022). Each cell has its
float and its integer equations side by side, both written from the paper. To add a cell, describe
it here (and its passes in :mod:`hdl.cells`) and list it in ``CELLS``. The file is longer than
others so that all cells can be compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Callable, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from golden.activations import ALPHAS, hard_sigmoid, logistic
from golden.dataclass import dataclass
from golden.errors import InputError
from golden.formats import Format

Floats = NDArray[np.float64]
Carried = NDArray[Any]
"""Exact integers, in int64 or in floats wide enough."""

SIGMOIDS = {"hard": hard_sigmoid, "logistic": logistic}
"""Gate activations G by name, on real numbers: eq. (21) and the logistic sigmoid."""

CANDIDATES = ("tanh", "relu", "elu", "selu")
"""Activations A of candidates, the paper's first; an LSTM, which has one for c too, has no selu."""


@dataclass(frozen=True, kw_only=True)
class Activations:
    """Activation functions of the float equations, on arrays or any other carrier of numbers.

    Args:
        sigmoid: the gate activation G.
        tanh: the hyperbolic tangent.
        exp: the exponential function.
        maximum: the larger of two values, or of a value and a number.
    """

    sigmoid: Callable[[Any], Any]
    tanh: Callable[[Any], Any] = np.tanh
    exp: Callable[[Any], Any] = np.exp
    maximum: Callable[[Any, Any], Any] = np.maximum

    def candidate(self, name: str, value: Any) -> Any:
        """Apply one of ``CANDIDATES``; SELU without its factor."""
        if name == "tanh":
            return self.tanh(value)
        above = self.maximum(value, 0)
        return above + ALPHAS[name] * (self.exp(value - above) - 1) if name in ALPHAS else above


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate of a cell.

    Args:
        name: its letter in the equations.
        reads: the operands that its matrices multiply: x, h and c of step t-1, or rh = r * h.
        diagonal: whether it adds w * c, with a weight vector (a diagonal matrix).
        tanh: whether its activation is tanh instead of the gate activation G.
        wide: whether its sum is narrowed to the format ``hidden`` instead of ``pre``: it is
            multiplied before its activation, or the activation is ReLU, ELU or SELU.
    """

    name: str
    reads: tuple[str, ...]
    diagonal: bool = False
    tanh: bool = False
    wide: bool = False

    @property
    def bias(self) -> str:
        """Name of the bias vector, e.g. ``b_f``."""
        return f"b_{self.name}"

    @property
    def peephole(self) -> str:
        """Name of the diagonal's weight vector, e.g. ``w_fc``."""
        return f"w_{self.name}c"

    def matrix(self, operand: str) -> str:
        """Name of the matrix that multiplies ``operand``, e.g. ``W_fx`` or ``U_fh``."""
        if operand in ("h", "rh"):
            return f"U_{self.name}h"
        return f"W_{self.name}{operand}"


class Arithmetic(Protocol):
    """Formats, activations and ``requantize`` of one layer, as the integer equations use them.

    Implemented by :class:`golden.layer_arithmetic.LayerArithmetic`. A float carrier may hold the
    integers (exactly), so the equations use only +, -, * and these methods, no bit operations.
    """

    @property
    def h(self) -> Format: ...
    @property
    def c(self) -> Format: ...
    @property
    def pre(self) -> Format: ...
    @property
    def hidden(self) -> Format: ...
    @property
    def gate(self) -> Format: ...
    @property
    def candidate(self) -> Format: ...
    def product_frac(self, gate: str) -> int:
        """Fraction bits of a gate's sum."""
        ...

    def sigmoid(self, raw: Carried) -> Carried:
        """Apply the gate activation to a pre-activation; the result has format ``gate``."""
        ...

    def tanh(self, raw: Carried, source: Format) -> Carried:
        """Compute tanh of a value in format ``source``; the result has format ``candidate``."""
        ...

    def exponential(self, activation: str, raw: Carried, source: Format) -> Carried:
        """Compute alpha (exp - 1) of a value up to 0 in format ``source``, for ELU or SELU.

        The result has format ``candidate``.
        """
        ...

    def maximum(self, raw: Carried, other: Any) -> Carried:
        """Return the larger of two values of one format, or of a value and an integer."""
        ...

    def nearest(self, value: float, to: Format) -> Any:
        """Convert a real number to format ``to``, rounded and saturated."""
        ...

    def requantize(self, raw: Carried, frac: int, to: Format) -> Carried:
        """Narrow like :func:`golden.formats.requantize`, on the carrier; may overwrite ``raw``.

        ``raw`` must be a sum or product that nothing else reads, never a state.
        """
        ...


Sums = Callable[..., Any]
"""Function from a gate's name to its sum: matrix products plus bias, and w * c for a diagonal.

``sums("f")`` uses the operands of step t-1. Operands that the step itself computes are passed by
keyword: ``sums("n", rh=r * h)`` or ``sums("o", c=c)``. In the float reference the result is the
pre-activation; in the integer model it is an exact integer at the gate's ``product_frac``.
"""


class Cell(ABC):
    """Base class of all cells: gates, float equations and integer equations.

    Attributes:
        kind: the cell's name in files and on the command line.
        options: allowed values of each option field; the first value is the paper's form.
        later: names of options that old files lack; they are told only if not the first value.
        state: names of the vectors that it keeps from step to step; none if steps are independent.
    """

    kind: ClassVar[str]
    options: ClassVar[dict[str, tuple[str, ...]]] = {}
    later: ClassVar[tuple[str, ...]] = ()
    state: ClassVar[tuple[str, ...]] = ("h",)

    def __post_init__(self) -> None:
        for name, choices in self.options.items():
            if getattr(self, name) not in choices:
                expected = " or ".join(choices)
                raise InputError(f"{name} must be {expected}, not {getattr(self, name)!r}")

    @property
    @abstractmethod
    def gates(self) -> tuple[Gate, ...]:
        """The gates, in the order of their sums in the accumulators."""

    @property
    def empty(self) -> float:
        """Value of the state before a sequence's first step; -inf is a format's smallest."""
        return 0.0

    @property
    def makes(self) -> tuple[str, ...]:
        """Names of the vectors that a step returns: the state, or h alone."""
        return self.state or ("h",)

    @property
    def formats(self) -> tuple[str, ...]:
        """Names of the formats that the integer equations use, except those of its sources."""
        hidden = ("hidden",) if any(gate.wide for gate in self.gates) else ()
        return (*self.makes, "pre", *hidden, "gate")

    @abstractmethod
    def step(self, sums: Sums, state: Mapping[str, Any], real: Activations) -> dict[str, Any]:
        """Compute one step on real numbers: NumPy arrays, or any type with +, - and *.

        Args:
            sums: the gates' pre-activations, each (batch, units).
            state: the state of step t-1, each (batch, units).
            real: the activations.

        Returns:
            The state of step t.
        """

    @abstractmethod
    def step_raw(
        self, sums: Sums, state: Mapping[str, Carried], q: Arithmetic
    ) -> dict[str, Carried]:
        """Compute one step on integers: products and sums exact, each result narrowed once.

        Args:
            sums: the gates' exact sums at their ``q.product_frac``, each (units, batch).
            state: the state of step t-1, ``h`` in ``q.h`` and ``c`` in ``q.c``.
            q: the layer's formats and activations.

        Returns:
            The state of step t.
        """

    def largest(self, q: Arithmetic, sums: int) -> int:
        """Upper bound of |any integer inside :meth:`step_raw`|, in any order of summation.

        The half that ``requantize`` adds is included.

        Args:
            q: the layer's formats.
            sums: upper bound of |any gate's sum|.
        """
        fracs = [q.product_frac(gate.name) for gate in self.gates]
        wide = any(gate.wide for gate in self.gates)
        states = q.c, q.candidate, q.h, *((q.hidden,) if wide else ())
        finest = max(to.frac for to in states)
        bound = 2 * q.gate.one * max(-to.min << (finest - to.frac) for to in states)
        if wide:
            product_frac = q.gate.frac + q.hidden.frac
            most = max(*fracs, product_frac)
            bound = max(bound, q.gate.one * -q.hidden.min << (most - product_frac))
            bound += sums << (most - min(fracs))
        finest = max(*fracs, q.gate.frac + max(finest, q.hidden.frac))
        coarsest = min(to.frac for to in (q.c, q.h, q.pre, q.hidden))
        return max(sums, bound) + (1 << max(0, finest - coarsest))


def aligned(a: Carried, a_frac: int, b: Carried, b_frac: int) -> tuple[Carried, int]:
    """Add two values exactly; return the sum and its fraction bits, the larger of the two."""
    frac = max(a_frac, b_frac)
    a = a * 2 ** (frac - a_frac) if frac > a_frac else a
    b = b * 2 ** (frac - b_frac) if frac > b_frac else b
    return a + b, frac


def blended(
    q: Arithmetic, gate: Carried, a: Carried, a_frac: int, b: Carried, b_frac: int
) -> tuple[Carried, int]:
    """Compute (1 - gate) a + gate b as a + gate (b - a), and give its fraction bits."""
    b_less_a, frac = aligned(b, b_frac, -a, a_frac)
    return a * (q.gate.one * 2 ** (frac - a_frac)) + gate * b_less_a, q.gate.frac + frac


def candidate(name: str, reads: tuple[str, ...], activation: str) -> Gate:
    """Describe the gate of a candidate, given its activation."""
    return Gate(name=name, reads=reads, tanh=activation == "tanh", wide=activation != "tanh")


def candidate_raw(q: Arithmetic, activation: str, total: Carried, frac: int) -> tuple[Carried, int]:
    """Apply a candidate's activation to a sum; return the candidate and its fraction bits."""
    if activation == "tanh":
        return q.tanh(q.requantize(total, frac, q.pre), q.pre), q.candidate.frac
    return rectified(q, activation, q.requantize(total, frac, q.hidden), q.hidden)


def rectified(q: Arithmetic, activation: str, raw: Carried, source: Format) -> tuple[Carried, int]:
    """Apply ReLU, ELU or SELU to a value; return the exact result and its fraction bits."""
    above = q.maximum(raw, 0)
    if activation == "relu":
        return above, source.frac
    below = q.exponential(activation, raw - above, source)
    return aligned(above, source.frac, below, q.candidate.frac)


@dataclass(frozen=True, kw_only=True)
class RNN(Cell):
    """Eq. (1): h = A(W x + U h + b).

    Args:
        activation: A, one of ``CANDIDATES``.
    """

    activation: str = "tanh"

    kind = "rnn"
    options: ClassVar[dict[str, tuple[str, ...]]] = {"activation": CANDIDATES}
    later = ("activation",)

    @property
    def gates(self) -> tuple[Gate, ...]:
        if self.activation == "relu":
            return (Gate(name="h", reads=("x", "h")),)
        return (candidate("h", ("x", "h"), self.activation),)

    @property
    def formats(self) -> tuple[str, ...]:
        if self.activation == "tanh":
            return super().formats
        return ("h",) if self.activation == "relu" else ("h", "hidden")

    def step(self, sums: Sums, state: Mapping[str, Any], real: Activations) -> dict[str, Any]:
        return {"h": real.candidate(self.activation, sums("h"))}  # (1)

    def step_raw(
        self, sums: Sums, state: Mapping[str, Carried], q: Arithmetic
    ) -> dict[str, Carried]:
        if self.activation == "relu":
            return {"h": q.maximum(q.requantize(sums("h"), q.product_frac("h"), q.h), 0)}
        h, frac = candidate_raw(q, self.activation, sums("h"), q.product_frac("h"))
        return {"h": q.requantize(h, frac, q.h)}  # (1)


@dataclass(frozen=True, kw_only=True)
class LSTM(Cell):
    """Eqs. (2)-(7), and with peepholes (8)-(13).

    Args:
        peephole: ``none``; ``previous`` for eqs. (8)-(13) as printed, with w_oc on c(t-1); or
            ``current``, as ONNX has it, with w_oc on c(t).
        activation: A in place of tanh in (5) and (7), one of ``CANDIDATES`` but ``selu``.
        forget: ``gate``, or ``coupled`` for f = 1 - i, without weights of its own.
    """

    peephole: str = "none"
    activation: str = "tanh"
    forget: str = "gate"

    kind = "lstm"
    options: ClassVar[dict[str, tuple[str, ...]]] = {
        "peephole": ("none", "previous", "current"),
        "activation": CANDIDATES[:3],
        "forget": ("gate", "coupled"),
    }
    later = ("activation", "forget")
    state = ("h", "c")

    @property
    def gates(self) -> tuple[Gate, ...]:
        diagonal = self.peephole != "none"
        names = "ifo" if self.forget == "gate" else "io"
        return (
            *(Gate(name=name, reads=("x", "h"), diagonal=diagonal) for name in names),
            candidate("g", ("x", "h"), self.activation),
        )

    def step(self, sums: Sums, state: Mapping[str, Any], real: Activations) -> dict[str, Any]:
        gate = real.sigmoid
        i = gate(sums("i"))  # (2), (8)
        f = gate(sums("f")) if self.forget == "gate" else 1 - i  # (3), (9)
        g = real.candidate(self.activation, sums("g"))  # (5), (12)
        c = f * state["c"] + i * g  # (6)
        o = gate(sums("o", c=c) if self.peephole == "current" else sums("o"))  # (4), (11)
        return {"h": o * real.candidate(self.activation, c), "c": c}  # (7)

    def step_raw(
        self, sums: Sums, state: Mapping[str, Carried], q: Arithmetic
    ) -> dict[str, Carried]:
        def gate(name: str, **made: Carried) -> Carried:
            return q.sigmoid(q.requantize(sums(name, **made), q.product_frac(name), q.pre))

        i = gate("i")  # (2), (8)
        g, frac = candidate_raw(q, self.activation, sums("g"), q.product_frac("g"))  # (5), (12)
        if self.forget == "gate":
            f = gate("f")  # (3), (9)
            total, frac = aligned(f * state["c"], q.c.frac, i * g, frac)
            frac += q.gate.frac
        else:
            total, frac = blended(q, i, state["c"], q.c.frac, g, frac)
        c = q.requantize(total, frac, q.c)  # (6)
        o = gate("o", c=c) if self.peephole == "current" else gate("o")  # (4), (11)
        if self.activation == "tanh":
            seen, frac = q.tanh(c, q.c), q.candidate.frac
        else:
            seen, frac = rectified(q, self.activation, c, q.c)
        return {"h": q.requantize(o * seen, q.gate.frac + frac, q.h), "c": c}  # (7)


@dataclass(frozen=True, kw_only=True)
class GRU(Cell):
    """Eqs. (14)-(17).

    Args:
        reset: ``before``, eq. (16) as printed: n = tanh(W x + U (r * h) + b). Or ``after``, the
            form of PyTorch and Keras: n = tanh(W x + b + r * (U h + b')), where U h + b' is a gate
            of its own, ``m``, with U_mh and b_m.
        activation: A in place of tanh in n, one of ``CANDIDATES``.
    """

    reset: str = "before"
    activation: str = "tanh"

    kind = "gru"
    options: ClassVar[dict[str, tuple[str, ...]]] = {
        "reset": ("before", "after"),
        "activation": CANDIDATES,
    }
    later = ("activation",)

    @property
    def gates(self) -> tuple[Gate, ...]:
        r, z = (Gate(name=name, reads=("x", "h")) for name in "rz")
        if self.reset == "before":
            return (r, z, candidate("n", ("x", "rh"), self.activation))
        m = Gate(name="m", reads=("h",), wide=True)
        return (candidate("n", ("x",), self.activation), r, z, m)

    def step(self, sums: Sums, state: Mapping[str, Any], real: Activations) -> dict[str, Any]:
        gate, h = real.sigmoid, state["h"]
        r, z = gate(sums("r")), gate(sums("z"))  # (14) (15)
        total = sums("n", rh=r * h) if self.reset == "before" else sums("n") + r * sums("m")
        n = real.candidate(self.activation, total)  # (16)
        return {"h": (1 - z) * h + z * n}  # (17)

    def step_raw(
        self, sums: Sums, state: Mapping[str, Carried], q: Arithmetic
    ) -> dict[str, Carried]:
        def gate(name: str) -> Carried:
            return q.sigmoid(q.requantize(sums(name), q.product_frac(name), q.pre))

        h = state["h"]
        r, z = gate("r"), gate("z")  # (14) (15)
        if self.reset == "before":
            rh = q.requantize(r * h, q.gate.frac + q.h.frac, q.h)
            total, frac = sums("n", rh=rh), q.product_frac("n")
        else:
            m = q.requantize(sums("m"), q.product_frac("m"), q.hidden)
            product_frac = q.gate.frac + q.hidden.frac
            total, frac = aligned(sums("n"), q.product_frac("n"), r * m, product_frac)
        n, frac = candidate_raw(q, self.activation, total, frac)  # (16)
        return {"h": q.requantize(*blended(q, z, h, q.h.frac, n, frac), q.h)}  # (17)


@dataclass(frozen=True, kw_only=True)
class LiteLSTM(Cell):
    """Eqs. (18)-(25): one gate f that reads x, h and c, and a candidate g that reads x and h.

    Args:
        peephole: ``full`` for the paper's matrix W_fc on c(t-1), ``diagonal`` for a weight vector
            w_fc, ``none`` to leave it out.
    """

    peephole: str = "full"

    kind = "litelstm"
    options: ClassVar[dict[str, tuple[str, ...]]] = {"peephole": ("full", "diagonal", "none")}
    state = ("h", "c")

    @property
    def gates(self) -> tuple[Gate, ...]:
        f_reads = ("x", "h", "c") if self.peephole == "full" else ("x", "h")
        return (
            Gate(name="f", reads=f_reads, diagonal=self.peephole == "diagonal"),
            Gate(name="g", reads=("x", "h"), tanh=True),
        )

    def step(self, sums: Sums, state: Mapping[str, Any], real: Activations) -> dict[str, Any]:
        f = real.sigmoid(sums("f"))  # (18) (20)
        g = real.tanh(sums("g"))  # (22) (23)
        c = f * state["c"] + f * g  # (24)
        return {"h": f * real.tanh(c), "c": c}  # (25)

    def step_raw(
        self, sums: Sums, state: Mapping[str, Carried], q: Arithmetic
    ) -> dict[str, Carried]:
        f = q.sigmoid(q.requantize(sums("f"), q.product_frac("f"), q.pre))  # (18) (20)
        g = q.tanh(q.requantize(sums("g"), q.product_frac("g"), q.pre), q.pre)  # (22) (23)
        # (24) as f (c + g), the same integer
        c_plus_g, frac = aligned(state["c"], q.c.frac, g, q.candidate.frac)
        c = q.requantize(f * c_plus_g, q.gate.frac + frac, q.c)
        h = q.requantize(f * q.tanh(c, q.c), q.gate.frac + q.candidate.frac, q.h)  # (25)
        return {"h": h, "c": c}


@dataclass(frozen=True, kw_only=True)
class Dense(Cell):
    """h = A(W x + b), without state: steps are independent.

    Args:
        activation: A: ``linear`` y, ``relu`` max(y, 0), ``relu6`` min(max(y, 0), 6), ``leaky`` y or
            below 0 ``slope`` * y, ``tanh``, ``sigmoid`` for the layer's gate activation G, or
            ``elu`` and ``selu``, see :data:`golden.activations.ALPHAS`.
        slope: slope of ``leaky`` below 0; the first value for others.
        pieces: number of products of which each unit takes the largest (maxout, for max pooling):
            h = A(max(W x + b, W' x + b', ...)), a gate per piece: y, y1, ... All have one binary
            point.
    """

    activation: str = "linear"
    slope: str = "1/2"
    pieces: str = "1"

    kind = "dense"
    options: ClassVar[dict[str, tuple[str, ...]]] = {
        "activation": ("linear", "relu", "relu6", "leaky", "tanh", "sigmoid", *ALPHAS),
        "slope": tuple(f"1/{1 << shift}" for shift in range(1, 8)),
        "pieces": ("1", "2", "3", "4"),
    }
    later = ("pieces",)
    state = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.activation != "leaky" and self.slope != "1/2":
            raise InputError(f"slope is {self.slope}, expected 1/2: only leaky has a slope")

    @property
    def gates(self) -> tuple[Gate, ...]:
        kind = {"tanh": self.activation == "tanh", "wide": self.activation in ALPHAS}
        return tuple(
            Gate(name=f"y{piece or ''}", reads=("x",), **kind) for piece in range(int(self.pieces))
        )

    @property
    def formats(self) -> tuple[str, ...]:
        more = {
            "tanh": ("pre",),
            "sigmoid": ("pre", "gate"),
            **dict.fromkeys(ALPHAS, ("hidden",)),
        }
        return ("h", *more.get(self.activation, ()))

    @property
    def shift(self) -> int:
        """Binary logarithm of 1 / ``slope``; 0 without slope."""
        return self.options["slope"].index(self.slope) + 1 if self.activation == "leaky" else 0

    def step(self, sums: Sums, state: Mapping[str, Any], real: Activations) -> dict[str, Any]:
        y = self._largest_piece(sums, real.maximum)
        if self.activation == "tanh" or self.activation in ALPHAS:
            return {"h": real.candidate(self.activation, y)}
        if self.activation == "sigmoid":
            return {"h": real.sigmoid(y)}
        if self.activation == "leaky":
            return {"h": real.maximum(y, y * 2.0**-self.shift)}
        if self.activation in ("relu", "relu6"):
            y = real.maximum(y, 0)
        return {"h": -real.maximum(-y, -6) if self.activation == "relu6" else y}

    def step_raw(
        self, sums: Sums, state: Mapping[str, Carried], q: Arithmetic
    ) -> dict[str, Carried]:
        y, frac = self._largest_piece(sums, q.maximum), q.product_frac("y")
        if self.activation == "tanh" or self.activation in ALPHAS:
            y, frac = candidate_raw(q, self.activation, y, frac)
        elif self.activation == "sigmoid":
            y, frac = q.sigmoid(q.requantize(y, frac, q.pre)), q.gate.frac
        elif self.activation == "leaky":
            y, frac = q.maximum(y * 2**self.shift, y), frac + self.shift
        h = q.requantize(y, frac, q.h)
        if self.activation in ("relu", "relu6"):
            h = q.maximum(h, 0)
        return {"h": -q.maximum(-h, -q.nearest(6, q.h)) if self.activation == "relu6" else h}

    def _largest_piece(self, sums: Sums, maximum: Callable[[Any, Any], Any]) -> Any:
        """The largest sum of all pieces."""
        y, *others = (sums(gate.name) for gate in self.gates)
        for other in others:
            y = maximum(y, other)
        return y

    def largest(self, q: Arithmetic, sums: int) -> int:
        sums = max(sums << self.shift, 1 << q.candidate.width, 1 << q.gate.width)
        if self.activation in ALPHAS:
            return super().largest(q, sums)
        finest = max(q.product_frac("y") + self.shift, q.candidate.frac, q.gate.frac)
        # A number below half of the result's last place rounds to 0 in any type.
        return sums + (1 << min(max(0, finest - min(q.pre.frac, q.h.frac)), sums.bit_length() + 2))


@dataclass(frozen=True, kw_only=True)
class Pool(Cell):
    """Sum or largest value over all steps so far.

    Args:
        over: ``sum`` for h = h + W x + b, ``max`` for h = max(h, W x + b), in which the first
            step's h is W x + b.
    """

    over: str = "sum"

    kind = "pool"
    options: ClassVar[dict[str, tuple[str, ...]]] = {"over": ("sum", "max")}

    @property
    def gates(self) -> tuple[Gate, ...]:
        return (Gate(name="y", reads=("x",)),)

    @property
    def formats(self) -> tuple[str, ...]:
        return ("h",)

    @property
    def empty(self) -> float:
        return 0.0 if self.over == "sum" else -np.inf

    def step(self, sums: Sums, state: Mapping[str, Any], real: Activations) -> dict[str, Any]:
        y, h = sums("y"), state["h"]
        return {"h": h + y if self.over == "sum" else real.maximum(h, y)}

    def step_raw(
        self, sums: Sums, state: Mapping[str, Carried], q: Arithmetic
    ) -> dict[str, Carried]:
        y, frac, h = sums("y"), q.product_frac("y"), state["h"]
        if self.over == "max":
            return {"h": q.maximum(h, q.requantize(y, frac, q.h))}
        return {"h": q.requantize(*aligned(h, q.h.frac, y, frac), q.h)}

    def largest(self, q: Arithmetic, sums: int) -> int:
        frac = q.product_frac("y")
        finest = max(frac, q.h.frac)
        largest = (sums << (finest - frac)) + (-q.h.min << (finest - q.h.frac))
        return largest + (1 << (finest - q.h.frac))


CELLS: dict[str, type[Cell]] = {cell.kind: cell for cell in (RNN, LSTM, GRU, LiteLSTM, Dense, Pool)}
"""Cells by name."""


def cell_options(cell: Cell) -> dict[str, str]:
    """Return a cell's option values by name; of ``later`` ones those that old files do not mean."""
    values = {name: getattr(cell, name) for name in cell.options}
    return {
        name: value
        for name, value in values.items()
        if name not in cell.later or value != cell.options[name][0]
    }
