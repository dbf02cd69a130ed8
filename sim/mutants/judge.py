"""Verdicts on the mutants of a core."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sim.mutants.buses import BUSES, BusCase
from sim.mutants.cores import Drawn, SmallCase
from sim.mutants.equivalence import Prover
from sim.mutants.netlist import VARIABLE, mutated
from sim.tools.errors import SimulationError

KILLED, EQUIVALENT, SURVIVED = "killed", "equivalent", "survived"


@dataclass(frozen=True, kw_only=True)
class Task(Drawn):
    """Mutants of one core.

    Attributes:
        count: number of its mutants.
        seconds: CPU time of each attempt at a proof.
        buses: whether they are of the buses of one of ``BUSES``.
    """

    count: int
    seconds: int
    buses: bool = False

    @property
    def core(self) -> SmallCase | BusCase:
        """The core."""
        return BUSES[self.number] if self.buses else self.case


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Verdict on a mutant: ``killed`` by a bench, proved ``equivalent``, or ``survived``.

    Attributes:
        mutant: the mutant, as text.
        room: of the mutant.
        verdict: the verdict.
        why: what the bench saw, if it killed the mutant; or the way to the proof.
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
        folder, case = Path(name), task.core
        verilog, mutants = mutated(
            case.top,
            name=case.name,
            count=task.count,
            seed=case.number,
            folder=folder,
            only=case.is_judged,
            spare=case.SPARE,
        )
        whys = killed(case, verilog, len(mutants), folder)
        left = [mutant.number for mutant in mutants if not whys[mutant.number]]
        proved = Prover(folder, case.plan, cpu_seconds=task.seconds).proofs(left)
    return [
        Verdict(
            mutant=str(mutant),
            room=mutant.room,
            verdict=KILLED if why else EQUIVALENT if mutant.number in proved else SURVIVED,
            why=why or proved.get(mutant.number, ""),
        )
        for mutant in mutants
        for why in [whys[mutant.number]]
    ]


def killed(case: SmallCase | BusCase, verilog: str, count: int, folder: Path) -> dict[int, str]:
    """Return what the bench saw of each of ``count`` mutants, by number; empty where nothing.

    Raises:
        MissingToolError: Verilator or its compiler is missing.
        SimulationError: the core itself fails.
    """
    problem = case.finder(verilog, folder)

    def of(number: int) -> str:
        os.environ[VARIABLE] = str(number)  # a model reads it when it is made
        try:
            return problem()
        finally:
            del os.environ[VARIABLE]

    if own := of(0):
        raise SimulationError(f"{case.name} fails without a mutant: {own}")
    return {number: of(number) for number in range(1, count + 1)}
