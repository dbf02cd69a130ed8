"""Recurrent operators of all tools, as atoms: one per step and direction, for h and for c."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from golden.cells import Floats
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.coefficients import columns
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
        repeats: whether its input is the same value in all steps, as of a decoder.
    """

    ways: tuple[Layer, ...]
    forms: tuple[Form, ...]
    starts: tuple[Mapping[str, Form], ...]
    lengths: bool
    finals: list[Atom] = field(default_factory=list)
    repeats: bool = False


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

    def projected(self, matrices: Sequence[Floats | None]) -> Outputs:
        """Multiply each direction's h by a matrix, if there is one."""

        def change(forms: Sequence[Form], matrix: Floats | None) -> tuple[Form, ...]:
            return tuple(forms if matrix is None else (form.mapped(matrix) for form in forms))

        pairs = [*zip(self.steps, matrices, strict=True)]
        h = tuple(change((form,), m)[0] for form, m in zip(self.h, matrices, strict=True))
        return replace(self, steps=tuple(change(*pair) for pair in pairs), h=h)


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
        InputError: the steps of ``data`` are of one time, but not the same.
    """
    times, count = [form.time for form in data.forms], len(data.forms)
    repeats = count > 1 and times[0] == times[-1]
    if repeats:
        if not all(form.equals(data.forms[0]) for form in data.forms):
            raise InputError(
                f"reads {count} maps of one step, expected a vector of each step: each of them "
                "depends on the last step"
            )
        times = [*range(count)]
    turned = times[0] > times[-1]
    places = list(range(count))[:: -1 if turned else 1]
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
        repeats=repeats,
    )
    steps, finals = [], []
    for way, layer in enumerate(layers):
        end = count - 1 if layer.direction == "forward" else 0
        atoms = [
            Atom("state", layer.units, time, tag=(run, way, place))
            for time, place in zip(times, places, strict=True)
        ]
        final = atoms[places.index(end)]
        if lengths:  # beyond its length a sequence's steps are zero, the final state is not
            final = Atom("state", layer.units, final.time, tag=final.tag)
        run.finals.append(final)
        steps.append(tuple(atom.form for atom in atoms))
        finals.append((final, Atom("c", layer.units, final.time, tag=final.tag)))
    return Outputs(
        steps=tuple(steps),
        h=tuple(h.form for h, _ in finals),
        c=tuple((c if "c" in run.ways[0].cell.state else h).form for h, c in finals),
    )


NO_START = "a core starts at constants, or at a state that it is given (--state load)"


class Starts:
    """The states that a network's layers start at.

    Attributes:
        given: whether they are states that the file takes; both if some are and others are not.
    """

    def __init__(self) -> None:
        self.given: set[bool] = set()
        self._used: set[tuple[Atom, int]] = set()

    def of(self, run: Run) -> list[Layer]:
        """Return an operator's layers, with states that are constants as their first ones.

        Raises:
            InputError: it starts at what no core can start at.
        """
        ways = []
        for start, layer in zip(run.starts, run.ways, strict=True):
            constants = {name: form.bias for name, form in start.items() if not form.terms}
            taken = {name: form for name, form in start.items() if form.terms}
            for name, form in taken.items():
                read = {(atom, int(n)) for atom, c in form.terms.items() for n in columns(c)}
                if not self._used.isdisjoint(read):
                    raise InputError(f"starts {name} at a state that is started at before")
                self._used |= read
                if any(atom.kind != "start" for atom in form.terms) or form.bias.any():
                    raise InputError(f"initial_{name} depends on the input: {NO_START}")
            self.given.add(bool(taken))
            if taken and set(taken) != set(layer.cell.state):
                raise InputError("takes a part of a layer's state, expected all of it")
            ways.append(replace(layer, first=constants or None))
        return ways

    def carried(self) -> bool:
        """Whether the layers start at a state that the file takes.

        Raises:
            InputError: some do, and others start at zero.
        """
        if len(self.given) > 1:
            raise InputError("takes the state of some layers, expected that of all or of none")
        return True in self.given
