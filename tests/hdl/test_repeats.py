"""The count of what repeats, against the count that follows every step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from golden.interface import Control, Interface
from hdl import cycles
from hdl.cycles import CycleCount
from hdl.cycles.run import Repeats, Run
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from hdl.timing.series import Series
from tests.networks import EVERY_CELL, Recipe, quantized_network, random_recipe

pytestmark = pytest.mark.slow


def random_plan(rng: np.random.Generator) -> Plan:
    """Any core: cells, sizes, streams, state, outputs, and whose weights are loaded."""
    seed, other = (int(rng.integers(1 << 30)) for _ in range(2))
    recipe = random_recipe(seed, units=8, cells=EVERY_CELL if rng.random() < 0.7 else ())
    network = quantized_network(recipe, seed)
    storage = Storage(
        weights=str(rng.choice(Storage.CHOICES["weights"])),
        sums=str(rng.choice(Storage.CHOICES["sums"])),
    )
    larger = replace(recipe, inputs=9, units=(9,) * len(recipe.units))
    plan = Plan(
        network=network,
        options=CoreOptions(
            lanes=int(rng.integers(1, max(layer.units for layer in network.body) + 1)),
            tail_multipliers=int(rng.integers(0, 4)),
            interface=Interface(
                streams=int(rng.integers(1, 4)),
                state=str(rng.choice(Interface.STATES)),
                every_step=bool(rng.random() < 0.6),
                classes=network.classes and bool(rng.random() < 0.5),
            ),
            storage=storage,
        ),
        others=(quantized_network(larger, other),) if storage.loadable else (),
    )
    return plan.of(network) if storage.loadable else plan


def random_repeats(rng: np.random.Generator, interface: Interface) -> Repeats:
    """Turns of some steps, each turn again and again; the last step of a turn may end sequences."""

    def control() -> Control:
        return Control(
            last=bool(rng.random() < 0.2),
            stream=int(rng.integers(interface.streams)),
            keep=interface.state != "clear" and bool(rng.random() < 0.3),
            load=interface.state == "load" and bool(rng.random() < 0.1),
            save=interface.state == "load" and bool(rng.random() < 0.1),
        )

    turns = [
        ([control() for _ in range(rng.integers(1, 4))], int(rng.integers(1, 80))) for _ in range(4)
    ]
    return [*turns, ([Control(last=True)], 1)]


def step_by_step(plan: Plan, repeats: Repeats) -> CycleCount:
    """The cycle count does not change when nobody says that the steps repeat."""
    return Run(plan).run(
        [([one], 1) for controls, times in repeats for _ in range(times) for one in controls]
    )


def check(repeated: CycleCount, followed: CycleCount) -> None:
    for name in followed.series:
        got, want = (getattr(count, name) for count in (repeated, followed))
        assert np.array_equal(got, want), name
    assert (repeated.end, repeated.issued) == (followed.end, followed.issued)
    assert repeated.waited == followed.waited
    assert repeated.first_output == followed.outputs[0]
    assert repeated.last_output == followed.outputs[-1]


@pytest.mark.parametrize("seed", range(60))
def test_what_repeats_is_counted_as_if_every_step_were_followed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plan = random_plan(rng)
    repeats = random_repeats(rng, plan.options.interface)
    check(Run(plan).run(repeats), step_by_step(plan, repeats))


@pytest.mark.parametrize("lengths", [[1] * 40, [33, 1, 57, 2, 33, 33]], ids=str)
@pytest.mark.parametrize("every_step", [False, True])
def test_sequences(lengths: Sequence[int], every_step: bool) -> None:
    network = quantized_network(Recipe(inputs=2, units=(5, 4), outputs=7), 3)
    plan = Plan(
        network=network, options=CoreOptions(lanes=3, interface=Interface(every_step=every_step))
    )
    followed = step_by_step(plan, [(cycles.controls_of(lengths), 1)])
    check(cycles.count(plan, lengths), followed)
    check(cycles.count_steps(plan, cycles.controls_of(lengths)), followed)


def test_few_of_many_steps_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    followed = []
    step = Run._step
    monkeypatch.setattr(
        Run, "_step", lambda self, control: (followed.append(control), step(self, control))
    )
    network = quantized_network(Recipe(inputs=28, units=(64, 64), outputs=10), 1)
    for every_step in (False, True):
        plan = Plan(
            network=network,
            options=CoreOptions(lanes=16, interface=Interface(every_step=every_step)),
        )
        cycles.count(plan, [10**9])
    assert len(followed) < 60


def test_a_billion_steps_take_no_time() -> None:
    network = quantized_network(Recipe(inputs=3, units=(8, 8), outputs=4), 1)
    plan = Plan(network=network, options=CoreOptions(lanes=4, interface=Interface(every_step=True)))
    begin = time.process_time()
    long, longer = (cycles.count(plan, [steps]) for steps in (10**9, 10**9 + 1000))
    sequence = cycles.cycles_per_sequence(plan, 10**9)
    steady = cycles.steady_state(plan).cycles_per_step
    assert time.process_time() - begin < 5
    assert longer.last_output - long.last_output == 1000 * steady
    assert longer.issued - long.issued == 1000 * sum(
        plan.work.macs(single) for single in plan.work.passes
    )
    assert 0 <= sequence - 10**9 * steady < 2 * steady


def test_a_series_gives_what_it_has_moved_away() -> None:
    series = Series(keeps=2)
    series += [0, 3, 4, 7]
    series.repeat(2, times=3, shift=10)
    assert list(series) == [34, 37]
    series.append(40)
    series.repeat(2, times=2, shift=5)
    assert series.array().tolist() == [0, 3, 4, 7, 14, 17, 24, 27, 34, 37, 40, 45, 50]
    assert (series.first, series[-1]) == (0, 50)
    with pytest.raises(IndexError):
        _ = Series().first
