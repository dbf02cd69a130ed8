"""Recurrent layers that an exporter unrolled, from the last step's equations.

Exporters write a layer that is no operator of ONNX, such as a LiteLSTM, as a sequence of steps. The
last step's h then is an atom of `forms`; :mod:`litelstm.importers.cell_steps` recognizes the cell.
Only that step is read, so the caller must run the graph and compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from golden.cells import GRU, LSTM, RNN, Cell, Floats, LiteLSTM
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.cell_steps import SIGMOIDS, Step, equal, inner, recognize
from litelstm.importers.forms import Atom, Form, stacked
from litelstm.importers.layers import LOGISTIC, GateWeights, make_layer

ENDS_AT = (
    "has a loop that does not run along the file's steps: one of a decoder, or one that is written "
    "out for a single step; import the framework's own file, or export with a fixed number of "
    "steps: it ends in step"
)


@dataclass(frozen=True, kw_only=True)
class Loop:
    """One step of an unrolled layer.

    Attributes:
        layer: the layer.
        reads: the atoms that it reads in that step, one behind the other.
        before: its h of the step before, if a gate reads it.
        started: whether it starts at a state that the file takes.
    """

    layer: Layer
    reads: tuple[Atom, ...]
    before: Form | None
    started: bool

    @property
    def x(self) -> Form:
        """Everything that it reads, as one vector."""
        return stacked([atom.form for atom in self.reads])


def read_layer(h: Atom) -> Loop:
    """Recognize the layer of which ``h`` is the h of a step.

    Raises:
        InputError: the equations belong to no known cell.
    """
    try:
        step = recognize(h)
    except InputError:
        if h.time < 1:
            raise InputError(
                "has a layer of one step only, expected an export of 2 steps or more, or one that "
                "takes and gives the state"
            ) from None
        raise
    operands = _Operands(step, h)
    gates = {name: operands.weights(name, form) for name, form in step.sums.items()}
    size = sum(atom.size for atom in operands.atoms)
    if not size:
        raise InputError(f"has a {step.kind} layer that reads no input")
    gates = {name: operands.joined(name, gate) for name, gate in gates.items()}
    cell = _cell(step, gates, reads_c_now=operands.reads_c_now)
    sizes = {"x": size, "h": h.size, "c": h.size, "rh": h.size}
    filled = {
        gate.name: _filled(gates[gate.name], {name: sizes[name] for name in gate.reads}, h.size)
        for gate in cell.gates
    }
    sigmoid = SIGMOIDS[step.gate.kind] if step.gate else LOGISTIC
    layer = make_layer(cell, sigmoid, filled, complement=step.complement)
    return Loop(
        layer=layer, reads=tuple(operands.atoms), before=operands.h, started=operands.started
    )


def _cell(step: Step, gates: Mapping[str, GateWeights], *, reads_c_now: bool) -> Cell:
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
        return LSTM(
            peephole=peephole if diagonal else "none",
            activation=step.activation,
            forget="gate" if "f" in gates else "coupled",
        )
    if step.kind == "gru":
        reset = "after" if "m" in gates else "before"
        return GRU(reset=reset, activation=step.activation)
    return RNN(activation=step.activation)


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
        atoms: everything of this step that gates have read.
        h: the h of the step before, if the equations show it.
        reads_c_now: whether a gate read this step's c.
        started: whether a state that the file takes is the h or c of the step before.
    """

    def __init__(self, step: Step, h: Atom) -> None:
        self._step, self._time, self._units, self.h = step, h.time, h.size, step.h
        self._on_x: dict[str, dict[Atom, Floats]] = {}
        self.atoms: list[Atom] = []
        self.reads_c_now = False
        self.started = any(
            a.kind == "start" for form in (step.h, step.c) if form for a in form.terms
        )

    def weights(self, gate: str, total: Form) -> GateWeights:
        """Extract a gate's weights from its sum, those on x excepted."""
        parts: dict[str, Floats] = {}
        for atom, coefficient in total.terms.items():
            name = self._name(atom, matrix=coefficient.ndim == 2)
            if name == "x":
                self._on_x.setdefault(gate, {})[atom] = coefficient
            elif name in parts:
                raise InputError(f"has a {self._step.kind} gate that reads {name} twice")
            else:
                parts[name] = coefficient
        return GateWeights(b=total.bias, **parts)

    def joined(self, gate: str, weights: GateWeights) -> GateWeights:
        """Add the weights on x, once all gates have been read."""
        own = self._on_x.get(gate, {})
        if not own:
            return weights
        parts = [own.get(atom, np.zeros((self._units, atom.size))) for atom in self.atoms]
        return replace(weights, x=np.hstack(parts))

    def _name(self, atom: Atom, *, matrix: bool) -> str:
        step, form = self._step, inner(atom)
        if not matrix:
            now = step.c_now is not None and equal(form, step.c_now)
            if not now and (step.c is None or not equal(form, step.c)):
                raise InputError(f"has a {step.kind} gate with a diagonal weight that is not on c")
            self.reads_c_now |= now
            return "peephole"
        if atom is step.reset_h:
            return "h"
        if atom.time == self._time:
            if atom not in self.atoms:
                self.atoms.append(atom)
            return "x"
        if step.c is not None and equal(form, step.c):
            return "c"
        if self.h is None:
            self.h = form
            self.started |= atom.kind == "start"
        if not equal(form, self.h):
            raise InputError(f"has a {step.kind} layer that reads more than x, h and c")
        return "h"
