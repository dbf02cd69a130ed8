"""Several networks of different cells, sizes and formats, loaded into one core in any order."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from golden.cells import GRU, LSTM, RNN, LiteLSTM
from golden.errors import InputError
from golden.interface import DEFAULT, Interface
from golden.quantized import QuantizedNetwork
from hdl.layout.weight_image import image
from hdl.plan import Plan
from hdl.spec.capacity import Capacity
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from hdl.verilog import Generated, generate
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.core_job.job import CoreJob
from sim.draw.networks import Recipe, quantized_network
from sim.draw.steps import random_work
from sim.patterns import Pattern, Stalls, Trigger
from tests.sim.test_core import run_coroutines
from tests.sim.test_core_storage import check

pytestmark = pytest.mark.simulator

TABLE = {"interpolate": True, "log2_entries": 5}
NEAREST = {"interpolate": False, "log2_entries": 7}


def network(seed: int = 3, **recipe: object) -> QuantizedNetwork:
    return quantized_network(Recipe(**{**TABLE, **recipe}), seed)  # pyright: ignore


@cache
def networks(name: str) -> tuple[QuantizedNetwork, ...]:
    """Return the networks for which a core is made."""
    if name == "heads":
        return (
            network(cells=(LiteLSTM(), GRU()), units=(5, 4), inputs=3, outputs=4, mixed=True),
            network(cells=(LSTM(peephole="current"),), units=(7,), inputs=6, outputs=2),
            network(
                cells=(RNN(), LiteLSTM(peephole="diagonal"), GRU(reset="after")),
                units=(2, 3, 4),
                inputs=1,
                outputs=3,
                sigmoid=("hard", "logistic", "logistic"),
                weight_width=6,
            ),
        )
    if name == "no heads":
        return (
            network(
                cells=(GRU(), GRU()),
                units=(3, 3),
                inputs=2,
                outputs=None,
                weight_width=13,
                **NEAREST,
            ),
            network(
                cells=(LSTM(), RNN(), LSTM()), units=(2, 4, 1), inputs=5, outputs=None, **NEAREST
            ),
        )
    return (
        network(cells=(LiteLSTM(), LSTM()), units=(4, 6), inputs=2, outputs=5),
        network(cells=(GRU(reset="after"),), units=(3,), inputs=4, outputs=3, weight_width=6),
    )


CORES: dict[str, tuple[int, Interface, Storage]] = {
    "heads": (3, DEFAULT, Storage(weights="ram")),
    "no heads": (2, Interface(streams=2, state="load", every_step=True), Storage(weights="ram")),
    "classes": (
        4,
        Interface(classes=True),
        Storage(weights="double", sums="block"),
    ),
}


@cache
def made(name: str) -> Generated:
    lanes, interface, storage = CORES[name]
    text = "loaded_" + name.replace(" ", "_")
    first, *others = networks(name)
    return generate(
        first, others=others, lanes=lanes, interface=interface, storage=storage, name=text
    )


@cache
def opened(name: str) -> CompiledBench:
    designs = [Design.of(made(other)) for other in CORES]
    return CompiledBench.of(made(name), library=bench_library(designs, optimize=False))


def work(plan: Plan, steps: int = 10) -> CoreJob:
    done = random_work(plan.network, plan.options.interface, steps=steps, seed=(3,))
    return CoreJob.of_steps(plan, done.x, done.controls, done.loads, done.service)


def smaller(name: str) -> list[QuantizedNetwork]:
    """Networks that the core was not made for: fewer layers, units and inputs, other weights."""
    first = networks(name)[0]
    outputs = 1 if first.head else None
    retrained = network(
        seed=9,
        cells=tuple(layer.cell for layer in first.body),
        units=tuple(layer.units for layer in first.body),
        inputs=first.inputs,
        outputs=first.outputs if outputs else None,
        weight_width=first.layers[0].formats.weight_width,
        interpolate=first.tanh.interpolate,
        log2_entries=first.tanh.log2_entries,
    )
    return [_with_formats_of(retrained, first), *_cut(first)]


def _with_formats_of(other: QuantizedNetwork, like: QuantizedNetwork) -> QuantizedNetwork:
    """Other weights, and the formats of a network."""
    layers = [
        replace(one, weights=two.weights)
        for one, two in zip(like.layers, other.layers, strict=True)
    ]
    return replace(like, layers=tuple(layers))


def _cut(whole: QuantizedNetwork) -> list[QuantizedNetwork]:
    """The first layer alone with half of its units and inputs."""
    layer = whole.layers[0]
    units, inputs = -(-layer.units // 2), -(-layer.inputs // 2)
    weights = {
        key: value[:units, : inputs if key.endswith("x") else units]
        if value.ndim == 2
        else value[:units]
        for key, value in layer.weights.items()
    }
    layers = (replace(layer, weights=weights),)
    if whole.head:
        if layer.formats.h != whole.head.formats.x:
            return []
        own = whole.head.weights
        logits = {"W_yx": own["W_yx"][:1, :units], "b_y": own["b_y"][:1]}
        layers += (replace(whole.head, weights=logits),)
    return [replace(whole, layers=layers)]


SLOWLY = Stalls(
    idle=Pattern(probability=0.3, longest=5),
    ready=Pattern(probability=0.5, longest=9, trigger=Trigger.VALID),
)


@pytest.mark.parametrize("name", CORES)
def test_each_network_to_every_word_and_cycle(name: str) -> None:
    """After a reset: the golden words, in the cycles of the count; and with stalls."""
    plan, bench = made(name).plan, opened(name)
    for one in (*networks(name), *smaller(name)):
        job = work(plan.of(one))
        check(job, bench.run(job.request()))
        check(job, bench.run(job.request(stalls=SLOWLY, seed=2)), stalled=True)


@pytest.mark.parametrize("name", [name for name in CORES if name != "classes"])
def test_one_after_the_other(name: str) -> None:
    """Without a reset, in any order: nothing of the network before is left."""
    plan, bench = made(name).plan, opened(name)
    jobs = [work(plan.of(one)) for one in (*networks(name), *smaller(name))]
    order = np.random.default_rng(4).permutation(3 * len(jobs)) % len(jobs)
    for place, number in enumerate(order):
        check(jobs[number], bench.run(jobs[number].request(fresh=place == 0)))


def test_two_sets() -> None:
    """A set comes in while the core works with the other; it is the next one's if it is right."""
    plan, bench = made("classes").plan, opened("classes")
    first, second = (work(plan.of(one), 1) for one in networks("classes"))
    check(first, bench.run(first.request()))
    for old, new in ((first, second), (second, first), (first, first)):
        wrong = new.weights.copy()
        wrong[-2] ^= 1
        for weights in (wrong, new.weights):
            run = bench.run(old.request(weights=weights, fresh=False))
            assert run.taken[-1] < run["i_weights"].cycles[-1], (
                "the image was there before the work was done"
            )
            assert np.array_equal(run.words, old.expected.ravel())
        run = bench.run(new.request(weights=[], fresh=False))
        assert np.array_equal(run.words, new.expected.ravel())


