"""The quantized network: what it refuses, its file, and the bounds of its sums."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.activations import TanhTable
from golden.cells import CELLS, Dense, LiteLSTM
from golden.errors import InputError
from golden.formats import Format
from golden.layer_formats import LayerFormats, weight_format
from golden.network import Network
from golden.quantized import (
    QuantizedLayer,
    QuantizedNetwork,
    signed_width,
)
from tests import reference
from tests.golden import files
from tests.networks import (
    Recipe,
    bound_network,
    float_network,
    input_words,
    quantized_network,
    random_recipe,
)

SEEDS = range(12)

FORMATS = LayerFormats(
    x=Format(width=8, frac=7),
    h=Format(width=8, frac=7),
    c=Format(width=12, frac=9),
    pre=Format(width=12, frac=9),
    gate=Format(width=10, frac=8),
    weight_width=8,
    product_fracs={"f": 12, "g": 14},
)
LAYER = QuantizedLayer(
    cell=LiteLSTM(),
    sigmoid="hard",
    formats=FORMATS,
    weights={
        "W_fx": np.zeros((4, 3), np.int64),
        "U_fh": np.zeros((4, 4), np.int64),
        "W_fc": np.zeros((4, 4), np.int64),
        "b_f": np.zeros(4, np.int64),
        "W_gx": np.zeros((4, 3), np.int64),
        "U_gh": np.zeros((4, 4), np.int64),
        "b_g": np.zeros(4, np.int64),
    },
)
TANH = TanhTable(out=Format(width=10, frac=8))


def logits(weights: dict[str, NDArray[Any]] | None = None, **changes: Any) -> QuantizedLayer:
    """A dense layer behind ``LAYER``, with some weights or formats changed."""
    zeros = {"W_yx": np.zeros((2, 4), np.int64), "b_y": np.zeros(2, np.int64)}
    formats: dict[str, Any] = {
        "x": FORMATS.h,
        "h": Format(width=16, frac=8),
        "weight_width": 8,
        "product_fracs": {"y": 12},
    }
    return QuantizedLayer(
        cell=Dense(),
        sigmoid="logistic",
        formats=LayerFormats(**{**formats, **changes}),
        weights=zeros if weights is None else weights,
    )


# Formats


def test_products_of_a_gate_share_one_binary_point() -> None:
    for operand, frac in (("x", 7), ("h", 7), ("c", 9)):
        assert FORMATS.operand(operand) == getattr(FORMATS, operand)
        for gate, product_frac in (("f", 12), ("g", 14)):
            assert FORMATS.weight(gate, operand).width == 8
            assert FORMATS.weight(gate, operand).frac + frac == product_frac
    assert weight_format("W_fc", FORMATS) == FORMATS.weight("f", "c")
    assert weight_format("U_gh", FORMATS) == FORMATS.weight("g", "h")
    assert weight_format("b_g", FORMATS) == Format(width=32, frac=14)


@pytest.mark.parametrize(
    ("fracs", "found"),
    [({"f": 12}, "f"), ({"f": 12, "g": 12, "o": 12}, "f, g, o"), ({"f": 12, "n": 12}, "f, n")],
)
def test_binary_points_of_other_gates_are_refused(fracs: dict[str, int], found: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(LAYER, formats=replace(FORMATS, product_fracs=fracs))
    assert str(caught.value) == f"product_fracs has {found}, expected f, g"


def test_a_binary_point_that_leaves_weights_without_format_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        replace(LAYER, formats=replace(FORMATS, product_fracs={"f": 12, "g": 73}))
    assert str(caught.value) == "product_frac is 73, expected -57 to 71"


@pytest.mark.parametrize(
    ("width", "frac"), [(8, 7), (8, 8), (8, -1), (2, 1), (18, 17)], ids=lambda n: str(n)
)
def test_a_gate_format_must_hold_one(width: int, frac: int) -> None:
    gate = Format(width=width, frac=frac)
    with pytest.raises(InputError) as caught:
        replace(FORMATS, gate=gate)
    assert str(caught.value) == (
        f"gate format is {gate}, expected one that holds exactly 1.0 "
        f"(0 to {width - 2} fraction bits of {width})"
    )


@pytest.mark.parametrize("name", ["x", "c", "pre", "gate"])
def test_formats_wider_than_a_multiplier_are_refused(name: str) -> None:
    replace(FORMATS, **{name: Format(width=18, frac=8)})
    with pytest.raises(InputError, match=f"^{name} format has 19 bits, expected 2 to 18$"):
        replace(FORMATS, **{name: Format(width=19, frac=8)})


def test_only_what_no_layer_reads_may_be_wider() -> None:
    wide = replace(FORMATS, h=Format(width=19, frac=8))
    with pytest.raises(InputError, match="^h format has 19 bits, expected 2 to 18$"):
        replace(LAYER, formats=wide)
    assert logits(h=Format(width=32, frac=8)).formats.h.width == 32
    with pytest.raises(InputError, match="^x format has 32 bits, expected 2 to 18$"):
        logits(x=Format(width=32, frac=8))


@pytest.mark.parametrize("width", [-1, 0, 1, 19, 64])
def test_weight_widths_out_of_range_are_refused(width: int) -> None:
    message = f"^weight_width is {width}, expected 2 to 18 bits$"
    with pytest.raises(InputError, match=message):
        replace(FORMATS, weight_width=width)
    with pytest.raises(InputError, match=message):
        logits(weight_width=width)


def test_other_formats_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="pre format is .*, expected 0 or more fraction bits"):
        replace(FORMATS, pre=Format(width=8, frac=-1))
    wide = TanhTable(out=Format(width=19, frac=8))
    with pytest.raises(InputError, match="tanh out format has 19 bits, expected 2 to 18"):
        QuantizedNetwork(layers=(LAYER,), tanh=wide)


# Weights

BAD_WEIGHTS: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"W_gx": None}, "weight W_gx is missing"),
    "first missing": ({"W_fx": None}, "weight W_fx is missing"),
    "bias missing": ({"b_f": None}, "weight b_f is missing"),
    "foreign": (
        {"W_gc": np.zeros((4, 4), np.int64)},
        "weight W_gc is not one of a litelstm layer's",
    ),
    "too large": (
        {"U_fh": np.full((4, 4), 128)},
        "weight U_fh is 128 to 128, expected -128 to 127",
    ),
    "too small": (
        {"W_fc": np.full((4, 4), -129)},
        "weight W_fc is -129 to -129, expected -128 to 127",
    ),
    "bias too large": (
        {"b_g": np.full(4, 2**31)},
        "weight b_g is 2147483648 to 2147483648, expected -2147483648 to 2147483647",
    ),
    "floats": ({"W_gx": np.zeros((4, 3))}, "weight W_gx is of type float64, expected int64"),
    "int32": ({"b_f": np.zeros(4, np.int32)}, "weight b_f is of type int32, expected int64"),
    "rows": (
        {"U_gh": np.zeros((3, 4), np.int64)},
        "weight U_gh is of shape (3, 4), expected (4, 4)",
    ),
    "columns": (
        {"W_gx": np.zeros((4, 4), np.int64)},
        "weight W_gx is of shape (4, 4), expected (4, 3)",
    ),
    "axes": ({"b_g": np.zeros((4, 1), np.int64)}, "weight b_g is of shape (4, 1), expected (4)"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_bad_weights_are_refused(changes: dict[str, Any], message: str) -> None:
    weights = {k: v for k, v in {**LAYER.weights, **changes}.items() if v is not None}
    with pytest.raises(InputError) as caught:
        replace(LAYER, weights=weights)
    assert message in str(caught.value)


def test_bad_dense_layers_are_refused() -> None:
    zeros = np.zeros((2, 4), np.int64)
    with pytest.raises(InputError, match="weight b_y is missing"):
        logits(weights={"W_yx": zeros})
    with pytest.raises(InputError, match="weight W_yx is 128 to 128, expected -128 to 127"):
        logits(weights={"W_yx": zeros + 128, "b_y": zeros[:, 0]})
    with pytest.raises(InputError, match=r"weight W_yx is of shape \(2, 4\), expected \(4, 4\)"):
        logits(weights={"W_yx": zeros, "b_y": zeros[0]})
    with pytest.raises(InputError, match="weight b_y is of type float64, expected int64"):
        logits(weights={"W_yx": zeros, "b_y": np.zeros(2)})
    with pytest.raises(InputError, match="a dense layer is reverse, expected forward"):
        replace(logits(), direction="reverse")
    with pytest.raises(InputError, match="a dense layer has no format pre"):
        replace(logits(), cell=Dense(activation="tanh"))


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="sigmoid is 'soft', expected hard or logistic"):
        replace(LAYER, sigmoid="soft")
    with pytest.raises(InputError, match=r"layer1 has 3 inputs, expected 4 \(layer0 makes them\)"):
        QuantizedNetwork(layers=(LAYER, LAYER), tanh=TANH)
    other = replace(FORMATS, h=Format(width=8, frac=6))
    with pytest.raises(InputError, match=r"layer1 reads x as Q1.7, layer0 writes it as Q2.6"):
        QuantizedNetwork(layers=(replace(LAYER, formats=other), logits()), tanh=TANH)
    with pytest.raises(InputError, match="layers is 0, expected 1 to 64"):
        QuantizedNetwork(layers=(), tanh=TANH)
    with pytest.raises(InputError, match="input_scale is nan, expected a positive number"):
        QuantizedNetwork(layers=(LAYER,), tanh=TANH, input_scale=float("nan"))


def test_sizes_and_formats_of_a_network() -> None:
    network = quantized_network(Recipe(inputs=3, units=(4, 5), outputs=2), 1)
    assert (network.inputs, network.outputs) == (3, 2)
    assert network.x == network.layers[0].formats.x
    assert network.head
    assert network.out == network.head.formats.h
    assert network.products == 2 * (4 * 3 + 4 * 4) + 4 * 4 + 2 * (5 * 4 + 5 * 5) + 5 * 5
    bare = replace(network, layers=network.body)
    assert bare.outputs == 5
    assert bare.out == network.layers[1].formats.h


def test_inputs_are_scaled_before_they_are_quantized() -> None:
    network = QuantizedNetwork(layers=(LAYER,), tanh=TANH, input_scale=1 / 255)
    pixels = np.array([[[0, 128, 255]]])
    assert network.quantize_input(pixels).tolist() == [[[0, 64, 127]]]


# Bounds of the sums


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_are_exact(seed: int) -> None:
    """Recomputed in Python integers; an operand vector that reaches each of them exists."""
    network = quantized_network(random_recipe(seed), seed)
    sums: list[int] = []
    for layer in network.layers:
        for index, gate in enumerate(layer.cell.gates):
            low, high = layer.bounds(index, bias=False)
            biased = layer.bounds(index, bias=True)
            bias = layer.weights[gate.bias]
            for unit in range(layer.units):
                least = most = 0
                for operand in gate.reads:
                    to = layer.formats.operand(operand)
                    row = layer.weights[gate.matrix(operand)][unit].tolist()
                    least += reference.dot(row, [to.min if w > 0 else to.max for w in row])
                    most += reference.dot(row, [to.max if w > 0 else to.min for w in row])
                assert (low[unit], high[unit]) == (least, most)
                assert biased[0][unit] == least + int(bias[unit])
                assert biased[1][unit] == most + int(bias[unit])
                sums += [least, most]
    assert network.sum_bounds(bias=False) == (min(sums), max(sums))
    width = network.accumulator_width
    assert -(2 ** (width - 1)) <= min(sums) <= max(sums) < 2 ** (width - 1)
    narrower = 2 ** (width - 2)
    assert width == 2 or min(sums) < -narrower or max(sums) >= narrower


def accumulated(network: QuantizedNetwork, words: NDArray[np.int64]) -> list[list[list[int]]]:
    """Sums of one sequence without bias, sums[step][gate][unit], of a network of one layer."""
    (layer,) = network.layers
    run = reference.run(network, words.tolist())
    zeros = [0] * layer.units
    result = []
    for step, x in enumerate(words.tolist()):
        h, c = (run.h[step - 1][0], run.c[step - 1][0]) if step else (zeros, zeros)
        operands = {"x": x, "h": h, "c": c}
        result.append(
            [
                [
                    sum(
                        reference.dot(
                            layer.weights[gate.matrix(name)][unit].tolist(), operands[name]
                        )
                        for name in gate.reads
                    )
                    for unit in range(layer.units)
                ]
                for gate in layer.cell.gates
            ]
        )
    return result


@pytest.mark.parametrize("width", [4, 8, 16])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_run_reaches_the_bound_exactly(sign: int, width: int) -> None:
    network, words = bound_network(sign=sign, width=width)
    sums = accumulated(network, words[0])
    bound = network.sum_bounds(bias=False)[1]
    assert max(sums[-1][0]) == bound
    if sign < 0:  # 16 products of most negative times most negative: not one bit to spare
        assert bound == 2 ** (2 * width + 2) == 2 ** (network.accumulator_width - 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_run_exceeds_the_bounds(seed: int) -> None:
    recipe = replace(random_recipe(seed, layers=1), outputs=None)
    network = quantized_network(recipe, seed)
    words = input_words(network, batch=1, steps=6, seed=seed)[0]
    for step in accumulated(network, words):
        for gate, sums in enumerate(step):
            low, high = network.layers[0].bounds(gate, bias=False)
            assert (low <= sums).all()
            assert (sums <= high).all()


@pytest.mark.parametrize("low", range(-9, 3))
@pytest.mark.parametrize("high", range(-2, 10))
def test_signed_width(low: int, high: int) -> None:
    fits = [n for n in range(2, 8) if -(2 ** (n - 1)) <= low and high < 2 ** (n - 1)]
    if low <= high:
        assert signed_width(low, high) == fits[0]


# Files


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_gives_back_the_network(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "net"
    network = replace(quantized_network(random_recipe(seed), seed), input_scale=0.1)
    network.save(path)
    assert [*tmp_path.iterdir()] == [path]
    assert files.same(QuantizedNetwork.load(path), network)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(127, np.int8), (-128, np.int8), (128, np.int16), (-129, np.int16), (2**31 - 1, np.int32)],
)
def test_integers_are_stored_in_the_narrowest_type(
    tmp_path: Path, value: int, dtype: type[np.integer]
) -> None:
    layer = replace(LAYER, weights={**LAYER.weights, "b_f": np.full(4, value)})
    network = QuantizedNetwork(layers=(layer,), tanh=TANH)
    network.save(tmp_path / "net.npz")
    stored = files.fields(tmp_path / "net.npz")["layer0.b_f"]
    assert (stored == value).all()
    assert stored.dtype == dtype
    assert files.same(QuantizedNetwork.load(tmp_path / "net.npz"), network)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a good network of two layers and a head."""
    path = tmp_path / "net.npz"
    quantized_network(Recipe(inputs=3, units=(4, 5), outputs=2), 1).save(path)
    return path


