"""Whole cores in amaranth.sim against golden: stalls, resets, corners of sizes and formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell, LiteLSTM
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl import cycles
from tests.hdl.simulate import CoreBench, CoreRun, always, late, sometimes
from tests.networks import (
    Recipe,
    bound_network,
    input_words,
    quantized_network,
    random_recipe,
)

pytestmark = pytest.mark.slow

Pattern = Callable[[], Iterator[bool]]

OFFERS: dict[str, Pattern] = {
    "at once": always,
    "with pauses": lambda: sometimes(1, share=0.4),
    "late": lambda: late(40),
}
TAKES: dict[str, Pattern] = {
    "at once": always,
    "with pauses": lambda: sometimes(2, share=0.3),
    "now and then": lambda: sometimes(3, share=0.04),
    "late": lambda: late(350),
}


def sequences(
    network: QuantizedNetwork, lengths: list[int], seed: int = 0
) -> list[NDArray[np.int64]]:
    """One sequence of input words for each length."""
    return [
        input_words(network, batch=1, steps=length, seed=seed + n)[0]
        for n, length in enumerate(lengths)
    ]


def check(network: QuantizedNetwork, words: list[NDArray[np.int64]], run: CoreRun) -> None:
    """All words are golden's, in order, with ``last`` where it belongs."""
    model = IntegerModel(network)
    want = [int(v) for sequence in words for v in model.forward(sequence[None])[0]]
    assert run.words == want
    ends = [n == network.outputs - 1 for n in range(network.outputs)]
    assert run.last == ends * len(words)


@pytest.mark.parametrize("seed", range(6))
def test_random_networks(seed: int) -> None:
    """Everything drawn: layers, sizes, formats, gates, tables, head; lanes from 1 to the units."""
    network = quantized_network(random_recipe(seed), seed)
    largest = max(layer.units for layer in network.body)
    lanes = 1 + seed * 7 % largest
    words = sequences(network, [3, 1, 2], seed)
    bench = CoreBench(network, lanes, tail_multipliers=seed % 4)
    bench.add(words)
    bench.add(words, offer=sometimes(seed, share=0.5), take=sometimes(seed + 1, share=0.3))
    plain, stalled = bench.run()
    check(network, words, plain)
    check(network, words, stalled)
    want = cycles.count(bench.core.plan, [3, 1, 2])
    assert plain.inputs == want.inputs.tolist()
    assert plain.outputs == want.outputs.tolist()


@pytest.mark.parametrize("outputs", [None, 3])
def test_stalls_change_nothing_but_the_time(outputs: int | None) -> None:
    """Every way to offer crossed with every way to take."""
    network = quantized_network(Recipe(units=(3, 5), outputs=outputs), 3)
    words = sequences(network, [2, 1, 1, 3, 1])
    bench = CoreBench(network, 2)
    for offer in OFFERS.values():
        for take in TAKES.values():
            bench.add(words, offer=offer(), take=take())
    for run in bench.run():
        check(network, words, run)


def test_a_full_output_holds_the_core_and_loses_nothing() -> None:
    """Short sequences and a ready that stays low: all buffers fill, then drain."""
    network = quantized_network(Recipe(inputs=1, units=(3,), outputs=5), 4)
    words = sequences(network, [1] * 12)
    bench = CoreBench(network, 3)
    for cycles_low in (30, 200, 900):
        bench.add(words, take=late(cycles_low))
    runs = bench.run()
    for run in runs:
        check(network, words, run)
    # While nothing is taken, no more is let in than the core can hold.
    before = [cycle for cycle in runs[-1].inputs if cycle < runs[-1].outputs[0]]
    assert len(before) < len(words)


@pytest.mark.parametrize("outputs", [None, 4])
def test_a_reset_in_the_middle_of_a_sequence(outputs: int | None) -> None:
    """After a reset in any phase the core begins anew, whatever the memories hold."""
    network = quantized_network(Recipe(inputs=3, units=(5, 4), outputs=outputs), 5)
    words = sequences(network, [3, 2])
    bench = CoreBench(network, 3)
    for until in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233):
        bench.add(sequences(network, [4, 4, 4], seed=9), until=until)
        bench.add(words)
    for run in bench.run()[1::2]:
        check(network, words, run)
        want = cycles.count(bench.core.plan, [3, 2])
        assert run.inputs == want.inputs.tolist()
        assert run.outputs == want.outputs.tolist()


def test_a_reset_while_the_output_waits() -> None:
    network = quantized_network(Recipe(inputs=2, units=(3,), outputs=4), 6)
    words = sequences(network, [1, 2])
    bench = CoreBench(network, 2)
    for until in (60, 75, 90, 105, 200):
        bench.add(sequences(network, [1] * 6, seed=9), take=late(10**6), until=until)
        bench.add(words)
    for run in bench.run()[1::2]:
        check(network, words, run)


def test_every_sequence_begins_with_a_state_of_zero() -> None:
    """A sequence gives equal words after any other sequence."""
    network = quantized_network(Recipe(inputs=2, units=(4, 3), outputs=None, drive=True), 7)
    (probe,) = sequences(network, [2], seed=3)
    others = sequences(network, [5, 1, 3], seed=20)
    order = [probe, others[0], probe, others[1], probe, others[2], probe, probe]
    bench = CoreBench(network, 2)
    bench.add(order)
    (run,) = bench.run()
    check(network, order, run)
    results = np.reshape(run.words, (len(order), 3))
    assert (results[[0, 2, 4, 6, 7]] == results[0]).all()


