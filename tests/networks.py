"""Seeded networks for tests: the random ones of :mod:`sim.draw.networks`, and corners."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.activations import TanhTable
from golden.cells import Cell, LiteLSTM
from golden.formats import Format
from golden.layer_formats import LayerFormats
from golden.layers import dense
from golden.network import Layer, Network, weight_shapes
from golden.quantized import QuantizedLayer, QuantizedNetwork
from sim.draw.cells import EVERY_CELL, PLAIN_CELLS
from sim.draw.networks import Recipe, input_words, limits, quantized_network, random_recipe

__all__ = [
    "EVERY_CELL",
    "SOME_CELLS",
    "Recipe",
    "bound_network",
    "clipped",
    "float_network",
    "in_turns",
    "input_words",
    "quantized_network",
    "random_recipe",
    "samples",
    "square_error",
]


def _some_cells() -> tuple[Cell, ...]:
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in EVERY_CELL:
        later = tuple(getattr(cell, name) for name in cell.later)
        groups.setdefault((cell.kind, *later), []).append(cell)
    turns = (group[number % len(group)] for number, group in enumerate(groups.values()))
    return tuple(dict.fromkeys((*PLAIN_CELLS, *turns)))


SOME_CELLS = _some_cells()
"""The plain cells, and one with every choice of the later options of a kind, in turns.

For checks of code that treats these options apart from the others.
"""


def in_turns(cells: tuple[Cell, ...], *choices: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Give each cell a combination of the choices and its opposite; all occur, in turns.

    Each cell meets both values of each choice of two.
    """
    every = list(product(*choices))
    half = len(every) // 2
    places = [(n % half, -1 - n % half) for n in range(len(cells))]
    return [(cell, *every[at]) for cell, pair in zip(cells, places, strict=True) for at in pair]


def float_network(recipe: Recipe, seed: int) -> Network:
    """A float network with normally distributed weights; sizes, cells and head of the recipe."""
    rng = np.random.default_rng([seed, 1])
    layers = []
    for index, units in enumerate(recipe.units):
        cell = recipe.layer_cell(index)
        shapes = weight_shapes(cell, recipe.layer_inputs(index), units)
        weights = {
            name: rng.normal(scale=1.0 if len(shape) == 1 else 1.5 / shape[1] ** 0.5, size=shape)
            for name, shape in shapes.items()
        }
        layers.append(Layer(cell=cell, sigmoid=recipe.layer_sigmoid(index), weights=weights))
    if recipe.outputs:
        shape = (recipe.outputs, recipe.units[-1])
        layers.append(dense(rng.normal(size=shape), rng.normal(size=shape[0])))
    return Network(layers=tuple(layers))


def samples(network: Network, *, batch: int, steps: int, seed: int) -> NDArray[np.float64]:
    """Samples for a float network, normally distributed, shape (batch, steps, inputs)."""
    rng = np.random.default_rng([seed, 2])
    return rng.normal(size=(batch, steps, network.inputs)) / network.input_scale


def bound_network(
    *, sign: int = -1, inputs: int = 4, units: int = 6, width: int = 8
) -> tuple[QuantizedNetwork, NDArray[np.int64]]:
    """A network and a sequence that drive every sum of gate f to its upper bound.

    With ``sign`` -1 every operand and weight of f becomes the most negative number. With
    ``inputs + 2 * units`` a power of two, as by default, one bit less of an accumulator would make
    the sum wrap, and f 0 instead of 1.

    Args:
        sign: 1 for largest times largest, -1 for most negative times most negative.
        inputs, units: sizes.
        width: bits of weights, x, h and c.

    Returns:
        The network, without head, and input words of shape (1, 8, inputs).
    """
    operand = Format(width=width, frac=width - 1)
    formats = LayerFormats(
        x=operand,
        h=operand,
        c=Format(width=width, frac=width - 3),
        pre=Format(width=12, frac=9),
        gate=Format(width=10, frac=8),
        weight_width=width,
        # One product of x alone is far beyond the hard sigmoid's range.
        product_fracs=dict.fromkeys("fg", 2 * width - 8),
    )
    cell = LiteLSTM()
    weights: dict[str, NDArray[np.int64]] = {}
    for name, shape in weight_shapes(cell, inputs, units).items():
        low, high = limits(name, formats)
        if name.startswith("b_"):
            weights[name] = np.zeros(shape, dtype=np.int64)
        else:  # f's sums are positive, g's have the operands' sign
            smallest = sign < 0 and "f" in name
            weights[name] = np.full(shape, low if smallest else high)
    layer = QuantizedLayer(cell=cell, sigmoid="hard", formats=formats, weights=weights)
    tanh = TanhTable(log2_entries=8, log2_range=3, out=Format(width=10, frac=8))
    network = QuantizedNetwork(layers=(layer,), tanh=tanh)
    end = operand.min if sign < 0 else operand.max
    return network, np.full((1, 8, inputs), end, dtype=np.int64)


def clipped(values: NDArray[np.float64], width: int, frac: int) -> int:
    """How many values do not fit a format, after rounding."""
    limit = 2.0 ** (width - 1)
    scaled = [math.floor(float(v) * 2.0**frac + 0.5) for v in values.flat]
    return sum(not -limit <= v < limit for v in scaled)


def square_error(values: NDArray[np.float64], width: int, frac: int) -> float:
    """Mean squared error of rounding and clipping to a format."""
    to = Format(width=width, frac=frac)
    return float(np.mean((to.to_float(to.quantize(values)) - values) ** 2))
