"""Sweeps: what each reads and makes, in which order, and where the results are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.cells import GRU, Dense
from golden.errors import InputError
from golden.interface import Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl.spec.storage import Storage
from hdl.spec.sweeps import Phase, Segment, Sweeps
from sim.draw.networks import Recipe, quantized_network
from tests.hdl.sequence.networks import (
    STEPS,
    expected,
    plan_of,
    sequences_of,
    turned,
    windowed,
)


def both_ways(outputs: int | None = None) -> QuantizedNetwork:
    """A bidirectional layer of 3 units that reads 2 elements."""
    network = quantized_network(Recipe(inputs=2, units=(3,), outputs=outputs, cells=(GRU(),)), 1)
    layers = list(network.layers)
    layers[0] = replace(layers[0], direction="bidirectional", backward=layers[0].weights)
    if outputs:
        matrix = layers[1].weights["W_yx"]
        weights = {**layers[1].weights, "W_yx": np.hstack([matrix, matrix])}
        layers[1] = replace(layers[1], weights=weights)
    return replace(network, layers=tuple(layers))


def piece(start: int, size: int, *, backward: bool = False) -> Segment:
    return Segment(start=start, size=size, backward=backward)


def test_two_directions_take_turns() -> None:
    """Their final values are in the last row and in the first one."""
    sweeps = Sweeps(both_ways(), every_step=False, rows=5)
    turns, results = sweeps.phases
    assert [sweep.layer for sweep in turns.sweeps] == [0, 1]
    assert [sweep.reads for sweep in turns.sweeps] == [
        (piece(0, 2),),
        (piece(0, 2, backward=True),),
    ]
    assert [sweep.makes for sweep in turns.sweeps] == [piece(2, 3), piece(5, 3, backward=True)]
    assert (turns.once, results.once) == (False, True)
    assert results.gives == (piece(2, 3, backward=True), piece(5, 3))
    assert (sweeps.row, sweeps.words) == (8, 40)
    assert sweeps.names == ("layer0", "layer0 backward")


def test_results_of_every_step_are_in_its_row() -> None:
    sweeps = Sweeps(both_ways(), every_step=True, rows=5)
    assert sweeps.phases[-1].gives == (piece(2, 6),)
    assert not sweeps.phases[-1].once


def test_a_late_layer_runs_once() -> None:
    """It reads both ends, and its words lie behind all rows; with results of every step it has a
    column of its own."""
    late = Sweeps(both_ways(4), every_step=False, rows=5)
    once = late.phases[1]
    assert once.once
    assert once.sweeps[0].reads == (piece(2, 3, backward=True), piece(5, 3))
    assert once.sweeps[0].makes == late.phases[2].gives[0] == piece(40, 4)
    assert (late.row, late.words) == (8, 44)
    early = Sweeps(both_ways(4), every_step=True, rows=5)
    assert [phase.once for phase in early.phases] == [False, False, False]
    assert early.phases[1].sweeps[0].reads == (piece(2, 6),)
    assert (early.row, early.words) == (12, 60)


def test_a_dense_layer_of_both_ends_runs_again_for_its_final_value() -> None:
    """One that another layer reads in every step, and that is a result of the last."""
    network = both_ways(4)
    dense = network.layers[1]
    shared = replace(dense, formats=replace(dense.formats, h=network.layers[0].formats.h))
    above = quantized_network(Recipe(inputs=4, units=(2,), outputs=None, cells=(GRU(),)), 2)
    formats = replace(above.layers[0].formats, x=shared.formats.h, h=shared.formats.h)
    layer = replace(above.layers[0], formats=formats)
    network = replace(network, layers=(network.layers[0], shared, layer), results=(2, 3))
    sweeps = Sweeps(network, every_step=False, rows=STEPS)
    assert [len(phase.sweeps) for phase in sweeps.phases] == [2, 1, 1, 1, 0]
    again = sweeps.phases[3]
    assert (again.once, again.sweeps[0].layer) == (True, sweeps.phases[1].sweeps[0].layer)
    assert again.sweeps[0].reads == (piece(2, 3, backward=True), piece(5, 3))
    assert len(sweeps.network.layers) == 4


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("drawn", [turned, windowed])
def test_sweeps_compute_the_network(
    drawn: Callable[[int], QuantizedNetwork], seed: int, every_step: bool
) -> None:
    """Each phase, run by the golden model of its layers alone, on a memory of rows."""
    plan = plan_of(drawn(seed), every_step=every_step)
    sweeps, first = plan.sweeps, plan.network.first
    for sequence in sequences_of(plan.network, first + 1, STEPS):
        memory = Rows(sweeps, sequence)
        for phase in sweeps.phases[:-1]:
            for sweep in phase.sweeps:
                x = [memory.read(phase, sweep.reads, n) for n in range(phase.turns(memory.steps))]
                layer = sweeps.network.layers[sweep.layer]
                alone = QuantizedNetwork(layers=(layer,), tanh=plan.network.tanh)
                h = IntegerModel(alone).forward_steps(np.array(x)[np.newaxis])[0]
                for n, words in enumerate(h):
                    place = memory.row(phase, sweep.makes, n) * sweeps.row + sweep.makes.start
                    memory.words[place : place + words.size] = words
        last = sweeps.phases[-1]
        given = [memory.read(last, last.gives, n) for n in range(last.turns(memory.steps))]
        assert np.concatenate(given).tolist() == expected(plan, sequence)


class Rows:
    """A sequence memory with a sequence in it."""

    def __init__(self, sweeps: Sweeps, sequence: NDArray[np.int64]) -> None:
        self.sweeps, self.steps = sweeps, len(sequence)
        self.words = np.zeros(sweeps.words, dtype=np.int64)
        for step, x in enumerate(sequence):
            self.words[step * sweeps.row : step * sweeps.row + x.size] = x

    def row(self, phase: Phase, piece: Segment, turn: int) -> int:
        if phase.once or piece.held:
            return self.steps - 1 if piece.backward else 0
        return self.steps - 1 - turn if piece.backward else phase.begin + turn

    def read(self, phase: Phase, pieces: Sequence[Segment], turn: int) -> NDArray[np.int64]:
        found = []
        for piece in pieces:
            row = self.row(phase, piece, turn)
            start = (row - piece.lag) * self.sweeps.row + piece.start
            there = row >= piece.since
            found.append(self.words[start : start + piece.size] if there else np.zeros(piece.size))
        return np.concatenate(found).astype(np.int64)


def test_a_lag_is_some_rows_before() -> None:
    """Zero before the vector's first step; a layer begins where its vector counts."""
    network = both_ways()
    layer = replace(network.layers[0], lags=(2,), warmup=1)
    sweeps = Sweeps(replace(network, layers=(layer,)), every_step=True, rows=5)
    assert sweeps.phases[0].sweeps[0].reads == (replace(piece(0, 2), lag=2, since=2),)
    assert [phase.begin for phase in sweeps.phases] == [1, 1]
    last = Sweeps(replace(network, layers=(layer,)), every_step=False, rows=5)
    assert last.phases[-1].gives == (piece(2, 3, backward=True), piece(5 + last.row, 3))


