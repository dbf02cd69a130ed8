"""The plan: order of the passes, where every weight and bias lies, widths."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from hdl.layout.contents import bias_words, weight_words
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.passes import Pass
from hdl.spec.storage import Storage
from hdl.timing.latency import SHARED_PRODUCT, SOFT_PRODUCT
from litelstm.architectures import Architecture
from tests.networks import Recipe, bound_network, quantized_network, random_recipe

NETWORK = quantized_network(Recipe(inputs=3, units=(5, 4), outputs=6, peephole=("full", "none")), 1)

LANES = (1, 2, 3, 4, 5)


def test_order_of_the_passes() -> None:
    """Layer 0 begins with x; the others with what they have of the step before; the head last."""
    plan = Plan(network=NETWORK, options=CoreOptions(lanes=2))
    order = [(one.layer, one.matrix, one.operand, one.source) for one in plan.work.passes]
    assert order == [
        (0, "x", "x", -1),
        (0, "c", "c", 0),
        (0, "h", "h", 0),
        (1, "h", "h", 1),
        (1, "x", "h", 0),
        (2, "x", "h", 1),
    ]
    assert [single.recurrent for single in plan.work.passes] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]
    assert plan.work.step_passes == plan.work.passes[:-1]
    assert plan.work.late_passes == plan.work.passes[-1:]
    bare = Plan(network=replace(NETWORK, layers=NETWORK.body), options=CoreOptions(lanes=2))
    assert bare.work.late_passes == ()
    assert bare.work.passes == plan.work.step_passes


def test_gates_of_the_passes() -> None:
    """c adds to f alone; every sum begins and ends once."""
    passes = Plan(network=NETWORK, options=CoreOptions(lanes=2)).work.passes
    assert [single.gates for single in passes] == [
        range(2),
        range(1),
        range(2),
        range(2),
        range(2),
        range(1),
    ]
    assert [single.first for single in passes] == [(0, 1), (), (), (0, 1), (), (0,)]
    assert [single.final for single in passes] == [(), (), (0, 1), (), (0, 1), (0,)]
    assert [single.completes for single in passes] == [None, None, 0, None, 1, 2]
    assert [single.drains for single in passes] == [None, None, 0, None, 1, 2]


def test_a_later_layer_reads_c_first() -> None:
    passes = Plan(
        network=quantized_network(Recipe(units=(2, 3)), 1), options=CoreOptions(lanes=1)
    ).work.passes
    upper = [single for single in passes if single.layer == 1]
    assert [(single.operand, single.source) for single in upper] == [("c", 1), ("h", 1), ("h", 0)]
    assert [single.first for single in upper] == [(0,), (1,), ()]
    assert [single.final for single in upper] == [(), (), (0, 1)]


def test_jobs_and_addresses() -> None:
    plan = Plan(network=NETWORK, options=CoreOptions(lanes=2))
    jobs = [(job.name, job.units, job.row, job.rows, job.unit) for job in plan.work.jobs]
    assert jobs == [("layer0", 5, 0, 3, 0), ("layer1", 4, 3, 2, 5), ("head", 6, 5, 3, 9)]
    assert [job.gates for job in plan.work.jobs] == [("f", "g"), ("f", "g"), ("y",)]
    assert [job.makes for job in plan.work.jobs] == [("c", "h"), ("c", "h"), ()]
    assert [job.emits for job in plan.work.jobs] == [False, False, True]
    assert [(single.base, single.columns) for single in plan.work.passes] == [
        (0, 3),
        (0, 5),
        (0, 5),
        (5, 4),
        (0, 5),
        (5, 4),
    ]
    assert (plan.sizes.rows, plan.sizes.gates, plan.work.state_units) == (8, 2, 9)


def unpack(word: int, lanes: int, width: int) -> list[int]:
    """Weights of a word, lane 0 lowest."""
    assert 0 <= word < 1 << (lanes * width)
    fields = [(word >> (lane * width)) & ((1 << width) - 1) for lane in range(lanes)]
    return [field - (1 << width) if field >> (width - 1) else field for field in fields]


def matrix_name(network: QuantizedNetwork, single: Pass, gate: int) -> str:
    """The matrix in which a pass' weights of a gate should be found."""
    return network.layers[single.layer].cell.gates[gate].matrix(single.matrix)


def unplanned(plan: Plan) -> dict[tuple[int, str], NDArray[np.int64]]:
    """The matrices as the weight memory has them, by layer and name, padded to whole rows."""
    words = iter(weight_words(plan))
    found: dict[tuple[int, str], dict[tuple[int, int], int]] = defaultdict(dict)
    for single in plan.work.passes:
        for column in range(single.columns):
            for row in range(plan.work.rows_of(single)):
                for gate in single.gates:
                    weights = unpack(next(words), plan.options.lanes, plan.sizes.weight_width)
                    matrix = found[single.layer, matrix_name(plan.network, single, gate)]
                    for lane, weight in enumerate(weights):
                        place = row * plan.options.lanes + lane, column
                        assert place not in matrix
                        matrix[place] = weight
    assert next(words, None) is None
    result = {}
    for key, places in found.items():
        shape = tuple(n + 1 for n in max(places))
        result[key] = np.array([places[place] for place in np.ndindex(*shape)]).reshape(shape)
    return result