def test_missing_files_are_refused(path: Path) -> None:
    files.check_missing(QuantizedNetwork.load, path)


@pytest.mark.parametrize("content", files.FOREIGN.values(), ids=files.FOREIGN)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    files.check_foreign(QuantizedNetwork.load, tmp_path / "net.npz", content)


def test_truncated_files_are_refused(path: Path) -> None:
    files.check_truncated(QuantizedNetwork.load, path)


@pytest.mark.slow
def test_damaged_files_are_refused(path: Path) -> None:
    files.check_damaged(QuantizedNetwork.load, path)


@pytest.mark.slow
def test_every_field_is_checked(path: Path) -> None:
    files.check_fields(QuantizedNetwork.load, path)


def test_failed_saving_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.check_saving(quantized_network(Recipe(), 1).save, tmp_path, monkeypatch)


def test_the_two_kinds_of_files_are_told_apart(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "float.npz"
    float_network(Recipe(), 1).save(real)
    assert files.refusal(QuantizedNetwork.load, real) == (
        "kind is 'litelstm float network', expected litelstm quantized network"
    )
    assert files.refusal(Network.load, path) == (
        "kind is 'litelstm quantized network', expected litelstm float network"
    )


def spoilt(value: int) -> NDArray[np.int64]:
    array = np.zeros((4, 3), np.int64)
    array[2, 1] = value
    return array


BAD_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "gate without one": (
        {"layer1.gate": [8, 7]},
        "layer1: gate format is Q1.7, expected one that holds exactly 1.0 "
        "(0 to 6 fraction bits of 8)",
    ),
    "format too narrow": (
        {"layer0.c": [1, 0]},
        "layer0.c: Format width must be 2 to 32 bits, not 1",
    ),
    "format too wide": ({"layer0.c": [19, 0]}, "layer0: c format has 19 bits, expected 2 to 18"),
    "format of x too wide": ({"x": [19, 0]}, "x format has 19 bits, expected 2 to 18"),
    "format without frac": ({"x": [8]}, "x is of shape (1,), expected integers of shape (2)"),
    "format of floats": (
        {"layer2.h": [16.0, 8.0]},
        "layer2.h is of type float64, expected integers of shape (2)",
    ),
    "binary point too far": (
        {"layer0.h": [8, 65]},
        "layer0.h[1] is 65, expected an integer from -64 to 64",
    ),
    "pre-activation of whole numbers": (
        {"layer0.pre": [12, -1]},
        "layer0: pre format is Q13.-1, expected 0 or more fraction bits",
    ),
    "weight width": (
        {"layer0.weight_width": 19},
        "layer0: weight_width is 19, expected 2 to 18 bits",
    ),
    "weight width of the head": (
        {"layer2.weight_width": 1},
        "layer2: weight_width is 1, expected 2 to 18 bits",
    ),
    "product frac": (
        {"layer1.product_frac": [20, 100]},
        "layer1.product_frac[1] is 100, expected an integer from -64 to 64",
    ),
    "product fracs of other gates": (
        {"layer1.product_frac": [20, 20, 20]},
        "layer1.product_frac is of shape (3,), expected integers of shape (2)",
    ),
    "weight too large": (
        {"layer0.W_gx": spoilt(128)},
        "layer0.W_gx[2, 1] is 128, expected an integer from -128 to 127",
    ),
    "weight too small": (
        {"layer0.W_fx": spoilt(-129)},
        "layer0.W_fx[2, 1] is -129, expected an integer from -128 to 127",
    ),
    "weight beyond int64": (
        {"layer0.W_fx": np.full((4, 3), 2**63, np.uint64)},
        "layer0.W_fx[0, 0] is 9223372036854775808, expected an integer from -128 to 127",
    ),
    "weight of the head": (
        {"layer2.W_yx": np.full((2, 5), 300)},
        "layer2.W_yx[0, 0] is 300, expected an integer from -128 to 127",
    ),
    "bias": (
        {"layer1.b_g": np.full(5, 2**31)},
        "layer1.b_g[0] is 2147483648, expected an integer from -2147483648 to 2147483647",
    ),
    "real weights": (
        {"layer0.W_gx": np.zeros((4, 3))},
        "layer0.W_gx is of type float64, expected integers of shape (4, 3)",
    ),
    "boolean weights": (
        {"layer0.W_gx": np.zeros((4, 3), bool)},
        "layer0.W_gx is of type bool, expected integers of shape (4, 3)",
    ),
    "rows": (
        {"layer0.U_gh": np.zeros((5, 4), np.int64)},
        "layer0.U_gh is of shape (5, 4), expected integers of shape (4, 4)",
    ),
    "no inputs": (
        {"layer0.W_fx": np.zeros((4, 0), np.int64)},
        "layer0.W_fx is of shape (4, 0), expected integers of shape (4, any)",
    ),
    "layers that do not fit": (
        {"layer1.W_fx": np.zeros((5, 3), np.int64), "layer1.W_gx": np.zeros((5, 3), np.int64)},
        "layer1 has 3 inputs, expected 4 (layer0 makes them)",
    ),
    "head of another network": (
        {"layer2.W_yx": np.zeros((2, 6), np.int64)},
        "layer2 has 6 inputs, expected 5 (layer1 makes them)",
    ),
    "table too large": (
        {"tanh.log2_entries": 15},
        "tanh.log2_entries is 15, expected an integer from 2 to 14",
    ),
    "table range": (
        {"tanh.log2_range": 1},
        "tanh.log2_range is 1, expected an integer from 2 to 5",
    ),
    "table format": (
        {"tanh.out": [10, 0]},
        "tanh table out must have 1 to 10 fraction bits, not 0",
    ),
    "table too wide": ({"tanh.out": [19, 8]}, "tanh out format has 19 bits, expected 2 to 18"),
    "scale": ({"input_scale": -1.0}, "input_scale is -1.0, expected a positive number"),
    "scale nan": ({"input_scale": np.nan}, "input_scale[] is nan, expected a finite number"),
    "cell": ({"layer0.cell": "tcn"}, f"layer0.cell is 'tcn', expected {' or '.join(CELLS)}"),
    "more layers than there are": ({"layers": 4}, "field layer3.cell is missing"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_bad_fields_are_refused(path: Path, changes: dict[str, Any], message: str) -> None:
    files.rewrite(path, changes)
    assert message in files.refusal(QuantizedNetwork.load, path)


def test_one_binary_point_may_stand_for_all_gates(path: Path) -> None:
    """A file in the format of the first release still loads."""
    files.rewrite(path, {"layer0.product_frac": 21})
    loaded = QuantizedNetwork.load(path)
    assert loaded.layers[0].formats.product_fracs == {"f": 21, "g": 21}


@pytest.mark.parametrize("name", ["layer0.product_frac", "head.product_frac"])
def test_weights_whose_binary_point_is_out_of_range_name_their_place(path: Path, name: str) -> None:
    """product_frac and the operand's frac are both in range, their difference is not."""
    changes: dict[str, Any] = {name: -64}
    files.rewrite(path, changes)
    assert name.split(".")[0] in files.refusal(QuantizedNetwork.load, path)
