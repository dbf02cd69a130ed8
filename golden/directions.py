"""Direction of a layer over its sequence: forward, reverse, or both (bidirectional).

A reverse layer is a forward layer that runs on the reversed sequence. Its results are reversed
again, so result t belongs to input t. A bidirectional layer is a forward and a reverse layer with
the same cell and the same input; their vectors are concatenated, forward first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.cells import Cell, Gate
from golden.checks import as_array
from golden.errors import InputError
from golden.windows import FINAL

DIRECTIONS = ("forward", "reverse", "bidirectional")
"""Names of the directions, as in files and in ONNX."""

BACKWARD = "backward."
"""Prefix for weight names of a bidirectional layer's reverse half, in messages and files."""

FIRST = "first."
"""Prefix for the names of a layer's first state, in messages and files."""


class DirectedLayer:
    """Base class of the float layer (:mod:`golden.layers`) and the integer one.

    Both are dataclasses with these fields, which they document.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    cell: Cell
    sigmoid: str
    weights: Mapping[str, NDArray[Any]]
    direction: str
    backward: Mapping[str, NDArray[Any]] | None
    sources: tuple[int, ...] | None
    lags: tuple[int, ...] | None
    warmup: int
    first: Mapping[str, NDArray[Any]] | None

    @property
    def operands(self) -> tuple[str, ...]:
        """Names of the vectors that it reads, one per source."""
        return operand_names(len(self.sources or (0,)))

    def reads(self, gate: Gate) -> tuple[str, ...]:
        """Operands of a gate, with all ``operands`` in place of x."""
        return tuple(
            name for read in gate.reads for name in (self.operands if read == "x" else (read,))
        )

    @property
    def input_sizes(self) -> tuple[int, ...]:
        """Lengths of the vectors that it reads."""
        gate = next(gate for gate in self.cell.gates if "x" in gate.reads)
        return tuple(self.weights[gate.matrix(name)].shape[-1] for name in self.operands)

    @property
    def inputs(self) -> int:
        """Total length of the vectors that it reads."""
        return sum(self.input_sizes)

    def place(self, operand: str) -> slice:
        """Slice of x, x1, ... in the concatenated vectors that it reads."""
        index = self.operands.index(operand)
        start = sum(self.input_sizes[:index])
        return slice(start, start + self.input_sizes[index])

    @property
    def units(self) -> int:
        """Length of h of one direction."""
        return self.weights[self.cell.gates[0].bias].shape[0]

    @property
    def outputs(self) -> int:
        """Length of the output vector: h of all directions."""
        return self.units * (1 if self.backward is None else 2)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All weights by name.

        Names from ``backward`` get the prefix ``BACKWARD``, those from ``first`` get ``FIRST``.
        """
        second = {BACKWARD + name: array for name, array in (self.backward or {}).items()}
        start = {FIRST + name: array for name, array in (self.first or {}).items()}
        return {**self.weights, **second, **start}

    def start(self, batch: int, columns: slice = slice(None)) -> dict[str, NDArray[Any]]:
        """Return the state before a sequence's first step by name, (batch, outputs); or a part.

        Vectors that are not in ``first`` are ``empty``, which is mostly zero.
        """
        empty = {name: np.full(self.outputs, self.empty(name)) for name in self.cell.state}
        start = {**empty, **(self.first or {})}
        return {name: np.tile(values[columns], (batch, 1)) for name, values in start.items()}

    def empty(self, name: str) -> Any:
        """Return a state's value before a sequence's first step, where ``first`` has none."""
        return self.cell.empty


def operand_names(sources: int) -> tuple[str, ...]:
    """Names of the vectors that a layer reads: x, x1, x2, ..."""
    return tuple(f"x{number or ''}" for number in range(sources))


L = TypeVar("L", bound=DirectedLayer)


@dataclass(frozen=True)
class Part(Generic[L]):
    """One direction of a layer.

    Attributes:
        layer: a forward layer with this direction's weights.
        reverse: whether it runs from the last step to the first.
        columns: its slice of the layer's output and state vectors.
    """

    layer: L
    reverse: bool
    columns: slice


