"""Products that a delta network saves, and the search for thresholds that save most."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.cells import GRU, LiteLSTM
from golden.changes import Changes, changes, watched
from golden.errors import InputError
from golden.model import IntegerModel
from golden.quality import Judge
from golden.quantize import quantize, quantize_within
from golden.quantized import QuantizedNetwork
from golden.savings import saving
from golden.settings import Settings
from golden.threshold_search import LEVELS, ThresholdSearch
from golden.thresholds import Thresholds
from tests.networks import Recipe, float_network, input_words, quantized_network, samples

STEPS = 5


def filled(found: Changes, value: bool) -> Changes:
    """Changes of the same shape, all or none."""
    layers = tuple(
        {name: np.full_like(mask, value) for name, mask in own.items()} for own in found.layers
    )
    return Changes(x=np.full_like(found.x, value), layers=layers)


def test_products_by_hand() -> None:
    """A GRU of 4 units, a LiteLSTM of 2 and a head of 3; x has 3 elements."""
    recipe = Recipe(inputs=3, units=(4, 2), outputs=3, cells=(GRU(), LiteLSTM()))
    network = quantized_network(recipe, 1)
    found = changes(network, input_words(network, batch=2, steps=STEPS, seed=1))
    columns = {"x": 3 * 4, "layer0.h": 2 * 4 + 2 * 2, "layer0.rh": 4, "layer1.h": 4, "layer1.c": 2}
    head = 3 * 2
    every = saving(network, filled(found, True))
    assert {one.vector: one.products for one in every.vectors} == columns
    assert every.dense == STEPS * network.products + head
    before = 4 * 2 * 4 + 2 * (4 + 2)  # a first step has no h and c of the step before
    assert every.kept == every.dense - before
    none = saving(network, filled(found, False))
    assert none.kept == head
    assert all(one.skipped == 1 for one in none.vectors)
    some = filled(found, False)
    some.x[0, 2:4, 1] = True  # 2 columns of one of two sequences
    some.layers[0]["h"][:, -1] = True  # of the last step: only layer 1 multiplies them
    kept = saving(network, some)
    assert kept.kept == head + columns["x"] * 2 / 2 + 4 * 2 * 2
    by_name = {one.vector: one.skipped for one in kept.vectors}
    assert by_name["x"] == pytest.approx(1 - 1 / (3 * STEPS))
    whole = STEPS * 4 * columns["layer0.h"]
    assert by_name["layer0.h"] == pytest.approx(1 - 4 * 2 * 2 / whole)


def search(bound: float) -> tuple[Any, Judge, QuantizedNetwork, Any]:
    """Search in a network of a GRU and a LiteLSTM whose inputs drift."""
    recipe = Recipe(inputs=3, units=(6, 5), outputs=4, cells=(GRU(), LiteLSTM()))
    floats = float_network(recipe, 4)
    x = samples(floats, batch=50, steps=6, seed=5).cumsum(axis=1) / 4
    network, _ = quantize(floats, x, Settings())
    judge = Judge(floats.forward(x), None, classes=True)
    return ThresholdSearch(network, x, judge).run(bound), judge, network, x


def test_what_is_found_saves_most_within_the_bound() -> None:
    bound = 4.0
    trial, judge, network, x = search(bound)
    words = network.quantize_input(x)

    def of(thresholds: Thresholds) -> tuple[float, float]:
        made = replace(network, thresholds=thresholds)
        run, found = watched(made, words)
        output = made.out.to_float(run.output)
        return saving(made, found).kept, max(judge.lost(output), judge.doubt(output))

    best = trial.network.thresholds
    kept, loss = of(best)
    assert kept == trial.saving.kept < of(Thresholds.of(network))[0]
    assert loss == max(trial.lost, trial.doubt) <= bound
    assert best.largest > 0
    for name, index in (("x", None), ("h", 0), ("rh", 0), ("h", 1), ("c", 1)):
        layers = [dict(own) for own in best.layers]
        level = LEVELS.index(best.x if index is None else layers[index][name])
        more = LEVELS[level + 1]
        if index is not None:
            layers[index][name] = more
        x_threshold = more if index is None else best.x
        other = of(Thresholds(x=x_threshold, layers=tuple(layers)))
        assert other[0] >= kept or other[1] > bound, name


def test_without_room_thresholds_lose_no_more_than_the_widths() -> None:
    trial, judge, network, x = search(0.0)
    output = network.out.to_float(IntegerModel(network).forward(network.quantize_input(x)))
    assert max(trial.lost, trial.doubt) <= max(judge.lost(output), judge.doubt(output))


def test_what_delta_does_not_go_with_is_refused_before_a_search() -> None:
    floats = float_network(Recipe(inputs=3, units=(5,), outputs=3, cells=(GRU(),)), 4)
    first, *rest = floats.layers
    turned = replace(floats, layers=(replace(first, direction="reverse"), *rest))
    tried: list[int] = []
    x = samples(floats, batch=20, steps=4, seed=5)
    with pytest.raises(InputError, match="layer0 is reverse, expected forward: delta"):
        quantize_within(turned, x, max_drop=50, delta=True, progress=tried.append)
    assert not tried


@pytest.mark.slow
def test_widths_and_thresholds_together() -> None:
    floats = float_network(Recipe(inputs=3, units=(5,), outputs=3, cells=(GRU(),)), 4)
    x = samples(floats, batch=200, steps=4, seed=5)
    dense, _, _ = quantize_within(floats, x, max_drop=4)
    outcome, _, promise = quantize_within(floats, x, max_drop=4, delta=True)
    network = outcome.best.network
    assert dense.best.network.thresholds is None
    assert network.thresholds is not None
    assert outcome.best.lost <= outcome.bound <= 4
    assert promise.lost <= 4
    output = network.out.to_float(IntegerModel(network).forward(network.quantize_input(x[1::2])))
    judge = Judge(floats.forward(x[1::2]), None, classes=True)
    assert judge.differing(output) == promise.differing