@pytest.mark.parametrize("number", range(2))
def test_cocotb(number: int, tmp_path: Path) -> None:
    core = made("heads")
    job = work(core.plan.of(networks("heads")[number]), 6)
    run_coroutines(core, job, "icarus", tmp_path, "samples")


def test_capacity_is_the_same_from_json() -> None:
    for name in CORES:
        capacity = made(name).plan.capacity
        assert Capacity.from_json(capacity.as_json()) == capacity
        own = [
            Plan(network=one, options=CoreOptions(lanes=1, storage=CORES[name][2]))
            for one in networks(name)
        ]
        assert capacity.number not in [plan.capacity.number for plan in own]
        for one in networks(name):
            assert image(made(name).plan.of(one))[2] == capacity.number


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "inputs": ({"inputs": 7}, "inputs 7, the core offers 6"),
    "layers": ({"units": (1, 1, 1, 1), "cells": (RNN(),) * 4}, "layers 4, the core offers 3"),
    "units": ({"units": (8,), "inputs": 1}, "units 8, the core offers 7"),
    "state": ({"units": (6, 6), "inputs": 1}, "state units 12, the core offers 9"),
    "outputs": ({"outputs": 5}, "outputs 5, the core offers 4"),
    "weights": ({"weight_width": 9, "cells": (RNN(),)}, "weight width 9, the core offers 8"),
    "cell": (
        {"cells": (LSTM(peephole="previous"),)},
        "layer0 has lstm peephole=previous cells, the core offers litelstm peephole=full, ",
    ),
    "format": ({"cells": (RNN(),), "pre_width": 11}, "layer0 has pre in format "),
    "head": ({"outputs": None}, "it has no dense head, the core offers one"),
    "table": ({"log2_entries": 4}, "its tanh table is TanhTable(log2_entries=4, "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name: str) -> None:
    recipe, reason = REFUSED[name]
    other = network(**{"units": (3,), "inputs": 2, **recipe})
    with pytest.raises(InputError, match="the network does not fit the core: ") as error:
        made("heads").plan.of(other)
    assert reason in str(error.value)


def test_several_networks_need_loaded_weights() -> None:
    with pytest.raises(InputError, match="only with weights ram or double"):
        generate(networks("heads")[0], others=networks("heads")[1:], lanes=2)
    with pytest.raises(InputError, match="has no dense head, the core offers one"):
        generate(
            networks("heads")[0],
            others=networks("no heads")[:1],
            lanes=2,
            storage=CORES["heads"][2],
        )
