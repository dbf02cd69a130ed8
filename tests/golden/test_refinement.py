"""Binary points that are tried out on the output."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.cells import LSTM, Cell, LiteLSTM
from golden.layer_formats import weight_format
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.refinement import LESS
from golden.settings import Settings
from tests.networks import Recipe, float_network, samples


def error(network: Network, quantized: QuantizedNetwork, x: np.ndarray) -> float:
    """Mean squared error of the output."""
    words = IntegerModel(quantized).forward(quantized.quantize_input(x))
    return float(np.mean((quantized.out.to_float(words) - network.forward(x)) ** 2))


@pytest.mark.parametrize("cell", [LSTM(), LiteLSTM(peephole="diagonal")], ids=str)
def test_the_output_gets_nearer_and_all_else_stays(cell: Cell) -> None:
    better = 0
    for seed in range(6):
        recipe = Recipe(inputs=3, units=(6, 4), outputs=3, cells=(cell, cell))
        network = float_network(recipe, seed)
        x = samples(network, batch=100, steps=5, seed=seed)
        plain, _ = quantize(network, x, Settings(weight_width=3))
        refined, _ = quantize(network, x, Settings(weight_width=3, refine=True))
        before, after = error(network, plain, x), error(network, refined, x)
        assert after == before or after < LESS * before
        better += after < before
        for floats, one, other in zip(network.layers, plain.layers, refined.layers, strict=True):
            for name in ("x", "h", "c", "pre", "gate", "weight_width"):
                assert getattr(one.formats, name) == getattr(other.formats, name)
            for name, values in floats.weights.items():
                to = weight_format(name, other.formats)
                assert (other.weights[name] == to.quantize(values)).all()
    assert better >= 3


def test_a_direction_and_its_opposite_are_refined_together() -> None:
    network = float_network(Recipe(inputs=3, units=(6,), outputs=None, cells=(LSTM(),)), 2)
    layer = network.layers[0]
    back = {name: -0.5 * values for name, values in layer.weights.items()}
    both = Network(layers=(replace(layer, direction="bidirectional", backward=back),))
    x = samples(both, batch=100, steps=5, seed=2)
    plain, refined = (
        quantize(both, x, Settings(weight_width=3, refine=refine))[0] for refine in (False, True)
    )
    assert error(both, refined, x) <= error(both, plain, x)
    formats, backward = refined.layers[0].formats, refined.layers[0].backward
    assert backward
    for name, values in back.items():
        assert (backward[name] == weight_format(name, formats).quantize(values)).all()
