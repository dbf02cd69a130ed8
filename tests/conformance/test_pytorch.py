"""The float reference against torch.nn.RNN, GRU and LSTM: stacks, directions, states, lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell
from golden.layers import dense
from golden.network import Layer, Network
from tests.conformance.conftest import Within, largest
from tests.conformance.weights import Weights, by_gate, gru_weights

pytestmark = pytest.mark.frameworks

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
CELLS: dict[str, Cell] = {
    "RNN_TANH": RNN(),
    "RNN_RELU": RNN(activation="relu"),
    "GRU": GRU(reset="after"),
    "LSTM": LSTM(),
}
INPUTS, UNITS, BATCH = 5, 7, 4


def weights_of(module: torch.nn.RNNBase, layer: int, side: str) -> Weights:
    """One direction's weights of a layer; ``side`` is the end of their names."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    values = module.state_dict()
    W, U, b_x, b_h = (values[f"{name}_l{layer}{side}"].numpy() for name in names)
    if module.mode == "GRU":
        return gru_weights("rzn", W, U, b_x, b_h, reset="after")
    return by_gate("ifgo" if module.mode == "LSTM" else "h", W, U, b_x + b_h)


def network_of(module: torch.nn.RNNBase) -> Network:
    """A module's layers as a network without head."""
    layers = [
        Layer(
            cell=CELLS[module.mode],
            sigmoid="logistic",
            weights=weights_of(module, index, ""),
            direction="bidirectional" if module.bidirectional else "forward",
            backward=weights_of(module, index, "_reverse") if module.bidirectional else None,
        )
        for index in range(module.num_layers)
    ]
    return Network(layers=tuple(layers))


def start_of(
    module: torch.nn.RNNBase, dtype: torch.dtype
) -> tuple[Any, list[dict[str, NDArray[Any]]]]:
    """A random initial state, as the module takes it and as the float reference does."""
    sides = 2 if module.bidirectional else 1
    names = ("h", "c") if module.mode == "LSTM" else ("h",)
    shape = (module.num_layers * sides, BATCH, module.hidden_size)
    values = [torch.rand(shape, dtype=dtype) - 0.5 for _ in names]
    split = [value.numpy().reshape(module.num_layers, sides, BATCH, -1) for value in values]
    state = [
        {name: np.concatenate(list(v[layer]), axis=1) for name, v in zip(names, split, strict=True)}
        for layer in range(module.num_layers)
    ]
    return tuple(values) if len(values) > 1 else values[0], state


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("steps", [1, 6, 50])
def test_modules(
    kind: str, layers: int, bidirectional: bool, dtype: torch.dtype, steps: int, within: Within
) -> None:
    torch.manual_seed(steps)
    name, *nonlinearity = kind.split("_")
    options = {"nonlinearity": nonlinearity[0].lower()} if nonlinearity else {}
    module = getattr(torch.nn, name)(
        INPUTS, UNITS, layers, batch_first=True, bidirectional=bidirectional, dtype=dtype, **options
    )
    x = torch.randn(BATCH, steps, INPUTS, dtype=dtype)
    lengths = torch.tensor([steps, *np.random.default_rng(steps).integers(1, steps + 1, BATCH - 1)])
    start, state = start_of(module, dtype)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, lengths, batch_first=True, enforce_sorted=False
    )
    with torch.no_grad():
        outputs, ends = module(packed, start)
        h, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)

    run = network_of(module).run(x.numpy(), state=state, lengths=lengths.numpy())

    pairs = [(run.steps, h.numpy())]
    ends = ends if kind == "LSTM" else (ends,)
    for name, end in zip(("h", "c"), ends, strict=False):
        got = np.concatenate([final[name] for final in run.state], axis=1)
        pairs.append((got, np.concatenate(list(end.numpy()), axis=1)))
    within(f"PyTorch {dtype}".replace("torch.", ""), largest(pairs), TOLERANCE[dtype])


def test_a_classifier(within: Within) -> None:
    """A dense head on the last step's h, from a state of zero."""
    torch.manual_seed(1)
    module = torch.nn.GRU(INPUTS, UNITS, 2, batch_first=True)
    head = torch.nn.Linear(UNITS, 3)
    x = torch.randn(BATCH, 9, INPUTS)
    with torch.no_grad():
        want = head(module(x)[0][:, -1]).numpy()
    W, b = head.weight.detach().numpy(), head.bias.detach().numpy()
    network = Network(layers=(*network_of(module).layers, dense(W, b)))
    error = largest([(network.forward(x.numpy()), want)])
    within("PyTorch float32", error, TOLERANCE[torch.float32])
