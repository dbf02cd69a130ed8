"""Delta networks: how far an element may move before recurrent layers take notice of it.

For every vector v that a recurrent layer multiplies (the input x; h, c and rh of a layer) there is
the value last *sent*, element by element, 0 when a sequence begins::

    sent(t) = v(t) if |v(t) - sent(t - 1)| > T else sent(t - 1)

Recurrent layers multiply sent(t) in place of v(t), whoever reads the vector: h of a layer has one
sent value, for the layer behind it in step t and for itself in step t + 1. With T = 0 it is v(t).
Everything else uses true values: element-wise products, diagonals, and dense layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import Pool
from golden.dataclass import dataclass
from golden.errors import InputError
from golden.graph import Graph
from golden.layer_formats import LayerFormats

NAMES = ("x", "h", "c", "rh")
"""Vectors that are sent."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Largest difference from the value last sent that is not sent, in last places of the vector.

    Args:
        x: of the input.
        layers: per layer, by name: h, c and rh where a recurrent layer multiplies them
            (:func:`sent_names`).
    """

    x: int
    layers: tuple[Mapping[str, int], ...]

    @classmethod
    def of(cls, network: Graph[Any], **values: int) -> Thresholds:
        """Make thresholds of a network, one number per name (``x``, ``h``, ``c``, ``rh``) or 0."""
        names = sent_names(network)
        layers = tuple({name: values.get(name, 0) for name in own} for own in names)
        return cls(x=values.get("x", 0), layers=layers)

    @property
    def largest(self) -> int:
        """Largest threshold. With 0 every word is that of the network without thresholds."""
        return max(self.x, *(value for layer in self.layers for value in layer.values()))

    def of_layer(self, network: Graph[Any], index: int) -> dict[str, Any] | None:
        """Return the thresholds of all that a recurrent layer multiplies; ``None`` of a dense one.

        Returns:
            Those of its own vectors by name, and as ``x`` those of all it reads, (inputs,).
        """
        layer, sources = network.layers[index], network.sources[index]
        if not layer.cell.state:
            return None
        values = [self.layers[n - 1]["h"] if n else self.x for n in sources]
        return {**self.layers[index], "x": np.repeat(values, layer.input_sizes)}


def sent_names(network: Graph[Any]) -> tuple[tuple[str, ...], ...]:
    """List per layer the names of its vectors that are sent: those a recurrent layer multiplies."""
    read = {
        source
        for layer, sources in zip(network.layers, network.sources)
        if layer.cell.state
        for source in sources
    }
    names: list[tuple[str, ...]] = []
    for number, layer in enumerate(network.layers, 1):
        own = {operand for gate in layer.cell.gates for operand in gate.reads}
        own |= {"h"} if number in read else set()
        names.append(tuple(name for name in NAMES[1:] if name in own))
    return tuple(names)


def check_delta(network: Graph[Any]) -> None:
    """Refuse a network whose sums cannot live on changes from one step to the next.

    Raises:
        InputError: names the layer and the reason.
    """
    if not any(layer.cell.state for layer in network.layers):
        raise InputError("no layer is recurrent, expected one: delta saves work on state")
    if network.indexed:
        raise InputError("x is an index, expected numbers: delta takes the changes of each element")
    for index, layer in enumerate(network.layers):
        if layer.direction != "forward":
            raise InputError(
                f"layer{index} is {layer.direction}, expected forward: delta takes the changes "
                "from step to step, in one order"
            )
        if layer.warmup or any(layer.lags or ()):
            raise InputError(
                f"layer{index} has lags or a warm-up, expected none: delta takes the changes from "
                "one step to the next"
            )
        if isinstance(layer.cell, Pool):
            raise InputError(
                f"layer{index} is pool, expected none: delta's sums persist from step to step, "
                "where pooling begins new ones"
            )
        if any(np.any(values) for values in (layer.first or {}).values()):
            raise InputError(
                f"layer{index} has a first state, expected zero: delta begins with sums of zero"
            )


def check_thresholds(network: Graph[Any], thresholds: Thresholds) -> None:
    """Refuse thresholds that do not fit a quantized network.

    Raises:
        InputError: names the threshold, or the layer with which delta does not go.
    """
    check_delta(network)
    names = sent_names(network)
    if len(thresholds.layers) != len(names):
        raise InputError(f"thresholds are of {len(thresholds.layers)} layers, not {len(names)}")
    _check("x", thresholds.x, network.layers[0].formats, "x")
    for index, (own, given, layer) in enumerate(zip(names, thresholds.layers, network.layers)):
        if {*given} != {*own}:
            found, expected = (", ".join(part) or "nothing" for part in (given, own))
            raise InputError(f"layer{index} has thresholds of {found}, expected {expected}")
        for name in own:
            _check(f"layer{index} {name}", given[name], layer.formats, name)


def most(formats: LayerFormats, name: str) -> int:
    """Return the largest threshold of a vector: the largest value of its format."""
    return formats.operand(name).max


def _check(what: str, value: Any, formats: LayerFormats, name: str) -> None:
    limit = most(formats, name)
    if not isinstance(value, (int, np.integer)) or not 0 <= value <= limit:
        raise InputError(f"threshold of {what} is {value!r}, expected an integer from 0 to {limit}")


def send(
    value: NDArray[Any], sent: NDArray[Any], threshold: int | NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Compute the value sent after a step, and whether it was sent in this step.

    Args:
        value: the vector, (elements, batch).
        sent: the value last sent, of the same shape; it does not change.
        threshold: one for all elements, or (elements, 1).
    """
    changed = np.abs(value - sent) > threshold
    return np.where(changed, value, sent), changed


def sent_steps(
    values: NDArray[Any], threshold: int | NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Compute the values sent in all steps of a sequence from its beginning, and the changes.

    Args:
        values: shape (steps, elements, batch), of a type that holds differences.
        threshold: one for all elements, or (elements, 1).
    """
    made, changed = np.empty_like(values), np.empty(values.shape, dtype=np.bool_)
    sent = np.zeros_like(values[0])
    for t, value in enumerate(values):
        sent, changed[t] = send(value, sent, threshold)
        made[t] = sent
    return made, changed


class Sender:
    """The values last sent of one layer's vectors, from a sequence's beginning.

    Args:
        thresholds: by name.
        state: the values before the first step, by name: zero, or those of another sequence's end
            if all thresholds are 0.
    """

    def __init__(self, thresholds: Mapping[str, Any], state: Mapping[str, NDArray[Any]]) -> None:
        self._thresholds, self._sent = thresholds, {**state}

    def __call__(self, name: str, value: NDArray[Any]) -> NDArray[Any]:
        """Take a step's true value of a vector; return the value sent, if it is one that is."""
        if name not in self._thresholds:
            return value
        before = self._sent.get(name)
        before = np.zeros_like(value) if before is None else before
        self._sent[name], _ = send(value, before, self._thresholds[name])
        return self._sent[name]
