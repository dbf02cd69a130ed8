"""``litelstm regress``: test random cores against the golden model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from litelstm import options
from litelstm.console import err, out, progress
from litelstm.options import POSITIVE, SEED
from sim.jobs import work_through
from sim.regress.cases import Case
from sim.regress.kinds import KINDS
from sim.regress.run import BENCHES, batches, run_batch
from sim.regress.state import State

FAILED = 1


@click.command()
@click.option("--cases", type=POSITIVE, default=100, help="Number of cases, from case 0.")
@click.option("--seed", type=SEED, default=1, help="Seed of all cases.")
@click.option("--only", "kind", type=click.Choice(list(KINDS)), help="Cases of this kind only.")
@click.option("--case", type=SEED, help="Run only the case with this number.")
@options.jobs_options("Groups of cases")
@click.option(
    "--bench",
    default="mixed",
    type=click.Choice(BENCHES),
    help="Where cases run; mixed: of 16, 11 in the compiled bench, 4 in Icarus, 1 in Verilator.",
)
@click.option(
    "--resume",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save progress in this file; continue from it if it exists.",
)
def regress(
    cases: int,
    seed: int,
    kind: str | None,
    case: int | None,
    bench: str,
    file: Path | None,
    **where: Any,
) -> int:
    """Test random cores against the golden model.

    \b
    litelstm regress --cases 100 --seed 7
    litelstm regress --cases 100 --seed 7 --only delta

    A case is a core with random cells, sizes, formats, lanes, sequences and stalls; its seed and
    number determine it. The core must give the golden model's words and, without stalls, take
    exactly the counted cycles. If a case fails, the exit status is 1, and the command that repeats
    it is printed.
    """
    if case is not None and kind:
        raise click.BadParameter("needs more than one --case", param_hint="--only")
    if case is not None and file:
        raise click.BadParameter("needs more than one --case", param_hint="--resume")
    state = State.load(file, seed=seed, bench=bench) if file else State(seed=seed, bench=bench)
    if file:
        state.save(file)
    if case is not None:
        out.print(f"case {case} of seed {seed}: {Case(seed, case)}")
    wanted = [case] if case is not None else Case.numbers(seed, cases, kind)
    before, start = len(state.done.intersection(wanted)), time.monotonic()
    for number in sorted(state.failed):
        _show_failure(seed, number, bench, state.failed[number])
    try:
        _run(state, [n for n in wanted if n not in state.done], file, where)
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


def _run(state: State, numbers: list[int], file: Path | None, where: dict[str, Any]) -> None:
    tasks = batches(state.seed, numbers, state.bench)
    with progress(f"regression of seed {state.seed}", len(numbers)) as tell:
        done = 0
        for _, outcomes in work_through(run_batch, tasks, **where):
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
