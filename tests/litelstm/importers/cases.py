"""A file that a framework wrote, and what the framework itself computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import cell_options
from golden.network import Network

BATCH, STEPS, INPUTS, UNITS, OUTPUTS = 2, 4, 3, 4, 2
TOLERANCE = 1e-5
"""How far the float reference may be from a framework's float32."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """How a file is written.

    Args:
        write: given the path, writes the file and returns samples (batch, steps, inputs) and the
            framework's results for them, as float arrays.
        suffix: end of the file's name.
        cells: the layers that are expected, as :func:`cells_of` gives them.
        end: what the framework's results have behind the network's output.
    """

    write: Callable[[Path], tuple[Any, Any]]
    suffix: str
    cells: tuple[str, ...]
    end: str | None = None


def cells_of(network: Network) -> tuple[str, ...]:
    """A network's layers as ``gru after logistic``, with their direction if it is not forward."""
    names = []
    for layer in network.body:
        options = cell_options(layer.cell).values()
        direction = [] if layer.direction == "forward" else [layer.direction]
        names.append(" ".join([layer.cell.kind, *options, layer.sigmoid, *direction]))
    return tuple(names)


def samples(seed: int, *, steps: int = STEPS) -> NDArray[np.float32]:
    """Samples that reach the flat parts of a hard sigmoid."""
    rng = np.random.default_rng(seed)
    return (3 * rng.normal(size=(BATCH, steps, INPUTS))).astype(np.float32)


def with_end(output: Floats, end: str | None) -> Floats:
    """A framework's function behind the network's output."""
    if end == "softmax":
        return np.exp(output) / np.exp(output).sum(axis=1, keepdims=True)
    if end == "logsoftmax":
        return output - np.log(np.exp(output).sum(axis=1, keepdims=True))
    return output


def check(
    network: Network, *, cells: tuple[str, ...], end: str | None, x: Floats, y: Floats
) -> None:
    """Compare cells, and the float reference with the framework's results."""
    assert cells_of(network) == cells
    output = with_end(network.forward(x), end)
    assert output.shape == y.shape
    assert np.abs(output - y).max() < TOLERANCE
    assert np.abs(y).max() > 1e-2  # not all zero, whatever was computed
