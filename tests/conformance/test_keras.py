"""The float reference against Keras 3: SimpleRNN, GRU (reset_after and not), LSTM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell
from golden.network import Layer, Network
from tests.conformance.conftest import Within, largest
from tests.conformance.weights import Weights, by_gate, gru_weights, with_hard_sigmoid

# Keras on PyTorch copies arrays in a way that NumPy 2 warns of.
pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

TOLERANCE = 1e-5
INPUTS, UNITS, BATCH = 5, 7, 3
HARD_SLOPE = 1 / 6
"""Slope of Keras 3's hard sigmoid, clip(x / 6 + 1/2, 0, 1)."""

KINDS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "SimpleRNN": (keras.layers.SimpleRNN, {}),
    "GRU reset before": (keras.layers.GRU, {"reset_after": False}),
    "GRU reset after": (keras.layers.GRU, {"reset_after": True}),
    "LSTM": (keras.layers.LSTM, {}),
}
GATES = {"logistic": "sigmoid", "hard": "hard_sigmoid"}


def cell_of(layer: Any) -> Cell:
    """The cell that computes what a Keras layer does."""
    match layer:
        case keras.layers.SimpleRNN():
            return RNN()
        case keras.layers.GRU():
            return GRU(reset="after" if layer.reset_after else "before")
        case _:
            return LSTM()


def weights_of(layer: Any) -> Weights:
    """Weights of a Keras layer, whose kernels are transposed; a hard sigmoid becomes eq. (21)."""
    W, U, b = (array.astype(np.float64) for array in layer.get_weights())
    cell = cell_of(layer)
    match cell:
        case RNN():
            return by_gate("h", W.T, U.T, b)
        case GRU(reset=reset):
            b_x, b_h = b if reset == "after" else (b, np.zeros_like(b))
            weights = gru_weights("zrn", W.T, U.T, b_x, b_h, reset=reset)
        case _:
            weights = by_gate("ifgo", W.T, U.T, b)
    hard = layer.recurrent_activation is keras.activations.hard_sigmoid
    return with_hard_sigmoid(cell, weights, HARD_SLOPE) if hard else weights


def random_layer(kind: str, gates: str, seed: int, **options: Any) -> Any:
    """A Keras layer, built, with random weights; biases too, which Keras starts at zero."""
    make, own = KINDS[kind]
    if kind != "SimpleRNN":
        own = {**own, "recurrent_activation": GATES[gates]}
    layer = make(UNITS, return_sequences=True, return_state=True, **own, **options)
    layer.build((BATCH, None, INPUTS))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(scale=0.4, size=w.shape) for w in layer.get_weights()])
    return layer


def as_layer(layer: Any, gates: str) -> Layer:
    """A Keras layer as one of this project."""
    return Layer(
        cell=cell_of(layer),
        sigmoid=gates,
        weights=weights_of(layer),
        direction="reverse" if layer.go_backwards else "forward",
    )


def start_of(cell: Cell, seed: int) -> dict[str, NDArray[np.float32]]:
    """A random state to start with."""
    rng = np.random.default_rng([seed, 1])
    return {name: rng.uniform(-0.5, 0.5, (BATCH, UNITS)).astype(np.float32) for name in cell.state}


def numpy_of(values: list[Any]) -> list[NDArray[Any]]:
    """Keras tensors as arrays."""
    return [np.asarray(keras.ops.convert_to_numpy(value)) for value in values]


LAYERS = [(kind, gates) for kind in KINDS for gates in GATES if kind != "SimpleRNN"]
LAYERS += [("SimpleRNN", "logistic")]


@pytest.mark.parametrize(("kind", "gates"), LAYERS)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("steps", [1, 12])
def test_layers(kind: str, gates: str, backwards: bool, steps: int, within: Within) -> None:
    layer = random_layer(kind, gates, steps, go_backwards=backwards)
    x = np.random.default_rng([steps, 2]).normal(size=(BATCH, steps, INPUTS)).astype(np.float32)
    start = start_of(cell_of(layer), steps)
    h, *ends = numpy_of(layer(x, initial_state=list(start.values())))

    run = Network(layers=(as_layer(layer, gates),)).run(x, state=[start])

    # A layer that goes backwards gives its results in the order in which it computes them.
    steps_of_run = run.steps[:, ::-1] if backwards else run.steps
    assert list(run.state[0]) == list(start)
    pairs = zip((steps_of_run, *run.state[0].values()), (h, *ends), strict=True)
    within("Keras", largest(pairs), TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_bidirectional(kind: str, within: Within) -> None:
    """The wrapper turns its backward layer's results round and sets them beside the others."""
    wrapper = keras.layers.Bidirectional(
        random_layer(kind, "logistic", 1),
        backward_layer=random_layer(kind, "logistic", 2, go_backwards=True),
    )
    x = np.random.default_rng(3).normal(size=(BATCH, 8, INPUTS)).astype(np.float32)
    h, *ends = numpy_of(wrapper(x))
    forward, backward = (
        as_layer(layer, "logistic") for layer in (wrapper.forward_layer, wrapper.backward_layer)
    )
    both = replace(forward, direction="bidirectional", backward=backward.weights)
    run = Network(layers=(both,)).run(x)
    pairs, count = [(run.steps, h)], len(both.cell.state)
    for index, name in enumerate(both.cell.state):
        end = np.concatenate([ends[index], ends[count + index]], axis=1)
        pairs.append((run.state[0][name], end))
    within("Keras", largest(pairs), TOLERANCE)


def test_a_stack(within: Within) -> None:
    """Three kinds of layers on top of each other in one model."""
    kinds = ("SimpleRNN", "GRU reset after", "LSTM")
    layers = []
    for index, kind in enumerate(kinds):
        make, own = KINDS[kind]
        layers.append(make(UNITS + index, return_sequences=True, **own))
    model = keras.Sequential([keras.Input((None, INPUTS)), *layers, keras.layers.Dense(4)])
    x = np.random.default_rng(4).normal(size=(BATCH, 6, INPUTS)).astype(np.float32)
    (want,) = numpy_of([model(x)])
    network = Network(layers=tuple(as_layer(layer, "logistic") for layer in layers))
    kernel, bias = model.layers[-1].get_weights()
    got = network.run(x).steps @ kernel + bias
    within("Keras", largest([(got, want)]), TOLERANCE)
