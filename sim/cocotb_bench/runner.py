"""Run cocotb tests on a build, under either simulator; any fault fails the run.

    build = runner.build(verilog, top="core", simulator="verilator")
    report = runner.run(build, test_module="sim.cocotb_bench.core_tests", testcase="digits", ...)

`build` and `Build` are those of `sim.tools.build`.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from xml.etree import ElementTree

from sim.tools.build import Build, build
from sim.tools.errors import SimulationError
from sim.tools.process import execute, last_lines
from sim.tools.simulators import cocotb_environment, run_command
from sim.tools.toolchain import SIMULATORS, Simulator, environment, require

__all__ = [
    "SIMULATORS",
    "Build",
    "Report",
    "SimulationError",
    "Simulator",
    "build",
    "run",
]

# Output of a failed assert, $error or $fatal in the design; Icarus then still ends with status 0.
_DESIGN_ERROR: dict[Simulator, re.Pattern[str]] = {
    "icarus": re.compile(r"(?:ERROR|FATAL): \S.*:\d+:.*\n\s+Time: \d+\s+Scope: .*"),
    "verilator": re.compile(r"%(?:Error|Fatal): .*"),
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """A run in which every test passed. `seconds` is wall time of the simulator's process."""

    simulator: Simulator
    tests: tuple[str, ...]  # executed, as module.name
    seed: int
    seconds: float
    results: Path
    log: Path
    waves: Path | None

    @property
    def executed(self) -> int:
        """Number of tests that ran; all passed."""
        return len(self.tests)


def run(
    build: Build,
    *,
    test_module: str,
    results: Path,
    log: Path,
    testcase: str | list[str] | None = None,
    seed: int | None = None,
    env: Mapping[str, str] | None = None,
    waves: Path | None = None,
    expect: int | None = None,
    timeout_s: float = 600.0,
    cancel: Event | None = None,
) -> Report:
    """Run cocotb tests in a separate process, in a fresh folder that is deleted afterwards.

    Any number of processes may run one build at once. Missing folders of output files are made.

    Args:
        build: the build to run.
        test_module: module with the tests, importable from this process' sys.path.
        results, log: files for the JUnit XML, and for the output of simulator and tests.
        testcase: exact names of the tests to run (all cases of a parametrized one); None: all.
        seed: seed of cocotb's `random`; None chooses one. It is in the report and in every error.
        env: further environment variables for the tests; a PYTHONPATH goes in front.
        waves: file for waves, in the build's format; kept unless the simulator was killed.
        expect: required number of executed tests; None: one or more.
        timeout_s: wall seconds after which the simulator is killed.
        cancel: another thread may set it to end the run.

    Raises:
        ValueError: the build cannot record waves.
        MissingToolError: the simulator is not installed.
        SimulationError: a test failed, or too many or too few were executed, or the simulator
            crashed, ran out of time or printed a failed assertion. The message names the seed.
    """
    if waves is not None and build.waves is None:
        raise ValueError("waves need a build with waves='fst' or waves='vcd'")
    require(build.simulator)
    results, log, waves = results.absolute(), log.absolute(), waves and waves.absolute()
    _make_room(results, log, waves)
    seed = secrets.randbelow(2**31) if seed is None else seed
    variables = _variables(build, test_module, testcase, results, seed, env or {})
    start = time.perf_counter()
    status, lost = _simulate(build, variables, log, waves, timeout_s, cancel)
    seconds = time.perf_counter() - start
    tests, failures = _read_results(results)
    if problem := _problem(build.simulator, status, timeout_s, log, tests, failures, expect, lost):
        what = f"{build.simulator} {test_module}: {problem} (seed {seed}, log {log})"
        raise SimulationError(f"{what}\n{last_lines(log)}")
    return Report(
        simulator=build.simulator,
        tests=tuple(tests or ()),
        seed=seed,
        seconds=seconds,
        results=results,
        log=log,
        waves=waves,
    )


def _make_room(results: Path, log: Path, waves: Path | None) -> None:
    """Make the folders of the output files, and delete the results and log of an older run."""
    for path in filter(None, (results, log, waves)):
        path.parent.mkdir(parents=True, exist_ok=True)
    for path in (results, log):
        path.unlink(missing_ok=True)


