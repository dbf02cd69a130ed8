"""Seeded random graphs: dense layers anywhere, several sources, several results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from golden.activations import ALPHAS
from golden.cells import Dense
from golden.formats import Format
from golden.quantized import QuantizedLayer, QuantizedNetwork
from sim.draw.networks import (
    PLAIN_CELLS,
    VARIED,
    Seed,
    random_layer,
    random_recipe,
    random_rng,
    tanh_table,
    varied,
)

MAX_SOURCES = 3


def random_graph(seed: Seed, *, units: int = 9, layers: int = 5) -> QuantizedNetwork:
    """Draw a graph of 1 to ``layers`` layers, at least one of them recurrent.

    Each has 1 to ``units`` units and reads 1 to 3 earlier vectors. Vectors that no layer
    reads are results, and now and then another one is.
    """
    rng, later = random_rng(seed, 40), random_rng(seed, 41)
    recipe = random_recipe(seed, units=units)
    count = int(rng.integers(1, layers + 1))
    recurrent = rng.random(count) < 0.5
    recurrent[rng.integers(count)] = True
    x = Format(width=recipe.activation_width, frac=recipe.activation_width - 1)
    sizes = [int(rng.integers(1, units + 1)) for _ in range(count + 1)]
    sources = [_sources(index, rng) for index in range(count)]
    read = {vector for vectors in sources for vector in vectors}
    results = [vector for vector in range(1, count + 1) if vector not in read or rng.random() < 0.2]
    out = Format(width=recipe.activation_width, frac=recipe.activation_width - 2)
    if not any(vector in read or recurrent[vector - 1] for vector in results):
        out = Format(width=recipe.out_width, frac=min(recipe.activation_width, recipe.out_width))
    vectors, made = [x], list[QuantizedLayer]()
    for index in range(count):
        cells = PLAIN_CELLS if recurrent[index] else (_dense(rng, later),)
        cell = cells[int(rng.integers(len(cells)))]
        layer = random_layer(
            recipe,
            varied(cell, later) if cell.state else cell,
            str(rng.choice(["hard", "logistic"])),
            sizes[index + 1],
            [(sizes[source], vectors[source]) for source in sources[index]],
            rng,
        )
        if index + 1 in results:
            layer = replace(layer, formats=replace(layer.formats, h=out))
        made.append(replace(layer, sources=sources[index]))
        vectors.append(made[-1].formats.h)
    return QuantizedNetwork(layers=tuple(made), results=tuple(results), tanh=tanh_table(recipe))


def _sources(index: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Vectors that a layer reads, in any order; most often the one before it."""
    count = int(rng.integers(1, min(MAX_SOURCES, index + 1), endpoint=True))
    if count == 1 and rng.random() < 0.7:
        return (index,)
    return tuple(int(n) for n in rng.permutation(index + 1)[:count])


def _dense(rng: np.random.Generator, later: np.random.Generator) -> Dense:
    """Draw a dense layer; ``later`` draws the activations that came later."""
    drawn = [name for name in Dense.options["activation"] if name not in ALPHAS]
    activation, slope = (str(rng.choice(names)) for names in (drawn, Dense.options["slope"]))
    if later.random() < VARIED:
        activation = str(later.choice([*ALPHAS]))
    return Dense(activation=activation, slope=slope if activation == "leaky" else "1/2")
