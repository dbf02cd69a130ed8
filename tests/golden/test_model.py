"""The integer model against the scalar reference: the same bits in every state of every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from numpy.typing import NDArray

from golden.errors import InputError
from golden.formats import Format
from golden.layer_arithmetic import carrier
from golden.layer_model import LayerModel
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from tests import reference
from tests.networks import (
    Recipe,
    bound_network,
    input_words,
    quantized_network,
    random_recipe,
)

Make = Callable[[Recipe, int], QuantizedNetwork]


def check(network: QuantizedNetwork, words: NDArray[np.int64]) -> reference.Run:
    """Compare a run of the model with the reference; returns the last sequence's reference run."""
    got = IntegerModel(network).run(words)
    assert got.output.dtype == np.int64
    assert got.output.shape == (len(words), network.outputs)
    want = None
    for b, sequence in enumerate(words.tolist()):
        want = reference.run(network, sequence)
        for index, trace in enumerate(got.layers):
            if "c" in trace:
                assert trace["c"][b].tolist() == [step[index] for step in want.c]
            assert trace["h"][b].tolist() == [step[index] for step in want.h]
        assert got.output[b].tolist() == want.y[-1]
    assert want is not None
    return want


def carriers(network: QuantizedNetwork) -> list[type[np.generic]]:
    """The types that carry each layer's integers."""
    return [LayerModel(layer, network.tanh).arithmetic.dtype for layer in network.layers]


@pytest.mark.parametrize("seed", range(60))
def test_random_networks(seed: int) -> None:
    network = quantized_network(random_recipe(seed), seed)
    check(network, input_words(network, batch=2, steps=1 + seed % 6, seed=seed))


@pytest.mark.parametrize("width", range(2, 17))
@pytest.mark.parametrize("activation_width", [2, 5, 8, 16])
def test_every_weight_width(width: int, activation_width: int) -> None:
    recipe = Recipe(
        inputs=4,
        units=(5,),
        outputs=3,
        weight_width=width,
        activation_width=activation_width,
        state_width=min(18, activation_width + 4),
        pre_width=min(18, activation_width + 4),
        extremes=width % 2 == 0,
    )
    network = quantized_network(recipe, width)
    check(network, input_words(network, batch=1, steps=3, seed=width))


PEEPHOLES = ("full", "diagonal", "none")
OPTIONS = list(product(("hard", "logistic"), PEEPHOLES, (False, True), (None, 3)))


@pytest.mark.parametrize(("sigmoid", "peephole", "interpolate", "outputs"), OPTIONS)
def test_every_option(sigmoid: str, peephole: str, interpolate: bool, outputs: int | None) -> None:
    recipe = Recipe(
        inputs=3,
        units=(4, 6),
        outputs=outputs,
        sigmoid=sigmoid,
        peephole=peephole,
        interpolate=interpolate,
    )
    network = quantized_network(recipe, 7)
    weights = network.layers[0].weights
    assert [name in weights for name in ("W_fc", "w_fc")] == [
        peephole == "full",
        peephole == "diagonal",
    ]
    check(network, input_words(network, batch=2, steps=5, seed=7))


@pytest.mark.parametrize("interpolate", [False, True])
@pytest.mark.parametrize(("log2_entries", "log2_range"), [(2, 2), (2, 5), (6, 3), (10, 4), (14, 2)])
def test_every_table(log2_entries: int, log2_range: int, interpolate: bool) -> None:
    recipe = Recipe(
        inputs=3,
        units=(6,),
        outputs=None,
        sigmoid="logistic",
        log2_entries=log2_entries,
        log2_range=log2_range,
        interpolate=interpolate,
    )
    network = quantized_network(recipe, 3)
    check(network, input_words(network, batch=2, steps=6, seed=3))


@pytest.mark.parametrize("log2_state", [-2, 0, 1, 2])
@pytest.mark.parametrize("state_width", [4, 8, 18])
def test_c_saturates_on_both_sides(state_width: int, log2_state: int) -> None:
    recipe = Recipe(
        units=(5,), outputs=None, state_width=state_width, log2_state=log2_state, drive=True
    )
    network = quantized_network(recipe, 1)
    run = check(network, input_words(network, batch=1, steps=8, seed=1))
    c = network.layers[0].formats.operand("c")
    assert run.c[-1][0] == [c.max, c.min, c.max, c.min, c.max]


@pytest.mark.parametrize("width", [4, 8, 16])
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_at_their_bound(sign: int, width: int) -> None:
    run = check(*bound_network(sign=sign, width=width))
    end = network_end(width, sign)
    assert set(run.h[-1][0]) == set(run.c[-1][0]) == {end}


