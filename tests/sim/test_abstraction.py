"""Small plans that stand for large ones in proofs: what they keep, and what they cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden.cells import GRU, Cell
from golden.errors import InputError
from golden.interface import Interface
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from sim.draw.cells import PLAIN_CELLS
from sim.draw.graphs import random_graph
from sim.draw.networks import Recipe, quantized_network
from sim.formal.abstraction import ROWS, abstraction


def order_of_work(plan: Plan) -> list[object]:
    """Everything about a plan's work but its sizes."""
    return [
        *(
            (one.layer, one.operand, one.source, one.gates, one.first, one.final, one.completes)
            for one in plan.work.passes
        ),
        *((job.name, job.gates, job.makes, job.emits) for job in plan.work.jobs),
        plan.update_cost,
        plan.work.late,
    ]


def assert_same_work(large: Plan, small: Plan) -> None:
    assert order_of_work(small) == order_of_work(large)
    for before, after in zip(large.work.jobs, small.work.jobs, strict=True):
        assert after.rows == min(before.rows, ROWS)
        assert (before.units % large.options.lanes == 0) == (after.units % small.options.lanes == 0)


@pytest.mark.parametrize("cell", PLAIN_CELLS, ids=str)
@pytest.mark.parametrize("lanes", [1, 5, 16])
def test_work_stays_in_order(cell: Cell, lanes: int) -> None:
    recipe = Recipe(inputs=7, units=(16, 33), outputs=5, cells=(cell, cell))
    large = Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=lanes))
    small = abstraction(large).plan
    assert_same_work(large, small)
    assert small.options.lanes <= 4
    assert small.network.inputs == 2


@pytest.mark.parametrize("seed", range(12))
def test_graphs_keep_what_they_read(seed: int) -> None:
    network = random_graph(seed, windows=True)
    lanes = min(3, max(layer.units for layer in network.layers))
    large = Plan(network=network, options=CoreOptions(lanes=lanes))
    small = abstraction(large).plan
    assert small.work.late == large.work.late
    for before, after in zip(large.network.layers, small.network.layers, strict=True):
        assert after.cell == before.cell
        assert len(after.operands) <= len(before.operands)
    sources = zip(large.network.sources, small.network.sources, strict=True)
    assert all(set(before) == set(after) for before, after in sources)


def test_the_interface_stays() -> None:
    interface = Interface(streams=5, state="keep", every_step=True, classes=True)
    network = quantized_network(Recipe(units=(20,), outputs=9, cells=(GRU(),)), 1)
    options = CoreOptions(lanes=8, interface=interface, storage=Storage(weights="ram"))
    cut = abstraction(Plan(network=network, options=options))
    kept = cut.plan.options.interface
    assert (kept.streams, kept.state, kept.every_step, kept.classes) == (2, "keep", True, True)
    assert cut.plan.network.outputs >= 2
    assert "2 streams for 5" in cut.substitutions
    assert any("loader" in line for line in cut.substitutions)


def test_buffered_sequences_are_refused() -> None:
    layer = quantized_network(Recipe(units=(4,)), 1).layers[0]
    network = replace(
        quantized_network(Recipe(units=(4,)), 1), layers=(replace(layer, direction="reverse"),)
    )
    with pytest.raises(InputError, match="max_steps"):
        abstraction(Plan(network=network, options=CoreOptions(lanes=2, max_steps=4)))


def test_delta_cores_are_refused() -> None:
    """The small core would not be one: its proof would say nothing about the user's."""
    plan = Plan(network=quantized_network(Recipe(), 1), options=CoreOptions(lanes=2, delta=True))
    with pytest.raises(InputError, match="delta is set"):
        abstraction(plan)
