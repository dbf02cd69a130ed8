"""A final value that a layer reads in every step, as the decoder of an autoencoder does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from golden.emulation import Emulation
from golden.errors import InputError
from golden.interface import Control, Interface
from golden.layers import dense
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.sessions import serve
from tests.golden.graphs import decoder

X = np.random.default_rng(8).normal(size=(3, 5, 3))
EVERY = pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])


@EVERY
def test_the_decoder_reads_the_same_in_every_step(direction: str) -> None:
    network = decoder(direction)
    encoder = Network(layers=network.layers[:1])
    rest = [replace(layer, lags=None, sources=None) for layer in network.layers[1:]]
    behind = Network(layers=tuple(rest))
    for steps in (1, 5):
        repeated = np.repeat(encoder.forward(X[:, :steps])[:, np.newaxis], steps, axis=1)
        wanted = behind.run(repeated).steps
        np.testing.assert_allclose(network.run(X[:, :steps]).steps, wanted, rtol=0, atol=1e-12)
    lengths = network.run(X, lengths=[5, 2, 3])
    np.testing.assert_allclose(lengths.output[1], network.forward(X[1:2, :2])[0], atol=1e-12)


@EVERY
def test_integers(direction: str, tmp_path: Path) -> None:
    network = decoder(direction)
    quantized, _ = quantize(network, X)
    words = quantized.quantize_input(X)
    parts = [replace(layer, lags=None, sources=None) for layer in quantized.layers]
    encoder = QuantizedNetwork(layers=(parts[0],), tanh=quantized.tanh)
    behind = QuantizedNetwork(layers=tuple(parts[1:]), tanh=quantized.tanh)
    ends = IntegerModel(encoder).forward(words)
    wanted = IntegerModel(behind).forward_steps(np.repeat(ends[:, np.newaxis], 5, axis=1))
    model = IntegerModel(quantized)
    assert np.array_equal(model.forward_steps(words), wanted)
    emulation = Emulation(network, quantized)
    found = emulation.output(X, emulation.tensors)
    assert np.array_equal(quantized.out.quantize(found), model.forward(words))
    quantized.save(tmp_path / "net.npz")
    assert QuantizedNetwork.load(tmp_path / "net.npz").lags == quantized.lags


def test_refused() -> None:
    network = decoder()
    quantized, _ = quantize(network, X)
    with pytest.raises(InputError, match="^layer1 reads a final value in every step: a core must"):
        serve(
            IntegerModel(quantized),
            Interface(),
            quantized.quantize_input(X)[0],
            [Control(last=step == 4) for step in range(5)],
        )
    turned = decoder("reverse").layers
    bottleneck = dense(np.eye(4), np.zeros(4), "tanh")
    with pytest.raises(InputError, match="^layer2 reads the final value of layer1 in every step"):
        Network(layers=(turned[0], bottleneck, *turned[1:]))
