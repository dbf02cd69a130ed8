"""Mutants of small random cores: killed by the benches, proved equivalent, or survived.

    python -m sim.mutants [--cores 20] [--mutants 200] [--jobs 1] [--scheduler ADDRESS]
        [--seconds 10] [--resume FILE]

The compiled bench judges each mutant: a long run without stalls (words and cycles), all crossings
of stall patterns, resets in any cycle, wrong images and other networks where weights are loaded.
Mutants of buses (``--only bus``) are judged by the random operations of :mod:`sim.bus.soak`.
What the bench does not see is compared with the core by a proof. Each survivor is printed with the
lines of the generator that its cell comes from.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError, MissingToolError
from sim.jobs import core_options, work_through
from sim.mutants.buses import BUSES, BusCase
from sim.mutants.cores import SmallCase, cores
from sim.mutants.judge import EQUIVALENT, KILLED, SURVIVED, Task, Verdict, verdicts
from sim.mutants.state import State
from sim.regress.kinds import KINDS
from sim.tools.errors import SimulationError


@click.command()
@core_options(cores=20)
@click.option(
    "--only",
    "kind",
    type=click.Choice(["bus", *(kind for kind in KINDS if kind != "parity")]),
    help="Cores of this kind only; of those with buses, mutants of the buses.",
)
@click.option(
    "--mutants",
    type=click.IntRange(1, 10_000),
    default=200,
    show_default=True,
    help="Mutants per core.",
)
@click.option(
    "--resume",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save verdicts in this file; continue from it if it exists.",
)
def main(
    number: int,
    kind: str | None,
    mutants: int,
    jobs: int,
    scheduler: str | None,
    seconds: int,
    file: Path | None,
) -> None:
    """Judge the mutants of small random cores; exit with 1 if some survive."""
    state = State(mutants=mutants, seconds=seconds)
    try:
        if file:
            state = State.load(file, mutants=mutants, seconds=seconds)
            state.save(file)
        chosen = BUSES[:number] if kind == "bus" else cores(number, kind)
        _judge(state, chosen, file, jobs=jobs, scheduler=scheduler)
    except (InputError, MissingToolError, SimulationError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        hint = f"; go on with the same command (--resume {file})" if file else ""
        print(f"{len(state.cores)} cores are judged{hint}", file=sys.stderr)
        sys.exit(130)
    print(state.table())
    sys.exit(1 if any(v.verdict == SURVIVED for vs in state.cores.values() for v in vs) else 0)


def _judge(
    state: State, chosen: Sequence[SmallCase | BusCase], file: Path | None, **where: Any
) -> None:
    """Judge the mutants of the cores that are not in the state yet, and print the others."""
    for case in chosen:
        if case.name in state.cores:
            _show(str(case), state.cores[case.name])
    tasks = [
        Task(
            number=case.number,
            count=state.mutants,
            seconds=state.seconds,
            buses=isinstance(case, BusCase),
        )
        for case in chosen
        if case.name not in state.cores
    ]
    start = time.monotonic()
    for task, found in work_through(verdicts, tasks, **where):
        case = task.core
        state.cores[case.name] = found
        if file:
            state.save(file)
        _show(f"{case} ({time.monotonic() - start:.0f} s)", found)


def _show(what: str, found: list[Verdict]) -> None:
    counts = Counter(verdict.verdict for verdict in found)
    told = ", ".join(f"{counts[name]} {name}" for name in (KILLED, EQUIVALENT, SURVIVED))
    print(f"{what}: {told}", flush=True)
    for verdict in found:
        if verdict.verdict == SURVIVED:
            print(f"    {verdict.room}: {verdict.mutant}", flush=True)


if __name__ == "__main__":
    main()
