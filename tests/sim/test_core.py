"""Named cores under cocotb, in both simulators: every word, every cycle, stalls and resets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdl.verilog import Generated
from sim.cocotb_bench import runner
from sim.core_job.job import JOB, CoreJob
from sim.tools.errors import SimulationError
from tests.sim.answers import changed, state_trace, trace_sums
from tests.sim.cores import IN_BOTH, IN_VERILATOR, NAMES, SATURATED, case

pytestmark = pytest.mark.simulator

COROUTINES = ("samples", "crossings", "jams", "resets", "resets_in_a_row", "idle_core")
SEED = 3


RUNS = [
    *(("icarus", name) for name in NAMES if name not in IN_VERILATOR or name in IN_BOTH),
    *(("verilator", name) for name in IN_VERILATOR),
]


def run_coroutines(
    core: Generated, job: CoreJob, simulator: str, folder: Path, *coroutines: str
) -> None:
    """Run coroutines of sim.cocotb_bench.core_tests on a core; raises SimulationError if one fails.

    They are run by one process, since its start takes longer than most of them.
    """
    top = core.description["name"]
    build = runner.build(core.verilog, top=top, simulator=simulator, optimize=False)
    job.save(folder / "job.npz")
    report = runner.run(
        build,
        test_module="sim.cocotb_bench.core_tests",
        testcase=list(coroutines),
        expect=len(coroutines),
        seed=SEED,
        env={JOB: str(folder / "job.npz")},
        results=folder / "results.xml",
        log=folder / "log",
        timeout_s=120,
    )
    assert report.tests == tuple(
        f"sim.cocotb_bench.core_tests.{coroutine}" for coroutine in coroutines
    )


@pytest.mark.parametrize(("simulator", "name"), RUNS)
def test_core(simulator: str, name: str, tmp_path: Path) -> None:
    short = simulator == "icarus" and name != IN_BOTH[0]
    coroutines = ("samples",) if short else COROUTINES
    run_coroutines(case(name).core, case(name).job, simulator, tmp_path, *coroutines)


@pytest.mark.parametrize("simulator", runner.SIMULATORS)
def test_one_wrong_word_is_seen(simulator: str, tmp_path: Path) -> None:
    core = case("one_of_everything")
    expected = core.expected.copy()
    expected[2, 0] += 1
    place = f"sequence 2, word 0: expected {expected[2, 0]}, got {core.expected[2, 0]}"
    wrong = changed(core.job, expected=expected)
    with pytest.raises(SimulationError, match=f"1 words differ: {place}"):
        run_coroutines(core.core, wrong, simulator, tmp_path, "samples")


@pytest.mark.parametrize("simulator", runner.SIMULATORS)
@pytest.mark.parametrize(
    ("field", "message"),
    [("accepted", "input beat 4 moved in cycle"), ("taken", "output word 4 moved in cycle")],
)
def test_one_wrong_cycle_is_seen(simulator: str, field: str, message: str, tmp_path: Path) -> None:
    core = case("one_of_everything")
    cycles = getattr(core.job, field).copy()
    cycles[4] -= 1
    wrong = changed(core.job, **{field: cycles})
    with pytest.raises(SimulationError, match=f"{message} {cycles[4] + 1}, expected {cycles[4]}"):
        run_coroutines(core.core, wrong, simulator, tmp_path, "samples")


@pytest.mark.parametrize("name", NAMES)
def test_sequences_differ_in_their_words(name: str) -> None:
    # If they did not, a core that mixes them up would pass.
    core = case(name)
    distinct = np.unique(core.expected, axis=0)
    assert len(distinct) == len(core.sequences) or name in SATURATED
    assert len(np.unique(core.expected)) > 1


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("bound_of_negative_operands", "upper"),
        ("bound_of_positive_operands", "upper"),
        ("bounds_of_inputs", "both"),
    ],
)
def test_accumulators_reach_their_bounds(name: str, ends: str) -> None:
    core = case(name)
    f = np.concatenate([trace_sums(core.network, 0, x)[0] for x in core.sequences])
    low, high = core.network.layers[0].bounds(0, bias=False)
    assert np.array_equal(f.max(axis=0), high)
    # No narrower accumulator would do.
    assert f.max() >= 1 << (core.network.accumulator_width - 2)
    if ends == "both":
        assert np.array_equal(f.min(axis=0), low)
        assert (int(f.min()), int(f.max())) == core.network.sum_bounds(bias=False)


def test_bound_networks_have_extreme_operands_and_weights() -> None:
    for name, end in (("bound_of_negative_operands", "min"), ("bound_of_positive_operands", "max")):
        core = case(name)
        layer, x = core.network.layers[0], core.sequences[0]
        trace = state_trace(core.network, 0, x)
        for operand, values in (("x", x), ("h", trace["h"]), ("c", trace["c"])):
            assert (values[-2] == getattr(layer.formats.operand(operand), end)).all()
            weight = layer.weights[layer.cell.gates[0].matrix(operand)]
            assert (weight == getattr(layer.formats.weight("f", operand), end)).all()


def test_c_saturates_on_both_sides_and_the_head_reaches_its_bounds() -> None:
    core = case("c_saturates")
    head = core.network.head
    assert head
    to = core.network.layers[0].formats.operand("c")
    trace = state_trace(core.network, 0, core.sequences[0])
    c, h = trace["c"], trace["h"]
    assert (c[-4:, 0::2] == to.max).all()
    assert (c[-4:, 1::2] == to.min).all()
    assert len(np.unique(c, axis=0)) > 2  # it was on its way there
    sums = h[-1] @ head.weights["W_yx"].T
    low, high = head.bounds(0, bias=False)
    assert sums[0] == high[0]
    assert sums[1] == low[1]
    assert core.expected[0, 0] == head.formats.h.max
    assert core.expected[0, 1] == head.formats.h.min
