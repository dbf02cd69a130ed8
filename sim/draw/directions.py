"""Seeded random directions and lags for the layers of a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from golden.quantized_layers import QuantizedLayer
from golden.windows import FINAL
from sim.draw.networks import Seed, random_rng

REPEATS = 0.15
"""Share of sources whose final value is read in every step."""


def with_directions(network: QuantizedNetwork, seed: Seed) -> QuantizedNetwork:
    """Draw a direction for each recurrent layer of a forward network; one at least turns.

    The second half of a bidirectional layer, and what reads it, have the weights of the first one
    in another order.
    """
    rng = random_rng(seed, 43)
    recurrent = [n for n, layer in enumerate(network.layers) if layer.cell.state]
    drawn = {n: str(rng.choice(["forward", "reverse", "bidirectional"])) for n in recurrent}
    if set(drawn.values()) == {"forward"}:
        drawn[recurrent[int(rng.integers(len(recurrent)))]] = "bidirectional"
    layers: list[QuantizedLayer] = []
    for index, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True)):
        weights = dict(layer.weights)
        for name, source in zip(layer.operands, sources, strict=True):
            if drawn.get(source - 1) != "bidirectional":
                continue
            order = rng.permutation(network.sizes[source])
            for gate in layer.cell.gates:
                if name in layer.reads(gate):
                    matrix = weights[gate.matrix(name)]
                    weights[gate.matrix(name)] = np.hstack([matrix, matrix[:, order]])
        direction, backward = drawn.get(index, "forward"), None
        if direction == "bidirectional":
            order = rng.permutation(layer.units)
            backward = {name: np.ascontiguousarray(array[order]) for name, array in weights.items()}
        layers.append(replace(layer, weights=weights, direction=direction, backward=backward))
    return replace(network, layers=tuple(layers))


def with_lags(network: QuantizedNetwork, seed: Seed) -> QuantizedNetwork:
    """Draw lags of 0 to 2 steps, and layers that need a step more before their vectors count.

    Now and then a layer reads a final value in every step.
    """
    rng, repeats = random_rng(seed, 44), random_rng(seed, 46)
    for index in range(len(network.layers)):
        layer = network.layers[index]
        drawn = rng.integers(0, 3, size=len(layer.operands)).tolist()
        lags = tuple(
            FINAL if source and repeats.random() < REPEATS else lag
            for source, lag in zip(network.sources[index], drawn, strict=True)
        )
        layers = list(network.layers)
        layers[index] = replace(layer, lags=lags, warmup=int(rng.random() < 0.3))
        try:
            network = replace(network, layers=tuple(layers))
        except InputError:  # a late layer would read steps of what a reverse one made
            continue
    return network
