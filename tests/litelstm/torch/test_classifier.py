"""Trainable networks: chains of forward recurrent layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.cells import GRU
from golden.errors import InputError
from golden.layers import dense
from golden.network import Network
from litelstm.torch.classifier import require_chain
from tests.networks import Recipe, float_network

pytestmark = pytest.mark.frameworks


def test_training_takes_chains_only() -> None:
    gru = float_network(Recipe(inputs=2, units=(2,), outputs=None, cells=(GRU(),)), 1).layers[0]
    eye, zero = np.eye(2), np.zeros(2)
    said = {
        "layer0 is reverse, expected forward": (replace(gru, direction="reverse"),),
        "layer0 reads vectors at lags": (replace(gru, lags=(1,)),),
        "layer0 is dense, expected a recurrent one": (dense(eye, zero), gru),
        "layer1 is dense, expected a recurrent one": (gru, dense(eye, zero, "relu")),
        r"layer1 reads vectors \(0,\), expected \(1,\)": (gru, replace(gru, sources=(0,))),
    }
    for message, layers in said.items():
        read = {n for index, layer in enumerate(layers) for n in layer.sources or (index,)}
        network = Network(layers=layers, results=tuple(sorted({*range(1, len(layers) + 1)} - read)))
        with pytest.raises(InputError, match=message):
            require_chain(network)
