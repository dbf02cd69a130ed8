"""Recognition of recurrent layers that an exporter unrolled, from the last step's equations.

Exporters write a layer that is no operator of ONNX, such as a LiteLSTM, as a sequence of steps. The
last step's h then is an atom of `forms`, and its arguments identify the cell
(h', c' are of the step before):

    RNN       h = tanh(sum)                                               (1)
    LSTM      h = o tanh(c),  c = f c' + i g, three gates                 (2)-(13)
    LiteLSTM  h = f tanh(c),  c = f c' + f g or f (c' + g), one gate      (18)-(25)
    GRU       h = a + z (b - a), one of a, b is h', the other one n       (14)-(17)

Only the last step is read, so the caller must run the graph and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from golden.cells import GRU, LSTM, RNN, Cell, Floats, LiteLSTM
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.forms import Atom, Form
from litelstm.importers.layers import LOGISTIC, GateWeights, Sigmoid, make_layer

SIGMOIDS = {"sigmoid": LOGISTIC, "hard": Sigmoid(name="hard")}
"""Gate activations by the kind of their atoms."""

UNKNOWN = "computes what is no step of RNN, GRU, LSTM or LiteLSTM"


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One step of a cell.

    Args:
        kind: the cell's kind.
        sums: the gates' sums by name.
        gate: a gate's atom, or ``None`` for a cell without gates.
        h: the h of the step before, if the equations show it.
        c: the c of the step before.
        c_now: this step's c.
        reset_h: r * h, if a matrix multiplies it.
        complement: whether a GRU's z is 1 - z of eq. (17).
    """

    kind: str
    sums: Mapping[str, Form]
    gate: Atom | None = None
    h: Form | None = None
    c: Form | None = None
    c_now: Form | None = None
    reset_h: Atom | None = None
    complement: bool = False


def read_layer(h: Atom) -> tuple[Layer, Atom]:
    """Recognize the layer whose last h is ``h``; return it with its x in that step.

    Raises:
        InputError: the equations belong to no known cell.
    """
    if h.time < 1:
        raise InputError("has a layer of one step only, expected an export of 2 steps or more")
    step = _recognize(h)
    operands = _Operands(step, h.time)
    gates = {name: operands.weights(form) for name, form in step.sums.items()}
    if operands.x is None:
        raise InputError(f"has a {step.kind} layer that reads no input")
    cell = _cell(step, gates, reads_c_now=operands.reads_c_now)
    sizes = {"x": operands.x.size, "h": h.size, "c": h.size, "rh": h.size}
    filled = {
        gate.name: _filled(gates[gate.name], {name: sizes[name] for name in gate.reads}, h.size)
        for gate in cell.gates
    }
    sigmoid = SIGMOIDS[step.gate.kind] if step.gate else LOGISTIC
    complement = ("z",) if step.complement else ()
    return make_layer(cell, sigmoid, filled, complement=complement), operands.x


def _cell(step: _Step, gates: Mapping[str, GateWeights], *, reads_c_now: bool) -> Cell:
    """Make the cell, with options according to its weights."""
    full = [name for name, gate in gates.items() if gate.c is not None]
    diagonal = [name for name, gate in gates.items() if gate.peephole is not None]
    if set(full) - {"f"} or (full and diagonal) or "g" in diagonal:
        raise InputError(f"has a {step.kind} layer with a weight on c where the cell has none")
    if step.kind == "litelstm":
        return LiteLSTM(peephole="full" if full else "diagonal" if diagonal else "none")
    if full:
        raise InputError("has an LSTM with a matrix on c, expected a diagonal weight")
    if step.kind == "lstm":
        peephole = "current" if reads_c_now else "previous"
        return LSTM(peephole=peephole if diagonal else "none")
    if step.kind == "gru":
        return GRU(reset="after" if "m" in gates else "before")
    return RNN()


