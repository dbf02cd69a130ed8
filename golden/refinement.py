"""Binary points of the gates' products, tried out on the network's own output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from golden.cells import Floats
from golden.directions import parts
from golden.errors import InputError
from golden.layer_formats import weight_format
from golden.model import IntegerModel
from golden.network import Layer, Network
from golden.quantized import QuantizedNetwork

SAMPLES = 1024
"""Calibration samples that are tried with, at most."""

ROUNDS = 3

LESS = 0.9
"""A move must leave no more than this share of the error, lest the samples' noise decides."""


def refine(
    floats: Network, network: QuantizedNetwork, samples: Floats, output: Floats
) -> QuantizedNetwork:
    """Move each gate's binary point by one where that brings the output nearer to the float one.

    The scales that :class:`golden.scales.LayerScales` chooses put the least noise into the sums;
    what becomes of that noise in the steps that follow it cannot know. At few bits that matters.

    Args:
        floats: the float network.
        network: its integers.
        samples: calibration samples, (batch, steps, inputs), before ``input_scale``.
        output: what the float network makes of them, (batch, outputs).

    Returns:
        A network of the same widths whose mean squared error on the samples is not larger.
    """
    words, wanted = network.quantize_input(samples[:SAMPLES]), output[:SAMPLES]

    def error(candidate: QuantizedNetwork) -> float:
        got = candidate.out.to_float(IntegerModel(candidate).forward(words))
        return float(np.mean((got - wanted) ** 2))

    least = error(network)
    for _ in range(ROUNDS):
        before = least
        for index, layer in enumerate(network.layers):
            for gate in layer.cell.gates:
                for candidate in _neighbours(floats.layers[index], network, index, gate.name):
                    if (found := error(candidate)) < LESS * least:
                        network, least = candidate, found
        if least == before:
            break
    return network


def _neighbours(
    floats: Layer, network: QuantizedNetwork, index: int, gate: str
) -> Iterator[QuantizedNetwork]:
    """The network with one gate's binary point a bit coarser, and a bit finer."""
    layer = network.layers[index]
    for bits in (-1, 1):
        fracs = dict(layer.formats.product_fracs)
        fracs[gate] += bits
        try:
            formats = replace(layer.formats, product_fracs=fracs)
            forward, *backward = (
                {
                    name: weight_format(name, formats).quantize(values)
                    for name, values in part.layer.weights.items()
                }
                for part in parts(floats)
            )
            moved = replace(
                layer,
                formats=formats,
                weights=forward,
                backward=backward[0] if backward else None,
            )
        except (InputError, ValueError):  # no format reaches so far
            continue
        yield replace(
            network, layers=(*network.layers[:index], moved, *network.layers[index + 1 :])
        )
