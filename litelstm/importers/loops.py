"""Unrolled loops as recurrent operators: every step of one becomes a state of a layer.

A loop ends at an h whose equations are those of a cell (:mod:`litelstm.importers.unrolled`). From
there the chain goes back from each step's h to the one before. The first step shows no state; what
it reads is what its gates' sums read. A loop over the steps in reverse is found in a copy of the
atoms with all times turned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.cell_steps import SIGMOIDS, inner
from litelstm.importers.copies import Copy, children, postorder
from litelstm.importers.forms import ACTIVATIONS, Atom, Form, stacked
from litelstm.importers.recurrent import Run
from litelstm.importers.times import is_loop
from litelstm.importers.unrolled import Loop, read_layer

Forms = Sequence[Sequence[Form]]
"""The forms of each output."""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """An unrolled loop.

    Attributes:
        layer: its layer, forward.
        states: h of each step, in the order of the loop.
        reads: what it reads in each step.
    """

    layer: Layer
    states: tuple[Form, ...]
    reads: tuple[Form, ...]


def without_loops(outputs: Forms) -> tuple[Forms, bool]:
    """Replace the steps of unrolled loops by the states of recurrent operators.

    Loops that start at a state that the file takes, and those of one step, stay as they are.

    Returns:
        The outputs, and whether there was a loop.
    """
    found = False
    while chains := _chains(outputs):
        copy = Copy()
        for chain, direction in chains:
            _replace(copy, chain, direction)
        outputs = copy.outputs(outputs)
        found = True
    return outputs, found


def _replace(copy: Copy, chain: Chain, direction: str) -> None:
    """Tell a copy to take states in place of a loop's steps."""
    order = slice(None, None, 1 if direction == "forward" else -1)
    run = Run(
        ways=(replace(chain.layer, direction=direction),),
        forms=chain.reads[order],
        starts=({},),
        lengths=False,
    )
    for place, (h, x) in enumerate(zip(chain.states[order], run.forms, strict=True)):
        state = Atom("state", chain.layer.units, x.time, tag=(run, 0, place))
        if direction == "forward" if place + 1 == len(run.forms) else not place:
            run.finals.append(state)
        copy.take(h, state)


def _chains(outputs: Forms) -> list[tuple[Chain, str]]:
    """Find the loops that read no other loop, with their directions."""
    atoms = [*postorder(form for forms in outputs for form in forms)]
    if not any(atom.kind == "product" or _is_rnn(atom) for atom in atoms):
        return []
    if found := [(chain, "forward") for chain in _forward(outputs)]:
        return found
    last = max(atom.time for atom in atoms)
    turned = Copy(turned=last)
    chains = _forward(turned.outputs(outputs))
    return [(_back(chain, turned.originals), "reverse") for chain in chains]


def _back(chain: Chain, originals: dict[Atom, Atom]) -> Chain:
    """Return a chain of turned atoms as one of the atoms that they are copies of."""

    def back(form: Form) -> Form:
        return Form({originals[atom]: c for atom, c in form.terms.items()}, form.bias)

    states, reads = (tuple(map(back, forms)) for forms in (chain.states, chain.reads))
    return Chain(layer=chain.layer, states=states, reads=reads)


def _forward(outputs: Forms) -> list[Chain]:
    """Find the loops in the order of time."""
    deep: set[Atom] = set()  # atoms that depend on steps of loops
    loops: dict[frozenset[Atom], tuple[Form, Loop]] = {}
    for atom in postorder(form for forms in outputs for form in forms):
        if atom.kind == "product" or _is_rnn(atom) or not deep.isdisjoint(children(atom)):
            deep.add(atom)
    for form in _candidates(outputs, deep):
        key = frozenset(form.terms)
        if key not in loops and (loop := _read(form)) and deep.isdisjoint(loop.reads):
            loops[key] = form, loop
    ends = loops.keys() - {
        frozenset(loop.before.terms) for _, loop in loops.values() if loop.before
    }
    chains = (_chain(key, loops) for key in loops if key in ends)
    return [chain for chain in chains if chain]


def _chain(end: frozenset[Atom], loops: dict[frozenset[Atom], tuple[Form, Loop]]) -> Chain | None:
    """Follow a loop from its last step back to the first."""
    steps: list[tuple[Form, tuple[Atom, ...]]] = []
    layer, before = loops[end][1].layer, None
    while end in loops:
        form, loop = loops[end]
        steps.append((form, loop.reads))
        before = loop.before
        end = frozenset(before.terms) if before else frozenset()
    if before is None or not before.terms:
        return None
    sizes = [atom.size for atom in steps[-1][1]]
    first = _first_reads(before)
    if [atom.size for atom in first] != sizes:
        return None
    steps.append((before, first))
    return Chain(
        layer=layer,
        states=tuple(form for form, _ in reversed(steps)),
        reads=tuple(stacked([a.form for a in atoms]) for _, atoms in reversed(steps)),
    )


def _first_reads(h: Form) -> tuple[Atom, ...]:
    """Return what the gates of a first step read."""
    found: dict[Atom, None] = {}
    left = list(h.terms)
    while left:
        atom = left.pop(0)
        if atom.kind == "product":
            left += atom.args
            continue
        for other, coefficient in (atom.args[0] if atom.args else atom.form).terms.items():
            if coefficient.ndim == 2:
                found[other] = None
            elif other is not atom:
                left.append(other)
    return tuple(found)


def _candidates(outputs: Forms, deep: set[Atom]) -> Iterator[Form]:
    """Yield vectors that may be the h of a step: atoms, and sums as a GRU makes them."""
    for atom in deep:
        if atom.kind == "product" or _is_rnn(atom):
            yield atom.form
        for form in atom.args if atom.kind not in ("product", "state", "c") else ():
            yield from _sums(form)
    for forms in outputs:
        for form in forms:
            yield from _sums(form)


def _sums(form: Form) -> Iterator[Form]:
    """Yield parts of a form that may be the h of a GRU: products by one gate, and what they mix."""
    gates = {a: None for atom in form.terms if atom.kind == "product" for a in atom.args}
    for gate in gates:
        if gate.kind not in SIGMOIDS:
            continue
        parts: set[Atom] = set()
        for atom in form.terms:
            if atom.kind == "product" and gate in atom.args:
                parts |= {atom, *(a for arg in atom.args for a in inner(arg).terms)}
        terms = {atom: c for atom, c in form.terms.items() if atom in parts}
        if len(terms) > 1 and all(c.ndim == 1 for c in terms.values()):
            size = np.max(
                [abs(c) for c in terms.values()], axis=0
            )  # of h times a factor, as in means
            yield Form({atom: c / size for atom, c in terms.items()}, form.bias * 0)


def _read(form: Form) -> Loop | None:
    try:
        loop = read_layer(form.atom)
    except InputError:
        return None
    return None if loop.started or loop.before is None else loop


def _is_rnn(atom: Atom) -> bool:
    usual = atom.kind in ACTIVATIONS and not (atom.whole or atom.in_line)
    return usual and is_loop(atom)