def parts(layer: L) -> tuple[Part[L], ...]:
    """Split a layer into its one or two directions, each a forward layer."""
    units = layer.units
    if layer.direction == "forward":
        return (Part(layer, False, slice(0, units)),)
    ways = slice(0, units), slice(units, 2 * units)
    both = [
        replace(
            layer,
            direction="forward",
            backward=None,
            weights=weights,
            first=layer.first and {name: value[way] for name, value in layer.first.items()},
        )
        for way, weights in zip(ways, (layer.weights, layer.backward))
        if weights is not None
    ]
    if layer.backward is None:
        return (Part(both[0], True, ways[0]),)
    return Part(both[0], False, ways[0]), Part(both[1], True, ways[1])


def check_direction(direction: str, backward: Mapping[str, Any] | None) -> None:
    """Refuse an unknown direction, or one that does not match the weights.

    Raises:
        InputError: ``direction`` is unknown, or ``backward`` is missing or superfluous.
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction is {direction!r}, expected {' or '.join(DIRECTIONS)}")
    if (backward is not None) != (direction == "bidirectional"):
        has = "no" if backward is None else "a"
        raise InputError(f"a layer with {has} second set of weights (backward) is {direction}")


def check_forward(layers: Iterable[DirectedLayer]) -> None:
    """Refuse layers that a core cannot run: a core takes the steps in order of arrival.

    Raises:
        InputError: a layer's direction is not ``forward``, or it reads a final value in every step.
    """
    for index, layer in enumerate(layers):
        if FINAL in (layer.lags or ()):
            raise InputError(
                f"layer{index} reads a final value in every step: a core must buffer the steps "
                "before it, those of the longest sequence (--max-steps N)"
            )
        if layer.direction != "forward":
            raise InputError(
                f"layer{index} is {layer.direction}, expected forward: a core runs the steps in "
                "the order in which they come, unless it buffers those of the longest sequence "
                "(--max-steps N)"
            )


def check_lengths(lengths: ArrayLike | None, batch: int, steps: int) -> NDArray[np.int64]:
    """Check the lengths of a batch's sequences; without lengths, all have ``steps``.

    Raises:
        InputError: ``lengths`` is not ``batch`` integers from 1 to ``steps``.
    """
    if lengths is None:
        return np.full(batch, steps)
    array = as_array("lengths", lengths)
    if array.shape != (batch,) or array.dtype.kind not in "iu":
        raise InputError(
            f"lengths are {array.dtype} of shape {array.shape}, expected {batch} integers"
        )
    if array.min() < 1 or array.max() > steps:
        raise InputError(f"lengths are {array.min()} to {array.max()}, expected 1 to {steps}")
    return array.astype(np.int64)


def turned(values: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Reverse each sequence within its length; its own inverse.

    Args:
        values: shape (batch, steps, ...).
        lengths: steps of each sequence; values beyond them stay in place.
    """
    if (lengths == values.shape[1]).all():
        return values[:, ::-1]
    step = np.arange(values.shape[1])
    back = lengths[:, np.newaxis] - 1 - step
    return values[np.arange(len(values))[:, np.newaxis], np.where(back >= 0, back, step)]


def blanked(values: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Set ``values`` (batch, steps, size) to zero beyond each sequence's length."""
    if (lengths == values.shape[1]).all():
        return values
    inside = np.arange(values.shape[1]) < lengths[:, np.newaxis]
    return np.where(inside[:, :, np.newaxis], values, 0)


def final(layer: DirectedLayer, values: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Select a layer's final values: of the last step if forward, of the first if reverse.

    Args:
        layer: the layer.
        values: h or c of every step, shape (batch, steps, units of all directions).
        lengths: steps of each sequence.
    """
    rows = np.arange(len(values))
    ends = [values[rows, 0 if part.reverse else lengths - 1, part.columns] for part in parts(layer)]
    return np.concatenate(ends, axis=-1)
