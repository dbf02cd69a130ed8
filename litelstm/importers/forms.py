"""Vectors of a recurrent graph as linear forms of non-linear atoms.

The ONNX importer represents every vector of features as a :class:`Form`: a sum of matrices times
:class:`Atom` values plus a bias. Atoms are the values that are not linear maps of others: the input
at a step, the state of a recurrent operator, an activation, a product. In a complete form, weights
that an exporter split, stacked, transposed or scaled are one matrix again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import Floats
from golden.errors import InputError
from litelstm.importers.coefficients import alike, as_matrix, times

ACTIVATIONS = ("linear", "tanh", "sigmoid", "hard", "relu", "relu6", "leaky", "elu", "selu")
"""Kinds of atoms that are an activation; ``hard`` is eq. (21), ``selu`` is without its factor."""

POINTWISE = ("sum", "product", "max", *ACTIVATIONS)
"""Kinds of atoms whose elements depend only on the same element of their arguments."""

REFUSED = {
    "index": "reads an index, expected a table that is looked up by it",
    "c": "gives its state c to others, expected h alone: a core keeps c inside",
    "start": "has no steps, and is not only a state that a layer starts at; append it to the input "
    "of each step",
    "softmax": "stands before other layers, expected it at the end",
    "logsoftmax": "stands before other layers, expected it at the end",
}
"""Atoms that no layer computes."""

FREE_MEAN = (
    "averages over a free number of steps, which no layer divides by; export with a fixed number "
    "of steps, or read the average at the end alone, by at most a linear layer"
)


@dataclass(frozen=True, eq=False)
class Call:
    """One use of an operator; compared by identity.

    Attributes:
        place: kind and name of the operator, for messages.
        atoms: the activations, or largest values, that it makes; of several steps in their order.
    """

    place: str = ""
    atoms: list[Atom] = field(default_factory=list, repr=False)


_call: ContextVar[Call | None] = ContextVar("call", default=None)


@contextmanager
def made_by(place: str) -> Iterator[None]:
    """Name the operator, with its kind, whose atoms the block makes."""
    token = _call.set(Call(place))
    try:
        yield
    finally:
        _call.reset(token)


@contextmanager
def made_again() -> Iterator[None]:
    """Begin another use of the operator that makes atoms."""
    call = _call.get()
    with made_by(call.place if call else ""):
        yield


@dataclass(frozen=True, eq=False)
class Atom:
    """A vector that is not a linear map of others; compared by identity.

    Args:
        kind: ``input`` (x at a step), ``index`` (x as a number that selects one element), ``state``
            and ``c`` (h and c of one direction of a recurrent operator after a step), ``start`` (a
            state that the file takes as an input), ``sum`` (a form as a whole), ``product`` and
            ``max`` (element by element), one of ``ACTIVATIONS``, ``pool`` (over all steps), or a
            function at a network's end: ``softmax``, ``logsoftmax``.
        size: its length.
        time: the last step of the input that it depends on, from 0; for a ``state``, its step; -1
            for a ``start``.
        args: the forms that it is made from; for a product, two atoms.
        tag: operator, direction and position of a ``state`` or ``c``; slope of a ``leaky``;
            ``index`` of an ``input`` that an index selects; 6 for a ``hard`` that is a ReLU6;
            ``mean``, ``sum`` or ``max`` of a ``pool``.
        whole: for a part of another atom, that atom and the part's elements.
        call: use of the operator that makes it.
        parts: atoms that were made of it before.
    """

    kind: str
    size: int
    time: int
    args: tuple[Any, ...] = ()
    tag: Any = None
    whole: tuple[Atom, NDArray[np.int64]] | None = None
    call: Call = field(default_factory=lambda: _call.get() or Call())
    parts: dict[bytes, Atom] = field(default_factory=dict, repr=False)
    _products: dict[Atom, Atom] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.kind in (*ACTIVATIONS, "max") and self.whole is None:
            self.call.atoms.append(self)

    @property
    def place(self) -> str:
        """Kind and name of the operator that makes it."""
        return self.call.place

    @property
    def in_line(self) -> bool:
        """Whether its operator made it with those of other steps."""
        return len(self.call.atoms) > 1 and self.whole is None and self in self.call.atoms

    def rows(self, index: NDArray[np.int64]) -> Atom:
        """Select elements of a pointwise atom, by selecting those of its arguments."""
        if np.array_equal(index, np.arange(self.size)):
            return self
        key = index.tobytes()
        if key not in self.parts:
            if self.kind == "product":
                a, b = (arg.form.rows(index).atom for arg in self.args)
                part = a.times(b)
            else:
                args = tuple(arg.rows(index) for arg in self.args)
                part = Atom(self.kind, len(index), self.time, args, self.tag, (self, index))
            self.parts[key] = part
        return self.parts[key]

    def times(self, other: Atom) -> Atom:
        """Multiply by another atom; returns the same atom for every call, in either order."""
        if other not in self._products:
            product = Atom("product", self.size, max(self.time, other.time), (self, other))
            self._products[other] = other._products[self] = product
        return self._products[other]

    @cached_property
    def form(self) -> Form:
        """Form of this atom alone."""
        return Form({self: np.ones(self.size)}, np.zeros(self.size))


@dataclass(frozen=True, eq=False)
class Form:
    """A vector: the sum of ``terms`` (a coefficient for each atom) and ``bias``.

    A coefficient is a matrix (size, atom's size), or a vector (size,) that multiplies element by
    element.
    """

    terms: Mapping[Atom, Floats]
    bias: Floats

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self.bias.shape[0]

    @property
    def time(self) -> int:
        """The last step that it depends on; -1 for a constant."""
        return max((atom.time for atom in self.terms), default=-1)

    @property
    def pointwise(self) -> bool:
        """Whether no term has a matrix."""
        return all(c.ndim == 1 for c in self.terms.values())

    @cached_property
    def atom(self) -> Atom:
        """The form as one atom: its only one, or a ``sum``."""
        if len(self.terms) == 1 and not self.bias.any():
            atom, coefficient = next(iter(self.terms.items()))
            if coefficient.ndim == 1 and (coefficient == 1).all():
                return atom
        return Atom("sum", self.size, self.time, (self,))

    def equals(self, other: Form) -> bool:
        """Tell whether another form is the same sum."""
        return self is other or (
            [*self.terms] == [*other.terms]
            and all(np.array_equal(c, other.terms[atom]) for atom, c in self.terms.items())
            and np.array_equal(self.bias, other.bias)
        )

    def apply(self, kind: str, tag: Any = None) -> Form:
        """Apply an activation."""
        return Atom(kind, self.size, self.time, (self,), tag).form

    def plus(self, other: Form) -> Form:
        """Add a form of equal size."""
        terms = dict(self.terms)
        for atom, coefficient in other.terms.items():
            if atom in terms:
                a, b = alike(terms[atom], coefficient)
                terms[atom] = a + b
            else:
                terms[atom] = coefficient
        return Form({k: v for k, v in terms.items() if v.any()}, self.bias + other.bias)

    def scaled(self, factor: Floats) -> Form:
        """Multiply by a constant vector, element by element."""
        if self.pointwise and len(self.terms) > 1 and (factor != factor[0]).any():
            return self.atom.form.scaled(factor)  # a diagonal weight on a state
        by = {1: factor, 2: factor[:, None]}
        terms = {atom: c * by[c.ndim] for atom, c in self.terms.items()}
        return Form({k: v for k, v in terms.items() if v.any()}, self.bias * factor)

    def shifted(self, offset: Floats) -> Form:
        """Add a constant vector."""
        return Form(self.terms, self.bias + offset)

    def mapped(self, matrix: Floats) -> Form:
        """Multiply a constant matrix by this vector."""
        if self.pointwise and len(self.terms) > 1:
            return self.atom.form.mapped(matrix)  # a state is multiplied as a whole
        return Form({a: times(matrix, c) for a, c in self.terms.items()}, matrix @ self.bias)

    def times(self, other: Form) -> Form:
        """Multiply by another form, element by element.

        (p a + q) (r b + s) = p r (a b) + p s a + q r b + q s for atoms a and b.
        """
        if not other.terms:
            return self.scaled(other.bias)
        if not self.terms:
            return other.scaled(self.bias)
        (a, p, q), (b, r, s) = self._factor(), other._factor()
        result = Form({a.times(b): p * r}, q * s)
        for atom, coefficient in ((a, p * s), (b, q * r)):
            if coefficient.any():
                result = result.plus(Form({atom: coefficient}, np.zeros(self.size)))
        return result

    def _factor(self) -> tuple[Atom, Floats, Floats]:
        """The form as p * atom + q."""
        if self.pointwise and len(self.terms) == 1:
            atom, coefficient = next(iter(self.terms.items()))
            return atom, coefficient, self.bias
        return self.atom, np.ones(self.size), np.zeros(self.size)

    def rows(self, index: NDArray[np.int64]) -> Form:
        """Select elements, in the order of ``index``."""
        if np.array_equal(index, np.arange(self.size)):
            return self
        terms: dict[Atom, Floats] = {}
        for atom, coefficient in self.terms.items():
            if coefficient.ndim == 1 and atom.kind in POINTWISE:
                part, value = atom.rows(index), coefficient[index]
            else:
                part, value = atom, as_matrix(coefficient)[index]
            if value.any():
                terms[part] = value
        return Form(terms, self.bias[index])


def constant(value: Floats) -> Form:
    """Make a form without terms."""
    return Form({}, value)


def stacked(forms: Sequence[Form]) -> Form:
    """Concatenate vectors, like [x, h, c] in eq. (18)."""
    if len(forms) == 1:
        return forms[0]
    size = sum(form.size for form in forms)
    total, start = constant(np.zeros(size)), 0
    for form in forms:
        place = np.zeros((size, form.size))
        place[start : start + form.size] = np.eye(form.size)
        total = total.plus(form.mapped(place))
        start += form.size
    return total


def clip(form: Form, low: float, high: float) -> Form:
    """clip(a, low, high) = low + (high - low) G(4 (a - low) / (high - low) - 2), G of eq. (21).

    Raises:
        InputError: the limits are not finite and in order.
    """
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"clips to {low} .. {high}, expected two finite limits (a hard sigmoid's)")
    span = np.full(form.size, high - low)
    argument = form.shifted(np.full(form.size, -low)).scaled(4 / span)
    tag = 6 if (low, high) == (0, 6) else None  # it may also be a ReLU6
    gate = argument.shifted(np.full(form.size, -2.0)).apply("hard", tag)
    return gate.scaled(span).shifted(np.full(form.size, low))