def _simulate(
    build: Build,
    variables: dict[str, str],
    log: Path,
    waves: Path | None,
    timeout_s: float,
    cancel: Event | None,
) -> tuple[int | None, Path | None]:
    """Run the simulator; return its status (None: killed) and the file of waves that it lacks."""
    lost = waves
    with (
        tempfile.TemporaryDirectory(prefix="litelstm-", ignore_cleanup_errors=True) as folder,
        log.open("w", encoding="utf-8") as output,
        _recording(Path(folder), waves) as (wave_file, recorded),
    ):
        status = execute(
            run_command(build.simulator, build.folder, wave_file=wave_file, waves=build.waves),
            cwd=Path(folder),
            env=variables,
            log=output,
            timeout_s=timeout_s,
            cancel=cancel,
        )
        if recorded is not None and waves is not None and status is not None:
            with suppress(FileNotFoundError):
                recorded.replace(waves)
                lost = None
    return status, lost


@contextmanager
def _recording(folder: Path, waves: Path | None) -> Iterator[tuple[Path | None, Path | None]]:
    """Yield a path for waves twice: relative to the simulator's working folder, and absolute.

    Icarus accepts only a relative name in ASCII, so the name leads through a link to the folder of
    the waves. The simulator records beside the final file, which then only takes a rename; a file
    that was not renamed is deleted.
    """
    if waves is None:
        yield None, None
        return
    link, recorded = folder / "waves", waves.with_name(f".{folder.name}")
    link.symlink_to(waves.parent, target_is_directory=True)
    try:
        yield Path(link.name, recorded.name), recorded
    finally:
        recorded.unlink(missing_ok=True)


def _variables(
    build: Build,
    test_module: str,
    testcase: str | list[str] | None,
    results: Path,
    seed: int,
    env: Mapping[str, str],
) -> dict[str, str]:
    """Make a run's environment: this process', the tests' and cocotb's variables."""
    own = cocotb_environment(build.simulator, top=build.top, test_module=test_module)
    extra = dict(env)
    if first := extra.pop("PYTHONPATH", ""):
        own["PYTHONPATH"] = os.pathsep.join((first, own["PYTHONPATH"]))
    own["COCOTB_RANDOM_SEED"] = str(seed)
    own["COCOTB_RESULTS_FILE"] = str(results)
    names = [testcase] if isinstance(testcase, str) else testcase
    if names is not None:
        # A parametrized test's cases are called name/parameter=value.
        own["COCOTB_TEST_FILTER"] = rf"\.({'|'.join(map(re.escape, names))})(/.*)?$"
    return {**environment(), **extra, **own}


def _read_results(results: Path) -> tuple[list[str] | None, list[str]]:
    """Read the executed tests (None: no readable JUnit XML), and the failed with their reasons."""
    try:
        cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return None, []
    executed: list[str] = []
    failures: list[str] = []
    for case in cases:
        if case.find("skipped") is not None:
            continue
        name = f"{case.get('classname', '')}.{case.get('name', '')}"
        executed.append(name)
        for failure in (*case.findall("failure"), *case.findall("error")):
            reason = (failure.get("message") or failure.text or "").strip()
            failures.append(f"{name} ({reason.splitlines()[0][:200]})" if reason else name)
    return executed, failures


def _problem(
    simulator: Simulator,
    status: int | None,
    timeout_s: float,
    log: Path,
    tests: list[str] | None,
    failures: list[str],
    expect: int | None,
    lost_waves: Path | None,
) -> str | None:
    """Return a run's fault, the most telling one; None if there is none."""
    if status is None:
        return f"not finished after {timeout_s:g} s"
    if found := _DESIGN_ERROR[simulator].search(log.read_text("utf-8", errors="replace")):
        return f"an assertion of the design failed: {' '.join(found.group().split())}"
    if failures:
        return f"{len(failures)} of {len(tests or ())} tests failed: {'; '.join(failures)}"
    if status != 0 or tests is None:
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        hint = ""
        if simulator == "icarus" and status < 0:
            hint = "; Icarus may crash if a test ends right after a write: await a Timer last"
        return f"the simulator ended with {how}{'' if tests else ' and no results'}{hint}"
    if not tests:
        return "no test was executed"
    if expect is not None and len(tests) != expect:
        return f"{len(tests)} tests were executed, {expect} expected"
    if lost_waves is not None:
        return f"no waves were written to {lost_waves}"
    return None
