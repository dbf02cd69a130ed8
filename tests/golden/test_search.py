"""The search: within its bound, cheaper than what it is measured against, the same every time."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from golden.calibration import Calibration
from golden.cells import GRU, Cell, LiteLSTM
from golden.cost import cost
from golden.errors import InputError
from golden.model import IntegerModel
from golden.network import Network
from golden.quality import Judge
from golden.quantize import quantize, quantize_within
from golden.search import LOG2_RANGES, WIDTHS, Outcome, Search
from golden.settings import Settings
from tests.networks import Recipe, float_network, samples

pytestmark = pytest.mark.slow

BOUND = 3.0


def case(cell: Cell, *, outputs: int | None = 3) -> Network:
    return float_network(Recipe(inputs=3, units=(5,), outputs=outputs, cells=(cell,)), 4)


def found(network: Network, labels: Any = None, **options: Any) -> Outcome:
    x = samples(network, batch=200, steps=4, seed=5)
    return quantize_within(network, x, labels=labels, **{"max_drop": BOUND, **options})[0]


@cache
def usual(cell: Cell) -> Outcome:
    """Return what a search of :func:`case` finds by default."""
    return found(case(cell))


@pytest.mark.parametrize("cell", [LiteLSTM(), GRU()], ids=str)
def test_what_is_found_stays_within_the_bound_and_costs_less(cell: Cell) -> None:
    network = case(cell)
    x = samples(network, batch=200, steps=4, seed=6)
    labels = network.forward(x).argmax(axis=1)
    labels[::10] = 0  # as of real ones, some are missed
    outcome, report, _ = quantize_within(network, x, labels=labels, max_drop=BOUND)
    seen = slice(0, None, 2)
    x, labels = x[seen], labels[seen]
    again = Calibration(network, x).quantize(outcome.best.settings)
    words = IntegerModel(again).forward(again.quantize_input(x))
    right = network.forward(x).argmax(axis=1) == labels
    lost = 100 * (right.mean() - (words.argmax(axis=1) == labels).mean())
    assert lost == pytest.approx(outcome.best.drop)
    assert outcome.best.drop <= outcome.best.lost <= BOUND
    assert outcome.best.doubt <= BOUND
    assert outcome.measure == "accuracy"
    assert outcome.level == pytest.approx(100 * right.mean())
    assert outcome.best.relative < 0.95
    assert outcome.reference.relative == 1
    assert outcome.best.cost == cost(again)
    assert report.tensors[-1].sqnr_db > 0


@pytest.mark.parametrize("cell", [LiteLSTM(), GRU()], ids=str)
def test_no_width_can_do_with_a_bit_less(cell: Cell) -> None:
    network = case(cell)
    x = samples(network, batch=200, steps=4, seed=5)[::2]
    outcome = usual(cell)
    best, bound = outcome.best, outcome.bound
    calibration = Calibration(network, x)
    judge = Judge(network.forward(x), None, classes=True)
    tried = 0
    for name, (least, _) in WIDTHS.items():
        value = getattr(best.settings, name)
        if value <= least or (name == "state_width" and cell.kind == "gru"):
            continue
        narrower = calibration.quantize(replace(best.settings, **{name: value - 1}))
        words = IntegerModel(narrower).forward(narrower.quantize_input(x))
        output = narrower.out.to_float(words)
        assert (
            max(judge.lost(output), judge.doubt(output)) > bound
            or cost(narrower).relative(best.cost) >= 1
        )
        tried += 1
    assert tried >= 3


def test_the_same_call_finds_the_same_setting_and_tells_of_every_trial() -> None:
    told: list[int] = []
    one, two = found(case(LiteLSTM()), progress=told.append), usual(LiteLSTM())
    assert one.best.settings == two.best.settings
    assert told == list(range(1, one.tried + 1))


def test_a_looser_bound_is_cheaper() -> None:
    network = case(LiteLSTM())
    prices = [found(network, max_drop=bound).best.relative for bound in (1, 5, 30)]
    assert prices[0] > prices[1] > prices[2]


def test_what_is_not_searched_stays_as_it_was_asked_for() -> None:
    asked = Settings(out_width=11, interpolate=True, method="max", weight_width=17)
    best = found(case(LiteLSTM()), settings=asked).best
    kept = ("out_width", "interpolate", "method", "hidden_width")
    assert {name: getattr(best.settings, name) for name in kept} == {
        name: getattr(asked, name) for name in kept
    }
    assert best.settings.weight_width < 17


def test_a_network_without_state_c_keeps_its_width_out_of_the_search() -> None:
    assert usual(GRU()).best.settings.state_width == Settings().state_width


def test_without_head_it_bounds_the_noise() -> None:
    network = case(LiteLSTM(), outputs=None)
    outcome = found(network, max_drop=0.1)
    x = samples(network, batch=200, steps=4, seed=5)
    assert outcome.measure == "noise"
    assert quantize(network, x[::2], outcome.best.settings)[1].tensors[-1].sqnr_db >= 30


def test_a_bound_that_nothing_meets_is_refused() -> None:
    with pytest.raises(InputError, match=r"^max_drop is 0, expected [0-9.e-]+ or more: "):
        found(case(LiteLSTM(), outputs=None), max_drop=0)


@pytest.mark.parametrize("bound", [-0.1, 100.5, np.nan, np.inf])
def test_bounds_out_of_range_are_refused(bound: float) -> None:
    with pytest.raises(InputError) as caught:
        found(case(LiteLSTM()), max_drop=bound)
    assert str(caught.value) == f"max_drop is {bound}, expected 0 to 100 percentage points"


def test_the_range_of_the_table_is_searched() -> None:
    """tanh(x / 2) of a logistic gate comes from the table as well: [0, 4) is too short for it."""
    recipe = Recipe(inputs=3, units=(5,), outputs=None, sigmoid="logistic", cells=(LiteLSTM(),))
    network = float_network(recipe, 4)
    weights = {name: 6 * array for name, array in network.layers[0].weights.items()}
    first = replace(network.layers[0], weights=weights)
    network = replace(network, layers=(first, *network.layers[1:]))
    x = samples(network, batch=200, steps=4, seed=5)[::2]
    judge = Judge(network.forward(x), None, classes=False)
    search = Search(Calibration(network, x), judge, max_drop=3e-4, base=Settings())
    assert search.run().best.doubt <= 3e-4
    widest: dict[str, Any] = {name: most for name, (_, most) in WIDTHS.items()}
    narrow, wide = (
        search._output(quantize(network, x, Settings(**widest, log2_range=log2_range))[0])
        for log2_range in LOG2_RANGES
    )
    assert judge.doubt(wide) < 3e-4 < judge.doubt(narrow)


def test_it_names_what_would_help() -> None:
    with pytest.raises(
        InputError, match=r"[0-9.e-]+ with an interpolated tanh table; more samples"
    ):
        found(case(LiteLSTM(), outputs=None), max_drop=0)
    with pytest.raises(InputError, match=r"\(more samples or a looser bound may help\)$"):
        found(case(LiteLSTM(), outputs=None), max_drop=0, settings=Settings(interpolate=True))


def test_one_sample_leaves_none_to_hold_out() -> None:
    network = case(LiteLSTM())
    with pytest.raises(InputError, match="samples are 1, expected 2 or more"):
        quantize_within(network, samples(network, batch=1, steps=4, seed=5), max_drop=50)


def test_few_settings_are_judged() -> None:
    """The search skips dearer candidates, and stops at the first cheaper one that holds."""
    network = case(LiteLSTM())
    x = samples(network, batch=100, steps=4, seed=5)
    judge = Judge(network.forward(x), None, classes=True)
    search = Search(Calibration(network, x), judge, max_drop=BOUND, base=Settings())
    assert search.run().tried < 0.75 * len(search._networks)
