"""Cases of the regression on a bench, several at a time.

Several, because building and starting a simulator costs more than a case. In the compiled bench
they share one library. Under cocotb the cores stand side by side, each in a slot with a clock of
its own, which stands still before and after its turn.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from golden.errors import MissingToolError
from hdl.export.plain_ports import plain_ports
from sim.cocotb_bench import runner
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.core_job.job import JOB, RESULT
from sim.regress.cases import Case
from sim.regress.trials import Outcome, run_all
from sim.run import Run
from sim.streams import Record
from sim.tools.errors import SimulationError

BENCHES = ("mixed", "compiled", "icarus", "verilator")
"""Where cases run. ``mixed``: of 16 cases 11 in the compiled bench, the others in cocotb: 4 under
Icarus and one under Verilator."""

TOGETHER = {"compiled": 16, "icarus": 8, "verilator": 8}
"""Cases of one library or simulation."""

TIMEOUT_S = 1200.0

_SLOT = """
module slot_{name};
  /*verilator public_flat_rw_on*/
  reg clk, rst, run = 0;
{declarations}
  /*verilator public_off*/
  {name} core (.clk(clk & run), .rst(rst), {connections});
endmodule
"""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Cases that share a library or a simulation."""

    seed: int
    numbers: tuple[int, ...]
    bench: str


def batches(seed: int, numbers: Sequence[int], bench: str) -> list[Batch]:
    """Group cases by bench, roughly in the order of their numbers."""
    shared: dict[str, list[int]] = {}
    for number in sorted(numbers):
        shared.setdefault(_bench_of(number, bench), []).append(number)
    groups = [
        Batch(seed=seed, numbers=tuple(mine[at : at + TOGETHER[name]]), bench=name)
        for name, mine in shared.items()
        for at in range(0, len(mine), TOGETHER[name])
    ]
    return sorted(groups, key=lambda group: group.numbers)


def _bench_of(number: int, bench: str) -> str:
    """Where a case runs."""
    if bench != "mixed":
        return bench
    if number % 16 == 15:
        return "verilator"
    return "icarus" if number % 4 == 2 else "compiled"


def run_batch(batch: Batch) -> list[Outcome]:
    """Run the cases of a batch; the outcome of each names its problem, if any.

    Raises:
        MissingToolError: a simulator is not installed.
    """
    cases = [Case(batch.seed, number) for number in batch.numbers]
    with tempfile.TemporaryDirectory(prefix="litelstm-") as name:
        try:
            if batch.bench == "compiled":
                return _compiled(cases, Path(name))
            return _cocotb(cases, batch.bench, Path(name))
        except MissingToolError:
            raise
        except Exception as error:  # a generator that fails is a failed case
            if len(cases) == 1:
                problem = f"{type(error).__name__}: {error}"
                return [Outcome(number=cases[0].number, bench=batch.bench, problem=problem)]
    # The batch failed as a whole: run each case alone to find the one at fault.
    singles = [
        run_batch(Batch(seed=batch.seed, numbers=(number,), bench=batch.bench))
        for number in batch.numbers
    ]
    return [outcome for single in singles for outcome in single]


def _compiled(cases: Sequence[Case], folder: Path) -> list[Outcome]:
    designs = [Design.of(case.core) for case in cases]
    library = bench_library(designs, optimize=False, cache=folder)
    return [asyncio.run(_run_compiled(case, library)) for case in cases]


async def _run_compiled(case: Case, library: Path) -> Outcome:
    job = case.job
    with CompiledBench.of(case.core, library=library) as bench:

        async def run(trial: Run) -> Record:
            return bench.run(trial)

        verdict = await run_all(job, case.trials(job), run)
    return Outcome(number=case.number, bench="compiled", **verdict)


def _cocotb(cases: Sequence[Case], simulator: str, folder: Path) -> list[Outcome]:
    work = [(case.name, case.number, case.job, list(case.trials(case.job))) for case in cases]
    (folder / "work.pickle").write_bytes(pickle.dumps(work))
    text = "".join(case.core.verilog for case in cases)
    build = runner.build(
        text + _slots(cases),
        top="regress",
        simulator=simulator,
        optimize=False,
        cache=folder / "build",
    )
    results = folder / "results.json"
    failure: SimulationError | None = None
    try:
        runner.run(
            build,
            test_module="sim.regress.tests",
            testcase="cases",
            expect=1,
            seed=cases[0].seed,
            env={JOB: str(folder / "work.pickle"), RESULT: str(results)},
            results=folder / "results.xml",
            log=folder / "log",
            timeout_s=TIMEOUT_S,
        )
    except SimulationError as error:
        failure = error
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    outcomes = [Outcome(bench=simulator, **json.loads(line)) for line in lines]
    found = any(outcome.problem for outcome in outcomes) and len(outcomes) == len(cases)
    if failure and not found:
        raise failure
    return outcomes


def _slots(cases: Sequence[Case]) -> str:
    """The slots, and the top module that holds them."""
    modules = [_slot(case) for case in cases]
    instances = "".join(f"  slot_{case.name} {case.name} ();\n" for case in cases)
    return f"{''.join(modules)}\nmodule regress;\n{instances}endmodule\n"


def _slot(case: Case) -> str:
    ports = plain_ports(case.core.plan)
    kinds = {"input": "reg", "output": "wire"}
    return _SLOT.format(
        name=case.name,
        declarations="\n".join(
            f"  {kinds[port.direction]} [{port.width - 1}:0] {port.name};"
            if port.width > 1
            else f"  {kinds[port.direction]} {port.name};"
            for port in ports
        ),
        connections=", ".join(f".{port.name}({port.name})" for port in ports),
    )
