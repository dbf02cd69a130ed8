"""The integer model and the RTL at 16 bits against onnxruntime, within the error predicted.

Predicted twice. The quantizer reports the largest error of the output on its calibration samples;
on other samples, at any step, of any length and from any state it may be ``FACTOR`` times that, as
long as h and c stay in the formats that were chosen for the calibration samples. And what it
reports is no more, nor less, than what rounding to the formats must cost: the RMS error is that of
the float reference with random errors of half a step, to within ``SPREAD``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdl.verilog import generate
from sim.samples import run_compiled
from tests.conformance.integers import SETTINGS, Quantized, rms
from tests.conformance.onnx_oracle import NodeRecipe, random_node, run_onnxruntime
from tests.sim.answers import answers

FACTOR = 3
"""The report has seen 64 results a unit, at one step, from one state, and not from any; the extreme
of many more values with bell-shaped tails lies a quarter farther out. The rest is margin: of 158
random networks, six for each of these and each direction, the worst had 2.1, the best 0.7."""

SPREAD = 4 / 3
"""What the estimate leaves out: rounding of gates and of tanh, a bit finer than h."""

RNN = NodeRecipe(operator="RNN", inputs=5, units=7, batch=16, steps=50)
GRU, LSTM = replace(RNN, operator="GRU"), replace(RNN, operator="LSTM")
AFTER, PEEPHOLES = replace(GRU, linear_before_reset=1), replace(LSTM, peepholes=True)

RECIPES = {
    "RNN": RNN,
    "GRU before": GRU,
    "GRU before, hard": replace(GRU, slope=0.25),
    "GRU after": AFTER,
    "GRU after, hard": replace(AFTER, slope=0.25),
    "LSTM": LSTM,
    "LSTM, hard": replace(LSTM, slope=0.25),
    "LSTM peepholes": PEEPHOLES,
    "LSTM peepholes, hard": replace(PEEPHOLES, slope=0.25),
}
every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


@every_recipe
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_largest_error(recipe: NodeRecipe, direction: str) -> None:
    """Lengths 1 to 50, random initial states, every step's h."""
    node = random_node(replace(recipe, direction=direction), seed=1)
    quantized = Quantized(node)
    assert quantized.in_range
    error = quantized.run().error(run_onnxruntime(node))
    assert quantized.reported_error / FACTOR < error < quantized.reported_error * FACTOR
    assert quantized.reported_error < 2.0**-10


@every_recipe
def test_mean_error(recipe: NodeRecipe) -> None:
    """From zero state, all steps."""
    node = random_node(replace(recipe, state=False, lengths=False), seed=2)
    quantized = Quantized(node)
    assert quantized.in_range
    got = rms(quantized.run().h - run_onnxruntime(node).h)
    assert 1 / SPREAD < got / quantized.expected_rms(seed=1) < SPREAD


def test_mean_error_tells_a_coarse_table() -> None:
    """256 entries without interpolation are not worth 16 bits, and the estimate says so."""
    coarse = replace(SETTINGS, log2_entries=8, interpolate=False)
    node = random_node(replace(RECIPES["LSTM"], state=False, lengths=False), seed=2)
    quantized = Quantized(node, coarse)
    got = rms(quantized.run().h - run_onnxruntime(node).h)
    assert got > 2 * SPREAD * quantized.expected_rms(seed=1)


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


# RTL: from zero state; a node in reverse is fed its sequences backwards

CORES = {
    "RNN": RECIPES["RNN"],
    "GRU before, hard": RECIPES["GRU before, hard"],
    "GRU after": RECIPES["GRU after"],
    "LSTM, hard, in reverse": replace(RECIPES["LSTM, hard"], direction="reverse"),
    "LSTM peepholes": RECIPES["LSTM peepholes"],
}


@pytest.mark.parametrize("recipe", CORES.values(), ids=CORES)
def test_rtl(recipe: NodeRecipe) -> None:
    node = random_node(replace(recipe, state=False), seed=4)
    quantized = Quantized(node)
    network, sequences = quantized.network, quantized.sequences
    if recipe.direction == "reverse":
        network = replace(network, layers=(replace(network.layers[0], direction="forward"),))
        sequences = [words[::-1] for words in sequences]
    core = generate(network, lanes=3)
    run = run_compiled(core, network, sequences, answers(network, sequences))
    assert (run.compared, run.mismatched) == (16 * 7, 0)
    assert run.wrong_cycle == ""
    assert np.array_equal(network.out.to_float(run.words), quantized.run().state["h"])
    error = np.abs(network.out.to_float(run.words) - run_onnxruntime(node).state["h"]).max()
    assert error < quantized.reported_error * FACTOR
