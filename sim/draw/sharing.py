"""Random networks and parts for lanes that share hardware multipliers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from golden.quantized import QuantizedLayer, QuantizedNetwork
from hdl.spec.multipliers import SIZES, Multipliers
from sim.draw.networks import Recipe


def random_multiplier(rng: np.random.Generator) -> str:
    """Draw the name of a part's hardware multiplier, whose size matters; empty in two of three."""
    return str(rng.choice(list(SIZES))) if rng.random() < 1 / 3 else ""


def random_multipliers(
    rng: np.random.Generator, multiplier: str, *, lanes: int, beside: int
) -> Multipliers:
    """Draw how lanes may share multipliers; most parts have just enough for two products each."""
    available = beside + (lanes + 1) // 2 if rng.random() < 0.7 else 0
    return Multipliers(multiplier=multiplier, available=available)


def narrow(recipe: Recipe) -> Recipe:
    """Return a recipe with half the bits, so that several products fit a multiplier."""
    return replace(
        recipe,
        weight_width=max(2, recipe.weight_width // 2),
        activation_width=max(3, recipe.activation_width // 2),
        state_width=max(4, recipe.state_width // 2),
    )


def symmetric(network: QuantizedNetwork) -> QuantizedNetwork:
    """Return a network whose matrices leave out the most negative weight, as the quantizer does."""

    def without(layer: QuantizedLayer) -> QuantizedLayer:
        least = 1 - (1 << (layer.formats.weight_width - 1))
        weights = {
            name: values if values.ndim == 1 else np.maximum(values, least)
            for name, values in layer.weights.items()
        }
        return replace(layer, weights=weights)

    return replace(network, layers=tuple(map(without, network.layers)))
