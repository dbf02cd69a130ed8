"""Random delta networks, and inputs that change little from step to step, or much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from golden.quantized import QuantizedNetwork
from golden.thresholds import Thresholds, most
from sim.draw.networks import Seed, random_rng

_THRESHOLDS, _STEADY, _ENDS = 51, 52, 54

ZERO = 0.4
"""Share of thresholds that are 0, and of networks all of whose thresholds are."""

STEADY = 0.6
"""Share of elements that stay as they are, in half of the steps."""


def with_thresholds(network: QuantizedNetwork, seed: Seed) -> QuantizedNetwork:
    """Draw thresholds of up to a quarter of each vector's range; often 0."""
    rng, zero = random_rng(seed, _THRESHOLDS), Thresholds.of(network)
    scale = 0.0 if rng.random() < ZERO else 0.25

    def draw(limit: int) -> int:
        return int(rng.integers(int(scale * limit) + 1)) if rng.random() >= ZERO else 0

    layers = tuple(
        {name: draw(most(layer.formats, name)) for name in own}
        for layer, own in zip(network.layers, zero.layers, strict=True)
    )
    return replace(network, thresholds=Thresholds(x=draw(network.x.max), layers=layers))


def steady(x: NDArray[np.int64], seed: Seed) -> NDArray[np.int64]:
    """Let elements of steps (..., steps, inputs) stay as they were in the step before."""
    rng, x = random_rng(seed, _STEADY), x.copy()
    stays = (rng.random(x.shape) < STEADY) & (rng.random((*x.shape[:-1], 1)) < 0.5)
    for step in range(1, x.shape[-2]):
        x[..., step, :] = np.where(stays[..., step, :], x[..., step - 1, :], x[..., step, :])
    return x


def at_ends(network: QuantizedNetwork, *, steps: int, seed: Seed) -> NDArray[np.int64]:
    """Draw input words (steps, inputs) at the ends of their format; half of the steps repeat one.

    They drive sums, states and tables' arguments as far as the weights allow.
    """
    rng = random_rng(seed, _ENDS)
    x = rng.choice([network.x.min, network.x.max], size=(steps, network.inputs))
    for step in np.flatnonzero(rng.random(steps) < 0.5):
        x[step] = x[max(step - 1, 0)]
    return x