def _filled(gate: GateWeights, reads: Mapping[str, int], units: int) -> GateWeights:
    """Fill in zero weights, which exporters leave out."""
    parts: dict[str, Floats | None] = dict(vars(gate))
    for name, size in reads.items():
        operand = "h" if name == "rh" else name
        if parts[operand] is None:
            parts[operand] = np.zeros((units, size))
    if gate.peephole is None:
        parts["peephole"] = np.zeros(units)
    return GateWeights(**parts)  # pyright: ignore[reportArgumentType]


class _Operands:
    """Assigns the terms of gates' sums to the operands x, h and c.

    Attributes:
        x: the input of this step, once a gate has read it.
        reads_c_now: whether a gate read this step's c.
    """

    def __init__(self, step: _Step, time: int) -> None:
        self._step, self._time, self._h = step, time, step.h
        self.x: Atom | None = None
        self.reads_c_now = False

    def weights(self, total: Form) -> GateWeights:
        """Extract a gate's weights from its sum."""
        parts: dict[str, Floats] = {}
        for atom, coefficient in total.terms.items():
            name = self._name(atom, matrix=coefficient.ndim == 2)
            if name in parts:
                raise InputError(f"has a {self._step.kind} gate that reads {name} twice")
            parts[name] = coefficient
        return GateWeights(b=total.bias, **parts)

    def _name(self, atom: Atom, *, matrix: bool) -> str:
        step, form = self._step, _form(atom)
        if not matrix:
            now = step.c_now is not None and _equal(form, step.c_now)
            if not now and (step.c is None or not _equal(form, step.c)):
                raise InputError(f"has a {step.kind} gate with a diagonal weight that is not on c")
            self.reads_c_now |= now
            return "peephole"
        if atom is step.reset_h:
            return "h"
        if atom.time == self._time:
            if self.x not in (None, atom):
                raise InputError(f"has a {step.kind} layer that reads two inputs")
            self.x = atom
            return "x"
        if step.c is not None and _equal(form, step.c):
            return "c"
        if self._h is None:
            self._h = form
        if atom.time != self._time - 1 or not _equal(form, self._h):
            raise InputError(f"has a {step.kind} layer that reads more than x, h and c")
        return "h"


def _recognize(h: Atom) -> _Step:
    """Recognize the cell that computes ``h``."""
    if h.kind == "tanh":
        return _Step(kind="rnn", sums={"h": h.args[0]})  # (1)
    if h.kind == "product":
        return _with_c(h)
    if h.kind == "sum":
        return _gru(h)
    raise InputError(UNKNOWN)


def _with_c(h: Atom) -> _Step:
    """Recognize LSTM and LiteLSTM: (7) or (25), then (6) or (24)."""
    o, tanh_c = _ordered(h, lambda first, second: _is_gate(first) and second.kind == "tanh")
    c = tanh_c.args[0]
    gated: list[tuple[Atom, Atom]] = []  # gate, and what it multiplies
    for atom, coefficient in c.terms.items():
        if c.bias.any() or coefficient.ndim != 1 or (coefficient != 1).any():
            raise InputError(UNKNOWN)
        gated.append(_ordered(atom, lambda first, _: _is_gate(first) and first.time == h.time))
    if len(gated) == 1 and gated[0][0] is o:  # (24) as f (c + g)
        g, before = _split_candidate(_form(gated[0][1]), h.time)
        return _Step(kind="litelstm", sums=_sums(f=o, g=g), gate=o, c=before, c_now=c)
    if len(gated) == 2:
        (i, g), (f, before) = sorted(gated, key=lambda pair: -pair[1].time)
        if g.kind == "tanh" and g.time == h.time and before.time == h.time - 1:
            state = _form(before)
            if i is f is o:
                return _Step(kind="litelstm", sums=_sums(f=o, g=g), gate=o, c=state, c_now=c)
            if len({i, f, o}) == 3 and i.kind == f.kind == o.kind:
                sums = _sums(i=i, f=f, o=o, g=g)
                return _Step(kind="lstm", sums=sums, gate=o, c=state, c_now=c)
    raise InputError(UNKNOWN)


