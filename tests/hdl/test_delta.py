"""Whole delta cores in amaranth.sim against golden: words, and the exact cycles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.cells import GRU, LSTM, RNN, Cell, LiteLSTM
from golden.errors import InputError
from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from golden.thresholds import Thresholds
from hdl import cycles
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.passes import Work
from hdl.spec.storage import Storage
from sim.draw.changes import with_thresholds
from sim.draw.graphs import random_graph
from sim.draw.networks import with_first_states
from sim.draw.steps import random_work
from tests.hdl.simulate import CoreBench, sometimes
from tests.networks import Recipe, quantized_network

CELLS: dict[str, Cell] = {"rnn": RNN(), "lstm": LSTM(), "gru": GRU(), "litelstm": LiteLSTM()}


def check(network: QuantizedNetwork, lanes: int, interface: Interface, seed: int) -> None:
    """Steps without stalls, word by word and cycle by cycle, and with stalls."""
    work = random_work(network, interface, steps=6, seed=(seed,))
    x, want = work.x, work.service.words.ravel().tolist()
    bench = CoreBench(network, lanes, tail_multipliers=seed % 4, interface=interface, delta=True)
    bench.add_steps(x, work.controls)
    offer, take = sometimes(seed, share=0.5), sometimes(seed + 1, share=0.3)
    bench.add_steps(x, work.controls, offer=offer, take=take)
    plain, stalled = bench.run()
    assert plain.words == want
    assert stalled.words == want
    count = cycles.count_inputs(bench.core.plan, x, work.controls)
    assert plain.inputs == count.inputs.tolist()
    assert plain.outputs == count.outputs.tolist()


@pytest.mark.slow
def test_a_graph() -> None:
    """Dense layers read x and h, each behind a recurrent layer that does; state is kept."""
    network = with_thresholds(random_graph((3,), units=4), 3)
    assert Work(network=network, lanes=2).rereads
    check(network, 2, Interface(state="keep", every_step=True), 3)


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_cells(cell: str) -> None:
    """Every cell in two layers, of which no step has much to do."""
    recipe = Recipe(inputs=1, units=(4, 3), outputs=2, cells=(CELLS[cell],) * 2)
    network = with_thresholds(quantized_network(recipe, 2), 5)
    check(network, 4, Interface(), 7)


@pytest.mark.slow
@pytest.mark.parametrize(("state", "rows"), [("clear", 4), ("keep", 5)])
def test_logits_share_rows_where_no_sum_outlives_a_result(state: str, rows: int) -> None:
    """A lane's 16 sums fill a LUT RAM; sums of a state that may be kept need a row beside them."""
    recipe = Recipe(inputs=2, units=(4, 4), outputs=2, cells=(LSTM(),) * 2)
    network, interface = quantized_network(recipe, 3), Interface(state=state)
    options = CoreOptions(lanes=2, interface=interface, delta=True)
    assert Work.of(network, options).sum_rows == rows
    check(network, 2, interface, 4)


def test_unchanged_steps_take_less_and_changed_ones_no_more() -> None:
    """A still input needs a column per pass; the longest time is near that of a dense core."""
    recipe = Recipe(inputs=12, units=(16, 16), outputs=None)
    network = quantized_network(recipe, 1)
    dense, delta = (
        Plan(network=network, options=CoreOptions(lanes=4, delta=delta)) for delta in (False, True)
    )
    x = np.ones((1, 12), np.int64) * np.arange(1, 13)
    still = cycles.count_inputs(delta, np.repeat(x, 24, axis=0), cycles.controls_of([24]))
    before, longest = (cycles.cycles_per_sequence(plan, 24) for plan in (dense, delta))
    assert still.end < 0.4 * before
    assert longest < 1.03 * before


def refuse(network: QuantizedNetwork, match: str, **options: object) -> None:
    """Expect one line that says why."""
    chosen = {"lanes": 2, "delta": True, **options}
    with pytest.raises(InputError, match=match):
        Plan(network=network, options=CoreOptions(**chosen))  # pyright: ignore[reportArgumentType]


def test_refused() -> None:
    """A delta core refuses what it cannot do, and other cores refuse networks with thresholds."""
    network = quantized_network(Recipe(), 1)
    refuse(network, "streams is 2, expected 1", interface=Interface(streams=2))
    refuse(network, "state is load, expected clear or keep", interface=Interface(state="load"))
    refuse(network, "weights is ram, expected rom", storage=Storage(weights="ram"))
    refuse(with_first_states(network, np.random.default_rng(1), 1.0), "first state, expected zero")
    sent = replace(network, thresholds=Thresholds.of(network, h=3))
    refuse(sent, "thresholds up to 3, expected a delta core", delta=False)
