"""The quantizer: scales, what it reports, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.errors import InputError
from golden.formats import Format
from golden.layers import dense
from golden.losses import Report, TensorLoss
from golden.model import IntegerModel
from golden.network import Layer, Network
from golden.quantize import quantize
from golden.scales import METHODS, Observed
from golden.settings import Settings
from tests.networks import Recipe, clipped, float_network, samples, square_error

RECIPE = Recipe(inputs=3, units=(5, 4), outputs=3, sigmoid=("hard", "logistic"))
NETWORK = float_network(RECIPE, 1)
SAMPLES = samples(NETWORK, batch=6, steps=5, seed=1)

methods = pytest.mark.parametrize("method", METHODS)

# Whole networks


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("width", [3, 8, 16])
def test_nothing_saturates_with_max(seed: int, width: int) -> None:
    network = float_network(RECIPE, seed)
    x = samples(network, batch=6, steps=5, seed=seed)
    settings = Settings(weight_width=width, activation_width=width, state_width=width, method="max")
    result, report = quantize(network, x, settings)
    for loss in report.tensors:
        if loss.name != "output":
            assert loss.saturated == 0, loss
    run = network.run(x)
    assert clipped(x, width, result.x.frac) == 0
    for layer, integer, trace in zip(network.body, result.body, run.layers, strict=False):
        for name in ("h", "c"):
            assert clipped(trace[name], width, integer.formats.operand(name).frac) == 0
        for gate in integer.cell.gates:
            for operand in gate.reads:
                frac = integer.formats.weight(gate.name, operand).frac
                assert clipped(layer.weights[gate.matrix(operand)], width, frac) == 0


@methods
def test_every_number_is_the_nearest_of_its_format(method: str) -> None:
    result, _ = quantize(NETWORK, SAMPLES, Settings(method=method))
    for layer, integer in zip(NETWORK.layers, result.layers, strict=True):
        for name, array in integer.weights.items():
            if name.startswith("b_"):
                to = Format(width=32, frac=integer.formats.product_fracs[name[-1]])
            else:
                to = integer.formats.weight(name[2], name[3])
            assert (array == to.quantize(layer.weights[name])).all()


@methods
@pytest.mark.parametrize("width", [2, 3, 4, 8])
def test_no_weight_is_the_most_negative_value(method: str, width: int) -> None:
    """Not even where that is the nearest value of the format; the largest one occurs."""
    settings = Settings(weight_width=width, method=method)
    result, _ = quantize(NETWORK, SAMPLES, settings)
    arrays = [a for layer in result.layers for a in layer.weights.values() if a.ndim == 2]
    every = np.concatenate([array.ravel() for array in arrays])
    most = (1 << (width - 1)) - 1
    assert every.min() >= -most
    if method == "mse" and width < 8:
        assert -most in every


@pytest.mark.parametrize("seed", range(4))
def test_mse_of_activations_is_never_worse_than_with_max(seed: int) -> None:
    network = float_network(RECIPE, seed)
    x = samples(network, batch=6, steps=5, seed=seed)
    settings = Settings(activation_width=4, state_width=5)
    errors: dict[str, dict[str, float]] = {}
    for method in METHODS:
        result, _ = quantize(network, x, replace(settings, method=method))
        errors[method] = {"x": square_error(x, 4, result.x.frac)}
        for index, trace in enumerate(network.run(x).layers[:-1]):
            formats = result.layers[index].formats
            for name in ("h", "c"):
                to = formats.operand(name)
                errors[method][f"{name}{index}"] = square_error(trace[name], to.width, to.frac)
    assert all(errors["mse"][name] <= errors["max"][name] for name in errors["max"])


@pytest.mark.parametrize("seed", range(4))
def test_mse_of_weights_is_never_worse_than_max(seed: int) -> None:
    """The error in the sums decides: the weights' error times the operand's power."""
    network = float_network(RECIPE, seed)
    x = samples(network, batch=6, steps=5, seed=seed)
    trace = network.run(x).layers[0]
    formats = quantize(network, x, Settings(weight_width=4))[0].layers[0].formats
    operands = {"x": x, "h": trace["h"], "c": trace["c"]}
    for gate in "fg":
        matrices = {
            name[-1]: array
            for name, array in network.layers[0].weights.items()
            if array.ndim == 2 and name[2] == gate
        }

        def noise(product_frac: int, matrices: dict[str, Any] = matrices) -> float:
            return sum(
                float(np.mean(operands[operand] ** 2))
                * square_error(matrix, 4, product_frac - formats.operand(operand).frac)
                * matrix.shape[1]
                for operand, matrix in matrices.items()
            )

        safe = min(
            Observed(matrix).choose_frac(4, "max") + formats.operand(operand).frac
            for operand, matrix in matrices.items()
        )
        chosen = noise(formats.product_fracs[gate])
        assert chosen <= min(noise(safe), noise(safe + 1), noise(safe + 2))


def test_formats_follow_the_settings() -> None:
    settings = Settings(
        weight_width=5,
        activation_width=7,
        state_width=11,
        pre_width=10,
        out_width=13,
        log2_entries=7,
        log2_range=3,
        interpolate=True,
    )
    result, _ = quantize(NETWORK, SAMPLES, settings)
    assert result.x.width == 7
    assert result.out.width == 13
    assert (result.tanh.log2_entries, result.tanh.log2_range) == (7, 3)
    assert result.tanh.interpolate
    assert result.tanh.out.holds_one
    for layer in result.body:
        formats = layer.formats
        assert (formats.h.width, formats.operand("c").width) == (7, 11)
        assert (formats.operand("pre").width, formats.weight_width) == (10, 5)
        assert formats.gate == Format(width=9, frac=7)
    narrow_x, _ = quantize(NETWORK, SAMPLES, replace(settings, input_width=5, gate_bits=9))
    assert (narrow_x.x.width, narrow_x.layers[0].formats.h.width) == (5, 7)
    assert narrow_x.layers[1].formats.gate == narrow_x.tanh.out == Format(width=11, frac=9)
    # A pre-activation covers the table; the logistic sigmoid halves its argument first.
    assert result.layers[0].formats.operand("pre").frac == 10 - 1 - 3
    assert result.layers[1].formats.operand("pre").frac == 10 - 1 - 4


@methods
def test_wide_formats_lose_little(method: str) -> None:
    settings = Settings(
        weight_width=16,
        activation_width=16,
        state_width=18,
        pre_width=18,
        out_width=24,
        log2_entries=12,
        log2_range=3,
        interpolate=True,
        method=method,
    )
    result, report = quantize(NETWORK, SAMPLES, settings)
    assert report.tensors[-1].sqnr_db > 60
    got = result.out.to_float(IntegerModel(result).forward(result.quantize_input(SAMPLES)))
    assert np.abs(got - NETWORK.forward(SAMPLES)).max() < 0.01


def test_the_input_scale_is_kept_and_applied() -> None:
    scaled = replace(NETWORK, input_scale=1 / 64)
    result, _ = quantize(scaled, SAMPLES * 64)
    plain, _ = quantize(NETWORK, SAMPLES)
    assert result.input_scale == 1 / 64
    assert result.x == plain.x
    assert (result.quantize_input(SAMPLES * 64) == plain.quantize_input(SAMPLES)).all()


def test_quantizing_is_repeatable() -> None:
    one, two = (quantize(NETWORK, SAMPLES) for _ in range(2))
    assert one[1] == two[1]
    words = one[0].quantize_input(SAMPLES)
    assert (IntegerModel(one[0]).forward(words) == IntegerModel(two[0]).forward(words)).all()


# The report


def row(report: Report, name: str) -> TensorLoss:
    (found,) = [loss for loss in report.tensors if loss.name == name]
    return found


def test_the_report_has_a_row_a_tensor() -> None:
    _, report = quantize(NETWORK, SAMPLES)
    layer = ["W_fx", "U_fh", "W_fc", "b_f", "W_gx", "U_gh", "b_g", "h", "c"]
    names = ["x", *(f"layer{n}.{name}" for n in (0, 1) for name in layer)]
    names += ["layer2.W_yx", "layer2.b_y"]
    assert [loss.name for loss in report.tensors] == [*names, "output"]
    headless = quantize(replace(NETWORK, layers=NETWORK.body), SAMPLES)[1]
    assert [loss.name for loss in headless.tensors] == [*names[:-2], "output"]


def test_the_report_says_what_was_lost() -> None:
    """Two rows recomputed a number at a time, one of them with saturation."""
    settings = Settings(weight_width=3, activation_width=3, state_width=3)
    result, report = quantize(NETWORK, SAMPLES, settings)
    trace = NETWORK.run(SAMPLES).layers[0]
    formats = result.layers[0].formats
    values = {
        "x": (SAMPLES, result.x),
        "layer0.W_fc": (NETWORK.layers[0].weights["W_fc"], formats.weight("f", "c")),
        "layer0.c": (trace["c"], formats.operand("c")),
    }
    for name, (array, to) in values.items():
        errors, power, saturated = [], 0.0, 0
        for value in array.flat:
            nearest = math.floor(float(value) * 2.0**to.frac + 0.5)
            kept = max(to.least, min(to.max, nearest))
            saturated += kept != nearest
            errors.append(kept * 2.0**-to.frac - float(value))
            power += float(value) ** 2
        loss = row(report, name)
        assert loss.format == to
        assert loss.saturated == pytest.approx(saturated / array.size)
        assert loss.max_error == pytest.approx(max(map(abs, errors)))
        noise = math.fsum(error**2 for error in errors)
        assert loss.sqnr_db == pytest.approx(10 * math.log10(power / noise))
    assert any(loss.saturated > 0 for loss in report.tensors)


def test_the_last_row_is_what_the_integer_model_gives() -> None:
    result, report = quantize(NETWORK, SAMPLES)
    got = result.out.to_float(IntegerModel(result).forward(result.quantize_input(SAMPLES)))
    want = NETWORK.forward(SAMPLES)
    loss = report.tensors[-1]
    assert loss.max_error == pytest.approx(np.abs(got - want).max())
    ratio = (want**2).sum() / ((got - want) ** 2).sum()
    assert loss.sqnr_db == pytest.approx(10 * math.log10(ratio))


def test_a_network_of_zeros() -> None:
    layer = NETWORK.layers[0]
    zeros = {name: np.zeros_like(array) for name, array in layer.weights.items()}
    network = Network(
        layers=(
            Layer(cell=layer.cell, sigmoid="hard", weights=zeros),
            dense(np.zeros((2, 5)), np.zeros(2)),
        )
    )
    for method in METHODS:
        result, report = quantize(network, np.zeros((2, 3, 3)), Settings(method=method))
        assert all(loss.max_error == 0 and loss.saturated == 0 for loss in report.tensors)
        words = np.zeros((2, 3, 3), np.int64)
        assert not IntegerModel(result).forward(words).any()


# Bad input

BAD_SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "weights too narrow": ({"weight_width": 1}, "weight_width is 1, expected 2 to 18 bits"),
    "weights too wide": ({"weight_width": 19}, "weight_width is 19, expected 2 to 18 bits"),
    "activations too wide": (
        {"activation_width": 19},
        "activation_width is 19, expected 2 to 18 bits",
    ),
    "inputs too narrow": ({"input_width": 1}, "input_width is 1, expected 2 to 18 bits"),
    "gates too wide": ({"gate_bits": 17}, "gate_bits is 17, expected 2 to 16 bits"),
    "state too narrow": ({"state_width": 1}, "state_width is 1, expected 2 to 18 bits"),
    "pre too narrow": ({"pre_width": 4}, "pre_width is 4, expected 5 to 18 bits"),
    "out too wide": ({"out_width": 33}, "out_width is 33, expected 2 to 32 bits"),
    "method": ({"method": "best"}, "method is 'best', expected mse or max"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_bad_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Settings(**changes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"log2_entries": 1}, "tanh table log2_entries must be 2 to 14, not 1"),
        ({"log2_entries": 15}, "tanh table log2_entries must be 2 to 14, not 15"),
        ({"log2_range": 6}, "tanh table log2_range must be 2 to 5, not 6"),
    ],
)
def test_bad_tables_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        quantize(NETWORK, SAMPLES, Settings(**changes))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        (Settings(weight_width=2, activation_width=2, state_width=2, pre_width=7, out_width=2), m)
        for m in METHODS
    ]
    + [
        (
            Settings(
                weight_width=18, activation_width=18, state_width=18, pre_width=18, out_width=32
            ),
            m,
        )
        for m in METHODS
    ],
)
def test_the_ends_of_all_settings_are_taken(settings: Settings, method: str) -> None:
    for log2_range in (2, 5):
        for log2_entries in (2, 14):
            ends = replace(
                settings, method=method, log2_range=log2_range, log2_entries=log2_entries
            )
            result, _ = quantize(NETWORK, SAMPLES, ends)
            assert IntegerModel(result).forward(result.quantize_input(SAMPLES)).shape == (6, 3)


def spoilt(value: float) -> NDArray[np.float64]:
    array = SAMPLES.copy()
    array[2, 3, 1] = value
    return array


BAD_SAMPLES: dict[str, tuple[Any, str]] = {
    "nan": (spoilt(math.nan), "samples hold NaN or infinity, expected finite numbers"),
    "infinity": (spoilt(-math.inf), "samples hold NaN or infinity, expected finite numbers"),
    "too wide": (np.zeros((2, 3, 4)), "of shape (2, 3, 4), expected (samples, steps, 3)"),
    "too few axes": (np.zeros((2, 3)), "samples are of shape (2, 3), expected (samples, steps, 3)"),
    "no samples": (np.zeros((0, 5, 3)), "of shape (0, 5, 3), expected (samples, steps, 3)"),
    "no steps": (np.zeros((5, 0, 3)), "of shape (5, 0, 3), expected (samples, steps, 3)"),
    "text": (np.full((1, 1, 3), "1"), "samples are of type <U1, expected numbers"),
    "complex": (np.zeros((1, 1, 3), complex), "samples are of type complex128, expected numbers"),
    "objects": (np.zeros((1, 1, 3), object), "samples are of type object, expected numbers"),
}


@pytest.mark.parametrize(("array", "message"), BAD_SAMPLES.values(), ids=BAD_SAMPLES)
def test_bad_samples_are_refused(array: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        quantize(NETWORK, array)
    assert message in str(caught.value)


def test_samples_may_be_bytes_or_halves() -> None:
    pixels = np.arange(90).reshape(6, 5, 3)
    want, _ = quantize(NETWORK, pixels.astype(np.float64))
    for dtype in (np.uint8, np.int32, np.float16):
        got, _ = quantize(NETWORK, pixels.astype(dtype))
        assert got.layers[0].formats == want.layers[0].formats


@pytest.mark.parametrize(
    ("weights", "inputs"),
    [(0, 0), (-8, 0), (0, -16), (8, 0), (8, 16), (16, 0), (-36, 36), (36, -36), (36, 36)],
)
def test_extreme_magnitudes_are_quantized_or_refused(weights: int, inputs: int) -> None:
    """A scale beyond every format is the user's input, not an error in the program."""
    layers = tuple(
        replace(layer, weights={k: v * 10.0**weights for k, v in layer.weights.items()})
        for layer in NETWORK.body
    )
    network = replace(NETWORK, layers=(*layers, NETWORK.layers[-1]))
    for method in METHODS:
        refused = None
        try:
            quantize(network, SAMPLES * 10.0**inputs, Settings(method=method))
        except ValueError as error:
            refused = error
        assert refused is None or isinstance(refused, InputError), refused
