"""``litelstm regress``: random cores against the golden model."""

from __future__ import annotations

import time
from pathlib import Path

import click

from litelstm.console import err, out, progress
from sim.regress.cases import Case
from sim.regress.run import BENCHES, batches, run_batch
from sim.regress.state import State
from sim.regress.worker_pool import work_through

FAILED = 1


@click.command()
@click.option("--cases", default=100, show_default=True, help="Number of cases, from case 0.")
@click.option("--seed", default=1, show_default=True, help="Seed of all random numbers.")
@click.option("--case", "only", type=int, help="Run only the case with this number.")
@click.option("--jobs", default=2, show_default=True, help="Processes at a time.")
@click.option(
    "--bench",
    default="mixed",
    show_default=True,
    type=click.Choice(BENCHES),
    help="mixed: of 16 cases, 11 in the compiled bench, 4 under Icarus, 1 under Verilator.",
)
@click.option(
    "--resume",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save progress in this file; continue from it if it exists.",
)
def regress(
    cases: int, seed: int, only: int | None, jobs: int, bench: str, file: Path | None
) -> int:
    """Run random networks, sequences and stalls through golden model and RTL.

    A case is a core with random cells, sizes, formats and lanes. It must give the golden model's
    words and, without stalls, take exactly the counted cycles. Seed and number determine a case.
    For a failing case the command that repeats it is printed, and the exit status is 1.
    """
    _check(cases=cases, seed=seed, only=only, jobs=jobs)
    if only is not None and file:
        raise click.BadParameter("needs more than one --case", param_hint="--resume")
    state = State.load(file, seed=seed, bench=bench) if file else State(seed=seed, bench=bench)
    if file:
        state.save(file)
    if only is not None:
        out.print(f"case {only} of seed {seed}: {Case(seed, only)}")
    wanted = [only] if only is not None else list(range(cases))
    before, start = len(state.done.intersection(wanted)), time.monotonic()
    for number in sorted(state.failed):
        _show_failure(seed, number, bench, state.failed[number])
    try:
        _run(state, [n for n in wanted if n not in state.done], jobs=jobs, file=file)
    except KeyboardInterrupt:
        hint = f"; go on with the same command (--resume {file})" if file else ""
        err.print(f"{len(state.done)} cases are through, {len(state.failed)} failed{hint}")
        raise
    seconds = time.monotonic() - start
    out.print(
        f"{len(state.done)} cases of seed {seed}: {len(state.failed)} failed; "
        f"{state.words:,} output words and {state.cycles:,} clock cycles"
    )
    if new := len(state.done.intersection(wanted)) - before:
        out.print(f"{new} cases in {seconds:.0f} s, {new * 3600 / seconds:,.0f} per hour")
    return FAILED if state.failed else 0


def _run(state: State, numbers: list[int], *, jobs: int, file: Path | None) -> None:
    tasks = batches(state.seed, numbers, state.bench)
    with progress(f"regression of seed {state.seed}", len(numbers)) as tell:
        done = 0
        for _, outcomes in work_through(run_batch, tasks, jobs=jobs):
            for outcome in outcomes:
                state.add(outcome)
                if outcome.problem:
                    _show_failure(state.seed, outcome.number, outcome.bench, outcome.problem)
            if file:
                state.save(file)
            done += len(outcomes)
            tell(done)


def _show_failure(seed: int, number: int, bench: str, problem: str) -> None:
    out.print(f"litelstm regress --seed {seed} --case {number} --bench {bench}")
    out.print(f"    {problem.splitlines()[0]}", markup=False)


def _check(*, cases: int, seed: int, only: int | None, jobs: int) -> None:
    for option, value, least in (
        ("--cases", cases, 1),
        ("--seed", seed, 0),
        ("--case", only, 0),
        ("--jobs", jobs, 1),
    ):
        if value is not None and value < least:
            raise click.BadParameter(f"{value} is not {least} or more", param_hint=option)
