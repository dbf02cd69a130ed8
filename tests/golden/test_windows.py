"""Vectors at lags: convolution, pooling and flatten as layers, against NumPy and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from golden.cells import GRU, Dense, Pool
from golden.emulation import Emulation
from golden.errors import InputError
from golden.formats import Format
from golden.interface import Control, Interface
from golden.layers import Layer, dense
from golden.link.messages import fingerprint
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.sessions import serve
from golden.settings import Settings
from tests import reference
from tests.golden import files
from tests.golden.graphs import equations, graphs
from tests.networks import Recipe, float_network, quantized_network, samples

Floats = NDArray[np.float64]

bounded = settings(derandomize=True, max_examples=25, deadline=None, database=None)

STEPS = 12


def correlate(x: Floats, W: Floats, b: Floats, dilation: int = 1, stride: int = 1) -> Floats:
    """Valid convolution of one sequence (steps, inputs) with W (units, inputs, kernel)."""
    reach = dilation * (W.shape[2] - 1)
    made = []
    for start in range(0, len(x) - reach, stride):
        y = b.copy()
        for k in range(W.shape[2]):
            y += W[:, :, k] @ x[start + k * dilation]
        made.append(y)
    return np.array(made)


def convolution(
    W: Floats, b: Floats, *, dilation: int = 1, warmup: int = 0, vector: int = 0
) -> Layer:
    """The layer of a convolution over a vector."""
    kernel = W.shape[2]
    return dense(
        [W[:, :, k] for k in range(kernel)],
        b,
        sources=(vector,) * kernel,
        lags=tuple(dilation * k for k in reversed(range(kernel))),
        warmup=warmup,
    )


def random(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


# Convolution and pooling


@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("kernel", [1, 2, 4])
def test_a_convolution_is_a_dense_layer_at_lags(kernel: int, dilation: int) -> None:
    W, b, x = random(5, 3, kernel), random(5), random(2, STEPS, 3)
    reach = dilation * (kernel - 1)
    valid = Network(layers=(convolution(W, b, dilation=dilation, warmup=reach),))
    causal = Network(layers=(convolution(W, b, dilation=dilation),))
    late = np.pad(x, ((0, 0), (reach, 0), (0, 0)))
    for n in range(2):
        want = correlate(x[n], W, b, dilation)
        np.testing.assert_allclose(valid.run(x).steps[n], want, rtol=0, atol=1e-12)
        want = correlate(late[n], W, b, dilation)
        np.testing.assert_allclose(causal.run(x).steps[n], want, rtol=0, atol=1e-12)


def test_zeros_at_both_ends_are_a_warm_up_and_steps_of_zeros() -> None:
    W, b, x = random(4, 3, 5), random(4), random(1, STEPS, 3)
    network = Network(layers=(convolution(W, b, warmup=2),), flush=2)
    want = correlate(np.pad(x[0], ((2, 2), (0, 0))), W, b)
    assert len(want) == STEPS
    np.testing.assert_allclose(network.run(network.feed(x)).steps[0], want, rtol=0, atol=1e-12)


def test_a_valid_convolution_before_a_causal_one() -> None:
    """The second one has zeros before the first output of the first one, not before the input."""
    first, second = (random(3, 3, 3, seed=n) for n in range(2))
    b, x = np.full(3, 0.5), random(1, STEPS, 3)
    layers = convolution(first, b, warmup=2), convolution(second, b, vector=1)
    inner = np.pad(correlate(x[0], first, b), ((2, 0), (0, 0)))
    steps = Network(layers=layers).run(x).steps[0]
    np.testing.assert_allclose(steps, correlate(inner, second, b), rtol=0, atol=1e-12)


def test_a_stride_is_a_fold() -> None:
    """Kernel 3 and stride 2: output t has samples 2t, 2t + 1 and 2t + 2, of steps t and t + 1."""
    W, b, x = random(4, 3, 3), random(4), random(1, STEPS, 3)
    now = np.concatenate([W[:, :, 2], np.zeros((4, 3))], axis=1)
    before = np.concatenate([W[:, :, 0], W[:, :, 1]], axis=1)
    layer = dense([before, now], b, sources=(0, 0), lags=(1, 0), warmup=1)
    network = Network(layers=(layer,), fold=2)
    assert network.feed(x).shape == (1, STEPS // 2, 6)
    steps = network.run(network.feed(x)).steps[0]
    np.testing.assert_allclose(steps, correlate(x[0], W, b, stride=2), rtol=0, atol=1e-12)


def test_samples_that_fill_no_step_are_left_out_or_flushed() -> None:
    layer, x = convolution(random(4, 6, 2), random(4)), random(1, 10, 2)
    cut = Network(layers=(layer,), fold=3).feed(x)
    assert np.array_equal(cut[0], x[0, :9].reshape(3, 6))
    filled = Network(layers=(layer,), fold=3, flush=2).feed(x)
    assert np.array_equal(filled[0].ravel(), [*x.ravel(), *[0.0] * 10])


def test_the_largest_of_two_phases_is_max_pooling() -> None:
    W, b, x = random(4, 3, 1), random(4), random(1, STEPS, 3)
    one, none = W[:, :, 0], np.zeros((4, 3))
    weights = {"W_yx": np.hstack([one, none]), "W_y1x": np.hstack([none, one]), "b_y": b, "b_y1": b}
    cell = Dense(activation="relu", pieces="2")
    network = Network(layers=(Layer(cell=cell, sigmoid="hard", weights=weights),), fold=2)
    want = np.maximum(0, correlate(x[0], W, b)).reshape(STEPS // 2, 2, 4).max(axis=1)
    np.testing.assert_allclose(network.run(network.feed(x)).steps[0], want, rtol=0, atol=1e-12)


def test_flatten_is_a_late_layer_at_lags() -> None:
    gru = float_network(Recipe(inputs=2, units=(3,), outputs=None, cells=(GRU(),)), 1).layers[0]
    W, b, x = random(4, STEPS * 3), random(4), random(2, STEPS, 2)
    tail = convolution(W.reshape(4, STEPS, 3).transpose(0, 2, 1), b, vector=1, warmup=STEPS - 1)
    network = Network(layers=(gru, tail))
    assert network.late == {1}
    h = Network(layers=(gru,)).run(x).steps.reshape(2, -1)
    np.testing.assert_allclose(network.forward(x), h @ W.T + b, rtol=0, atol=1e-12)
    with pytest.raises(InputError, match="a sequence has 11 steps, expected 12 or more"):
        network.run(x[:, :-1])


def test_pytorch_agrees() -> None:
    torch = pytest.importorskip("torch")
    x, rows = random(2, STEPS, 3), torch.from_numpy(random(2, STEPS, 3)).transpose(1, 2)
    conv = torch.nn.Conv1d(3, 4, 3, dilation=2, dtype=torch.float64)
    W, b = (array.detach().numpy() for array in (conv.weight, conv.bias))
    front = convolution(W, b, dilation=2, warmup=4)
    steps = Network(layers=(front,)).run(x).steps
    want = conv(rows).transpose(1, 2).detach().numpy()
    np.testing.assert_allclose(steps, want, rtol=0, atol=1e-12)
    pools = {"max": torch.nn.AdaptiveMaxPool1d(1), "sum": torch.nn.AdaptiveAvgPool1d(1)}
    for over, pool in pools.items():
        weights = {"W_yx": np.eye(4), "b_y": np.zeros(4)}
        behind = Layer(cell=Pool(over=over), sigmoid="hard", weights=weights)
        got = Network(layers=(front, behind)).forward(x)
        if over == "sum":
            got = got / (STEPS - 4)
        want = pool(conv(rows))[..., 0].detach().numpy()
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


# Any graph


@given(network=graphs(windows=True), seed=st.integers(0, 9))
@bounded
def test_the_float_reference_follows_the_equations(network: Network, seed: int) -> None:
    x = samples(network, batch=2, steps=9, seed=seed)
    run = network.run(x)
    for b, sequence in enumerate(x):
        want = equations(network, sequence)
        np.testing.assert_allclose(run.output[b], want, rtol=0, atol=1e-9)
        for length in range(network.first + 1, 10):
            at = run.steps[b, length - 1 - network.first]
            np.testing.assert_allclose(at, equations(network, sequence[:length]), atol=1e-9)
        short = network.run(x, lengths=[7, 7]).output[b]
        np.testing.assert_allclose(short, equations(network, sequence[:7]), rtol=0, atol=1e-9)


WIDTHS = st.builds(
    Settings,
    weight_width=st.integers(3, 12),
    activation_width=st.integers(3, 14),
    state_width=st.integers(4, 16),
    out_width=st.integers(3, 24),
    method=st.sampled_from(["mse", "max"]),
)


@pytest.mark.slow
@given(network=graphs(windows=True), widths=WIDTHS, seed=st.integers(0, 9))
@bounded
def test_integers_and_their_emulation(network: Network, widths: Settings, seed: int) -> None:
    x = samples(network, batch=3, steps=8, seed=seed)
    quantized, report = quantize(network, x, widths)
    words = quantized.quantize_input(x)
    model = IntegerModel(quantized)
    assert np.array_equal(model.forward(words), model.run(words).output)
    want = [reference.run(quantized, sequence).y for sequence in words.tolist()]
    assert model.forward_steps(words).tolist() == want
    assert model.forward(words).tolist() == [steps[-1] for steps in want]
    emulation = Emulation(network, quantized)
    rounded = emulation.output(x, emulation.tensors)
    assert np.array_equal(rounded, quantized.out.to_float(model.forward(words)))
    exact = emulation.output(x, ())
    np.testing.assert_allclose(exact, network.forward(x), rtol=0, atol=1e-9)
    assert {row.name for row in report.tensors} - {"output"} <= set(emulation.tensors)
    with TemporaryDirectory() as folder:
        for net in (network, quantized):
            net.save(Path(folder) / "net.npz")
            again = type(net).load(Path(folder) / "net.npz")
            assert (again.lags, again.starts, again.sources) == (net.lags, net.starts, net.sources)
            assert [layer.cell for layer in again.layers] == [layer.cell for layer in net.layers]
        assert files.same(
            QuantizedNetwork.load(Path(folder) / "net.npz").fields(), quantized.fields()
        )


@pytest.mark.parametrize("method", ["mse", "max"])
def test_a_vector_at_several_lags_has_one_format(method: str) -> None:
    W, b = random(4, 3, 4), random(4)
    network = Network(layers=(convolution(W, b, warmup=3),))
    x = random(20, STEPS, 3)
    quantized, _ = quantize(network, x, Settings(method=method, weight_width=14))
    layer = quantized.layers[0]
    assert {layer.formats.operand(name) for name in layer.operands} == {quantized.x}
    got = quantized.out.to_float(IntegerModel(quantized).forward(quantized.quantize_input(x)))
    assert np.abs(got - network.forward(x)).max() < 0.2


def test_pieces_have_one_binary_point() -> None:
    weights = {"W_yx": 9 * random(2, 3), "W_y1x": 0.1 * random(2, 3), "b_y": random(2)}
    cell = Dense(pieces="2")
    layer = Layer(cell=cell, sigmoid="hard", weights={**weights, "b_y1": random(2)})
    quantized, _ = quantize(Network(layers=(layer,)), random(9, 4, 3))
    formats = quantized.layers[0].formats
    assert len({*formats.product_fracs.values()}) == 1
    other = replace(formats, product_fracs={"y": 3, "y1": 4})
    with pytest.raises(InputError, match="expected one number: the pieces' sums are compared"):
        replace(quantized.layers[0], formats=other)


def test_a_sum_over_the_steps_has_the_bits_of_a_state() -> None:
    layer = Layer(cell=Pool(), sigmoid="hard", weights={"W_yx": np.eye(2), "b_y": np.zeros(2)})
    network, x = Network(layers=(layer,)), random(30, 100, 2) + 1
    quantized, _ = quantize(network, x, Settings(state_width=14))
    assert quantized.layers[0].formats.h.width == 14
    got = quantized.out.to_float(IntegerModel(quantized).forward(quantized.quantize_input(x)))
    assert np.abs(got / 100 - x.mean(axis=1)).max() < 0.02


# Sessions


def test_a_sequence_that_is_kept_keeps_its_earlier_vectors() -> None:
    gru = float_network(Recipe(inputs=4, units=(3,), outputs=None, cells=(GRU(),)), 1).layers[0]
    network = Network(layers=(convolution(random(4, 2, 3), random(4), warmup=2), gru))
    quantized, _ = quantize(network, random(4, 9, 2))
    model, words = IntegerModel(quantized), quantized.quantize_input(random(1, 9, 2, seed=3))
    controls = [Control(last=n in (4, 8), keep=n == 5) for n in range(9)]
    served = serve(model, Interface(state="keep", every_step=True), words[0], controls)
    assert served.words.tolist() == model.forward_steps(words)[0].tolist()
    assert served.last.tolist() == [0, 0, 1, 0, 0, 0, 1]
    cleared = [Control(last=control.last) for control in controls]
    ends = serve(model, Interface(), words[0], cleared).words
    want = [model.forward(words[:, :5])[0], model.forward(words[:, 5:])[0]]
    assert np.array_equal(ends, want)
    with pytest.raises(InputError, match="a sequence has 2 steps, expected 3 or more"):
        serve(model, Interface(), words[0], [Control(last=n == 1) for n in range(9)])
    with pytest.raises(InputError, match="state is load, expected clear or keep"):
        serve(model, Interface(state="load"), words[0], controls)


# Files


def test_networks_without_windows_are_as_they_were() -> None:
    network = quantized_network(Recipe(outputs=3), 1)
    assert not {"flush", "fold"} & network.fields().keys()
    assert not any("lags" in name or "warmup" in name for name in network.fields())
    assert not any(name.endswith("pieces") for name in network.fields())
    assert fingerprint(network, Interface()).hex() == "f52ee30187a644d6"


def test_a_file_keeps_how_samples_become_steps(tmp_path: Path) -> None:
    network = Network(layers=(convolution(random(4, 6, 2), random(4)),), fold=3, flush=2)
    quantized, _ = quantize(network, network.feed(random(5, STEPS, 2)))
    for one in (network, quantized):
        one.save(tmp_path / "net.npz")
        again = type(one).load(tmp_path / "net.npz")
        assert (again.fold, again.flush) == (3, 2)


# Refusals


def one(**given: object) -> Network:
    lags = given.pop("lags", None)
    layer = dense([np.ones((1, 1))] * 2, np.zeros(1), sources=(0, 0), lags=(1, 0))
    return Network(layers=(replace(layer, lags=lags or (1, 0)),), **given)  # type: ignore[arg-type]


def behind_a_reverse_layer(lag: int) -> Network:
    gru = float_network(Recipe(inputs=1, units=(1,), outputs=None, cells=(GRU(),)), 1).layers[0]
    tail = dense(np.ones((1, 1)), np.zeros(1), lags=(lag,))
    return Network(layers=(replace(gru, direction="reverse"), tail))


REFUSED = {
    "number": (lambda: one(lags=(1, 0, 2)), "lags are (1, 0, 2), expected 2 (one per source)"),
    "negative": (lambda: one(lags=(1, -2)), "lag is -2, expected an integer from -1 to 65535"),
    "twice": (
        lambda: one(lags=(1, 1)),
        "layer0 has sources (0, 0) at lags (1, 1), expected vectors from 0 to 0, each once at a",
    ),
    "flush": (lambda: one(flush=-1), "flush is -1, expected an integer from 0 to 65535"),
    "fold": (lambda: one(fold=0), "fold is 0, expected an integer from 1 to 65535"),
    "divisor": (lambda: one(fold=2), "fold is 2, expected a divisor of the 1 inputs"),
    "reverse": (lambda: behind_a_reverse_layer(2), "layer1 reads layer0 at lag 2, expected 0"),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_windows_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)


def test_a_reverse_layers_final_value_is_of_the_first_step_that_counts() -> None:
    gru = float_network(Recipe(inputs=4, units=(3,), outputs=None, cells=(GRU(),)), 1).layers[0]
    front, x = convolution(random(4, 2, 3), random(4), warmup=2), random(2, 9, 2)
    inner = Network(layers=(front,)).run(x).steps
    for direction in ("forward", "reverse"):
        layer = replace(gru, direction=direction)
        got = Network(layers=(front, layer)).forward(x)
        want = Network(layers=(layer,)).forward(inner)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)
    assert isinstance(behind_a_reverse_layer(0), Network)


@pytest.mark.parametrize(("frac", "largest"), [(4, 400 + 128 + 1), (7, 100 + 256 + 2)])
def test_the_largest_number_of_a_pool(frac: int, largest: int) -> None:
    """A sum of 100, the lowest h and the half that rounds, all in the finer of two formats."""
    arithmetic: Any = SimpleNamespace(h=Format(width=8, frac=6), product_frac=lambda _: frac)
    assert Pool().largest(arithmetic, 100) == largest
