"""Networks as graphs: the equations, the integers, the emulation and the files of random ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.cells import GRU, Dense
from golden.emulation import Emulation
from golden.errors import InputError
from golden.layers import dense
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from tests import reference
from tests.golden import files
from tests.golden.graphs import equations, graphs
from tests.golden.scalar_model import ScalarModel
from tests.networks import Recipe, float_network, quantized_network, samples

bounded = settings(derandomize=True, max_examples=25, deadline=None, database=None)

WIDTHS = st.builds(
    Settings,
    weight_width=st.integers(3, 12),
    activation_width=st.integers(3, 14),
    state_width=st.integers(4, 16),
    pre_width=st.integers(5, 14),
    out_width=st.integers(3, 24),
    method=st.sampled_from(["mse", "max"]),
    interpolate=st.booleans(),
)


@given(network=graphs(), seed=st.integers(0, 9))
@bounded
def test_the_float_reference_follows_the_equations(network: Network, seed: int) -> None:
    x = samples(network, batch=2, steps=4, seed=seed)
    run = network.run(x)
    for b, sequence in enumerate(x):
        want = equations(network, sequence)
        np.testing.assert_allclose(run.output[b], want, rtol=0, atol=1e-10)
        first = equations(network, sequence[:2])
        got = network.run(x, lengths=[2, 2]).output[b]
        np.testing.assert_allclose(got, first, rtol=0, atol=1e-10)


@given(network=graphs(reverse=False), seed=st.integers(0, 9))
@bounded
def test_without_reverse_layers_every_step_is_the_end_of_a_sequence(
    network: Network, seed: int
) -> None:
    x = samples(network, batch=2, steps=4, seed=seed)
    steps = network.run(x).steps
    for t in range(4):
        np.testing.assert_allclose(network.forward(x[:, : t + 1]), steps[:, t], rtol=0, atol=1e-12)


@pytest.mark.slow
@given(network=graphs(), widths=WIDTHS, seed=st.integers(0, 9))
@bounded
def test_integers_and_their_emulation(network: Network, widths: Settings, seed: int) -> None:
    """The words are those of two scalar models; all rounded or none, the emulation has no error."""
    x = samples(network, batch=3, steps=4, seed=seed)
    quantized, report = quantize(network, x, widths)
    words = quantized.quantize_input(x)
    model = IntegerModel(quantized)
    run = model.run(words)
    assert np.array_equal(model.forward(words), run.output)
    with TemporaryDirectory() as folder:
        quantized.save(Path(folder) / "net.npz")
        again = QuantizedNetwork.load(Path(folder) / "net.npz")
        scalar = ScalarModel(Path(folder) / "net.npz")
    assert files.same(again.fields(), quantized.fields())
    assert run.output.tolist() == [scalar.result(sequence) for sequence in words.tolist()]
    if all(layer.direction == "forward" for layer in network.layers):
        steps = [reference.run(quantized, sequence).y for sequence in words.tolist()]
        assert model.forward_steps(words).tolist() == steps
    emulation = Emulation(network, quantized)
    rounded = emulation.output(x, emulation.tensors)
    assert np.array_equal(rounded, quantized.out.to_float(run.output))
    exact = emulation.output(x, ())
    np.testing.assert_allclose(exact, network.forward(x), rtol=0, atol=1e-10)
    assert {row.name for row in report.tensors} - {"output"} <= set(emulation.tensors)
    assert quantized.accumulator_width >= 2


@given(network=graphs())
@bounded
def test_a_file_gives_back_the_graph(network: Network) -> None:
    with TemporaryDirectory() as folder:
        network.save(Path(folder) / "net.npz")
        again = Network.load(Path(folder) / "net.npz")
    assert again.result_vectors == network.result_vectors
    assert again.sources == network.sources
    for one, other in zip(network.layers, again.layers, strict=True):
        assert files.same(one.arrays, other.arrays)
        assert (one.cell, one.sigmoid) == (other.cell, other.sigmoid)
        assert one.direction == other.direction


# Files of before


V1 = {"layer1.W_yx": "head.W", "layer1.b_y": "head.b", "layer1.h": "head.out"}
V1 |= {f"layer1.{name}": f"head.{name}" for name in ("weight_width", "product_frac")}


@pytest.mark.parametrize("kind", [Network, QuantizedNetwork])
@pytest.mark.parametrize("outputs", [None, 2])
def test_files_of_version_1_are_read(
    kind: type[Network | QuantizedNetwork], outputs: int | None, tmp_path: Path
) -> None:
    """They have one recurrent layer here, and fields for the dense layer behind it."""
    network: Network | QuantizedNetwork = float_network(Recipe(outputs=outputs), 1)
    if kind is QuantizedNetwork:
        network = quantized_network(Recipe(outputs=outputs), 1)
    network.save(tmp_path / "new.npz")
    fields = files.fields(tmp_path / "new.npz")
    dense_layer = {name: fields.pop(name) for name in [*fields] if name.startswith("layer1.")}
    old = {V1[name]: value for name, value in dense_layer.items() if name in V1}
    if "head.product_frac" in old:
        old["head.product_frac"] = old["head.product_frac"][0]
    old |= {"version": 1, "layers": 1, "head": outputs is not None}
    np.savez(tmp_path / "old.npz", **{**fields, **old})
    assert files.same(kind.load(tmp_path / "old.npz"), kind.load(tmp_path / "new.npz"))
    assert set(V1.values()) >= {name for name in old if name.startswith("head.")}


# The graph


def small(*sources: tuple[int, ...] | None, results: tuple[int, ...] | None = None) -> Network:
    """Dense layers of one unit, an input of one element."""
    layers = [
        dense([np.ones((1, 1))] * len(read or (0,)), np.zeros(1), sources=read) for read in sources
    ]
    return Network(layers=tuple(layers), results=results)


REFUSED = {
    "later vector": (
        lambda: small(None, (0, 2)),
        "layer1 has sources (0, 2), expected vectors from 0 to 1, each once",
    ),
    "negative": (lambda: small((-1,)), "layer0 has sources (-1,), expected vectors from 0 to 0"),
    "twice": (lambda: small(None, (1, 1)), "layer1 has sources (1, 1), expected vectors from 0"),
    "none": (lambda: small(()), "sources are empty, expected one vector or more"),
    "unread": (lambda: small(None, (0,)), "nothing reads layer0, and it is no result"),
    "result x": (lambda: small(None, results=(0, 1)), "results are (0, 1), expected vectors from"),
    "result beyond": (lambda: small(None, results=(2,)), "results are (2,), expected vectors from"),
    "order": (lambda: small(None, None, results=(2, 1)), "results are (2, 1), expected vectors"),
    "no result": (lambda: small(None, results=()), "results are (), expected vectors from 1 to 1"),
    "slope": (lambda: Dense(slope="1/4"), "slope is 1/4, expected 1/2: only leaky has a slope"),
    "activation": (lambda: Dense(activation="gelu"), "activation must be linear or relu or"),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_graphs_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)


def test_late_layers_are_those_behind_the_last_recurrent_one() -> None:
    gru = float_network(Recipe(inputs=1, units=(1,), outputs=None, cells=(GRU(),)), 1).layers[0]
    front, tail = small(None).layers[0], small(None, (0, 1)).layers[1]
    layers = front, gru, front, replace(tail, sources=(1, 3)), replace(front, sources=(0,))
    network = Network(layers=layers, results=(4, 5))
    assert network.late == {2, 3, 4}
    assert Network(layers=(front, front)).late == {0, 1}
    assert Network(layers=(front, gru)).late == frozenset()


def test_several_results_have_the_coarsest_format() -> None:
    gru = float_network(Recipe(inputs=2, units=(3,), outputs=None, cells=(GRU(),)), 1).layers[0]
    large = dense(np.full((2, 3), 9.0), np.zeros(2))
    small = dense(np.full((2, 3), 0.1), np.zeros(2), sources=(1,))
    network = Network(layers=(gru, large, small), results=(2, 3))
    x = samples(network, batch=9, steps=4, seed=1)
    quantized, _ = quantize(network, x)
    alone = quantize(Network(layers=(gru, large)), x)[0]
    assert quantized.out == alone.out == quantized.layers[1].formats.h
    read = Network(layers=network.layers, results=(1, 2, 3))
    assert quantize(read, x)[0].out.width == Settings().activation_width
    formats = replace(quantized.layers[1].formats, h=quantized.x)
    other = replace(quantized.layers[1], formats=formats)
    with pytest.raises(InputError, match="layer1 makes results of .*: expected one format"):
        replace(quantized, layers=(quantized.layers[0], other, quantized.layers[2]))