def network_end(width: int, sign: int) -> int:
    return 2 ** (width - 1) - 1 if sign > 0 else -(2 ** (width - 1))


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("outputs", [None, 4])
def test_a_sequence_of_one_step(layers: int, outputs: int | None) -> None:
    network = quantized_network(Recipe(units=(3, 4, 2)[:layers], outputs=outputs), layers)
    check(network, input_words(network, batch=3, steps=1, seed=layers))


def test_one_unit_and_one_input() -> None:
    network = quantized_network(Recipe(inputs=1, units=(1, 1), outputs=1), 5)
    check(network, input_words(network, batch=3, steps=6, seed=5))


# Carriers

SMALL = Recipe(inputs=3, units=(4, 4), weight_width=6, activation_width=6, extremes=True)
WIDE = replace(SMALL, weight_width=16, activation_width=16, state_width=18)


def int64_network(recipe: Recipe, seed: int) -> QuantizedNetwork:
    """A layer whose h counts in steps of 2**8: at the binary point of c + g it has 57 bits."""
    network = quantized_network(replace(recipe, units=recipe.units[:1], outputs=None), seed)
    (layer,) = network.layers
    formats = replace(layer.formats, h=Format(width=16, frac=-8))
    return replace(network, layers=(replace(layer, formats=formats),))


CARRIERS = {
    "float32": (SMALL, quantized_network, np.float32),
    "float64": (WIDE, quantized_network, np.float64),
    "int64": (WIDE, int64_network, np.int64),
}
every_carrier = pytest.mark.parametrize(
    ("recipe", "make", "dtype"), CARRIERS.values(), ids=CARRIERS
)


@every_carrier
@pytest.mark.parametrize("seed", range(4))
def test_every_carrier(recipe: Recipe, make: Make, dtype: type[np.generic], seed: int) -> None:
    network = make(recipe, seed)
    assert set(carriers(network)) == {dtype}
    run = check(network, input_words(network, batch=2, steps=5, seed=seed))
    assert len({value for step in run.c for layer in step for value in layer}) > 8


def test_layers_may_have_different_carriers() -> None:
    narrow = quantized_network(replace(SMALL, units=(4,), outputs=None), 1)
    recipe = replace(SMALL, inputs=4, units=(4,), weight_width=16, state_width=18)
    wide = quantized_network(recipe, 2)
    assert narrow.layers[0].formats.h == wide.layers[0].formats.x
    network = replace(wide, layers=(*narrow.layers, *wide.layers))
    assert carriers(network) == [np.float32, np.float64, np.float32]
    check(network, input_words(network, batch=2, steps=5, seed=1))


@pytest.mark.parametrize("seed", range(6))
def test_sums_just_below_the_end_of_float32(seed: int) -> None:
    """Odd sums of nearly 2**24, which float32 only just holds."""
    recipe = Recipe(
        inputs=200, units=(2,), outputs=None, weight_width=9, activation_width=9, extremes=True
    )
    network = quantized_network(recipe, seed)
    (layer,) = network.layers
    assert carriers(network) == [np.float32]
    assert layer.bounds(0, bias=True)[1].max() > 2**23
    signs = np.sign(layer.weights["W_fx"][0])
    words = np.where(signs > 0, network.x.max, network.x.min).reshape(1, 1, -1)
    check(network, np.concatenate([words, -1 - words, words], axis=1))


def test_carriers_end_where_they_are_no_longer_exact() -> None:
    ends = {np.float32: 24, np.float64: 53, np.int64: 62}
    for index, (dtype, bits) in enumerate(ends.items()):
        assert carrier(2**bits - 1) is dtype
        if dtype is not np.int64:
            assert carrier(2**bits) is [*ends][index + 1]
    with pytest.raises(InputError, match=r"sums reach 4611686018427387904, expected less than"):
        carrier(2**62)


# Batches


@every_carrier
def test_results_do_not_depend_on_the_batch(
    recipe: Recipe, make: Make, dtype: type[np.generic]
) -> None:
    network = make(replace(recipe, inputs=9, units=(17, 5)), 1)
    assert set(carriers(network)) == {dtype}
    words = input_words(network, batch=37, steps=4, seed=1)
    model = IntegerModel(network)
    whole = model.run(words)
    for size in (1, 2, 5, 16):
        for start in range(0, 37, size):
            part = model.run(words[start : start + size])
            assert (part.output == whole.output[start : start + size]).all()
            for got, want in zip(part.layers, whole.layers, strict=True):
                for name in got:
                    assert (got[name] == want[name][start : start + size]).all()
    assert (model.forward(words) == whole.output).all()
    assert (IntegerModel(network).forward(words[::-1]) == whole.output[::-1]).all()


