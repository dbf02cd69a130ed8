"""Seeded random graphs: dense layers anywhere, several sources and results, lags, pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from golden.activations import ALPHAS
from golden.cells import Cell, Dense, Pool
from golden.formats import Format
from golden.quantized import QuantizedLayer, QuantizedNetwork
from sim.draw.cells import PLAIN_CELLS, VARIED, varied
from sim.draw.networks import Seed, random_layer, random_recipe, random_rng, tanh_table

MAX_SOURCES = 3

MAX_LAG = 9

Reads = tuple[tuple[int, int], ...]
"""Vectors that a layer reads, each at a lag."""


def random_graph(
    seed: Seed, *, units: int = 9, layers: int = 5, windows: bool = False, bits: int = 16
) -> QuantizedNetwork:
    """Draw a graph of 1 to ``layers`` layers, at least one of them recurrent.

    Each has 1 to ``units`` units and reads 1 to 3 earlier vectors. Vectors that no layer
    reads are results, and now and then another one is. With ``windows`` layers read at lags, need
    steps to warm up, pool, and take the largest of several products.
    """
    rng, draw = random_rng(seed, 40), random_rng(seed, 41)
    recipe = random_recipe(seed, units=units, bits=bits)
    count = int(rng.integers(1, layers + 1))
    recurrent = rng.random(count) < 0.5
    recurrent[rng.integers(count)] = True
    x = Format(width=recipe.activation_width, frac=recipe.activation_width - 1)
    sizes = [int(rng.integers(1, units + 1)) for _ in range(count + 1)]
    sources = [_sources(index, rng) for index in range(count)]
    reads = [_reads(own, draw) if windows else tuple((n, 0) for n in own) for own in sources]
    read = {vector for vectors in sources for vector in vectors}
    results = [vector for vector in range(1, count + 1) if vector not in read or rng.random() < 0.2]
    out = Format(width=recipe.activation_width, frac=recipe.activation_width - 2)
    if not any(vector in read or recurrent[vector - 1] for vector in results):
        out = Format(width=recipe.out_width, frac=min(recipe.activation_width, recipe.out_width))
    vectors, made = [x], list[QuantizedLayer]()
    for index in range(count):
        cells = PLAIN_CELLS if recurrent[index] else (_dense(rng, draw),)
        cell = cells[int(rng.integers(len(cells)))]
        layer = random_layer(
            recipe,
            _of_windows(cell, draw) if windows else varied(cell, draw),
            str(rng.choice(["hard", "logistic"])),
            sizes[index + 1],
            [(sizes[source], vectors[source]) for source, _ in reads[index]],
            rng,
        )
        if index + 1 in results:
            layer = replace(layer, formats=replace(layer.formats, h=out))
        own, lags = zip(*reads[index], strict=True)
        warmup = int(draw.integers(1, 4)) if windows and draw.random() < 0.2 else 0
        made.append(replace(layer, sources=own, lags=lags if any(lags) else None, warmup=warmup))
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
    if later.random() < VARIED / 2:
        activation = str(later.choice([*ALPHAS]))
    return Dense(activation=activation, slope=slope if activation == "leaky" else "1/2")


def _reads(sources: Sequence[int], draw: np.random.Generator) -> Reads:
    """Sources at lags: now and then one is read as by a convolution, one is late, or all are."""
    kind = draw.random()
    if kind < 0.4:
        taps, dilation = (int(n) for n in draw.integers(2, 4, size=2, endpoint=True))
        lags = [lag * dilation for lag in range(taps) if lag * dilation <= MAX_LAG]
        of, order = sources[int(draw.integers(len(sources)))], draw.permutation(len(lags))
        window = [(of, lags[int(n)]) for n in order]
        return (*window, *((n, 0) for n in sources if n != of))
    late = draw.random(len(sources)) < (1.0 if kind < 0.5 else 0.3)
    lags = draw.integers(1, MAX_LAG, size=len(sources), endpoint=True)
    return tuple(
        (n, int(lag) if is_late else 0) for n, lag, is_late in zip(sources, lags, late, strict=True)
    )


def _of_windows(cell: Cell, draw: np.random.Generator) -> Cell:
    """Vary a cell, or make of one with a state now and then one that pools."""
    over = str(draw.choice(Pool.options["over"]))
    return Pool(over=over) if cell.state and draw.random() < 0.3 else varied(cell, draw)
