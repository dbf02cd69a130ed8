"""Thresholds as they are typed."""

from __future__ import annotations

import pytest

from golden.thresholds import Thresholds
from litelstm.delta import thresholds, typed
from sim.draw.changes import with_thresholds
from tests.networks import Recipe, quantized_network

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("seed", range(4))
def test_what_is_typed_is_read(seed: int) -> None:
    network = with_thresholds(quantized_network(Recipe(), 1), seed)
    assert thresholds(typed(network), network) == network.thresholds


def test_a_network_without_thresholds_has_zeros() -> None:
    network = quantized_network(Recipe(), 1)
    assert thresholds(typed(network), network) == Thresholds.of(network)
