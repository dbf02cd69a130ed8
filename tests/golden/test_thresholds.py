"""Delta networks: thresholds, their file, what does not go with them, and which elements change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell, LiteLSTM
from golden.changes import changes, changes_in_use
from golden.errors import InputError
from golden.interface import Control, Interface
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.sessions import serve
from golden.settings import Settings
from golden.thresholds import Thresholds, sent_names
from sim.draw.cells import PLAIN_CELLS
from sim.draw.networks import with_first_states
from tests import reference
from tests.golden import files
from tests.golden.graphs import graphs
from tests.networks import Recipe, input_words, quantized_network
from tests.strategies import SEEDS, with_thresholds

STEPS = 8


def recipe(*cells: Cell) -> Recipe:
    return Recipe(inputs=3, units=(4, 3)[: len(cells)], cells=cells)


def drift(network: QuantizedNetwork, seed: int = 0, batch: int = 2) -> NDArray[np.int64]:
    """Input words of which each moves by a few last places per step."""
    start = input_words(network, batch=batch, steps=1, seed=seed)
    rng = np.random.default_rng(seed)
    moves = rng.integers(-3, 4, size=(batch, STEPS, network.inputs)).cumsum(axis=1)
    return network.x.saturate(start + moves)


def check(network: QuantizedNetwork, words: NDArray[np.int64]) -> None:
    """Compare words and changes of a network with those of the scalar model."""
    got, found = IntegerModel(network).run(words), changes(network, words)
    for b, sequence in enumerate(words.tolist()):
        want = reference.run(network, sequence)
        assert got.steps[b].tolist() == want.y
        masks = {(0, "x"): found.x[b]}
        for number, own in enumerate(found.layers, 1):
            masks |= {(number, name): mask[b] for name, mask in own.items()}
        for t, changed in enumerate(want.changed):
            zero = {name: [False] * mask.shape[1] for name, mask in masks.items()}
            assert {name: mask[t].tolist() for name, mask in masks.items()} == zero | changed


@pytest.mark.parametrize("cell", PLAIN_CELLS, ids=repr)
def test_threshold_0_changes_no_word(cell: Cell) -> None:
    dense = quantized_network(recipe(cell, cell), 5)
    network = replace(dense, thresholds=Thresholds.of(dense))
    words = drift(network)
    one, other = (IntegerModel(n, walk=True).run(words) for n in (dense, network))
    assert one.steps.tolist() == other.steps.tolist()
    for trace, dense_trace in zip(other.layers, one.layers, strict=True):
        assert all(trace[name].tolist() == dense_trace[name].tolist() for name in dense_trace)
    check(network, words)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data(), network=graphs(reverse=False), seed=SEEDS)
def test_graphs_send_what_the_scalar_model_sends(
    data: st.DataObject, network: Network, seed: int
) -> None:
    """Several sources, and dense layers before, between and behind recurrent ones."""
    samples = np.random.default_rng(seed).uniform(-1, 1, size=(2, 4, network.inputs))
    fixed, _ = quantize(network, samples, Settings())
    if any(layer.cell.state for layer in fixed.layers):
        fixed = data.draw(with_thresholds(fixed))
        check(fixed, drift(fixed, seed))


def test_a_threshold_lets_small_moves_pass_until_they_add_up() -> None:
    """By hand: T = 3, x = 2, 4, 6, 8, 4, 0."""
    network = quantized_network(Recipe(inputs=1, units=(2,), cells=(RNN(),)), 1)
    network = replace(network, thresholds=Thresholds.of(network, x=3))
    x = np.array([2, 4, 6, 8, 4, 0]).reshape(1, -1, 1)
    assert changes(network, x).x[0, :, 0].tolist() == [False, True, False, True, True, True]
    dense = replace(network, thresholds=None)
    sent = np.array([0, 4, 4, 8, 4, 0]).reshape(1, -1, 1)
    words = IntegerModel(network).forward_steps(x)
    assert words.tolist() == IntegerModel(dense).forward_steps(sent).tolist()


def test_vectors_that_are_sent() -> None:
    def names(*cells: Cell) -> tuple[tuple[str, ...], ...]:
        return sent_names(quantized_network(recipe(*cells), 1))

    assert names(LSTM(peephole="current"), GRU()) == (("h",), ("h", "rh"), ())
    assert names(LiteLSTM(), GRU(reset="after")) == (("h", "c"), ("h",), ())


def test_sequences_that_go_on_remember_what_was_sent() -> None:
    network = quantized_network(recipe(GRU(), LiteLSTM()), 3)
    network = replace(network, thresholds=Thresholds.of(network, x=2, h=5, c=9, rh=4))
    words = drift(network, batch=1)
    whole = changes(network, words)
    ends = [Control(last=n in (2, 4, 7), keep=n > 0) for n in range(STEPS)]
    cut = changes_in_use(network, words[0], ends)
    for (name, mask), (_, want) in zip(cut.masks(), whole.masks(), strict=True):
        assert mask.tolist() == want[0].tolist(), name
    served = serve(IntegerModel(network), Interface(state="keep"), words[0], ends)
    steps = IntegerModel(network).forward_steps(words)[0]
    assert served.words.tolist() == steps[[2, 4, 7]].tolist()
    fresh = changes_in_use(network, words[0], [replace(end, keep=False) for end in ends])
    assert fresh.x[3:5].tolist() == changes(network, words[:, 3:5]).x[0].tolist()


def test_a_state_is_no_place_to_start_from_with_thresholds() -> None:
    network = quantized_network(recipe(RNN()), 1)
    state = IntegerModel(network).run(drift(network)).state
    network = replace(network, thresholds=Thresholds.of(network, h=1))
    with pytest.raises(InputError, match="values last sent are unknown"):
        IntegerModel(network).run(drift(network), state)


def test_the_file_tells_thresholds_and_no_others_do(tmp_path: Path) -> None:
    dense, path = quantized_network(recipe(GRU(), LiteLSTM()), 3), tmp_path / "a.npz"
    assert not any("threshold" in name for name in dense.fields())
    for values in ({}, {"x": 1, "h": 2, "c": 3, "rh": 4}):
        network = replace(dense, thresholds=Thresholds.of(dense, **values))
        network.save(path)
        loaded = QuantizedNetwork.load(path)
        assert loaded.thresholds == network.thresholds
        names = {*network.fields()} - {*dense.fields()}
        own = "0.threshold.h", "0.threshold.rh", "1.threshold.h", "1.threshold.c"
        assert names == {"threshold.x", *(f"layer{name}" for name in own)}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"threshold.x": -1}, "threshold.x is -1, expected an integer from 0 to 262143"),
        ({"threshold.x": 128}, "threshold of x is 128, expected an integer from 0 to 127"),
        ({"layer1.threshold.c": 4096}, "layer1 c is 4096, expected an integer from 0 to 2047"),
        ({"layer1.threshold.c": files.REMOVED}, "layer1 has thresholds of h, expected h, c"),
        ({"layer1.threshold.rh": 1}, "layer1 has thresholds of h, c, rh, expected h, c"),
        ({"threshold.x": files.REMOVED}, "unknown field layer0.threshold.h"),
        ({"layer0.first.h": np.ones(4, np.int64)}, "layer0 has a first state, expected zero"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    network = quantized_network(recipe(GRU(), LiteLSTM()), 3)
    path = tmp_path / "a.npz"
    replace(network, thresholds=Thresholds.of(network)).save(path)
    assert told in files.refusal(QuantizedNetwork.load, files.rewrite(path, change))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(float_network=graphs(windows=True) | graphs(), seed=SEEDS)
def test_what_delta_does_not_go_with_is_refused(float_network: Network, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, size=(2, 16, float_network.inputs))
    network, _ = quantize(float_network, samples, Settings())
    network = with_first_states(network, np.random.default_rng(seed), share=0.2)
    layers = network.layers
    reasons = {
        "is recurrent": not any(layer.cell.state for layer in layers),
        "forward": any(layer.direction != "forward" for layer in layers),
        "lags": any(layer.warmup or any(layer.lags or ()) for layer in layers),
        "pool": any(layer.cell.kind == "pool" for layer in layers),
        "first state": any(np.any(v) for layer in layers for v in (layer.first or {}).values()),
    }
    expected = [reason for reason, holds in reasons.items() if holds]
    if not expected:
        assert replace(network, thresholds=Thresholds.of(network)).thresholds
        return
    with pytest.raises(InputError) as caught:
        replace(network, thresholds=Thresholds.of(network))
    assert any(reason in str(caught.value) for reason in expected)
