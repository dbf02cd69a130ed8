"""Cores of graphs in the compiled bench: every word and cycle, with stalls and resets."""

from __future__ import annotations

import asyncio

import pytest

from golden.cells import Dense
from hdl.spec.passes import Work
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.regress.cases import Case
from sim.regress.trials import run_all
from sim.run import Run
from sim.streams import Record

pytestmark = pytest.mark.simulator

SEED = 1


class Graph(Case):
    """A case whose network is a graph."""

    is_graph = True  # type: ignore[reportAssignmentType, reportIncompatibleMethodOverride]


CASES = [Graph(SEED, number) for number in range(24)]


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


def test_every_word_and_cycle() -> None:
    library = bench_library([Design.of(case.core) for case in CASES], optimize=False)
    for case in CASES:
        with CompiledBench.of(case.core, library=library) as bench:

            async def run(trial: Run, bench: CompiledBench = bench) -> Record:
                return bench.run(trial)

            verdict = asyncio.run(run_all(case.job, case.trials(case.job), run))
        assert (verdict["problem"], str(case)) == ("", str(case))
