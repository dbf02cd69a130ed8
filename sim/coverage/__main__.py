"""Coverage of generated cores: lines, toggles and functional bins, and why others are not reached.

    python -m sim.coverage [--cores 4] [--seconds 10] [--jobs 1] [--scheduler ADDRESS]
        [--cases 500] [-o build/coverage]

Small cores that cover all cells, options and interfaces run on the compiled bench, with all stalls
and resets. What no run reaches is either proved to be out of reach of any inputs, has a waiver in
``sim/coverage/waivers.tsv``, or is printed and listed on the page. ``--cores 22 --seconds 60
--cases 2000`` is the long setting. Exits with 1 if a line is left.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from golden import files
from golden.errors import InputError, MissingToolError
from sim.coverage import waivers
from sim.coverage.measure import LEFT, Covered, Task, cover, word
from sim.coverage.page import page, row
from sim.jobs import core_options, work_through
from sim.mutants.cores import cores
from sim.regress.bins import count
from sim.tools.errors import SimulationError

PAGE = "index.md"


@click.command()
@core_options(cores=4)
@click.option(
    "--cases",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    help="Cases of the regression, drawn for the functional bins.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/coverage"),
    show_default=True,
    help="Folder of the page.",
)
def main(
    number: int, seconds: int, jobs: int, scheduler: str | None, cases: int, output: Path
) -> None:
    """Measure the coverage of small cores, and write a page."""
    try:
        table = waivers.read()
        tasks = [Task(number=c.number, seconds=seconds, waivers=table) for c in cores(number)]
        found: list[Covered] = []
        for _, covered in work_through(cover, tasks, jobs=jobs, scheduler=scheduler):
            found.append(covered)
            print(row(covered), flush=True)
        names = {name for one in found for name in (*one.lines, *one.toggles)}
        names |= set(map(word, names))
        for waiver in waivers.idle(table, names):
            raise InputError(f"{waivers.TABLE.name}: {waiver.pattern} is for no line and no bit")
        hits = count(cases, seed=1, jobs=jobs) if cases else Counter[tuple[str, str]]()
        output.mkdir(parents=True, exist_ok=True)
        text = page(found, table, hits, cases)
        files.replace(output / PAGE, files.content(text))
    except (InputError, MissingToolError, SimulationError, OSError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        sys.exit(2)
    print(f"{output / PAGE} has what is not reached")
    sys.exit(any(LEFT in one.lines.values() for one in found))


if __name__ == "__main__":
    main()
