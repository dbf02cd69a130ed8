"""`sim.samples`: what becomes of right and of wrong words, from both benches."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdl.verilog import Generated
from sim import samples
from sim.patterns import Stalls
from sim.samples import SampleRun, run_cocotb, run_compiled
from sim.tools import process
from sim.tools.errors import SimulationError
from tests.sim.answers import changed
from tests.sim.cores import case

pytestmark = pytest.mark.simulator

ONE = case("one_of_everything")
SEVEN = case("no_head")
"""One and seven words per sequence."""

MANY = 20
"""More jobs than there are sequences."""


def same_results(a: SampleRun, b: SampleRun) -> bool:
    fields = ("compared", "mismatched", "first_mismatch", "wrong_cycle")
    return np.array_equal(a.words, b.words) and all(
        getattr(a, field) == getattr(b, field) for field in fields
    )


@pytest.mark.parametrize(
    ("simulator", "jobs"),
    [("icarus", 1), ("icarus", MANY), ("verilator", 2)],
)
def test_shares_are_merged_in_order(simulator: str, jobs: int, tmp_path: Path) -> None:
    told: list[int] = []
    run = run_cocotb(
        ONE.core,
        ONE.sequences,
        ONE.expected,
        simulator=simulator,
        jobs=jobs,
        seed=1,
        results=tmp_path / "results",
        progress=told.append,
    )
    assert np.array_equal(run.words, ONE.expected)
    assert (run.compared, run.mismatched) == (ONE.expected.size, 0)
    assert (run.first_mismatch, run.wrong_cycle) == ("", "")
    shares = np.array_split(np.arange(len(ONE.sequences)), min(jobs, len(ONE.sequences)))
    assert {path.name for path in (tmp_path / "results").iterdir()} == {
        f"{simulator}{index}.{kind}" for index in range(len(shares)) for kind in ("xml", "log")
    }
    # Progress only grows and ends with all of them.
    assert told == sorted(told)
    assert told[-1] == len(ONE.sequences)
    if jobs == 1:
        assert run.cycles == ONE.job.taken[-1] + 1
        steps = sum(len(sequence) for sequence in ONE.sequences[1:])
        assert run.cycles_per_step == (ONE.job.taken[-1] - ONE.job.taken[0]) / steps
    assert run.seconds > 0


def test_both_benches_give_the_same_results() -> None:
    arguments: Any = (SEVEN.core, SEVEN.sequences, SEVEN.expected)
    cocotb = run_cocotb(*arguments, simulator="icarus", jobs=2)
    compiled = run_compiled(SEVEN.core, SEVEN.sequences, SEVEN.expected)
    assert same_results(cocotb, compiled)
    stalled = run_compiled(
        SEVEN.core,
        SEVEN.sequences,
        SEVEN.expected,
        stalls=Stalls.named("single", "bursts"),
        seed=4,
    )
    assert same_results(stalled, compiled)
    assert stalled.cycles > compiled.cycles


def test_progress_is_told_while_it_runs() -> None:
    sequences = [*SEVEN.sequences] * 30
    expected = np.tile(SEVEN.expected, (30, 1))
    told: list[int] = []
    run = run_cocotb(
        SEVEN.core, sequences, expected, simulator="icarus", jobs=2, progress=told.append
    )
    assert run.compared == expected.size
    assert told == sorted(told)
    assert any(0 < done < len(sequences) for done in told)
    assert told[-1] == len(sequences)


@pytest.mark.parametrize(
    ("bench", "jobs"),
    [("icarus", 2), ("verilator", 1), ("compiled", 1)],
)
def test_mismatches_are_counted_and_named(bench: str, jobs: int) -> None:
    """The second of two shares has them, in its second sequence and later."""
    expected = SEVEN.expected.copy()
    expected[4, 3] += 1
    expected[4, 6] -= 1
    expected[5, 0] ^= 5
    arguments: Any = (SEVEN.sequences, expected)
    if bench == "compiled":
        run = run_compiled(SEVEN.core, *arguments)
    else:
        run = run_cocotb(SEVEN.core, *arguments, simulator=bench, jobs=jobs)
    assert (run.compared, run.mismatched) == (expected.size, 3)
    assert run.first_mismatch == (
        f"sequence 4, word 3: expected {expected[4, 3]}, got {SEVEN.expected[4, 3]}"
    )
    assert run.wrong_cycle == ""
    assert np.array_equal(run.words, SEVEN.expected)


class LateJob(samples.CoreJob):
    """A job that expects the third output word one cycle later than it comes."""

    @classmethod
    def make(cls, *arguments: Any, **options: Any) -> samples.CoreJob:
        job = super().make(*arguments, **options)
        taken = job.taken.copy()
        taken[2] += 1
        return changed(job, taken=taken)


def test_a_wrong_cycle_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "CoreJob", LateJob)
    right = ONE.job.taken[2]
    run = run_cocotb(ONE.core, ONE.sequences, ONE.expected, simulator="icarus")
    assert run.mismatched == 0
    assert run.wrong_cycle == f"output word 2 moved in cycle {right}, expected {right + 1}"
    run = run_compiled(ONE.core, ONE.sequences, ONE.expected)
    assert run.wrong_cycle == f"output word 2 moved in cycle {right}, expected {right + 1}"
    stalls = Stalls.named("single", "single")
    run = run_compiled(ONE.core, ONE.sequences, ONE.expected, stalls=stalls)
    assert (run.mismatched, run.wrong_cycle) == (0, "")
    run = run_cocotb(ONE.core, ONE.sequences[1:], ONE.expected[1:], simulator="icarus", jobs=2)
    assert "output word 2 moved in cycle" in run.wrong_cycle


@pytest.mark.parametrize(
    ("simulator", "message"),
    [("icarus", "unknown valid in cycle"), ("verilator", "no transfer in .* cycles, after")],
)
def test_a_core_that_does_not_answer_is_an_error(simulator: str, message: str) -> None:
    mute = ONE.core.verilog.replace(".o__valid(o_valid)", ".o__valid()")
    assert mute != ONE.core.verilog
    core = Generated(mute, ONE.core.description, ONE.core.plan, {})
    with pytest.raises(SimulationError, match=f"{message}.* 0 output words"):
        run_cocotb(core, ONE.sequences, ONE.expected, simulator=simulator, timeout_s=60)


@pytest.mark.parametrize(
    ("simulator", "kind"), [("icarus", "fst"), ("icarus", "vcd"), ("verilator", "fst")]
)
def test_waves_of_right_and_wrong_runs(simulator: str, kind: str, tmp_path: Path) -> None:
    for wrong in (0, 1):
        waves = tmp_path / f"{wrong}.{kind}"
        expected = ONE.expected + wrong
        run = run_cocotb(ONE.core, ONE.sequences, expected, simulator=simulator, waves=waves)
        assert run.mismatched == wrong * expected.size
        assert waves.stat().st_size > 100
    assert {path.name for path in tmp_path.iterdir()} == {f"0.{kind}", f"1.{kind}"}


def test_a_run_can_be_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the simulators work in threads: they are ended, and nothing stays behind."""
    waves = tmp_path / "core.vcd"
    waves.write_text("an older one")

    def interrupted(futures: list[Any], *_: object) -> None:
        while not list(tmp_path.glob(".litelstm-*")):  # the simulator is at work
            assert time.monotonic() - began < 120
            time.sleep(0.05)
        assert not any(future.done() for future in futures)
        raise KeyboardInterrupt

    monkeypatch.setattr(samples, "_watch", interrupted)
    sequences, expected = [*ONE.sequences] * 5000, np.tile(ONE.expected, (5000, 1))
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_cocotb(ONE.core, sequences, expected, simulator="icarus", waves=waves)
    assert time.monotonic() - began < 120
    assert [path.read_text() for path in tmp_path.iterdir()] == ["an older one"]


def test_execute_can_be_cancelled(tmp_path: Path) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    began = time.monotonic()
    with (tmp_path / "log").open("w") as log:
        status = process.execute(
            ["sleep", "60"], cwd=tmp_path, env={}, log=log, timeout_s=60, cancel=cancel
        )
    assert status is None
    assert 0.2 < time.monotonic() - began < 10
