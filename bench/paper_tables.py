"""Tables 2 to 5 of the LiteLSTM paper, repeated: five cells on each task, floats and integers.

    python -m bench.paper_tables --data-dir DIR [--short] [--tasks mnist iot] [--keep FOLDER]

DIR holds mnist.npz, iotid20.npz, nsl_kdd.npz, speech_digits.npz and emodb.npz, each with x_train,
y_train, x_test and y_test. Every cell is trained with the same recipe and three seeds; a run uses
the test samples once, at its end. Integers are W8 A8 with a c of 12 bits, quantized after training.
The tables show the paper's figures below those of each cell. After an interrupt, the same command
continues.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from bench.paper_figures import CELLS, REFERENCE, TABLES, PaperTable
from bench.paper_runs import Run, run, status_of
from golden import files
from litelstm import console, outputs
from litelstm.data.dataset import Dataset
from litelstm.tasks import TASKS
from litelstm.torch.training import Recipe, one_thread
from sim.jobs import work_through

SEEDS = (1, 2, 3)
MEASURES = ("accuracy", "precision", "recall", "f1")
NUMBERS = ("floats", "integers")
KEEP = Path("build/paper_tables")

SHORT_SAMPLES, SHORT_SEEN = 5_000, 50_000
"""Most training samples with ``--short``, and most samples of all epochs together."""

out = Console(width=130, highlight=False, soft_wrap=True)
"""Console as wide as the tables, independent of the terminal."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A task of the paper, or a substitute for it.

    Attributes:
        file: name of the file in the data folder.
        differs: differences from the paper, in one line.
    """

    file: str
    differs: str


EXPERIMENTS = {
    "mnist": Experiment(
        file="mnist.npz",
        differs="not in the data; 2 x 64 units read one row of the picture per step, the head "
        "reads the last h, pictures are moved at random, the learning rate falls, gradients are "
        "clipped",
    ),
    "iot": Experiment(
        file="iotid20.npz",
        differs="a 1 % sample of IoTID20 instead of the IEEE IoT network intrusion data; 94 % of "
        "the flows are attacks, so F1 says more than accuracy",
    ),
    "intrusion": Experiment(
        file="nsl_kdd.npz",
        differs="NSL-KDD, five classes, stands in for the paper's classes of attacks; its test "
        "part has attacks that the training part lacks",
    ),
    "speech": Experiment(
        file="speech_digits.npz",
        differs="spoken digits (FSDD), not in the paper; recordings 0 to 4 of each are the test "
        "part",
    ),
    "emotion": Experiment(
        file="emodb.npz",
        differs="Berlin emotional speech, 535 recordings, stands in for TESS, 2,800; the test part "
        "is two speakers outside the training part, where the paper takes 20 % of the recordings",
    ),
}


def plan(name: str, args: argparse.Namespace) -> tuple[Dataset, list[Recipe]]:
    """Load a task's samples, and make the recipe of each seed."""
    task = TASKS[name]
    data = task.load(args.data_dir / EXPERIMENTS[name].file)
    recipe = Recipe(**task.recipe)
    seeds = SEEDS[: args.seeds]
    if args.short:
        data, seeds = shortened(data), SEEDS[:1]
        epochs = max(1, SHORT_SEEN // len(data.x_train))
        recipe = replace(recipe, epochs=min(recipe.epochs, epochs))
    return data, [replace(recipe, seed=seed) for seed in seeds]


def shortened(data: Dataset) -> Dataset:
    """Keep a fixed part of the training samples, and all test samples."""
    chosen = np.random.default_rng(0).permutation(len(data.x_train))[:SHORT_SAMPLES]
    return replace(data, x_train=data.x_train[chosen], y_train=data.y_train[chosen])


def setting(data: Dataset, recipes: list[Recipe], *, short: bool) -> str:
    """Describe the setting of a table in one line."""
    seeds = ", ".join(str(recipe.seed) for recipe in recipes)
    several = "s" if len(recipes) > 1 else ""
    text = (
        f"{len(data.x_train):,} training and {len(data.x_test):,} test samples, "
        f"at most {recipes[0].epochs} epochs, seed{several} {seeds}"
    )
    return f"SHORT SETTING, not the figures of the full one: {text}" if short else text


def summary(runs: list[Run]) -> dict[str, Any]:
    """Make a task's JSON: each cell's sizes, time, and mean and deviation of its measures."""
    seconds = {cell: float(np.mean([r.seconds for r in group])) for cell, group in by_cell(runs)}
    found: dict[str, Any] = {}
    for cell, group in by_cell(runs):
        found[cell] = {"parameters": group[0].parameters, "macs": group[0].macs}
        if REFERENCE in seconds:
            found[cell]["time"] = seconds[cell] / seconds[REFERENCE]
        for numbers in NUMBERS:
            values = {m: [getattr(getattr(r, numbers), m) for r in group] for m in MEASURES}
            found[cell][numbers] = {
                m: {"mean": 100 * float(np.mean(v)), "deviation": 100 * float(np.std(v))}
                for m, v in values.items()
            }
    return found


def table(name: str, cells: dict[str, Any], *, seeds: int) -> Table:
    """Make a task's table: each cell's floats, integers, and the paper's figures if there are any.

    Args:
        name: the task's name.
        cells: JSON from :func:`summary`.
        seeds: number of runs; a single one has no deviation.
    """
    heads = ("cell", "parameters", "MACs/step", "time", "numbers", *MEASURES)
    result = console.table(*heads, texts=("numbers",), box=MARKDOWN)
    for cell, found in cells.items():
        time = f"{found['time']:.2f}" if "time" in found else "-"
        head = (cell, f"{found['parameters']:,}", f"{found['macs']:,}", time)
        for numbers in NUMBERS:
            values = [shown(**found[numbers][measure], seeds=seeds) for measure in MEASURES]
            result.add_row(*(head if numbers == NUMBERS[0] else ("",) * 4), numbers, *values)
        if name in TABLES:
            result.add_row(*paper_row(TABLES[name], cell))
    return result


def paper_row(paper: PaperTable, cell: str) -> tuple[str, ...]:
    """Return the paper's values of a cell, in the table's columns."""
    figures = paper.cells[cell]
    values = [getattr(figures, measure) for measure in MEASURES]
    return (
        "",
        f"{figures.parameters:,}" if figures.parameters else "",
        "",
        f"{paper.time_ratio(cell):.2f}",
        "paper",
        *("" if value is None else percent(value) for value in values),
    )


def percent(value: float) -> str:
    """Format a figure of the paper with two decimals, or three if it has three."""
    return f"{value:.3f}".removesuffix("0") + "%"


def of_paper(name: str) -> str:
    """Describe the paper's table of a task in one line: number, times, and contradictions."""
    if name not in TABLES:
        return "the paper has no such task"
    paper = TABLES[name]
    minutes = ", ".join(f"{cell} {figures.minutes:.2f}" for cell, figures in paper.cells.items())
    return " ".join(
        (f"the paper's Table {paper.number}: minutes of training {minutes}.", *paper.notes)
    )


def shown(*, mean: float, deviation: float, seeds: int) -> str:
    """Format a mean in percent and, with several seeds, its standard deviation."""
    return f"{mean:.2f}%" + (f" ± {deviation:.2f}" if seeds > 1 else "")


def by_cell(runs: list[Run]) -> list[tuple[str, list[Run]]]:
    """Group the runs by cell."""
    cells = dict.fromkeys(run.cell for run in runs)
    return [(cell, [run for run in runs if run.cell == cell]) for cell in cells]


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """A run to train and measure."""

    task: str
    data: Dataset
    cell: str
    recipe: Recipe
    folder: Path


def train_and_measure(wanted: Wanted) -> Run:
    """Train and measure a run on one thread."""
    one_thread()
    with threadpool_limits(1):
        return run(TASKS[wanted.task], wanted.data, wanted.cell, wanted.recipe, wanted.folder)


def show(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Train and measure every cell on a task, print its table, and return its JSON."""
    experiment = EXPERIMENTS[name]
    data, recipes = plan(name, args)
    tasks = [
        Wanted(task=name, data=data, cell=cell, recipe=recipe, folder=args.keep)
        for recipe in recipes
        for cell in args.cells
    ]
    found = dict(work_through(train_and_measure, tasks, jobs=args.jobs)) if args.jobs > 1 else {}
    cells = summary([found.get(task) or train_and_measure(task) for task in tasks])
    out.print(f"{TASKS[name].title} ({name})")
    out.print(table(name, cells, seeds=len(recipes)))
    out.print(setting(data, recipes, short=args.short))
    out.print(f"differs from the paper: {experiment.differs}")
    out.print(f"{of_paper(name)}\n")
    return cells


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="paper_tables", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument(
        "--short",
        action="store_true",
        help=f"one seed, {SHORT_SAMPLES:,} training samples, {SHORT_SEEN:,} in all epochs: minutes",
    )
    parser.add_argument("--tasks", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS))
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--seeds", type=int, choices=(1, 2, 3), default=len(SEEDS))
    parser.add_argument(
        "--keep",
        type=Path,
        default=KEEP,
        help=f"folder of trained networks, which are not trained again  [default: {KEEP}]",
    )
    parser.add_argument("--jobs", type=int, default=1, help="runs at once")
    parser.add_argument("--json", type=Path, help="file for the same numbers as JSON")
    return parser.parse_args()


def main() -> None:
    """Train and print the tables."""
    args = parse()
    outputs.check_file(args.json)
    files.make_folder(args.keep)
    report = {name: show(name, args) for name in args.tasks}
    if args.json:
        files.replace(args.json, files.content(json.dumps(report, indent=2) + "\n"))
    out.print(
        "time: of training, LSTM = 1, ours CPU time of an epoch; "
        "precision, recall and F1: ours are macro"
    )


if __name__ == "__main__":
    sys.exit(status_of(main, "paper_tables"))