CORNERS: dict[str, tuple[Recipe, int]] = {
    "one of everything": (Recipe(inputs=1, units=(1,), outputs=1), 1),
    "one unit a layer": (Recipe(inputs=2, units=(1, 1, 1), outputs=None), 1),
    "lanes are units": (Recipe(inputs=3, units=(6,), outputs=2), 6),
    "units not a multiple": (Recipe(inputs=2, units=(7, 4), outputs=5), 3),
    "layer smaller than lanes": (Recipe(inputs=2, units=(8, 2), outputs=3), 8),
    "narrowest weights": (Recipe(weight_width=2, units=(5,), extremes=True), 2),
    "width 4": (
        Recipe(weight_width=4, activation_width=4, state_width=5, pre_width=5, out_width=6),
        2,
    ),
    "width 16": (
        Recipe(weight_width=16, activation_width=16, state_width=18, pre_width=18, out_width=32),
        2,
    ),
    "logits in steps of four": (Recipe(units=(4,), outputs=3, out_width=2), 2),
    "c saturates": (Recipe(units=(4, 4), outputs=None, log2_state=0, drive=True), 2),
    "c saturates, narrow": (Recipe(units=(4,), outputs=3, state_width=4, drive=True), 2),
    "smallest table": (Recipe(units=(4,), log2_entries=2, sigmoid="logistic"), 2),
    "interpolated": (
        Recipe(units=(4, 3), interpolate=True, log2_entries=4, sigmoid=("logistic", "hard")),
        2,
    ),
    "mixed formats": (
        Recipe(units=(4, 5, 3), mixed=True, sigmoid=("hard", "logistic", "hard")),
        3,
    ),
    "no peephole below one with": (Recipe(units=(4, 5), peephole=("none", "full")), 3),
    "no peephole at all": (Recipe(units=(4, 5), peephole="none"), 3),
}


@pytest.mark.parametrize(("recipe", "lanes"), CORNERS.values(), ids=CORNERS)
def test_corners(recipe: Recipe, lanes: int) -> None:
    network = quantized_network(recipe, 8)
    words = sequences(network, [5, 1])
    bench = CoreBench(network, lanes)
    bench.add(words)
    bench.add(words, take=sometimes(1, share=0.2))
    for run in bench.run():
        check(network, words, run)


CELLS = [
    RNN(),
    LSTM(),
    LSTM(peephole="previous"),
    LSTM(peephole="current"),
    GRU(),
    GRU(reset="after"),
    LiteLSTM(peephole="diagonal"),
]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_kind_of_cell(cell: Cell) -> None:
    """In the first layer and above a LiteLSTM, with stalls and without."""
    recipe = Recipe(inputs=2, units=(4, 3, 5), cells=(cell, LiteLSTM(), cell), outputs=None)
    network = quantized_network(recipe, 9)
    words = sequences(network, [3, 1])
    bench = CoreBench(network, 2, tail_multipliers=3)
    bench.add(words)
    bench.add(words, take=sometimes(1, share=0.2))
    plain, stalled = bench.run()
    check(network, words, plain)
    check(network, words, stalled)
    want = cycles.count(bench.core.plan, [3, 1])
    assert plain.inputs == want.inputs.tolist()
    assert plain.outputs == want.outputs.tolist()


@pytest.mark.parametrize("width", [4, 8, 16])
@pytest.mark.parametrize("sign", [1, -1])
def test_accumulators_reach_their_bound(sign: int, width: int) -> None:
    """Most negative times most negative 16 times over; a bit less and f would be 0."""
    network, words = bound_network(sign=sign, width=width)
    bench = CoreBench(network, 4)
    bench.add([*words])
    (run,) = bench.run()
    check(network, [*words], run)
    end = network.out.max if sign > 0 else network.out.min
    assert run.words == [end] * network.outputs


def with_spread_gates(network: QuantizedNetwork) -> QuantizedNetwork:
    """The network with another binary point for the products of each gate; the integers stay."""
    layers = []
    for index, layer in enumerate(network.layers):
        offsets = (1, -2, 0, 2) if index % 2 else (0, 3, -1, 1)
        fracs = {
            gate: frac + offset
            for (gate, frac), offset in zip(
                layer.formats.product_fracs.items(), offsets, strict=False
            )
        }
        layers.append(replace(layer, formats=replace(layer.formats, product_fracs=fracs)))
    return replace(network, layers=tuple(layers))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_gate_with_a_binary_point_of_its_own(cell: Cell) -> None:
    """Gates differ from each other, and the same gate from layer to layer."""
    recipe = Recipe(inputs=2, units=(4, 3, 5), cells=(cell, LiteLSTM(), cell), outputs=3)
    common = quantized_network(recipe, 10)
    network = with_spread_gates(common)
    words = sequences(network, [4, 1])
    bench = CoreBench(network, 2)
    bench.add(words)
    (run,) = bench.run()
    check(network, words, run)
    together = np.concatenate(words)[None]
    moved, unmoved = (IntegerModel(either).run(together).layers for either in (network, common))
    assert any((moved[n]["h"] != unmoved[n]["h"]).any() for n in range(3))
