"""The float network: against eqs. (18)-(25) written out, and its file, good and bad."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.cells import CELLS, LiteLSTM
from golden.errors import InputError
from golden.graph import MAX_LAYERS
from golden.layers import dense
from golden.network import Layer, Network
from tests.golden import files
from tests.networks import Recipe, float_network, samples

RECIPES = {
    "paper": Recipe(inputs=3, units=(4,), outputs=None),
    "one": Recipe(inputs=1, units=(1,), outputs=1),
    "no peephole": Recipe(inputs=2, units=(5,), outputs=3, peephole="none"),
    "diagonal": Recipe(inputs=2, units=(5,), outputs=3, peephole="diagonal"),
    "logistic": Recipe(inputs=4, units=(3,), outputs=2, sigmoid="logistic"),
    "three layers": Recipe(
        inputs=2,
        units=(3, 5, 4),
        outputs=6,
        sigmoid=("hard", "logistic", "hard"),
        peephole=("none", "full", "full"),
    ),
}
recipes = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)

Vector = list[float]


def product(matrix: NDArray[Any], vector: Vector) -> Vector:
    return [math.fsum(w * v for w, v in zip(row, vector, strict=True)) for row in matrix.tolist()]


def activation(kind: str, value: float) -> float:
    if kind == "hard":
        return max(0.0, min(1.0, 0.25 * value + 0.5))  # (21)
    return 1 / (1 + math.exp(-value))


def step(layer: Layer, x: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
    """Eqs. (18)-(25), a scalar at a time."""
    w = layer.weights
    total = [product(w["W_fx"], x), product(w["U_fh"], h), w["b_f"].tolist()]
    if "W_fc" in w:
        total.append(product(w["W_fc"], c))
    if "w_fc" in w:
        total.append([weight * c_i for weight, c_i in zip(w["w_fc"].tolist(), c, strict=True)])
    f = [activation(layer.sigmoid, math.fsum(terms)) for terms in zip(*total, strict=True)]
    candidate = [product(w["W_gx"], x), product(w["U_gh"], h), w["b_g"].tolist()]
    g = [math.tanh(math.fsum(terms)) for terms in zip(*candidate, strict=True)]
    c = [f_i * c_i + f_i * g_i for f_i, c_i, g_i in zip(f, c, g, strict=True)]
    h = [f_i * math.tanh(c_i) for f_i, c_i in zip(f, c, strict=True)]
    return h, c


def run(
    network: Network, sequence: list[Vector]
) -> tuple[list[list[tuple[Vector, Vector]]], Vector]:
    """The state (h, c) of every step and layer, and the output."""
    states = [([0.0] * layer.units, [0.0] * layer.units) for layer in network.body]
    trace = []
    x: Vector = []
    for sample in sequence:
        x = [value * network.input_scale for value in sample]
        states = [*states]
        for index, layer in enumerate(network.body):
            states[index] = step(layer, x, *states[index])
            x = states[index][0]
        trace.append(states)
    if network.head is None:
        return trace, x
    weights = network.head.weights
    return trace, [
        math.fsum([y, b])
        for y, b in zip(product(weights["W_yx"], x), weights["b_y"].tolist(), strict=True)
    ]


def close(got: NDArray[Any], want: Vector) -> bool:
    return bool(np.allclose(got, want, rtol=1e-12, atol=1e-13))


@recipes
@pytest.mark.parametrize("input_scale", [1.0, 1 / 255])
def test_float_reference_follows_the_equations(recipe: Recipe, input_scale: float) -> None:
    random = float_network(recipe, 1)
    network = replace(random, input_scale=input_scale)
    x = samples(network, batch=3, steps=6, seed=1)
    got = network.run(x)
    assert got.output.shape == (3, network.outputs)
    for b in range(3):
        trace, output = run(network, x[b].tolist())
        assert close(got.output[b], output)
        for t, states in enumerate(trace):
            for index, (h, c) in enumerate(states):
                assert close(got.layers[index]["h"][b, t], h)
                assert close(got.layers[index]["c"][b, t], c)
    assert np.array_equal(network.forward(x), got.output)


def test_pre_activations_are_traced() -> None:
    network = float_network(RECIPES["paper"], 2)
    x = samples(network, batch=2, steps=3, seed=2)
    (trace,), w = network.run(x).layers, network.layers[0].weights
    for t in range(3):
        h = trace["h"][:, t - 1] if t else np.zeros((2, 4))
        c = trace["c"][:, t - 1] if t else np.zeros((2, 4))
        pre_f = x[:, t] @ w["W_fx"].T + h @ w["U_fh"].T + c @ w["W_fc"].T + w["b_f"]
        pre_g = x[:, t] @ w["W_gx"].T + h @ w["U_gh"].T + w["b_g"]
        assert np.allclose(trace["pre_f"][:, t], pre_f, rtol=1e-12, atol=1e-13)
        assert np.allclose(trace["pre_g"][:, t], pre_g, rtol=1e-12, atol=1e-13)


def test_sizes() -> None:
    network = float_network(RECIPES["three layers"], 1)
    assert (network.inputs, network.outputs) == (2, 6)
    assert [(layer.inputs, layer.units) for layer in network.layers] == [
        (2, 3),
        (3, 5),
        (5, 4),
        (4, 6),
    ]
    first = 2 * (3 * 2 + 3 * 3 + 3)
    second = 2 * (5 * 3 + 5 * 5 + 5) + 5 * 5
    third = 2 * (4 * 5 + 4 * 4 + 4) + 4 * 4
    assert network.parameters == first + second + third + 6 * 4 + 6
    assert float_network(RECIPES["paper"], 1).outputs == 4


# Bad networks


@pytest.mark.parametrize("peephole", ["partial", "", "Full"])
def test_unknown_peepholes_are_refused(peephole: str) -> None:
    with pytest.raises(
        ValueError, match=f"peephole must be full or diagonal or none, not '{peephole}'"
    ):
        LiteLSTM(peephole=peephole)


BAD_LAYERS: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"U_fh": None}, "weight U_fh is missing"),
    "first matrix missing": ({"W_fx": None}, "weight W_fx is missing"),
    "first bias missing": ({"b_f": None}, "weight b_f is missing"),
    "foreign": ({"W_ix": np.zeros((4, 3))}, "weight W_ix is not one of a litelstm layer's"),
    "rows": ({"W_gx": np.zeros((5, 3))}, "weight W_gx is of shape (5, 3), expected (4, 3)"),
    "columns": ({"W_fc": np.zeros((4, 3))}, "weight W_fc is of shape (4, 3), expected (4, 4)"),
    "axes": ({"b_g": np.zeros((4, 1))}, "weight b_g is of shape (4, 1), expected (4)"),
    "nan": (
        {"b_g": np.array([0, np.nan, 0, 0])},
        "weight b_g holds NaN or infinity, expected finite",
    ),
    "infinity": ({"U_gh": np.full((4, 4), np.inf)}, "weight U_gh holds NaN or infinity"),
    "no inputs": (
        {"W_fx": np.zeros((4, 0)), "W_gx": np.zeros((4, 0))},
        "is of shape (4, 0), expected (4, 0)",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BAD_LAYERS.values(), ids=BAD_LAYERS)
def test_bad_layers_are_refused(changes: dict[str, Any], message: str) -> None:
    layer = float_network(RECIPES["paper"], 1).layers[0]
    weights = {k: v for k, v in {**layer.weights, **changes}.items() if v is not None}
    with pytest.raises(InputError) as caught:
        Layer(cell=layer.cell, sigmoid=layer.sigmoid, weights=weights)
    assert message in str(caught.value)


def test_bad_networks_are_refused() -> None:
    small = float_network(RECIPES["paper"], 1).layers[0]
    head = dense(np.zeros((2, 5)), np.zeros(2))
    with pytest.raises(InputError, match="sigmoid is 'soft', expected hard or logistic"):
        Layer(cell=small.cell, sigmoid="soft", weights=small.weights)
    with pytest.raises(InputError, match=r"layer1 has 3 inputs, expected 4 \(layer0 makes them\)"):
        Network(layers=(small, small))
    with pytest.raises(InputError, match=r"layer1 has 5 inputs, expected 4 \(layer0 makes them\)"):
        Network(layers=(small, head))
    with pytest.raises(InputError, match="layers is 0, expected 1 to 64"):
        Network(layers=())
    for scale in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="input_scale is .*, expected a positive number"):
            Network(layers=(small,), input_scale=scale)
    with pytest.raises(InputError, match=r"weight W_yx is of shape \(2, 4\), expected \(3, 4\)"):
        dense(np.zeros((2, 4)), np.zeros(3))


# Files


@recipes
def test_a_file_gives_back_the_network(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "net"  # no suffix is added
    random = float_network(recipe, 3)
    network = replace(random, input_scale=0.1)
    network.save(path)
    assert [*tmp_path.iterdir()] == [path]
    assert files.same(Network.load(path), network)
    assert files.same(Network.load(str(path)), network)


def test_weights_are_float32_where_that_is_exact(tmp_path: Path) -> None:
    layer = float_network(RECIPES["paper"], 1).layers[0]
    short = {
        name: array.astype(np.float32).astype(np.float64) for name, array in layer.weights.items()
    }
    weights = {**short, "b_g": np.full(4, 0.1)}
    network = Network(layers=(Layer(cell=layer.cell, sigmoid="hard", weights=weights),))
    network.save(tmp_path / "net.npz")
    stored = files.fields(tmp_path / "net.npz")
    assert stored["layer0.W_fx"].dtype == np.float32
    assert stored["layer0.b_g"].dtype == np.float64
    assert files.same(Network.load(tmp_path / "net.npz"), network)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a good network of two layers and a head."""
    path = tmp_path / "net.npz"
    float_network(Recipe(inputs=3, units=(4, 5), outputs=2), 1).save(path)
    return path


