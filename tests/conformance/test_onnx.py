"""The float reference against onnxruntime, and against the cases that onnx ships."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.conformance.conftest import Within
from tests.conformance.onnx_nodes import Results
from tests.conformance.onnx_oracle import (
    NodeRecipe,
    load_case,
    random_node,
    recurrent_cases,
    run_onnxruntime,
)

pytestmark = pytest.mark.frameworks

TOLERANCE = 1e-5

OPERATORS = {
    "RNN": NodeRecipe(operator="RNN"),
    "GRU, reset before": NodeRecipe(operator="GRU"),
    "GRU, reset after": NodeRecipe(operator="GRU", linear_before_reset=1),
    "LSTM": NodeRecipe(operator="LSTM"),
    "LSTM, peepholes": NodeRecipe(operator="LSTM", peepholes=True),
    "RNN, ReLU": NodeRecipe(operator="RNN", candidate="Relu"),
    "GRU, ReLU": NodeRecipe(operator="GRU", candidate="Relu", linear_before_reset=1),
    "LSTM, ReLU": NodeRecipe(operator="LSTM", candidate="Relu"),
    "LSTM, coupled, peepholes": NodeRecipe(operator="LSTM", input_forget=1, peepholes=True),
}
SLOPES = {"logistic": None, "hard 1/4": 0.25, "hard 1/5": 0.2}

GATED = {
    f"{name}, {gates}": replace(recipe, slope=slope)
    for name, recipe in OPERATORS.items()
    for gates, slope in SLOPES.items()
    if slope is None or recipe.operator != "RNN"  # which has no gates
}

every_operator = pytest.mark.parametrize("recipe", OPERATORS.values(), ids=OPERATORS)
every_direction = pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])


def compare(recipe: NodeRecipe, seed: int, within: Within) -> Results:
    """Run a random node by both and compare; returns onnxruntime's results."""
    node = random_node(recipe, seed)
    want, got = run_onnxruntime(node), node.run()
    assert got.h.shape == want.h.shape
    assert got.state.keys() == want.state.keys()
    within("onnxruntime", got.error(want), TOLERANCE)
    return want


@pytest.mark.parametrize("recipe", GATED.values(), ids=GATED)
@every_direction
@pytest.mark.parametrize("steps", [1, 7, 50])
def test_every_kind_of_node(recipe: NodeRecipe, direction: str, steps: int, within: Within) -> None:
    compare(replace(recipe, direction=direction, steps=steps), steps, within)


@every_operator
@pytest.mark.parametrize("steps", range(1, 51))
def test_any_number_of_steps(recipe: NodeRecipe, steps: int, within: Within) -> None:
    rng = np.random.default_rng([steps, 12])
    sizes = {name: int(rng.integers(1, 12)) for name in ("inputs", "units", "batch")}
    state, lengths = (bool(flag) for flag in rng.integers(2, size=2))
    compare(replace(recipe, steps=steps, state=state, lengths=lengths, **sizes), steps, within)


def test_a_wide_layer(within: Within) -> None:
    recipe = NodeRecipe(operator="LSTM", inputs=64, units=128, batch=16, steps=50)
    assert compare(recipe, 1, within).h.shape == (16, 50, 128)


@every_operator
def test_another_equation_would_be_noticed(recipe: NodeRecipe) -> None:
    """Equations that differ in one point differ by more than a hundred times the tolerance."""
    node = random_node(recipe, 3)
    want = run_onnxruntime(node)
    changes = {"GRU": {"linear_before_reset": 1 - recipe.linear_before_reset}}.get(
        recipe.operator, {"direction": "reverse"}
    )
    other = replace(node, attributes={**node.attributes, **changes})
    assert other.run().error(want) > 100 * TOLERANCE
    less = {name: array for name, array in node.inputs.items() if name != "initial_h"}
    assert replace(node, inputs=less).run().error(want) > 100 * TOLERANCE


# The node tests that onnx ships

CASES = (
    "test_gru_batchwise",
    "test_gru_defaults",
    "test_gru_seq_length",
    "test_gru_with_initial_bias",
    "test_lstm_batchwise",
    "test_lstm_defaults",
    "test_lstm_with_initial_bias",
    "test_lstm_with_peepholes",
    "test_rnn_seq_length",
    "test_simple_rnn_batchwise",
    "test_simple_rnn_defaults",
    "test_simple_rnn_with_initial_bias",
)

shipped = cache(recurrent_cases)


def test_these_are_all_recurrent_cases() -> None:
    assert tuple(shipped()) == CASES


@pytest.mark.parametrize("name", CASES)
def test_shipped_cases(name: str, within: Within) -> None:
    node, want = load_case(shipped()[name])
    got = node.run()
    assert want.state
    within("shipped by onnx", got.error(want), TOLERANCE)