def test_refused() -> None:
    network = both_ways()
    forward = quantized_network(Recipe(outputs=None), 1)
    cases: list[tuple[QuantizedNetwork, dict[str, Any], str]] = [
        (forward, {}, f"max_steps is {STEPS}, but all layers are forward: expected 0"),
        (network, {"interface": Interface(streams=2)}, "streams is 2, expected 1 with max_steps"),
        (
            network,
            {"interface": Interface(state="keep")},
            "state is 'keep', expected 'clear' with max_steps",
        ),
        (
            network,
            {"storage": Storage(weights="ram")},
            "weights is 'ram', expected 'rom' with max_steps",
        ),
        (
            replace(network, layers=(replace(network.layers[0], warmup=STEPS),)),
            {},
            f"max_steps is {STEPS}, expected {STEPS + 1} or more: the first {STEPS} steps have "
            "no result",
        ),
        (network, {"max_steps": -1}, "max_steps is -1, expected 0 to 65535"),
    ]
    for wrong, given, message in cases:
        with pytest.raises(InputError, match=f"^{message}$"):
            plan_of(wrong, **given)
    with pytest.raises(InputError, match="^layer0 is bidirectional, expected forward: a core runs"):
        plan_of(network, max_steps=0)


def test_what_a_dense_layer_is() -> None:
    """The drawn networks have them."""
    cells = [layer.cell for seed in range(25) for layer in turned(seed).layers]
    assert sum(isinstance(cell, Dense) for cell in cells) > 10
