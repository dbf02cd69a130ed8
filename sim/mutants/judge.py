"""Verdicts on the mutants of a core."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.mutants.cores import Drawn, SmallCase
from sim.mutants.equivalence import is_equivalent
from sim.mutants.netlist import VARIABLE, Mutant, mutated, read_netlist
from sim.regress.trials import judge
from sim.streams import BenchError
from sim.tools.errors import SimulationError

KILLED, EQUIVALENT, SURVIVED = "killed", "equivalent", "survived"


@dataclass(frozen=True, kw_only=True)
class Task(Drawn):
    """Mutants of one core.

    Attributes:
        count: number of its mutants.
        seconds: CPU time of each attempt at a proof.
    """

    count: int
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Verdict on a mutant: ``killed`` by a bench, proved ``equivalent``, or ``survived``.

    Attributes:
        mutant: the mutant, as text.
        room: of the mutant.
        verdict: the verdict.
        why: what the bench saw, if it killed the mutant.
    """

    mutant: str
    room: str
    verdict: str
    why: str = ""


def verdicts(task: Task) -> list[Verdict]:
    """Judge the mutants of a core.

    Raises:
        MissingToolError: Verilator, its compiler or pyosys is missing.
        SimulationError: a tool failed, or the core itself fails.
    """
    with tempfile.TemporaryDirectory(prefix="litelstm-") as name:
        folder, case = Path(name), task.case
        verilog, mutants = mutated(
            case.top, name=case.name, count=task.count, seed=case.number, folder=folder
        )
        whys = _killed(case, verilog, mutants, folder)
        left = [mutant for mutant in mutants if not whys[mutant.number]]
        netlist = read_netlist(folder)
        proved = {
            mutant.number: is_equivalent(netlist, mutant.number, folder, cpu_seconds=task.seconds)
            for mutant in left
        }
    return [
        Verdict(
            mutant=str(mutant),
            room=mutant.room,
            verdict=KILLED if why else EQUIVALENT if proved[mutant.number] else SURVIVED,
            why=why,
        )
        for mutant in mutants
        for why in [whys[mutant.number]]
    ]


def _killed(case: SmallCase, verilog: str, mutants: list[Mutant], folder: Path) -> dict[int, str]:
    """Return what the bench saw of each mutant, by number; empty where it saw nothing."""
    design = case.design(verilog)
    library = bench_library([design], cache=folder)
    runs = list(case.judged())

    def first_problem(number: int) -> str:
        with _model(design, library, number) as bench:
            for job, run in runs:
                try:
                    problem = judge(job, run, bench.run(run))
                except BenchError as error:
                    problem = str(error)
                if problem:
                    return problem
        return ""

    if problem := first_problem(0):
        raise SimulationError(f"{case.name} fails without a mutant: {problem}")
    return {mutant.number: first_problem(mutant.number) for mutant in mutants}


@contextmanager
def _model(design: Design, library: Path, number: int) -> Iterator[CompiledBench]:
    """Open a bench whose core is a mutant."""
    os.environ[VARIABLE] = str(number)
    try:
        with CompiledBench(design, library) as bench:
            yield bench
    finally:
        del os.environ[VARIABLE]
