"""Recognition of cells in the equations of one step: h of that step to the gates' sums.

The equations of the last step identify the cell (h', c' are of the step before):

    RNN       h = A(sum)                                                  (1)
    LSTM      h = o A(c),  c = f c' + i g, three gates                    (2)-(13)
              h = o A(c),  c = a + i (b - a), one of a, b is c', the other one g
    LiteLSTM  h = f tanh(c),  c = f c' + f g or f (c' + g), one gate      (18)-(25)
    GRU       h = a + z (b - a), one of a, b is h', the other one n       (14)-(17)

A, also that of g and n, is tanh or ReLU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from golden.cells import CANDIDATES
from golden.errors import InputError
from litelstm.importers.forms import ACTIVATIONS, Atom, Form
from litelstm.importers.layers import LOGISTIC, Sigmoid

SIGMOIDS = {"sigmoid": LOGISTIC, "hard": Sigmoid(name="hard")}
"""Gate activations by the kind of their atoms."""

UNKNOWN = (
    "computes what is no step of RNN, GRU, LSTM or LiteLSTM, the only layers that multiply vectors"
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a cell.

    Args:
        kind: the cell's kind.
        sums: the gates' sums by name.
        gate: a gate's atom, or ``None`` for a cell without gates.
        h: the h of the step before, if the equations show it.
        c: the c of the step before.
        c_now: this step's c.
        reset_h: r * h, if a matrix multiplies it.
        complement: gates for which the file has 1 - G: a GRU's z, or i where f is 1 - i.
        activation: A.
    """

    kind: str
    sums: Mapping[str, Form]
    gate: Atom | None = None
    h: Form | None = None
    c: Form | None = None
    c_now: Form | None = None
    reset_h: Atom | None = None
    complement: tuple[str, ...] = ()
    activation: str = "tanh"


def recognize(h: Atom) -> Step:
    """Recognize the cell that computes ``h``."""
    if h.kind in ACTIVATIONS:
        return Step(kind="rnn", sums={"h": h.args[0]}, activation=h.kind)  # (1)
    if h.kind == "product":
        return _with_c(h)
    if h.kind == "sum":
        return _gru(h)
    raise InputError(UNKNOWN)


def _with_c(h: Atom) -> Step:
    """Recognize LSTM and LiteLSTM: (7) or (25), then (6) or (24)."""
    o, seen = _ordered(h, lambda first, second: _is_gate(first) and second.kind in CANDIDATES)
    c = seen.args[0]
    try:
        step = _gated(h, o, c)
    except InputError:  # f = 1 - i
        i, before, g, complement = _mixed(c, h.time)
        if i is o or i.kind != o.kind:
            raise
        sums, names = _sums(i=i, o=o, g=g), ("i",) if complement else ()
        step = Step(kind="lstm", sums=sums, gate=o, c=before, c_now=c, complement=names)
        step = replace(step, activation=g.kind)
    if step.activation != seen.kind:
        raise InputError(UNKNOWN)
    return step


def _gated(h: Atom, o: Atom, c: Form) -> Step:
    """Recognize (6) or (24)."""
    gated: list[tuple[Atom, Atom]] = []  # gate, and what it multiplies
    for atom, coefficient in c.terms.items():
        if c.bias.any() or coefficient.ndim != 1 or (coefficient != 1).any():
            raise InputError(UNKNOWN)
        gated.append(_ordered(atom, lambda first, _: _is_gate(first) and first.time == h.time))
    if len(gated) == 1 and gated[0][0] is o:  # (24) as f (c + g)
        g, before = _split_candidate(inner(gated[0][1]), h.time)
        return Step(kind="litelstm", sums=_sums(f=o, g=g), gate=o, c=before, c_now=c)
    if len(gated) == 2:
        (i, g), (f, before) = sorted(gated, key=lambda pair: -pair[1].time)
        if g.kind in CANDIDATES and g.time == h.time and before.time < h.time:
            state = inner(before)
            if i is f is o and g.kind == "tanh":
                return Step(kind="litelstm", sums=_sums(f=o, g=g), gate=o, c=state, c_now=c)
            if len({i, f, o}) == 3 and i.kind == f.kind == o.kind:
                sums = _sums(i=i, f=f, o=o, g=g)
                step = Step(kind="lstm", sums=sums, gate=o, c=state, c_now=c)
                return replace(step, activation=g.kind)
    raise InputError(UNKNOWN)


def _gru(h: Atom) -> Step:
    """Recognize (14)-(17)."""
    z, before, n, complement = _mixed(inner(h), h.time)
    sums, reset_h, r = _gru_candidate(n.args[0], h.time)
    if r.kind != z.kind:
        raise InputError("has a GRU with two kinds of gate activation")
    step = Step(kind="gru", sums=sums | _sums(r=r, z=z), gate=z, h=before, reset_h=reset_h)
    return replace(step, complement=("z",) if complement else (), activation=n.kind)


def _mixed(total: Form, time: int) -> tuple[Atom, Form, Atom, bool]:
    """Recognize (17) in any of its usual forms: still + z moved, where both may be sums.

    Returns:
        The gate, the state of the step before, the candidate, and whether the gate is 1 - z.
    """
    z = None
    still = moved = Form({}, np.zeros(total.size))
    for atom, coefficient in total.terms.items():
        if coefficient.ndim != 1:
            raise InputError(UNKNOWN)
        if atom.kind == "product" and atom.time == time and any(map(_is_gate, atom.args)):
            gate, value = _ordered(atom, lambda first, _: _is_gate(first) and first.time == time)
            if z not in (None, gate):
                raise InputError(UNKNOWN)
            z, moved = gate, moved.plus(inner(value).scaled(coefficient))
        else:
            still = still.plus(inner(atom).scaled(coefficient))
    found = {**still.terms, **moved.terms}
    n = [a for a in found if a.kind in CANDIDATES and a.time == time]
    if z is None or len(n) != 1 or total.bias.any():
        raise InputError(UNKNOWN)
    candidate = n[0].form
    complement = n[0] in still.terms  # (1 - z) n + z h: the tool's z is 1 - z of (17)
    before = moved.plus(candidate) if complement else still
    a, b = (candidate, before) if complement else (before, candidate)
    if not (equal(still, a) and equal(moved, b.plus(a.scaled(np.full(total.size, -1.0))))):
        raise InputError(UNKNOWN)
    return z, before, n[0], complement


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
    return {"n": Form(terms, total.bias), "m": inner(value)}, None, r


def _split_candidate(total: Form, time: int) -> tuple[Atom, Form]:
    """Split c + g of eq. (24) into g and c of the step before."""
    candidates = [a for a in total.terms if a.kind == "tanh" and a.time == time]
    if len(candidates) != 1 or (total.terms[candidates[0]] != 1).any():
        raise InputError(UNKNOWN)
    rest = {atom: c for atom, c in total.terms.items() if atom is not candidates[0]}
    return candidates[0], Form(rest, total.bias)


def _sums(**activations: Atom) -> dict[str, Form]:
    return {name: atom.args[0] for name, atom in activations.items()}


def inner(atom: Atom) -> Form:
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


def equal(a: Form, b: Form) -> bool:
    """Whether two forms are equal sums."""
    return (
        a.terms.keys() == b.terms.keys()
        and all(np.array_equal(value, b.terms[atom]) for atom, value in a.terms.items())
        and np.array_equal(a.bias, b.bias)
    )
