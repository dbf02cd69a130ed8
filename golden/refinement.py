"""Refinement of the gates' binary points by the error of the network's output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from golden.cells import Floats
from golden.directions import parts
from golden.errors import InputError
from golden.layer_formats import LayerFormats, weight_format
from golden.model import IntegerModel
from golden.network import Layer, Network
from golden.quantized import Integers, QuantizedNetwork

SAMPLES = 1024
"""Most calibration samples that the refinement uses."""

ROUNDS = 3

LESS = 0.9
"""A move must reduce the error below this share, so that sampling noise does not decide."""


def refine(
    floats: Network, network: QuantizedNetwork, samples: Floats, output: Floats
) -> QuantizedNetwork:
    """Move each gate's binary point by one bit if the output gets closer to the float network's.

    :class:`golden.scales.LayerScales` minimizes the noise in the sums. It does not know how that
    noise propagates through the following steps, which matters at small widths.

    Args:
        floats: the float network.
        network: the same network in integers.
        samples: calibration samples, (batch, steps, inputs), before ``input_scale``.
        output: the float network's output for them, (batch, outputs).

    Returns:
        A network with the same widths, whose mean squared error on the samples is not larger.
    """
    words, wanted = network.quantize_input(samples[:SAMPLES]), output[:SAMPLES]

    def error(candidate: QuantizedNetwork) -> float:
        got = candidate.out.to_float(IntegerModel(candidate).forward(words))
        return float(np.mean((got - wanted) ** 2))

    least = error(network)
    for _ in range(ROUNDS):
        before = least
        for index, layer in enumerate(network.layers):
            # Only a recurrent layer's rounding propagates through the following steps.
            for gate in layer.cell.gates if layer.cell.state else ():
                for candidate in _neighbours(floats.layers[index], network, index, gate.name):
                    if (found := error(candidate)) < LESS * least:
                        network, least = candidate, found
        if least == before:
            break
    return network


def _neighbours(
    floats: Layer, network: QuantizedNetwork, index: int, gate: str
) -> Iterator[QuantizedNetwork]:
    """Yield the network with one gate's binary point one bit coarser, then one bit finer."""
    layer = network.layers[index]
    for bits in (-1, 1):
        fracs = dict(layer.formats.product_fracs)
        fracs[gate] += bits
        try:
            formats = replace(layer.formats, product_fracs=fracs)
            forward, *backward = (rounded(part.layer.weights, formats) for part in parts(floats))
            moved = replace(
                layer,
                formats=formats,
                weights=forward,
                backward=backward[0] if backward else None,
            )
        except (InputError, ValueError):  # no format has this binary point
            continue
        yield replace(
            network, layers=(*network.layers[:index], moved, *network.layers[index + 1 :])
        )


def rounded(weights: Mapping[str, Floats], formats: LayerFormats) -> dict[str, Integers]:
    """Round a layer's weights to their formats."""
    return {name: weight_format(name, formats).quantize(w) for name, w in weights.items()}
