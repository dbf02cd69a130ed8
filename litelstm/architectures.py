"""Networks from a description: a cell and its sizes, with seeded random weights.

Cycles, weight bits and areas depend on the description only, so they need no trained network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.cells import GRU, LSTM, RNN, SIGMOIDS, Cell, LiteLSTM
from golden.errors import InputError
from golden.graph import MAX_LAYERS
from golden.layers import dense, weight_shapes
from golden.network import Layer, Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.settings import Settings

CELLS: dict[str, Cell] = {
    "rnn": RNN(),
    "lstm": LSTM(),
    "plstm": LSTM(peephole="previous"),
    "plstm-current": LSTM(peephole="current"),
    "gru": GRU(),
    "gru-after": GRU(reset="after"),
    "litelstm": LiteLSTM(),
    "litelstm-diagonal": LiteLSTM(peephole="diagonal"),
    "litelstm-none": LiteLSTM(peephole="none"),
}
"""Cells with their options, by their names on the command line."""

_CALIBRATION = (4, 12)
"""Samples and steps of the random calibration data."""

MAX_SIZE = 2048
"""Most inputs, units and words of a head; with more, the weights alone would take gigabytes."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A network without its weights.

    Args:
        cell: a key of ``CELLS``.
        inputs: length of the input vector.
        units: units of each layer.
        layers: number of layers, all equal.
        head: words of the dense head, or ``None`` for no head.
        sigmoid: gate activation, ``hard`` or ``logistic``.

    Raises:
        InputError: the cell or the gate activation is unknown, or a size is out of range.
    """

    cell: str
    inputs: int
    units: int
    layers: int = 1
    head: int | None = None
    sigmoid: str = "hard"

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise InputError(f"cell is {self.cell!r}, expected one of {', '.join(CELLS)}")
        if self.sigmoid not in SIGMOIDS:
            raise InputError(f"sigmoid is {self.sigmoid!r}, expected {' or '.join(SIGMOIDS)}")
        limits = {"inputs": MAX_SIZE, "units": MAX_SIZE, "layers": MAX_LAYERS, "head": MAX_SIZE}
        for name, most in limits.items():
            size = getattr(self, name)
            if size is not None and not 1 <= size <= most:
                raise InputError(f"{name} is {size}, expected 1 to {most}")

    def __str__(self) -> str:
        """For example ``gru, 8 in, 2 x 16 units``."""
        units = f"{self.layers} x {self.units}" if self.layers > 1 else f"{self.units}"
        head = f", {self.head} out" if self.head else ""
        return f"{self.cell}, {self.inputs} in, {units} units{head}"

    def floats(self, seed: int = 0) -> Network:
        """Make a float network with normally distributed weights of a trained network's size."""
        rng = np.random.default_rng(seed)
        layers: list[Layer] = []
        for index in range(self.layers):
            shapes = weight_shapes(
                CELLS[self.cell], self.units if index else self.inputs, self.units
            )
            weights = {
                name: rng.normal(scale=shape[-1] ** -0.5 if len(shape) > 1 else 0.5, size=shape)
                for name, shape in shapes.items()
            }
            layers.append(Layer(cell=CELLS[self.cell], sigmoid=self.sigmoid, weights=weights))
        if self.head:
            matrix = rng.normal(scale=self.units**-0.5, size=(self.head, self.units))
            layers.append(dense(matrix, rng.normal(size=self.head)))
        return Network(layers=tuple(layers))

    def quantized(self, settings: Settings | None = None, *, seed: int = 0) -> QuantizedNetwork:
        """Make the network in integers, with scales from random samples; ``seed`` decides both."""
        rng = np.random.default_rng([seed, 1])
        samples = rng.uniform(-1, 1, size=(*_CALIBRATION, self.inputs))
        network, _ = quantize(self.floats(seed), samples, settings or Settings())
        return network
