"""Recurrent operators of all tools, as atoms: one per step and direction, for h and for c."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.forms import Atom, Form
from litelstm.importers.tensors import Data


class PlacedError(InputError):
    """Message that already has the operator's kind and name."""


TURNED = {"forward": "reverse", "reverse": "forward"}
"""Direction of a layer whose sequence is read from its last step to its first."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """One recurrent operator; compared by identity.

    Attributes:
        ways: a layer for each direction, in the order of its output; each reads one source, ``x``.
        forms: the operator's input, one form per step in the order of time.
        starts: each way's state before its first step by name, without those that are zero.
        lengths: whether sequences of a batch end at steps of their own.
        finals: atoms of the final states.
    """

    ways: tuple[Layer, ...]
    forms: tuple[Form, ...]
    starts: tuple[Mapping[str, Form], ...]
    lengths: bool
    finals: list[Atom] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Results of a recurrent operator by direction.

    Attributes:
        steps: h of every step, in the order of the operator's input.
        h, c: the final states; ``c`` repeats h for cells without.
    """

    steps: tuple[tuple[Form, ...], ...]
    h: tuple[Form, ...]
    c: tuple[Form, ...]


def recurrent(
    data: Data,
    layers: Sequence[Layer],
    *,
    starts: Sequence[Mapping[str, Form]] = (),
    lengths: bool = False,
) -> Outputs:
    """Run layers over a sequence.

    Args:
        data: the sequence.
        layers: one or two layers, ``forward`` or ``reverse`` in the order of ``data``.
        starts: each layer's state before its first step, by name; by default zero.
        lengths: see :class:`Run`.

    Raises:
        InputError: the steps of ``data`` are neither in the order of time nor in reverse order.
    """
    times, count = [form.time for form in data.forms], len(data.forms)
    if times not in (list(range(count)), list(range(count))[::-1]):
        raise InputError(f"reads {data.described()} whose steps are not the input's, in order")
    turned = times[0] > times[-1]
    if turned:
        layers = [replace(layer, direction=TURNED[layer.direction]) for layer in layers]
    run = Run(
        ways=tuple(layers),
        forms=data.forms[::-1] if turned else data.forms,
        starts=tuple(
            {name: form for name, form in start.items() if form.terms or form.bias.any()}
            for start in (starts or ({},) * len(layers))
        ),
        lengths=lengths,
    )
    steps, finals = [], []
    for way, layer in enumerate(layers):
        end = count - 1 if layer.direction == "forward" else 0
        atoms = [Atom("state", layer.units, time, tag=(run, way)) for time in times]
        final = atoms[times.index(end)]
        if lengths:  # beyond its length a sequence's steps are zero, the final state is not
            final = Atom("state", layer.units, end, tag=(run, way))
        run.finals.append(final)
        steps.append(tuple(atom.form for atom in atoms))
        finals.append((final, Atom("c", layer.units, end, tag=(run, way))))
    return Outputs(
        steps=tuple(steps),
        h=tuple(h.form for h, _ in finals),
        c=tuple((c if "c" in run.ways[0].cell.state else h).form for h, c in finals),
    )
