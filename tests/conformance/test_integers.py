"""The integer model at 16 bits against onnxruntime, within the error predicted.

Predicted twice. The quantizer reports the largest error of the output on its calibration samples;
on other samples, at any step, of any length and from any state it may be ``FACTOR`` times that, as
long as h and c stay in the formats that were chosen for the calibration samples. And what it
reports is no more, nor less, than what rounding to the formats must cost: the RMS error is that of
the float reference with random errors of half a step, to within ``SPREAD``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.conformance.conftest import Within
from tests.conformance.integers import FACTOR, RECIPES, SETTINGS, Quantized, rms
from tests.conformance.onnx_oracle import NodeRecipe, random_node, run_onnxruntime

pytestmark = pytest.mark.frameworks

SPREAD = 4 / 3
"""Error that the estimate leaves out: rounding of gates and of tanh, one bit finer than h."""

every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


@every_recipe
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_largest_error(recipe: NodeRecipe, direction: str, within: Within) -> None:
    """Lengths 1 to 50, random initial states, every step's h."""
    node = random_node(replace(recipe, direction=direction), seed=1)
    quantized = Quantized(node)
    assert quantized.in_range
    error = quantized.run().error(run_onnxruntime(node))
    assert quantized.reported_error < 2.0**-10
    assert error > quantized.reported_error / FACTOR
    within("largest error over the reported one", error / quantized.reported_error, FACTOR)
    within("integers", error, FACTOR * 2.0**-10)


@every_recipe
def test_mean_error(recipe: NodeRecipe, within: Within) -> None:
    """From zero state, all steps."""
    node = random_node(replace(recipe, state=False, lengths=False), seed=2)
    quantized = Quantized(node)
    assert quantized.in_range
    got = rms(quantized.run().h - run_onnxruntime(node).h)
    ratio = got / quantized.expected_rms(seed=1)
    assert ratio > 1 / SPREAD
    within("RMS error over the estimate", ratio, SPREAD)


def test_mean_error_tells_a_coarse_table(
    record_property: Callable[[str, object], None],
) -> None:
    """256 entries without interpolation are not worth 16 bits, and the estimate says so."""
    coarse = replace(SETTINGS, log2_entries=8, interpolate=False)
    node = random_node(replace(RECIPES["LSTM"], state=False, lengths=False), seed=2)
    quantized = Quantized(node, coarse)
    got = rms(quantized.run().h - run_onnxruntime(node).h)
    ratio = got / quantized.expected_rms(seed=1)
    assert ratio > 2 * SPREAD
    record_property("RMS error of a coarse table over the estimate", ratio)


@every_recipe
def test_largest_error_tells_a_wrong_weight(recipe: NodeRecipe) -> None:
    """One recurrent weight of the first direction is off by 1/64, where they reach 0.38."""
    node = random_node(recipe, seed=3)
    quantized = Quantized(node)
    want = run_onnxruntime(node)
    spoilt = {name: array.copy() for name, array in node.inputs.items()}
    spoilt["R"][0, 0, 0] += 1 / 64
    assert quantized.run().error(want) < quantized.reported_error * FACTOR
    assert Quantized(replace(node, inputs=spoilt)).run().error(want) > (
        quantized.reported_error * FACTOR
    )