def test_missing_files_are_refused(path: Path) -> None:
    files.check_missing(Network.load, path)


@pytest.mark.parametrize("content", files.FOREIGN.values(), ids=files.FOREIGN)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    files.check_foreign(Network.load, tmp_path / "net.npz", content)


def test_truncated_files_are_refused(path: Path) -> None:
    files.check_truncated(Network.load, path)


def test_damaged_files_are_refused(path: Path) -> None:
    files.check_damaged(Network.load, path)


def test_every_field_is_checked(path: Path) -> None:
    files.check_fields(Network.load, path)


def test_failed_saving_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.check_saving(float_network(RECIPES["one"], 1).save, tmp_path, monkeypatch)


def spoilt(value: float, *place: int) -> NDArray[np.float64]:
    array = np.zeros((4, 3))
    array[place] = value
    return array


BAD_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "kind": (
        {"kind": "litelstm quantized network"},
        "kind is 'litelstm quantized network', expected litelstm float network",
    ),
    "kind of a wrong type": (
        {"kind": 7},
        "kind is int64 of shape (), expected litelstm float network",
    ),
    "old version": ({"version": 0}, "version is 0, expected 1 to 2"),
    "version of a wrong type": (
        {"version": 1.0},
        "version is float64 of shape (), expected an integer from 0 to 1000000",
    ),
    "no layers": ({"layers": 0}, f"layers is 0, expected an integer from 1 to {MAX_LAYERS}"),
    "too many layers": ({"layers": 65}, "layers is 65, expected an integer from 1 to 64"),
    "more layers than there are": ({"layers": 4}, "field layer3.cell is missing"),
    "fewer layers than there are": ({"layers": 2}, "unknown field layer2.W_yx"),
    "layers is true": ({"layers": True}, "layers is bool of shape (), expected an integer"),
    "layers is a list": ({"layers": [2, 2]}, "layers is int64 of shape (2,), expected an integer"),
    "cell": ({"layer0.cell": "tcn"}, f"layer0.cell is 'tcn', expected {' or '.join(CELLS)}"),
    "peephole": ({"layer1.peephole": "some"}, "layer1.peephole is 'some', expected full or "),
    "sigmoid": ({"layer0.sigmoid": "soft"}, "layer0.sigmoid is 'soft', expected hard or logistic"),
    "nan": (
        {"layer0.W_fx": spoilt(np.nan, 2, 1)},
        "layer0.W_fx[2, 1] is nan, expected a finite number",
    ),
    "infinity": (
        {"layer0.W_gx": spoilt(-np.inf, 0, 2)},
        "layer0.W_gx[0, 2] is -inf, expected a finite number",
    ),
    "rows": (
        {"layer0.W_gx": np.zeros((5, 3))},
        "layer0.W_gx is of shape (5, 3), expected real numbers of shape (4, 3)",
    ),
    "first matrix' rows": (
        {"layer0.W_fx": np.zeros((5, 3))},
        "layer0.W_fx is of shape (5, 3), expected real numbers of shape (4, any)",
    ),
    "axes": (
        {"layer1.b_f": np.zeros((5, 1))},
        "layer1.b_f is of shape (5, 1), expected real numbers of shape (any)",
    ),
    "no units": (
        {"layer0.b_f": np.zeros(0)},
        "layer0.b_f is of shape (0,), expected real numbers of shape (any)",
    ),
    "text": (
        {"layer1.U_gh": np.full((5, 5), "1")},
        "layer1.U_gh is of type <U1, expected real numbers of shape (5, 5)",
    ),
    "booleans": (
        {"layer2.b_y": np.array([True, False])},
        "layer2.b_y is of type bool, expected real numbers of shape (any)",
    ),
    "bias of the head": (
        {"layer2.b_y": np.zeros(3)},
        "layer2.W_yx is of shape (2, 5), expected real numbers of shape (3, any)",
    ),
    "head of another network": (
        {"layer2.W_yx": np.zeros((2, 6))},
        "layer2 has 6 inputs, expected 5 (layer1 makes them)",
    ),
    "layers that do not fit": (
        {"layer1.W_fx": np.zeros((5, 3)), "layer1.W_gx": np.zeros((5, 3))},
        "layer1 has 3 inputs, expected 4 (layer0 makes them)",
    ),
    "scale zero": ({"input_scale": 0.0}, "input_scale is 0.0, expected a positive number"),
    "scale negative": ({"input_scale": -2.0}, "input_scale is -2.0, expected a positive number"),
    "scale nan": ({"input_scale": np.nan}, "input_scale[] is nan, expected a finite number"),
    "scale list": (
        {"input_scale": [1.0]},
        "input_scale is of shape (1,), expected real numbers of shape ()",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_bad_fields_are_refused(path: Path, changes: dict[str, Any], message: str) -> None:
    files.rewrite(path, changes)
    assert message in files.refusal(Network.load, path)


def test_weights_may_be_stored_as_integers_or_halves(path: Path) -> None:
    files.rewrite(path, {"layer0.b_f": np.arange(4), "layer2.b_y": np.array([0.5, 1], np.float16)})
    network = Network.load(path)
    assert network.head
    assert network.layers[0].weights["b_f"].tolist() == [0, 1, 2, 3]
    assert network.head.weights["b_y"].dtype == np.float64
