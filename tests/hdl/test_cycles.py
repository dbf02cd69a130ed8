"""The cycle count against the simulated core, and the bars that it must stay below."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl import cycles
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import CoreBench
from tests.networks import Recipe, input_words, quantized_network

TINY: dict[str, tuple[Recipe, int]] = {
    "one of everything": (Recipe(inputs=1, units=(1,), outputs=None), 1),
    "one unit, many inputs": (Recipe(inputs=9, units=(1,), outputs=1), 1),
    "one input": (Recipe(inputs=1, units=(6,), outputs=2), 2),
    "one lane": (Recipe(inputs=2, units=(4,), outputs=3), 1),
    "lanes are units": (Recipe(inputs=3, units=(6,), outputs=2), 6),
    "units not a multiple": (Recipe(inputs=3, units=(7,), outputs=5), 3),
    "no peephole": (Recipe(inputs=4, units=(6,), outputs=2, peephole="none"), 2),
    "no head": (Recipe(inputs=2, units=(5, 3), outputs=None), 2),
    "logistic, interpolated": (
        Recipe(inputs=3, units=(4, 4), outputs=2, sigmoid="logistic", interpolate=True),
        2,
    ),
    "mixed gates": (Recipe(inputs=2, units=(5, 4), outputs=3, sigmoid=("hard", "logistic")), 4),
    "three layers": (Recipe(inputs=3, units=(6, 2, 5), outputs=4), 3),
    "wide then narrow": (Recipe(inputs=2, units=(16, 2), outputs=1), 8),
    "narrow then wide": (Recipe(inputs=2, units=(2, 16), outputs=1), 8),
    "large head": (Recipe(inputs=1, units=(3,), outputs=17), 2),
    "array never waits": (Recipe(inputs=16, units=(16,), outputs=3), 4),
    "inputs are the bottleneck": (Recipe(inputs=24, units=(2,), outputs=1), 2),
}
tiny = pytest.mark.parametrize(("recipe", "lanes"), TINY.values(), ids=TINY)


def check(
    network: QuantizedNetwork, lanes: int, *series: Sequence[int], tail_multipliers: int = 2
) -> None:
    """Every input and output of series of sequences comes in the cycle that was computed."""
    bench = CoreBench(network, lanes, tail_multipliers=tail_multipliers)
    words = [[input_words(network, batch=1, steps=n, seed=n)[0] for n in one] for one in series]
    for each in words:
        bench.add(each)
    model = IntegerModel(network)
    for lengths, each, run in zip(series, words, bench.run(), strict=True):
        want = cycles.count(bench.core.plan, lengths)
        assert run.inputs == want.inputs.tolist()
        assert run.outputs == want.outputs.tolist()
        assert run.words == [int(v) for word in each for v in model.forward(word[None])[0]]


@pytest.mark.slow
@tiny
def test_the_core_keeps_to_the_count(recipe: Recipe, lanes: int) -> None:
    """Sequences follow each other without a pause, of length 1 too; and a single step."""
    check(quantized_network(recipe, 1), lanes, [3, 1, 1, 2, 4], [1])


@pytest.mark.slow
@pytest.mark.parametrize("lanes", range(1, 8))
def test_every_number_of_lanes(lanes: int) -> None:
    check(quantized_network(Recipe(inputs=2, units=(7, 5), outputs=4), 1), lanes, [2, 1, 3])


@pytest.mark.slow
@pytest.mark.parametrize("tail_multipliers", [0, 1, 3])
@pytest.mark.parametrize("lanes", [1, 3, 7])
def test_fewer_or_more_multipliers_in_the_tail(lanes: int, tail_multipliers: int) -> None:
    """With and without a head, hard and logistic, in turn."""
    sigmoid = ("hard", "logistic")[(lanes // 2 + tail_multipliers) % 2]
    outputs = 4 if (sigmoid == "hard") == (lanes == 3) else None
    recipe = Recipe(inputs=2, units=(7, 5), outputs=outputs, sigmoid=sigmoid)
    check(quantized_network(recipe, 1), lanes, [2, 1, 3], tail_multipliers=tail_multipliers)


@tiny
def test_every_cycle_is_an_operation_or_a_wait(recipe: Recipe, lanes: int) -> None:
    plan = Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=lanes))
    lengths = [2, 1, 5]
    count = cycles.count(plan, lengths)
    head = sum(plan.work.macs(single) for single in plan.work.late_passes)
    step = sum(plan.work.macs(single) for single in plan.work.step_passes)
    assert count.issued == 8 * step + 3 * head
    assert len(count.inputs) == 8 * recipe.inputs
    assert len(count.outputs) == 3 * plan.network.outputs
    assert len(count.steps) == 8
    assert count.inputs[0] == 0
    for series in (count.inputs, count.outputs, count.steps):
        assert (series[1:] > series[:-1]).all()
    assert all(waited >= 0 for waited in count.waited.values())
    # The last word leaves after the last operation, at the earliest.
    assert count.outputs[-1] >= count.issued + sum(count.waited.values())


def one_layer(inputs: int, units: int) -> QuantizedNetwork:
    return quantized_network(Recipe(inputs=inputs, units=(units,), outputs=None), 1)


def test_the_bar_of_one_layer() -> None:
    """28 in, 64 units, 16 lanes: ideal 992, at most 994."""
    steady = cycles.steady_state(Plan(network=one_layer(28, 64), options=CoreOptions(lanes=16)))
    assert steady.ideal_cycles_per_step == 992
    assert steady.issued_per_step == 992
    assert 992 <= steady.cycles_per_step <= 994
    assert steady.utilization >= 992 / 994


def test_the_bar_of_two_layers_with_head() -> None:
    """28 in, 2 x 64 units, dense 10, 16 lanes: ideal + 1 %."""
    network = quantized_network(Recipe(inputs=28, units=(64, 64), outputs=10), 1)
    steady = cycles.steady_state(Plan(network=network, options=CoreOptions(lanes=16)))
    assert steady.ideal_cycles_per_step == 992 + 2 * 4 * 64 + 2 * 4 * 64 + 4 * 64
    assert steady.cycles_per_step <= 1.01 * steady.ideal_cycles_per_step


def test_whole_sequences_of_two_layers_with_head() -> None:
    """28 steps per digit, the head and the change of sequence included."""
    network = quantized_network(Recipe(inputs=28, units=(64, 64), outputs=10), 1)
    plan = Plan(network=network, options=CoreOptions(lanes=16))
    outputs = cycles.count(plan, [28] * 4).outputs
    digit = int(outputs[-1] - outputs[-11])
    ideal = 28 * network.products / 16 + 64  # and one row of 10 logits, 64 columns
    assert digit <= 1.01 * ideal


@tiny
def test_the_steady_state_is_what_a_long_sequence_takes(recipe: Recipe, lanes: int) -> None:
    plan = Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=lanes))
    steady = cycles.steady_state(plan)
    steps = cycles.count(plan, [40]).steps
    assert steady.cycles_per_step - 1 < (steps[-1] - steps[7]) / 32 <= steady.cycles_per_step
    assert steady.issued_per_step == sum(plan.work.macs(single) for single in plan.work.step_passes)
    assert steady.ideal_cycles_per_step == plan.network.products / lanes
    assert 0 < steady.utilization <= 1
    assert steady.cycles_per_step >= steady.issued_per_step


@pytest.mark.parametrize("lengths", [[0], [2, 0], [-1]])
def test_lengths_below_one_are_refused(lengths: list[int]) -> None:
    plan = Plan(network=one_layer(1, 1), options=CoreOptions(lanes=1))
    with pytest.raises(ValueError, match="lengths must be 1 or more, not"):
        cycles.count(plan, lengths)
