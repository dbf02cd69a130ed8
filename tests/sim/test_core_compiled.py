"""Random cores in the compiled bench: many sequences, all stalls, resets in all phases."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sim.compiled.bench import CompiledBench, bench_library
from sim.core_job.result import CoreResult
from sim.draw.cells import EVERY_CELL
from sim.draw.lively import lively
from sim.draw.networks import input_words, quantized_network, random_recipe
from sim.patterns import IDLE_PATTERNS, NO_STALLS, READY_PATTERNS, Stalls
from sim.run import Reset, Run
from sim.samples import run_compiled
from tests.sim.answers import random_sequences
from tests.sim.cores import CoreCase

pytestmark = pytest.mark.simulator

SEEDS = range(6, 12)
SEQUENCES = 200
STALLED_SEQUENCES = 60
RESET_SEQUENCES = 3
STRIDE = 3
"""Cycles from reset to reset; cores begin at different ones, so that no phase is left out."""


def random_core(seed: int) -> CoreCase:
    """A core of random sizes, formats, cells and lanes, with random sequences of 1 to 6 steps."""
    rng = np.random.default_rng([seed, 5])
    recipe = random_recipe(seed, cells=EVERY_CELL)
    network = quantized_network(recipe, seed)
    network = lively(network, input_words(network, batch=8, steps=6, seed=seed))
    lengths = rng.integers(1, 6, size=SEQUENCES, endpoint=True).tolist()
    sequences = random_sequences(network, lengths, seed=seed)
    lanes = int(rng.integers(1, max(recipe.units), endpoint=True))
    return CoreCase(network=network, lanes=lanes, sequences=sequences)


@pytest.fixture(autouse=True, scope="module")
def optimized_models() -> Iterator[None]:
    """Enough cycles to earn back the optimizer's time."""
    with pytest.MonkeyPatch.context() as patch:
        assert bench_library.__kwdefaults__
        patch.setitem(bench_library.__kwdefaults__, "optimize", True)
        yield


@pytest.fixture(scope="module", params=SEEDS)
def core(request: pytest.FixtureRequest) -> CoreCase:
    return random_core(request.param)


@pytest.fixture(scope="module")
def bench(core: CoreCase) -> Iterator[CompiledBench]:
    with CompiledBench.of(core.core) as opened:
        yield opened


def test_every_word_and_cycle(core: CoreCase) -> None:
    told: list[int] = []
    run = run_compiled(core.core, core.sequences, core.expected, progress=told.append)
    assert (run.compared, run.mismatched, run.first_mismatch) == (core.expected.size, 0, "")
    assert run.wrong_cycle == ""
    assert np.array_equal(run.words, core.expected)
    assert run.cycles == core.job.taken[-1] + 1
    assert told == sorted(told)
    assert told[-1] == SEQUENCES


def test_every_crossing(core: CoreCase, bench: CompiledBench) -> None:
    job = core.job.first(STALLED_SEQUENCES)
    for idle in IDLE_PATTERNS:
        for ready in READY_PATTERNS:
            stalls = Stalls.named(idle, ready)
            request = Run.of_sequences(
                job.sequences, words=core.network.outputs, stalls=stalls, seed=1
            )
            run = bench.run(request)
            result = CoreResult.judge(job, run, stalled=stalls != NO_STALLS)
            assert result.compared == job.expected.size
            assert (result.mismatched, result.first_mismatch) == (0, ""), (idle, ready)
            assert result.wrong_cycle == ""


def test_resets(core: CoreCase, bench: CompiledBench) -> None:
    job = core.job.first(RESET_SEQUENCES)
    for cycle in range(core.lanes % STRIDE, int(job.taken[-1]) + 1, STRIDE):
        run = bench.run(
            Run.of_sequences(job.sequences, words=core.network.outputs, reset=Reset(cycle=cycle))
        )
        result = CoreResult.judge(job, run, stalled=False)
        assert result.compared == job.expected.size
        assert (result.first_mismatch, result.wrong_cycle) == ("", ""), cycle


def test_the_cores_differ() -> None:
    some = [quantized_network(random_recipe(seed, cells=EVERY_CELL), seed) for seed in SEEDS]
    assert {len(network.body) for network in some} == {1, 2, 3}
    assert {network.head is None for network in some} == {True, False}
    assert {network.tanh.interpolate for network in some} == {True, False}
    layers = [layer for network in some for layer in network.body]
    assert {layer.sigmoid for layer in layers} == {"hard", "logistic"}
    assert len({str(layer.cell) for layer in layers}) >= 7
    widths = [layer.formats.weight_width for layer in layers]
    assert min(widths) <= 4
    assert max(widths) >= 14
