"""Copies of atoms with other atoms in places, for what recognizes layers in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from litelstm.importers.coefficients import alike
from litelstm.importers.forms import Atom, Call, Form
from litelstm.importers.recurrent import Run

LEAVES = ("input", "index", "start")
"""Kinds of atoms that are made of no others."""


def children(atom: Atom) -> Iterator[Atom]:
    """Yield the atoms that an atom is made of; those of all steps, if its operator makes these."""
    if atom.whole:
        yield atom.whole[0]
    elif atom.kind == "product":
        yield from atom.args
    elif atom.kind in ("state", "c"):
        run: Run = atom.tag[0]
        for form in (*run.forms, *(form for start in run.starts for form in start.values())):
            yield from form.terms
    elif atom.kind not in LEAVES:
        for other in atom.call.atoms if atom.in_line else (atom,):
            for form in other.args:
                yield from form.terms


def postorder(forms: Iterable[Form]) -> Iterator[Atom]:
    """Yield the atoms that forms depend on, each after those that it is made of."""
    seen: set[Atom] = set()
    left = [iter([atom for form in forms for atom in form.terms])]
    path: list[Atom] = []
    while left:
        atom = next(left[-1], None)
        if atom is None:
            left.pop()
            if path:
                yield path.pop()
        elif atom not in seen:
            seen.add(atom)
            path.append(atom)
            left.append(children(atom))


class Copy:
    """A copy of the atoms that outputs depend on. What does not change is not copied.

    Args:
        turned: turn all times: this one is 0 in the copy, and 0 is this one.

    Attributes:
        originals: the atom that each one is a copy of.
    """

    def __init__(self, turned: int | None = None) -> None:
        self.originals: dict[Atom, Atom] = {}
        self._turned = turned
        self._made: dict[Atom, Atom] = {}
        self._sums: dict[Atom, list[tuple[Form, Atom]]] = {}
        self._runs: dict[Run, Run] = {}
        self._calls: dict[Call, dict[Atom, Atom]] = {}

    def take(self, old: Form, new: Atom) -> None:
        """Put an atom in the place of a vector."""
        first = next((atom for atom in old.terms if atom.kind == "product"), next(iter(old.terms)))
        if len(old.terms) == 1:
            self._made[first] = new
        else:
            self._sums.setdefault(first, []).append((old, new))

    def outputs(self, outputs: Sequence[Sequence[Form]]) -> list[list[Form]]:
        """Copy the forms of each output."""
        for atom in postorder(form for forms in outputs for form in forms):
            if atom not in self._made:
                self._made[atom] = self._copied(atom)
            self.originals[self._made[atom]] = atom
        return [[self._form(form) for form in forms] for forms in outputs]

    def _form(self, form: Form) -> Form:
        for atom in tuple(form.terms):
            for old, new in self._sums.get(atom, ()):
                form = _exchanged(form, atom, old, new)
        if all(self._made.get(atom, atom) is atom for atom in form.terms):
            return form
        terms: dict[Atom, Any] = {}
        for atom, coefficient in form.terms.items():
            made = self._made.get(atom, atom)
            if made in terms:
                a, b = alike(terms[made], coefficient)
                coefficient = a + b
            terms[made] = coefficient
        return Form(terms, form.bias)

    def _copied(self, atom: Atom) -> Atom:
        if atom.kind in LEAVES or (self._turned is not None and atom.kind in ("state", "c")):
            return atom if self._turned is None else self._turn(atom)
        if atom.whole:
            whole = self._made[atom.whole[0]]
            return atom if whole is atom.whole[0] else whole.rows(atom.whole[1])
        if atom.kind in ("state", "c"):
            run = self._run(atom.tag[0])
            return atom if run is atom.tag[0] else replace(atom, tag=(run, *atom.tag[1:]), parts={})
        if atom.kind == "product":
            pair = [self._made[arg] for arg in atom.args]
            same = all(a is b for a, b in zip(pair, atom.args, strict=True))
            return atom if same else pair[0].times(pair[1])
        if atom.in_line:
            return self._line(atom.call)[atom]
        args = tuple(map(self._form, atom.args))
        if all(a is b for a, b in zip(args, atom.args, strict=True)):
            return atom
        return args[0].atom if atom.kind == "sum" else _like(atom, args, Call(atom.place))

    def _turn(self, atom: Atom) -> Atom:
        assert self._turned is not None
        time = atom.time if atom.kind == "start" else self._turned - atom.time
        return Atom(atom.kind, atom.size, time, tag=atom.tag)

    def _line(self, call: Call) -> dict[Atom, Atom]:
        """Copy the atoms that an operator makes in several steps."""
        if call not in self._calls:
            args = [tuple(map(self._form, atom.args)) for atom in call.atoms]
            pairs = zip(call.atoms, args, strict=True)
            if all(a is b for atom, own in pairs for a, b in zip(own, atom.args, strict=True)):
                self._calls[call] = {atom: atom for atom in call.atoms}
            else:
                made = Call(call.place)
                pairs = zip(tuple(call.atoms), args, strict=True)
                self._calls[call] = {atom: _like(atom, own, made) for atom, own in pairs}
        return self._calls[call]

    def _run(self, run: Run) -> Run:
        """Copy a recurrent operator whose input changes."""
        if run not in self._runs:
            forms = tuple(map(self._form, run.forms))
            same = all(a is b for a, b in zip(forms, run.forms, strict=True))
            self._runs[run] = run if same else replace(run, forms=forms, finals=[])
        return self._runs[run]


def _like(atom: Atom, args: tuple[Form, ...], call: Call) -> Atom:
    time = max(form.time for form in args)
    return Atom(atom.kind, atom.size, time, args, atom.tag, call=call)


def _exchanged(form: Form, first: Atom, old: Form, new: Atom) -> Form:
    """Put an atom in the place of a sum, of which ``first`` is a part, where all of it is there."""
    factor = form.terms[first] / old.terms[first]
    terms = dict(form.terms)
    for atom, coefficient in old.terms.items():
        rest = terms.get(atom, np.zeros_like(factor)) - factor * coefficient
        terms[atom] = rest
        if rest.any():
            return form
    kept = {atom: c for atom, c in terms.items() if atom not in old.terms}
    return Form({**kept, new: factor}, form.bias)