@pytest.mark.parametrize("seed", [None, 0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("lanes", LANES)
def test_every_weight_is_in_its_place(lanes: int, seed: int | None) -> None:
    """Units that fill the lanes and units that do not; what is left over is zero."""
    network = NETWORK if seed is None else quantized_network(random_recipe(seed), seed)
    lanes = min(lanes, max(layer.units for layer in network.body))
    plan = Plan(network=network, options=CoreOptions(lanes=lanes))
    matrices = unplanned(plan)
    expected = {
        (layer, name): array
        for layer, part in enumerate(network.layers)
        for name, array in part.weights.items()
        if array.ndim == 2
    }
    assert matrices.keys() == expected.keys()
    for key, want in expected.items():
        units, columns = want.shape
        got = matrices[key]
        assert got.shape == (-(-units // lanes) * lanes, columns)
        assert (got[:units] == want).all()
        assert not got[units:].any()
    assert (
        plan.sizes.weight_words
        == len(weight_words(plan))
        == sum(map(plan.work.macs, plan.work.passes))
    )


def test_weights_of_several_widths_share_the_widest() -> None:
    narrow = Recipe(inputs=4, units=(4,), weight_width=3, outputs=None, extremes=True)
    first = quantized_network(narrow, 1)
    second = quantized_network(replace(narrow, weight_width=11, outputs=2), 2)
    network = QuantizedNetwork(layers=(*first.layers, *second.layers), tanh=first.tanh)
    plan = Plan(network=network, options=CoreOptions(lanes=3))
    assert plan.sizes.weight_width == 11
    matrices = unplanned(plan)
    assert (matrices[0, "U_gh"][:4] == first.layers[0].weights["U_gh"]).all()
    assert (matrices[1, "U_gh"][:4] == second.layers[0].weights["U_gh"]).all()


@pytest.mark.parametrize("seed", range(6))
def test_biases_are_stored_unit_by_unit(seed: int) -> None:
    network = quantized_network(random_recipe(seed), seed)
    plan = Plan(network=network, options=CoreOptions(lanes=1))
    for gate, name in enumerate(("b_f", "b_g")):
        want = [int(v) for layer in network.body for v in layer.weights[name]]
        if network.head:
            want += network.head.weights["b_y"].tolist() if gate == 0 else [0] * network.outputs
        assert bias_words(plan, gate) == want


@pytest.mark.parametrize("seed", range(6))
def test_widths_follow_from_the_network(seed: int) -> None:
    network = quantized_network(random_recipe(seed), seed)
    plan = Plan(network=network, options=CoreOptions(lanes=1))
    operands = [
        layer.formats.operand(name).width
        for layer in network.body
        for name in ("x", "h", "c")
        if name != "c" or "W_fc" in layer.weights
    ]
    assert plan.sizes.operand_width == max(operands)
    widths = [layer.formats.weight_width for layer in network.layers]
    assert plan.sizes.weight_width == max(widths)
    assert plan.sizes.accumulator_width == network.accumulator_width
    low, high = network.sum_bounds(bias=True)
    assert -(1 << (plan.sizes.sum_width - 1)) <= low <= high < 1 << (plan.sizes.sum_width - 1)


def test_an_accumulator_has_not_a_bit_to_spare() -> None:
    network, _ = bound_network(width=8)
    assert network.sum_bounds(bias=False)[1] == 1 << 18
    assert Plan(network=network, options=CoreOptions(lanes=1)).sizes.accumulator_width == 20


@pytest.mark.parametrize("lanes", [-1, 0, 6, 1000])
def test_lanes_out_of_range_are_refused(lanes: int) -> None:
    with pytest.raises(InputError) as caught:
        Plan(network=NETWORK, options=CoreOptions(lanes=lanes))
    assert str(caught.value) == (
        f"lanes is {lanes}, expected 1 to 5 (the units of the largest layer)"
    )


@pytest.mark.parametrize("multipliers", [-1, -7])
def test_tail_multipliers_out_of_range_are_refused(multipliers: int) -> None:
    with pytest.raises(InputError) as caught:
        Plan(network=NETWORK, options=CoreOptions(lanes=1, tail_multipliers=multipliers))
    assert str(caught.value) == f"tail_multipliers is {multipliers}, expected 0 or more"


def test_lanes_may_be_as_many_as_the_units_of_the_largest_layer() -> None:
    plan = Plan(network=NETWORK, options=CoreOptions(lanes=5))
    assert [job.rows for job in plan.work.jobs] == [1, 1, 2]


@pytest.mark.parametrize(
    ("tail", "sums", "product"),
    [
        (2, "lanes", SHARED_PRODUCT),
        (3, "lanes", 1),
        (2, "block", 1),
        (0, "lanes", SOFT_PRODUCT),
    ],
)
def test_factors_of_a_shared_multiplier_have_a_register(
    tail: int, sums: Literal["lanes", "block"], product: int
) -> None:
    """An LSTM has three products; an update for slow logic takes no cycle for them."""
    network = Architecture(cell="lstm", inputs=2, units=4).quantized()
    options = CoreOptions(lanes=2, tail_multipliers=tail, storage=Storage(sums=sums))
    cost = Plan(network=network, options=options).update_cost
    assert cost.delays.product == product
    assert cost.hardware_multipliers == tail
