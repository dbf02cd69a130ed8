"""Random networks whose pre-activations spread, so that their words depend on the input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from golden.layer_formats import BIAS, MAX_FRAC
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork


def lively(network: QuantizedNetwork, words: NDArray[np.int64]) -> QuantizedNetwork:
    """Move the binary points so that pre-activations spread by about 1.

    With random weights alone, pre-activations of deeper layers and of first steps are nearly
    constant: every sequence would give equal words.

    Args:
        network: keeps its weights' integers; biases keep their real values instead.
        words: input words to measure the spread with, (batch, steps, inputs).
    """
    x = network.first_vector(words, -1)
    for index, layer in enumerate(network.body):
        traces = IntegerModel(network).run(words).layers
        operands = {name: np.roll(value, 1, axis=1) for name, value in traces[index].items()}
        for name, source in zip(layer.operands, network.sources[index], strict=True):
            operands[name] = traces[source - 1]["h"] if source else x
        # An estimate: the trace has no r, and vectors at a lag are about as large as those without.
        operands["rh"] = operands["h"]
        steps = min(value.shape[1] for value in operands.values())
        operands = {name: value[:, -steps:] for name, value in operands.items()}
        weights, fracs = dict(layer.weights), {}
        for gate in layer.cell.gates:
            products = [operands[name] @ weights[gate.matrix(name)].T for name in layer.reads(gate)]
            spread = max(1.0, float(np.std(np.sum(products, axis=0))))
            frac = max(-MAX_FRAC, min(40, round(np.log2(spread))))
            if not layer.cell.state:  # pieces have one binary point
                frac = fracs.get("y", frac)
            fracs[gate.name] = frac
            drop, bias = layer.formats.product_fracs[gate.name] - frac, weights[gate.bias]
            moved = bias >> drop if drop > 0 else bias << min(-drop, 30)
            weights[gate.bias] = BIAS.saturate(moved)
        formats = replace(layer.formats, product_fracs=fracs)
        layers = list(network.layers)
        layers[index] = replace(layer, formats=formats, weights=weights)
        network = replace(network, layers=tuple(layers))
    return network
