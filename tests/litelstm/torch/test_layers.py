"""Modules against golden's float reference, numerical gradients and torch.nn.LSTM's conventions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

from golden.errors import InputError
from golden.network import Network
from litelstm.architectures import CELLS, Architecture
from litelstm.torch import Classifier, LiteLSTM, Recurrent, from_network, to_network
from tests.golden.files import same

pytestmark = pytest.mark.frameworks

SIGMOIDS = ("hard", "logistic")
DOUBLE = torch.float64


def network(cell: str, sigmoid: str = "hard", **sizes: Any) -> Network:
    sizes = {"inputs": 3, "units": 5, "layers": 2, "head": 4} | sizes
    return Architecture(cell=cell, sigmoid=sigmoid, **sizes).floats()


def stack(cell: str = "litelstm", **options: Any) -> Recurrent:
    torch.manual_seed(0)
    return Recurrent(CELLS[cell], 3, 5, 2, dtype=DOUBLE, **options)


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))


def parts(state: Any) -> tuple[Tensor, ...]:
    """A state of one tensor or several as a tuple."""
    return (state,) if isinstance(state, Tensor) else tuple(state)


def equal(one: Any, other: Any) -> bool:
    """Whether states are equal but for the order of sums."""
    pairs = zip(parts(one), parts(other), strict=True)
    return all(torch.allclose(a, b) for a, b in pairs)


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_computes_what_the_float_reference_does(cell: str, sigmoid: str) -> None:
    floats = network(cell, sigmoid)
    module = from_network(floats, dtype=DOUBLE)
    x = random(6, 7, 3)
    difference = module(x).detach().numpy() - floats.forward(x.numpy())
    assert np.abs(difference).max() < 1e-12


@pytest.mark.parametrize("cell", CELLS)
def test_network_to_module_and_back(cell: str) -> None:
    floats = network(cell)
    module = from_network(floats, dtype=DOUBLE)
    assert isinstance(module, Classifier)
    assert same(module.export(), floats)
    bare = network(cell, head=None)
    module = from_network(bare, dtype=DOUBLE)
    assert isinstance(module, Recurrent)
    assert same(to_network(module), bare)


def test_input_scale_survives() -> None:
    floats = network("litelstm")
    scaled = Network(layers=floats.layers, input_scale=1 / 255)
    module = from_network(scaled, dtype=DOUBLE)
    assert isinstance(module, Classifier)
    assert same(module.export(), scaled)
    assert np.allclose(
        module(random(2, 3, 3) * 255).detach(), scaled.forward(random(2, 3, 3) * 255)
    )


def test_what_a_module_cannot_be_is_refused() -> None:
    one, other = network("lstm", inputs=5).layers[0], network("litelstm").layers[1]
    with pytest.raises(InputError, match="layer1 has cell LiteLSTM.* all alike"):
        from_network(Network(layers=(one, other)))
    with pytest.raises(InputError, match="layer1 is reverse, expected forward"):
        from_network(Network(layers=(one, replace(one, direction="reverse"))))
    with pytest.raises(InputError, match=r"input_scale is 0.5, expected 1 without a head"):
        from_network(Network(layers=(one,), input_scale=0.5))


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_the_numerical_ones(cell: str, sigmoid: str) -> None:
    """Gradients of inputs, initial state and every parameter, over steps, layers and masks.

    Along random directions, which takes a few evaluations per tensor.
    """
    module = stack(cell, gate=sigmoid)
    module.requires_grad_(False)
    names = [name for name, _ in module.named_parameters()]
    parameters = [p.clone().requires_grad_() for _, p in module.named_parameters()]
    x = random(3, 2, 3).requires_grad_()
    state = [random(2, 2, 5).mul(0.5).requires_grad_() for _ in module.cell.state]
    lengths = torch.tensor([3, 2])

    def run(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        first, values = rest[: len(state)], rest[len(state) :]
        output, last = torch.func.functional_call(
            module,
            dict(zip(names, values, strict=True)),
            (x, first, lengths),
        )
        return (output, *parts(last))

    assert torch.autograd.gradcheck(run, (x, *state, *parameters), atol=1e-6, fast_mode=True)


@pytest.mark.parametrize("cell", ["litelstm", "lstm", "gru"])
def test_shapes_and_state_are_as_of_nn_lstm(cell: str) -> None:
    module = stack(cell)
    like = torch.nn.LSTM(3, 5, 2, dtype=DOUBLE)
    x = random(4, 6, 3)
    output, last = module(x)
    expected, (h, _) = like(x)
    assert output.shape == expected.shape
    assert all(s.shape == h.shape for s in parts(last))
    assert isinstance(last, Tensor) == (cell == "gru")
    assert torch.equal(output[-1], parts(last)[0][-1])
    module.batch_first = True
    first, first_last = module(x.transpose(0, 1))
    assert torch.equal(first, output.transpose(0, 1))
    assert equal(first_last, last)


def test_without_a_batch() -> None:
    module, x = stack(), random(4, 3)
    output, (h, c) = module(x)
    batched, (h1, c1) = module(x[:, None])
    assert torch.equal(output, batched[:, 0])
    assert torch.equal(h, h1[:, 0])
    assert torch.equal(c, c1[:, 0])
    assert torch.allclose(module(x, (h, c))[0], module(x[:, None], (h1, c1))[0][:, 0])


@pytest.mark.parametrize("cell", CELLS)
def test_state_carries_over(cell: str) -> None:
    """Two halves, the second from the state of the first, are the whole."""
    module, x = stack(cell), random(6, 4, 3)
    whole, last = module(x)
    one, between = module(x[:2])
    other, end = module(x[2:], between)
    assert torch.allclose(torch.cat([one, other]), whole)
    assert equal(end, last)


@pytest.mark.parametrize("cell", ["litelstm", "gru"])
def test_lengths_and_packed_sequences(cell: str) -> None:
    """Each sequence comes out as if it ran alone."""
    module, lengths = stack(cell), [2, 5, 1, 4]
    sequences = [random(5, 3)[:n] + n for n in lengths]
    state = random(2, 4, 5)
    state = state if cell == "gru" else (state, state.flip(0))
    packed, last = module(pack_sequence(sequences, enforce_sorted=False), state)
    padded, counts = pad_packed_sequence(packed)
    assert counts.tolist() == lengths
    x = torch.nn.utils.rnn.pad_sequence(sequences)
    masked, masked_last = module(x, state, lengths=torch.tensor(lengths))
    assert torch.allclose(masked, padded)
    assert equal(masked_last, last)
    for n, sequence in enumerate(sequences):
        mine = tuple(s[:, n] for s in parts(state))
        alone, end = module(sequence, mine)
        assert torch.allclose(padded[: lengths[n], n], alone)
        assert not padded[lengths[n] :, n].any()
        assert equal(tuple(s[:, n] for s in parts(last)), end)


def test_packed_order_is_kept() -> None:
    """The packed result is laid out as the packed input, sorted or not."""
    x = random(4, 3, 3)
    for lengths, enforce in (([4, 3, 1], True), ([1, 4, 3], False)):
        packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=enforce)
        output, _ = stack()(packed)
        assert torch.equal(output.batch_sizes, packed.batch_sizes)
        assert pad_packed_sequence(output)[1].tolist() == lengths


def test_dropout_acts_between_layers_while_training() -> None:
    module = stack(dropout=0.5)
    x = random(4, 2, 3)
    torch.manual_seed(0)
    one = module(x)[0]
    assert not torch.equal(one, module(x)[0])
    module.eval()
    assert torch.equal(module(x)[0], stack()(x)[0])


def test_peepholes_of_litelstm() -> None:
    names = {kind: dict(LiteLSTM(3, 5, peephole=kind).named_parameters()) for kind in (
        "full", "diagonal", "none"
    )}  # fmt: skip
    assert names["full"]["layers.0.W_fc"].shape == (5, 5)
    assert names["diagonal"]["layers.0.w_fc"].shape == (5,)
    assert not any("fc" in name for name in names["none"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_size": 0}, "input_size must be 1 or more, not 0"),
        ({"hidden_size": -1}, "hidden_size must be 1 or more, not -1"),
        ({"num_layers": 0}, "num_layers must be 1 or more, not 0"),
        ({"dropout": 1.0}, "dropout must be 0 or more and less than 1, not 1.0"),
        ({"gate": "soft"}, "gate must be hard or logistic, not 'soft'"),
        ({"peephole": "half"}, "peephole must be full or diagonal or none, not 'half'"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    make: Any = LiteLSTM
    with pytest.raises(ValueError, match=message):
        make(**{"input_size": 3, "hidden_size": 5} | arguments)


def test_wrong_shapes() -> None:
    module, x = stack(), random(4, 2, 3)
    h = random(2, 2, 5)
    for call, message in (
        (lambda: module(random(4, 2, 4)), r"x must be \(steps, batch, 3\), not \(4, 2, 4\)"),
        (lambda: module(x, h), r"state must be \(h, c\), not 1 parts"),
        (lambda: module(x, (h, h[:1])), r"state c must be \(2, 2, 5\), not \(1, 2, 5\)"),
        (lambda: module(x, lengths=torch.tensor([4, 5])), r"lengths must be 2 of 1 to 4"),
        (lambda: module(x, lengths=torch.tensor([4, 0])), r"lengths must be 2 of 1 to 4"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
