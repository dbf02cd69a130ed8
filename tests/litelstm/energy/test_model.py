"""The energy model: sums and ratios by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.changes import Changes, changes
from golden.thresholds import Thresholds
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.architectures import Architecture
from litelstm.energy.model import FIGURES, Energy, product_bits
from sim.compiled.activity import Activity

NETWORK = Architecture(cell="litelstm", inputs=3, units=2, head=5).quantized()
PLAN = Plan(network=NETWORK, options=CoreOptions(lanes=1))


def energy(*, toggles: int = 100, reads: int = 200) -> Energy:
    activity = Activity(
        toggles={"core.array.lanes.total_q0": toggles, "core.update.pre_f": 6},
        reads={"core.weights": reads, "core.store.h_memory": 4},
        cycles=50,
        steps=8,
        sequences=2,
    )
    return Energy.of(activity, PLAN, per=2)


def test_events_of_an_inference() -> None:
    found = energy()
    # x, h and c have 8, 8 and 12 bits, weights 8; the head runs once per sequence.
    step = 8 * (2 * 3 * 2 * 8 + 2 * 2 * 2 * 8 + 2 * 2 * 12)
    assert found.counts == {"toggles": 53, "reads": 102, "products": 4 * step + 8 * 8 * 2 * 5}
    assert found.parts["array"]["toggles"] == 50
    assert found.parts["state update"]["toggles"] == 3
    assert found.parts["weights"]["reads"] == 100
    assert found.parts["control"]["reads"] == 2
    assert found.cycles == 25


def test_a_delta_core_multiplies_what_it_sends() -> None:
    network = Architecture(cell="gru", inputs=3, units=2, head=5).quantized()
    x = network.quantize_input(np.random.default_rng(1).uniform(-1, 1, size=(2, 4, 3)))
    sent = changes(network, x)
    every = Changes(
        x=np.ones_like(sent.x),
        layers=tuple({n: np.ones_like(m) for n, m in own.items()} for own in sent.layers),
    )
    dense, all_sent = product_bits(network, 8, 2), product_bits(network, 8, 2, every)
    first_h = 2 * 2 * 2 * 2 * 8 * 8  # of two sequences: the state before the first step is zero
    assert all_sent == dense - first_h
    assert 0 < product_bits(network, 8, 2, sent) < all_sent
    none = replace(network, thresholds=Thresholds.of(network, x=127, h=127, rh=127))
    head = 2 * 2 * 5 * 8 * 8
    assert product_bits(none, 8, 2, changes(none, x)) == head


def test_energy_is_the_sum_of_events() -> None:
    found = energy()
    by_hand = sum(amount * FIGURES[event].pj for event, amount in found.counts.items()) / 1000
    assert found.nj == pytest.approx(by_hand)
    low, high = found.range
    assert low < found.nj < high
    assert sum(part["nj"] for part in found.as_json()["parts"].values()) == pytest.approx(by_hand)


def test_a_ratio_has_bounds_that_hold_for_any_figures() -> None:
    one, other = energy(toggles=200), energy(reads=800)
    ratio, least, most = one.ratio(other)
    assert least < ratio < most
    assert least == pytest.approx(one.counts["reads"] / other.counts["reads"])
    assert most == pytest.approx(one.counts["toggles"] / other.counts["toggles"])
    assert one.ratio(one) == (1, 1, 1)


def test_figures_lie_in_their_ranges() -> None:
    for figure in FIGURES.values():
        assert figure.low < figure.pj < figure.high
        assert figure.source
