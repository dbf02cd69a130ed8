"""Cores with streams, state and results of every step, in all three benches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden.cells import GRU, LSTM, RNN, Cell, LiteLSTM
from golden.interface import Interface
from hdl.verilog import Generated, generate
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.core_job.job import CoreJob
from sim.core_job.result import CoreResult
from sim.draw.directions import with_directions
from sim.draw.steps import random_work
from sim.patterns import NO_STALLS, Pattern, Stalls, Trigger
from sim.run import Reset
from sim.tools.errors import SimulationError
from tests.networks import Recipe, quantized_network
from tests.sim.answers import changed
from tests.sim.test_core import run_coroutines

pytestmark = pytest.mark.simulator

CORES: dict[str, tuple[tuple[Cell, ...], int | None, Interface]] = {
    "two streams": ((LiteLSTM(),), 3, Interface(streams=2)),
    "kept": ((GRU(),), None, Interface(state="keep")),
    "every step": ((LSTM(peephole="previous"),), 3, Interface(every_step=True)),
    "classes": ((RNN(),), 5, Interface(classes=True, every_step=True, streams=3)),
    "everything": (
        (RNN(), LiteLSTM(), GRU(reset="after")),
        4,
        Interface(streams=3, state="load", every_step=True),
    ),
    "both ways": ((GRU(), LSTM()), 4, Interface()),
    "both ways, every step": (
        (GRU(reset="before"), RNN(), LiteLSTM()),
        3,
        Interface(every_step=True),
    ),
    "both ways, classes": ((RNN(), GRU()), 5, Interface(classes=True, every_step=True)),
}
MAX_STEPS = {"both ways": 9, "both ways, every step": 3, "both ways, classes": 2}
"""Longest sequence of cores that buffer them; some sequences are longer."""
IN_ICARUS = ("classes", "everything", "both ways, classes")
STEPS = 24


def made(name: str) -> tuple[Generated, CoreJob]:
    """A core of a name, and random steps for it."""
    cells, outputs, interface = CORES[name]
    recipe = Recipe(inputs=2, units=(4, 3, 5)[: len(cells)], outputs=outputs, cells=cells)
    network, max_steps = quantized_network(recipe, 5), MAX_STEPS.get(name, 0)
    if max_steps:
        network = with_directions(network, 5)
    core = generate(network, lanes=3, interface=interface, max_steps=max_steps)
    work = random_work(network, interface, steps=STEPS, seed=(len(name),), max_steps=max_steps)
    return core, CoreJob.of_steps(core.plan, work.x, work.controls, work.loads, work.service)


@pytest.mark.parametrize("name", CORES)
def test_compiled(name: str) -> None:
    core, job = made(name)
    stalled = Stalls(
        idle=Pattern(probability=0.3, longest=5),
        ready=Pattern(probability=0.5, longest=9, trigger=Trigger.VALID),
    )
    library = bench_library([Design.of(core)], optimize=False)
    with CompiledBench.of(core, library=library) as bench:
        for stalls, reset in ((NO_STALLS, None), (stalled, None), (NO_STALLS, Reset(cycle=100))):
            run = bench.run(job.request(stalls=stalls, seed=1, reset=reset))
            result = CoreResult.judge(job, run, stalled=stalls != NO_STALLS)
            assert (result.first_mismatch, result.wrong_cycle) == ("", "")
            assert result.compared == job.expected.size + job.saves.size


@pytest.mark.parametrize(
    ("simulator", "name"),
    [*(("verilator", name) for name in CORES), *(("icarus", name) for name in IN_ICARUS)],
)
def test_cocotb(simulator: str, name: str, tmp_path: Path) -> None:
    core, job = made(name)
    run_coroutines(core, job, simulator, tmp_path, "steps")


def test_the_work_has_everything_in_it() -> None:
    _, job = made("everything")
    last, stream, keep, load, save = job.controls.T
    assert set(stream) == {0, 1, 2}
    for field in (last, keep, load, save):
        assert set(field) == {0, 1}
    assert len(job.loads) >= 2
    assert len(np.unique(job.saves, axis=0)) == len(job.saves) >= 2
    assert len(np.unique(job.expected, axis=0)) > STEPS // 2


@pytest.mark.parametrize("field", ["saves", "streams", "ends", "saved", "loaded"])
def test_one_wrong_thing_is_seen(field: str, tmp_path: Path) -> None:
    core, job = made("everything")
    values = getattr(job, field).copy()
    values.flat[1] ^= 1
    with pytest.raises(SimulationError, match="state word|expected stream|expected last"):
        run_coroutines(core, changed(job, **{field: values}), "verilator", tmp_path, "steps")
