"""Places of atoms in a network: vector, elements and step; and what layers read of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import Floats
from golden.errors import InputError
from litelstm.importers.coefficients import as_matrix, digest, times
from litelstm.importers.forms import Atom, Form


@dataclass(frozen=True, eq=False)
class Place:
    """Place of an atom in a network.

    Attributes:
        index: 0 for the input, k for the output of layer k - 1.
        rows: the atom's elements in that vector.
        step: the network's step in which it is there.
        scale: factor from that vector to the atom.
    """

    index: int
    rows: NDArray[np.int64]
    step: int
    scale: float = 1.0


Reads = tuple[dict[tuple[int, int], Floats], Floats]
"""A linear map of a network's vectors: a matrix for each (vector, lag), in order; and a bias."""


@dataclass(frozen=True, eq=False)
class Vector:
    """One of a network's vectors.

    Attributes:
        size: its length.
        start: the first step in which it counts; before it, a layer that reads it has zeros.
        known: the elements that the file has in a step, by step.
        ends: whether what follows the last of these steps are zeros, too.
    """

    size: int
    start: int
    known: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    ends: bool = False

    def mark(self, step: int, rows: Any = slice(None)) -> None:
        """Note elements that the file has in a step."""
        self.known.setdefault(step, np.zeros(self.size, dtype=bool))[rows] = True

    def at(self, step: int) -> tuple[NDArray[np.bool_], bool]:
        """Return the elements that the file has in a step, and whether the others are zero."""
        zero = step < self.start or self.ends
        return self.known.get(step, np.zeros(self.size, dtype=bool)), zero


@dataclass(frozen=True)
class Step:
    """Map of a layer in one step: coefficients of places, and a bias.

    Attributes:
        step: the network's step.
        terms: places, each with its coefficient.
        bias: the constant part.
        key: equal for equal maps.
    """

    step: int
    terms: Sequence[tuple[Place, Floats]]
    bias: Floats
    key: Any

    def maps(self, vectors: Sequence[Vector]) -> dict[tuple[int, int], Floats]:
        """Return the matrix of each (vector, lag)."""
        made: dict[tuple[int, int], Floats] = {}
        for place, coefficient in self.terms:
            at = place.index, self.step - place.step
            if at not in made:
                made[at] = np.zeros((len(self.bias), vectors[place.index].size))
            made[at][:, place.rows] += as_matrix(coefficient) * place.scale
        return made


def one_map(steps: Sequence[Step], vectors: Sequence[Vector]) -> Reads:
    """Find the map that a layer has in all steps.

    In steps at the ends a file reads fewer values, where the network reads zeros.

    Raises:
        InputError: the maps differ otherwise, or the network does not read zeros there.
    """
    at = sorted({(place.index, one.step - place.step) for one in steps for place, _ in one.terms})
    if any(lag < 0 for _, lag in at):
        raise InputError("reads a step that comes later, expected the same step or earlier ones")
    bias = steps[0].bias
    found = {key: np.zeros((len(bias), vectors[key[0]].size)) for key in at}
    known = {key: np.zeros(vectors[key[0]].size, dtype=bool) for key in at}
    other = {key: np.zeros(vectors[key[0]].size, dtype=bool) for key in at}
    seen: set[Any] = set()
    for number, one in enumerate(steps):
        there = [vectors[index].at(one.step - lag) for index, lag in at]
        key = one.key, *((real.tobytes(), zero) for real, zero in there)
        if key in seen:
            continue
        seen.add(key)
        maps = one.maps(vectors)
        for place, (real, zero) in zip(at, there, strict=True):
            matrix = maps.get(place, np.zeros_like(found[place]))
            again = real & known[place]
            if not np.array_equal(matrix[:, again], found[place][:, again]):
                raise InputError(f"reads what differs from step to step (step {number})")
            found[place][:, real] = matrix[:, real]
            known[place] |= real
            if not zero:
                other[place] |= ~real
        if not np.array_equal(one.bias, bias):
            raise InputError(
                f"reads what differs from step to step (step {number}): it has zeros in place of "
                "values that are never zero, for example of a normalized input"
            )
    for (index, lag), matrix in found.items():
        if matrix[:, other[index, lag]].any():
            raise InputError(
                f"reads zeros behind or before the steps of layer{index - 1}, where a core goes on "
                "computing; pad the network's input alone, or use padding valid or causal"
            )
    return {key: matrix for key, matrix in found.items() if matrix.any()}, bias


def stacked_maps(parts: Sequence[Reads], vectors: Sequence[Vector]) -> Reads:
    """Put maps one above the other: of several steps that a layer makes at once."""
    if len(parts) == 1:
        return parts[0]
    at = sorted({key for maps, _ in parts for key in maps})
    sizes = [len(bias) for _, bias in parts]
    made = {
        key: np.vstack(
            [
                maps.get(key, np.zeros((size, vectors[key[0]].size)))
                for (maps, _), size in zip(parts, sizes, strict=True)
            ]
        )
        for key in at
    }
    return made, np.concatenate([bias for _, bias in parts])


class Forms:
    """Reads forms as linear maps of vectors.

    Args:
        place: finds an atom's place, or ``None`` for a sum; the second argument says whether it is
            read once, in the last step.
        vectors: the network's vectors so far.
    """

    def __init__(self, place: Callable[[Atom, bool], Place | None], vectors: list[Vector]) -> None:
        self._place = place
        self._vectors = vectors
        self._digests: dict[int, tuple[Floats, bytes]] = {}

    def map(self, steps: Sequence[tuple[int, Form]], *, final: bool) -> Reads:
        """Find the map that forms are, each in a step of the network.

        Raises:
            InputError: they are no map of earlier steps, or not the same.
        """
        return one_map([self._step(step, form, final) for step, form in steps], self._vectors)

    def _step(self, step: int, form: Form, final: bool) -> Step:
        terms, bias = self._terms(form, final)
        key = tuple(
            (p.index, step - p.step, p.rows.tobytes(), p.scale, self._digest(c)) for p, c in terms
        )
        return Step(step, terms, bias, (key, bias.tobytes()))

    def _terms(self, form: Form, final: bool) -> tuple[list[tuple[Place, Floats]], Floats]:
        """Split a form into coefficients of places, and a bias; sums of others are split too."""
        terms, bias = [], form.bias
        for atom, coefficient in form.terms.items():
            place = self._place(atom, final)
            if place is not None:
                terms.append((place, coefficient))
                continue
            parts, shift = self._terms(atom.args[0], final)
            terms += [(part, times(coefficient, value)) for part, value in parts]
            bias = bias + (coefficient @ shift if coefficient.ndim == 2 else coefficient * shift)
        return terms, bias

    def _digest(self, array: Floats) -> bytes:
        if id(array) not in self._digests:  # keeps the array, so that no other has its id
            self._digests[id(array)] = array, digest(array)
        return self._digests[id(array)][1]