def test_inputs_may_be_of_any_integer_type_and_layout() -> None:
    network = quantized_network(Recipe(), 1)
    words = input_words(network, batch=3, steps=4, seed=1)
    want = IntegerModel(network).forward(words)
    same: list[Any] = [words.astype(np.int8), words.astype(np.int32), words.tolist()]
    same += [np.asfortranarray(words), np.repeat(words, 2, axis=0)[::2]]
    for other in same:
        assert (IntegerModel(network).forward(other) == want).all()


BAD_WORDS: dict[str, tuple[Any, str]] = {
    "axes": (np.zeros((4, 3), int), "samples are of shape (4, 3), expected (samples, steps, 3)"),
    "width": (np.zeros((1, 4, 2), int), "are of shape (1, 4, 2), expected (samples, steps, 3)"),
    "no samples": (np.zeros((0, 4, 3), int), "are of shape (0, 4, 3), expected"),
    "no steps": (np.zeros((4, 0, 3), int), "are of shape (4, 0, 3), expected"),
    "floats": (np.zeros((1, 4, 3)), "input words are of type float64, expected integers"),
    "booleans": (np.zeros((1, 4, 3), bool), "input words are of type bool, expected integers"),
    "too large": (np.full((1, 4, 3), 128), "input words are 128 to 128, expected -128 to 127"),
    "too small": (np.full((1, 4, 3), -129), "input words are -129 to -129, expected -128 to 127"),
    "beyond int64": (np.full((1, 4, 3), 2**64 - 1, np.uint64), "expected -128 to 127"),
}


@pytest.mark.parametrize(("words", "message"), BAD_WORDS.values(), ids=BAD_WORDS)
def test_bad_words_are_refused(words: Any, message: str) -> None:
    model = IntegerModel(quantized_network(Recipe(), 1))
    for run in (model.forward, model.run):
        with pytest.raises(InputError) as caught:
            run(words)
        assert message in str(caught.value)


# Any formats that the network's description takes

FRACS = ("x", "h", "c", "pre", "out", "product_f", "product_g", "head_product")
fracs = st.dictionaries(st.sampled_from(FRACS), st.integers(-64, 64), max_size=3)


def with_fracs(network: QuantizedNetwork, changes: dict[str, int]) -> QuantizedNetwork:
    """A network of one layer and a head with other binary points; the integers stay."""
    layer, head = network.layers
    old = layer.formats
    new = {
        name: Format(width=getattr(old, name).width, frac=changes[name])
        for name in ("x", "h", "c", "pre")
        if name in changes
    }
    product_fracs = {
        gate: changes.get(f"product_{gate}", frac) for gate, frac in old.product_fracs.items()
    }
    to = replace(old, **new, product_fracs=product_fracs)
    own = head.formats
    out = Format(width=own.h.width, frac=changes.get("out", own.h.frac))
    product_frac = changes.get("head_product", own.product_fracs["y"])
    own = replace(own, x=to.h, h=out, product_fracs={"y": product_frac})
    layers = replace(layer, formats=to), replace(head, formats=own)
    return replace(network, layers=layers)


@given(changes=fracs, seed=st.integers(0, 3))
@bounded(derandomize=True, max_examples=300, deadline=None, database=None)
def test_far_binary_points_are_right_or_refused(changes: dict[str, int], seed: int) -> None:
    """Nothing wraps: what the description and the model accept has the reference's bits."""
    recipe = Recipe(
        inputs=2,
        units=(2,),
        sigmoid="hard" if seed < 2 else "logistic",
        interpolate=seed % 2 == 1,
    )
    base = quantized_network(recipe, seed)
    try:
        network = with_fracs(base, changes)
        model = IntegerModel(network)
    except ValueError:
        return
    words = input_words(network, batch=1, steps=3, seed=seed)
    want = reference.run(network, words[0].tolist())
    got = model.run(words)
    assert got.layers[0]["c"][0].tolist() == [step[0] for step in want.c]
    assert got.layers[0]["h"][0].tolist() == [step[0] for step in want.h]
    assert got.output[0].tolist() == want.y[-1]


@pytest.mark.parametrize(
    "changes",
    [
        {"head_product": -45},  # the sum shifts to the left by 53 bits
        {"out": -60},  # to the right by more than 63
        {"out": 64},
        {"pre": 64},
    ],
    ids=str,
)
def test_binary_points_that_int64_does_not_reach(changes: dict[str, int]) -> None:
    """The smallest cases of the test above."""
    base = quantized_network(Recipe(inputs=2, units=(2,)), 0)
    try:
        network = with_fracs(base, changes)
        model = IntegerModel(network)
    except InputError:
        return
    words = input_words(network, batch=1, steps=3, seed=0)
    assert model.run(words).output[0].tolist() == reference.run(network, words[0].tolist()).y[-1]
