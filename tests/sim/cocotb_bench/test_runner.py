"""The runner: it builds once, runs anywhere, and no failure goes unseen."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cocotb_tools import config

from golden.errors import MissingToolError
from sim.cocotb_bench import runner
from sim.cocotb_bench.runner import SIMULATORS, Build, Report, SimulationError
from sim.compiled.library import verilator_library
from sim.tools import toolchain

pytestmark = pytest.mark.simulator

HERE = Path(__file__).parent
TOP = "runner_design"
DESIGN = (HERE / "runner_design.v").read_text(encoding="utf-8")
TESTS = "tests.sim.cocotb_bench.runner_tests"

ODD = "ä 'b' \"c\" $d %s #e [f]"
"""A name that a simulator or a shell could take for something else."""

both = pytest.mark.parametrize("simulator", SIMULATORS)


def build(simulator: str, cache: Path | None = None, waves: str | None = None) -> Build:
    return runner.build(
        DESIGN, top=TOP, simulator=simulator, waves=waves, optimize=False, cache=cache
    )


def run(build: Build, folder: Path, testcase: str | list[str], **options: object) -> Report:
    arguments = {
        "test_module": TESTS,
        "results": folder / "out" / "results.xml",
        "log": folder / "out" / "log",
        "timeout_s": 60,
        **options,
    }
    return runner.run(build, testcase=testcase, **arguments)  # type: ignore[arg-type]


@both
def test_builds_runs_and_reports(
    simulator: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = run(build(simulator), tmp_path, "counts", expect=1)
    assert report.tests == (f"{TESTS}.counts",)
    assert report.executed == 1
    assert report.simulator == simulator
    assert 0 < report.seconds < 60
    printed = capsys.readouterr()
    assert not printed.out
    assert not printed.err
    assert "PASS=1" in report.log.read_text()
    assert len(list(ElementTree.parse(report.results).getroot().iter("testcase"))) == 1
    assert report.waves is None
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"log", "results.xml"}


@both
def test_names_are_exact_and_cases_of_a_parametrized_test_count(
    simulator: str, tmp_path: Path
) -> None:
    report = run(build(simulator), tmp_path, ["counts", "counts_some"], expect=3)
    assert [name.removeprefix(f"{TESTS}.") for name in report.tests] == [
        "counts",
        "counts_some/cycles=1",
        "counts_some/cycles=3",
    ]


@both
@pytest.mark.parametrize("waves", ["fst", "vcd"])
def test_waves_exist_when_asked_for(simulator: str, waves: str, tmp_path: Path) -> None:
    built = build(simulator, waves=waves)
    without = run(built, tmp_path / "without", "counts")
    assert without.waves is None
    assert {path.name for path in without.log.parent.iterdir()} == {"log", "results.xml"}
    wanted = tmp_path / ODD / f"{ODD}.{waves}"
    assert run(built, tmp_path, "counts", waves=wanted).waves == wanted
    content = wanted.read_bytes()
    # FST begins with block type 0, its header, of 329 bytes; VCD is text.
    assert (
        content[:9] == bytes([0, 0, 0, 0, 0, 0, 0, 1, 73])
        if waves == "fst"
        else (b"$var" in content and b"count" in content)
    )


@both
def test_log_and_results_go_to_any_path(simulator: str, tmp_path: Path) -> None:
    report = run(build(simulator), tmp_path / ODD, "counts")
    assert {path.name for path in (tmp_path / ODD / "out").iterdir()} == {"log", "results.xml"}
    assert "PASS=1" in report.log.read_text()


@both
def test_the_cache_may_be_any_folder(simulator: str, tmp_path: Path) -> None:
    built = build(simulator, tmp_path / ODD)
    assert not built.cached
    run(built, tmp_path, "counts")


def test_waves_need_a_build_for_waves(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="waves need a build with"):
        run(build("icarus"), tmp_path, "counts", waves=tmp_path / "a.fst")
    with pytest.raises(ValueError, match=r"waves must be fst or vcd or None, not 'ghw'"):
        build("icarus", waves="ghw")


@both
def test_second_build_is_a_hit_and_half_a_build_is_not(simulator: str, tmp_path: Path) -> None:
    first = build(simulator, tmp_path)
    second = build(simulator, tmp_path)
    assert (first.cached, second.cached) == (False, True)
    assert first.folder == second.folder
    assert second.seconds < 0.5
    (first.folder / ".finished").unlink()
    (first.folder / "sim").write_text("half a file")
    third = build(simulator, tmp_path)
    assert not third.cached
    assert third.folder == first.folder
    run(third, tmp_path, "counts")


def test_a_build_outlives_the_environment_that_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        libraries = tmp_path / "libs"
        shutil.copytree(config.libs_dir, libraries)
        elsewhere.setattr(config, "libs_dir", libraries)
        made = build("verilator", tmp_path / "cache")
    shutil.rmtree(libraries)
    assert not made.cached
    run(made, tmp_path, "counts")


def test_the_build_depends_on_source_and_waves(tmp_path: Path) -> None:
    folders = {
        build("icarus", tmp_path).folder,
        build("icarus", tmp_path, waves="fst").folder,
        build("icarus", tmp_path, waves="vcd").folder,
        runner.build(f"{DESIGN}\n", top=TOP, simulator="icarus", cache=tmp_path).folder,
    }
    assert len(folders) == 4


def test_builds_that_nobody_uses_are_deleted(tmp_path: Path) -> None:
    old, used = build("icarus", tmp_path), build("icarus", tmp_path, waves="vcd")
    long_ago = time.time() - 30 * 86400
    for built in (old, used):
        os.utime(built.folder / ".finished", (long_ago, long_ago))
    assert build("icarus", tmp_path, waves="vcd").cached
    build("icarus", tmp_path, waves="fst")
    assert not old.folder.exists()
    assert used.folder.exists()


@both
def test_processes_share_a_build(simulator: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        building = [pool.submit(build, simulator, tmp_path) for _ in range(3)]
        built = [future.result() for future in building]
        assert sorted(one.cached for one in built) == [False, True, True]
        assert len({one.folder for one in built}) == 1
        running = [
            pool.submit(run, one, tmp_path / str(index), "counts")
            for index, one in enumerate(built)
        ]
        assert [future.result().executed for future in running] == [1, 1, 1]


@both
def test_seed_is_reproducible(simulator: str, tmp_path: Path) -> None:
    def drawn(seed: int) -> str:
        path = tmp_path / "drawn"
        report = run(build(simulator), tmp_path, "draws", seed=seed, env={"DRAWN": str(path)})
        assert report.seed == seed
        return path.read_text()

    first = drawn(7)
    assert first == drawn(7)
    assert first != drawn(8)


def test_the_callers_own_variables_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "COCOTB_TEST_FILTER": "nothing",
        "COCOTB_TESTCASE": "nothing",
        "COCOTB_RANDOM_SEED": "1",
        "COCOTB_TEST_MODULES": "nothing",
        "MAKEFLAGS": "-n",
        "WAVES": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    report = run(build("icarus"), tmp_path, "draws", seed=5, env={"DRAWN": str(tmp_path / "a")})
    assert report.tests == (f"{TESTS}.draws",)
    for name in os.environ:
        if name.startswith("COCOTB_"):
            monkeypatch.delenv(name)
    run(build("icarus"), tmp_path, "draws", seed=5, env={"DRAWN": str(tmp_path / "b")})
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()


def test_modules_are_found_through_sys_path_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "found_through_path.py").write_text(f"from {TESTS} import counts\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    run(build("icarus"), tmp_path, "counts", test_module="found_through_path", expect=1)


FAILURES = {
    "fails": r"1 of 1 tests failed: tests\.sim\.cocotb_bench\.runner_tests\.fails \(never reached",
    "exits": "ended with status 0 and no results",
    "stops": r"assertion of the design failed: .*asked to stop",
    "breaks_assertion": r"assertion of the design failed: .*design\.v:9",
    "count": "no test was executed",
}


@both
@pytest.mark.parametrize("testcase", FAILURES)
def test_failures_raise(simulator: str, testcase: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=FAILURES[testcase]) as caught:
        run(build(simulator), tmp_path, testcase, seed=99)
    headline, *end_of_log = str(caught.value).splitlines()
    assert headline.startswith(f"{simulator} {TESTS}: ")
    assert "seed 99" in headline
    assert str(tmp_path / "out" / "log") in headline
    assert end_of_log


@both
def test_too_slow_a_run_is_ended(simulator: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"not finished after 1\.5 s"):
        run(build(simulator), tmp_path, "hangs", timeout_s=1.5)


def test_the_number_of_tests_must_be_as_expected(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="1 tests were executed, 2 expected"):
        run(build("icarus"), tmp_path, "counts", expect=2)


def test_a_missing_test_module_fails(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="no_such_module"):
        run(build("icarus"), tmp_path, "counts", test_module="no_such_module")


def test_results_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
    run(build("icarus"), tmp_path, "counts")
    with pytest.raises(SimulationError, match="no results"):
        run(build("icarus"), tmp_path, "exits")


def test_unknown_simulator() -> None:
    with pytest.raises(
        ValueError, match=r"^simulator is 'modelsim', expected icarus or verilator$"
    ):
        build("modelsim")


@pytest.mark.parametrize(("simulator", "tool"), [("icarus", "iverilog"), ("verilator", r"g\+\+")])
def test_missing_simulator(
    simulator: str, tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build(simulator)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(toolchain.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(MissingToolError, match=rf"^{tool} is missing: apt-get install .+$"):
        build(simulator)
    if simulator == "icarus":
        with pytest.raises(MissingToolError, match="^iverilog is missing"):
            run(built, tmp_path, "counts")


def test_verilator_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "verilator"
    old.write_text("#!/bin/sh\necho Verilator 5.006 2023-01-22\n")
    old.chmod(0o755)
    monkeypatch.setattr(toolchain.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(MissingToolError, match=r"Verilator 5\.006 .*needs 5\.036 or newer"):
        build("verilator")


@both
def test_a_design_that_does_not_compile(simulator: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"(?s)building broken for .*design\.v:1:"):
        runner.build("module broken(;", top="broken", simulator=simulator, cache=tmp_path)


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SimulationError, match="cannot write the build cache .*LITELSTM_CACHE"):
        build("icarus", tmp_path / "file")


HARNESS = f"""
extern "C" int count(int cycles) {{
    VerilatedContext context;
    V{TOP} model(&context);
    model.enable = 1;
    for (int i = 0; i < cycles; ++i) {{
        model.clk = 0; model.eval();
        model.clk = 1; model.eval();
    }}
    return model.count;
}}
"""


def test_library_for_ctypes(tmp_path: Path) -> None:
    harness = tmp_path / "harness.cpp"
    harness.write_text(HARNESS)
    library = verilator_library({TOP: DESIGN}, harness=harness, optimize=False, cache=tmp_path)
    assert ctypes.CDLL(str(library)).count(200) == 200
    started = time.perf_counter()
    again = verilator_library({TOP: DESIGN}, harness=harness, optimize=False, cache=tmp_path)
    assert again == library
    assert time.perf_counter() - started < 0.5
    harness.write_text(f"{HARNESS}\n#error unfinished\n")
    with pytest.raises(SimulationError, match="(?s)building .* with harness.cpp ended.*unfinished"):
        verilator_library({TOP: DESIGN}, harness=harness, optimize=False, cache=tmp_path)
    with pytest.raises(SimulationError, match="cannot read the harness .*absent"):
        verilator_library({}, harness=tmp_path / "absent.cpp")
