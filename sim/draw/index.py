"""Networks whose input is an index, made from random ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from golden.cells import Dense
from golden.formats import Format
from golden.layer_formats import LayerFormats
from golden.quantized import QuantizedLayer, QuantizedNetwork
from sim.draw.networks import limits


def with_index(
    network: QuantizedNetwork, rng: np.random.Generator, *, table: bool = False
) -> QuantizedNetwork:
    """Let x be an index: of the elements of vector 0 or, if need be, of a table in front."""
    readers = [n for n, own in enumerate(network.sources) if 0 in own]
    if table or readers != [0] or any(network.lags[0]):
        network = _with_table(network, rng)
    layer, *more = network.layers
    width = layer.formats.x.width
    formats = replace(layer.formats, x=Format(width=width, frac=width - 2))
    return replace(network, layers=(replace(layer, formats=formats), *more), indexed=1)


def _with_table(network: QuantizedNetwork, rng: np.random.Generator) -> QuantizedNetwork:
    """Put a table in front, whose columns take the place of x."""
    h, width = network.x, max(layer.formats.weight_width for layer in network.layers)
    formats = LayerFormats(x=h, h=h, weight_width=width, product_fracs={"y": width + h.frac - 2})
    low, high = limits("W_yx", formats)
    shape = network.inputs, int(rng.integers(2, 20))
    weights = {"W_yx": rng.integers(low, high, size=shape), "b_y": np.zeros(shape[0], np.int64)}
    table = QuantizedLayer(cell=Dense(), sigmoid="logistic", formats=formats, weights=weights)
    layers = (
        replace(layer, sources=tuple(n + 1 for n in own))
        for layer, own in zip(network.layers, network.sources, strict=True)
    )
    results = tuple(n + 1 for n in network.result_vectors)
    return replace(network, layers=(table, *layers), results=results)
