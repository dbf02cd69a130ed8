"""The cocotb bench on the stand-in core, and that it moves as the compiled bench does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sim.cocotb_bench import runner
from sim.compiled.bench import CompiledBench
from sim.patterns import Stalls
from sim.run import Run
from sim.streams import Record
from tests.sim.echo import CROSSINGS, ECHO, RESETS, SEED, SIMULATED, TOP, Echo, pack

pytestmark = pytest.mark.simulator

both = pytest.mark.parametrize("simulator", runner.SIMULATORS)

COROUTINES = (
    "stale_state",
    "long_reset",
    "violations",
    "early_data",
    "deadlock",
    "wrong_word",
    "continued",
    "sleeps",
    "bad_arguments",
)
"""Run by one process, since its start takes longer than they do."""


def simulate(simulator: str, folder: Path, *coroutines: str, echo: Echo = ECHO) -> Path:
    """Run coroutines of bench_tests.py; the file that one of them may have written."""
    out = folder / "out.json"
    build = runner.build(echo.verilog(), top=TOP, simulator=simulator, optimize=False)
    runner.run(
        build,
        test_module="tests.sim.bench_tests",
        testcase=list(coroutines),
        results=folder / "results.xml",
        log=folder / "log",
        env={"BENCH_TEST_OUT": str(out)},
        expect=len(coroutines),
    )
    return out


def assert_same_cycles(file: Path, compiled: Mapping[str, Record]) -> None:
    seen, expected = json.loads(file.read_text()), pack(compiled)
    assert seen.keys() == expected.keys()
    for name, cycles in expected.items():
        assert seen[name] == cycles, name


@both
def test_every_crossing_is_right_and_moves_as_in_the_compiled_bench(
    simulator: str, tmp_path: Path
) -> None:
    file = simulate(simulator, tmp_path, "crossings")
    with CompiledBench(ECHO.design()) as bench:
        compiled = {
            f"{idle}/{ready}": bench.run(
                Run.of_sequences(
                    SIMULATED, words=ECHO.words, stalls=Stalls.named(idle, ready), seed=SEED
                )
            )
            for idle, ready in CROSSINGS
        }
    assert_same_cycles(file, compiled)


@both
def test_resets_are_right_and_move_as_in_the_compiled_bench(simulator: str, tmp_path: Path) -> None:
    file = simulate(simulator, tmp_path, "resets")
    with CompiledBench(ECHO.design()) as bench:
        compiled = {
            str(reset): bench.run(
                Run.of_sequences(
                    SIMULATED,
                    words=ECHO.words,
                    stalls=Stalls.named("single", "single"),
                    seed=SEED,
                    reset=reset,
                )
            )
            for reset in RESETS
        }
    assert_same_cycles(file, compiled)


@both
def test_bench(simulator: str, tmp_path: Path) -> None:
    simulate(simulator, tmp_path, *COROUTINES)


@both
def test_a_ready_that_waits_for_valid(simulator: str, tmp_path: Path) -> None:
    echo = Echo(x=32, y=32, beats=1, busy=1, words=1, combinational=1)
    simulate(simulator, tmp_path, "combinational", echo=echo)


def test_unknown_bits(tmp_path: Path) -> None:
    simulate("icarus", tmp_path, "unknown_bits")
