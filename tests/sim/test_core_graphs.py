"""Cores of graphs in the compiled bench: every word and cycle, with stalls and resets."""

from __future__ import annotations

import asyncio
from functools import cached_property
from itertools import count

import numpy as np
import pytest

from golden.cells import LSTM, Dense, Pool
from golden.interface import Interface
from golden.layers import Layer, dense, weight_shapes
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from hdl import cycles
from hdl.spec.loadable import is_loadable
from hdl.spec.passes import Work
from hdl.spec.storage import Storage
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.draw.graphs import random_graph
from sim.draw.lively import lively
from sim.draw.networks import input_words
from sim.regress.cases import Case
from sim.regress.trials import run_all
from sim.run import Run
from sim.streams import Record

pytestmark = pytest.mark.simulator

SEED = 1


class Graph(Case):
    """A case whose network is a graph."""

    is_graph = True  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]


class Loaded(Graph):
    """A graph of three layers or more whose weights are loaded."""

    is_delta = False  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    @cached_property
    def network(self) -> QuantizedNetwork:
        drawn = (random_graph((self.seed, self.number, n), units=7) for n in count())
        network = next(one for one in drawn if len(one.layers) > 2 and is_loadable(one))
        seed = self.seed, self.number
        return lively(network, input_words(network, batch=8, steps=6, seed=seed))

    @cached_property
    def storage(self) -> Storage:
        return Storage(weights="double" if self.number % 2 else "ram")


class Indexed(Case):
    """A network whose input is an index; every other one is a graph."""

    has_index = True  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    is_turned = False  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    is_delta = False  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    @property
    def is_graph(self) -> bool:
        return bool(self.number % 2)


class Turned(Indexed):
    """A network whose input is an index, in a core that buffers sequences."""

    is_turned = True  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    is_graph = False  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]


class Windowed(Graph):
    """A graph whose layers read vectors at lags, and pool."""

    has_windows = True  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    is_turned = False  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]


class Pooled(Graph):
    """A graph with layers that pool, in both directions, in a core that buffers sequences."""

    has_index = False  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    has_windows = True  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    is_turned = True  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    is_delta = False  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]


class Shared(Graph):
    """A small layer whose rows larger late layers use again, before they have been drained."""

    is_delta = False  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    @cached_property
    def network(self) -> QuantizedNetwork:
        rng = np.random.default_rng([self.seed, self.number])
        shapes = weight_shapes(LSTM(), 1, 2)
        weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        first = Layer(cell=LSTM(), sigmoid="hard", weights=weights)
        relu = dense(rng.normal(size=(3, 2)), rng.normal(size=3), "relu")
        last = dense(rng.normal(size=(11, 3)), rng.normal(size=11))
        samples = rng.normal(size=(8, 6, 1))
        return quantize(Network(layers=(first, relu, last)), samples)[0]

    @cached_property
    def lanes(self) -> int:
        return 1 + self.number % 2

    @cached_property
    def interface(self) -> Interface:
        return Interface(every_step=True, streams=1 + self.number % 3)

    @cached_property
    def storage(self) -> Storage:
        return Storage(sums=("lanes", "block")[self.number % 2])


class Hasty(Shared):
    """A layer of one or two columns, or of an index, in front; late layers leave it its rows."""

    @cached_property
    def network(self) -> QuantizedNetwork:
        rng = np.random.default_rng([self.seed, self.number])
        inputs, indexed = [(1, 0), (2, 0), (5, 1)][self.number % 3]
        shapes = weight_shapes(LSTM(), 3, 2)
        weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        front = dense(rng.normal(size=(3, inputs)), rng.normal(size=3), "relu")
        lstm = Layer(cell=LSTM(), sigmoid="hard", weights=weights)
        last = dense(rng.normal(size=(3, 2)), rng.normal(size=3))
        network = Network(layers=(front, lstm, last), indexed=indexed)
        samples = rng.normal(size=(8, 6, inputs))
        if indexed:
            samples = rng.integers(0, inputs, size=(8, 6, 1))
        return quantize(network, samples)[0]

    @cached_property
    def lanes(self) -> int:
        return 3