def _gru(h: Atom) -> _Step:
    """Recognize (17) in any of its usual forms: h = still + z moved, where both may be sums."""
    total, z = _form(h), None
    still = moved = Form({}, np.zeros(h.size))
    for atom, coefficient in total.terms.items():
        if atom.kind == "product" and atom.time == h.time and any(map(_is_gate, atom.args)):
            gate, value = _ordered(atom, lambda first, _: _is_gate(first) and first.time == h.time)
            if z not in (None, gate):
                raise InputError(UNKNOWN)
            z, moved = gate, moved.plus(_form(value).scaled(coefficient))
        else:
            still = still.plus(_form(atom).scaled(coefficient))
    n = [a for a in {**still.terms, **moved.terms} if a.kind == "tanh" and a.time == h.time]
    if z is None or len(n) != 1 or total.bias.any():
        raise InputError(UNKNOWN)
    candidate = n[0].form
    complement = n[0] in still.terms  # (1 - z) n + z h: the tool's z is 1 - z of (17)
    before = moved.plus(candidate) if complement else still
    a, b = (candidate, before) if complement else (before, candidate)
    if not (_equal(still, a) and _equal(moved, b.plus(a.scaled(np.full(h.size, -1.0))))):
        raise InputError(UNKNOWN)
    sums, reset_h, r = _gru_candidate(n[0].args[0], h.time)
    if r.kind != z.kind:
        raise InputError("has a GRU with two kinds of gate activation")
    sums |= _sums(r=r, z=z)
    return _Step(kind="gru", sums=sums, gate=z, h=before, reset_h=reset_h, complement=complement)


def _gru_candidate(total: Form, time: int) -> tuple[dict[str, Form], Atom | None, Atom]:
    """Split a GRU's candidate: sums of n and (``after``) m; r * h (``before``) or None; r."""
    resets = [
        (atom, *_ordered(atom, lambda first, _: _is_gate(first) and first.time == time))
        for atom in total.terms
        if atom.kind == "product" and any(_is_gate(a) and a.time == time for a in atom.args)
        if any(a.time < time for a in atom.args)
    ]
    if len(resets) != 1:
        raise InputError(UNKNOWN)
    product, r, value = resets[0]
    if total.terms[product].ndim == 2:  # (16)
        return {"n": total}, product, r
    if (total.terms[product] != 1).any():
        raise InputError(UNKNOWN)
    terms = {atom: c for atom, c in total.terms.items() if atom is not product}
    return {"n": Form(terms, total.bias), "m": _form(value)}, None, r


def _split_candidate(total: Form, time: int) -> tuple[Atom, Form]:
    """Split c + g of eq. (24) into g and c of the step before."""
    candidates = [a for a in total.terms if a.kind == "tanh" and a.time == time]
    if len(candidates) != 1 or (total.terms[candidates[0]] != 1).any():
        raise InputError(UNKNOWN)
    rest = {atom: c for atom, c in total.terms.items() if atom is not candidates[0]}
    return candidates[0], Form(rest, total.bias)


def _sums(**activations: Atom) -> dict[str, Form]:
    return {name: atom.args[0] for name, atom in activations.items()}


def _form(atom: Atom) -> Form:
    """Return the form of a ``sum``; for any other atom, the form of the atom."""
    return atom.args[0] if atom.kind == "sum" else atom.form


def _is_gate(atom: Atom) -> bool:
    return atom.kind in SIGMOIDS


def _ordered(product: Atom, fits: Callable[[Atom, Atom], bool]) -> tuple[Atom, Atom]:
    """Return the factors of a product in the order that ``fits``."""
    if product.kind == "product":
        a, b = product.args
        for pair in ((a, b), (b, a)):
            if fits(*pair):
                return pair
    raise InputError(UNKNOWN)


def _equal(a: Form, b: Form) -> bool:
    """Whether two forms are equal sums."""
    return (
        a.terms.keys() == b.terms.keys()
        and all(np.array_equal(value, b.terms[atom]) for atom, value in a.terms.items())
        and np.array_equal(a.bias, b.bias)
    )
