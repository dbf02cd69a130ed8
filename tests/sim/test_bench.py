"""The cocotb bench on the stand-in core, and that it moves as the compiled bench does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sim import runner
from sim.compiled import CompiledBench
from sim.patterns import IDLE_PATTERNS, READY_PATTERNS, Stalls
from sim.streams import Reset, StreamRun, flatten
from tests.sim.echo import TOP, Echo

ECHO = Echo()
SIMULATED = ECHO.sequences(6)
SEED = 5
CROSSINGS = [(idle, ready) for idle in IDLE_PATTERNS for ready in READY_PATTERNS]
RESETS = [
    *(Reset(cycle=cycle, hold=1 + cycle % 3) for cycle in (0, 1, 2, 5, 17, 40, 75, 76, 77, 100)),
    Reset(cycle=200, beat=24, word=6),
]

both = pytest.mark.parametrize("simulator", runner.SIMULATORS)


def pack(runs: Mapping[str, StreamRun]) -> dict[str, list[int]]:
    """Cycles of several runs, as JSON can hold them."""
    return {
        name: [*run.accepted.tolist(), *run.taken.tolist(), int(run.cycles)]
        for name, run in runs.items()
    }


def simulate(simulator: str, testcase: str, folder: Path, echo: Echo = ECHO) -> Path:
    """Run one coroutine of bench_tests.py; the file that it may have written."""
    out = folder / "out.json"
    build = runner.build(echo.verilog(), top=TOP, simulator=simulator)
    runner.run(
        build,
        test_module="tests.sim.bench_tests",
        testcase=testcase,
        results=folder / "results.xml",
        log=folder / "log",
        env={"BENCH_TEST_OUT": str(out)},
        expect=1,
    )
    return out


def assert_same_cycles(file: Path, compiled: Mapping[str, StreamRun]) -> None:
    seen, expected = json.loads(file.read_text()), pack(compiled)
    assert seen.keys() == expected.keys()
    for name, cycles in expected.items():
        assert seen[name] == cycles, name


@both
def test_every_crossing_is_right_and_moves_as_in_the_compiled_bench(
    simulator: str, tmp_path: Path
) -> None:
    file = simulate(simulator, "crossings", tmp_path)
    with CompiledBench(ECHO.verilog(), top=TOP, i_width=ECHO.x, o_width=ECHO.y) as bench:
        compiled = {
            f"{idle}/{ready}": bench.run_sequences(
                SIMULATED, words=ECHO.words, stalls=Stalls.named(idle, ready), seed=SEED
            )
            for idle, ready in CROSSINGS
        }
    assert_same_cycles(file, compiled)


@both
def test_resets_are_right_and_move_as_in_the_compiled_bench(simulator: str, tmp_path: Path) -> None:
    file = simulate(simulator, "resets", tmp_path)
    beats, last = flatten(SIMULATED)
    with CompiledBench(ECHO.verilog(), top=TOP, i_width=ECHO.x, o_width=ECHO.y) as bench:
        compiled = {
            str(reset): bench.run(
                beats,
                last,
                outputs=len(SIMULATED) * ECHO.words,
                stalls=Stalls.named("single", "single"),
                seed=SEED,
                reset=reset,
            )
            for reset in RESETS
        }
    assert_same_cycles(file, compiled)


@both
@pytest.mark.parametrize(
    "testcase",
    [
        "stale_state",
        "long_reset",
        "violations",
        "early_data",
        "deadlock",
        "wrong_word",
        "continued",
        "sleeps",
        "bad_arguments",
    ],
)
def test_bench(simulator: str, testcase: str, tmp_path: Path) -> None:
    simulate(simulator, testcase, tmp_path)


@both
def test_a_ready_that_waits_for_valid(simulator: str, tmp_path: Path) -> None:
    echo = Echo(x=32, y=32, beats=1, busy=1, words=1, combinational=1)
    simulate(simulator, "combinational", tmp_path, echo)


def test_unknown_bits(tmp_path: Path) -> None:
    simulate("icarus", "unknown_bits", tmp_path)