SHARED = [Shared(SEED, number) for number in range(300, 303)]
HASTY = [Hasty(SEED, number) for number in range(303, 306)]
CASES = [Graph(SEED, number) for number in (0, 2, 4, 7, 9, 15, 20, 24)]
WINDOWS = [Windowed(SEED, number) for number in range(235, 240)]
TURNED = [Turned(SEED, number) for number in (301, 303)]
POOLED = [Pooled(SEED, number) for number in (205, 212)]
INDEXED = [Indexed(SEED, number) for number in range(401, 404)]
LOADED = [Loaded(SEED, number) for number in range(100, 102)]


def test_graphs_are_of_every_kind() -> None:
    networks = [case.network for case in CASES]
    dense = [layer.cell for network in networks for layer in network.layers]
    activations = {cell.activation for cell in dense if isinstance(cell, Dense)}
    assert activations == {*Dense.options["activation"]}
    assert {len(sources) for network in networks for sources in network.sources} == {1, 2, 3}
    assert {len(network.result_vectors) for network in networks} >= {1, 2, 3}
    works = [Work(network=case.network, lanes=case.lanes) for case in CASES]
    assert {work.rereads for work in works} == {True, False}
    assert {len(work.unread) for work in works} >= {0, 1, 2}
    assert any(single.source < 0 for work in works for single in work.late_passes)
    assert any(work.late != network.late for work, network in zip(works, networks, strict=True))
    assert any(len({job.makes == () for job in work.jobs if job.emits}) == 2 for work in works)
    assert {case.interface.state for case in CASES} == {"clear", "keep", "load"}


def test_windows_are_of_every_kind() -> None:
    networks = [case.network for case in WINDOWS]
    cells = {layer.cell for network in networks for layer in network.layers}
    assert {cell.over for cell in cells if isinstance(cell, Pool)} == {"sum", "max"}
    assert len({cell.pieces for cell in cells if isinstance(cell, Dense)}) > 2
    works = [Work(network=network, lanes=1) for network in networks]
    passes = [one for work in works for one in work.passes if one.lag]
    assert {one.operand for one in passes} == {"x", "past"}
    assert any(one.lag for work in works for one in work.late_passes)
    assert {bool(work.windows.silent) for work in works} == {True, False}
    assert any(work.step_passes[0].zero_before for work in works)
    assert {case.interface.state for case in WINDOWS} == {"clear", "keep"}
    assert {case.interface.every_step for case in WINDOWS} == {True, False}
    assert any(case.interface.every_step and case.network.first for case in WINDOWS)


def test_indices_are_of_every_kind() -> None:
    assert all(case.network.indexed for case in (*INDEXED, *TURNED))
    assert all(case.max_steps for case in TURNED)
    networks = [case.network for case in INDEXED]
    assert {bool(network.layers[0].cell.state) for network in networks} == {True, False}
    assert any(case.interface.streams > 1 for case in INDEXED)
    assert any(work.windows.used for work in (Work(network=n, lanes=1) for n in networks))
    works = [Work(network=network, lanes=1) for network in networks]
    assert all(
        work.passes[0].choices == network.sizes[0]
        for work, network in zip(works, networks, strict=True)
    )


def test_pools_are_in_front_and_behind() -> None:
    cells = [[isinstance(one.cell, Pool) for one in case.network.layers] for case in POOLED]
    assert all(map(any, cells))
    assert {own[0] for own in cells} == {True, False}
    assert all(case.max_steps for case in POOLED)


def test_the_first_layer_waits_for_rows_that_it_shares() -> None:
    waited = [cycles.steady_state(case.core.plan).waited for case in SHARED]
    assert any("drain of the step before" in one for one in waited), waited


@pytest.mark.parametrize(
    "cases",
    [[*CASES, *LOADED, *SHARED, *HASTY], [*WINDOWS, *INDEXED, *TURNED, *POOLED]],
    ids=["graphs", "windows"],
)
def test_every_word_and_cycle(cases: list[Case]) -> None:
    library = bench_library([Design.of(case.core) for case in cases], optimize=False)
    for case in cases:
        with CompiledBench.of(case.core, library=library) as bench:

            async def run(trial: Run, bench: CompiledBench = bench) -> Record:
                return bench.run(trial)

            verdict = asyncio.run(run_all(case.job, case.trials(case.job), run))
        assert (verdict["problem"], str(case)) == ("", str(case))
