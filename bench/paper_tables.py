"""Tables 2 to 5 of the LiteLSTM paper anew: five cells on each task, in floats and in integers.

    python -m bench.paper_tables --data-dir DIR [--short] [--tasks mnist iot] [--keep FOLDER]

DIR holds mnist.npz, iotid20.npz, nsl_kdd.npz, speech_digits.npz and emodb.npz, each with x_train,
y_train, x_test and y_test. Every cell is trained with the same recipe and three seeds; the test
samples are looked at once, at the end of a run. Integers are W8 A8 with a c of 12 bits, quantized
after training. The paper's own figures stand below those of each cell. After an interrupt the same
command goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from bench.paper_figures import CELLS, REFERENCE, TABLES, PaperTable
from bench.paper_runs import Run, run, status_of
from golden import files
from litelstm import console
from litelstm.data.dataset import Dataset
from litelstm.tasks import TASKS
from litelstm.torch.training import Recipe, one_thread

SEEDS = (1, 2, 3)
MEASURES = ("accuracy", "precision", "recall", "f1")
KEEP = Path("build/paper_tables")

SHORT_SAMPLES, SHORT_SEEN = 5_000, 50_000
"""With ``--short``: at most so many training samples, and so many in all epochs; and one seed."""

out = Console(width=130, highlight=False, soft_wrap=True)
"""Console as wide as the tables, whatever the terminal."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A task of the paper, or what stands in for it.

    Attributes:
        file: in the data folder.
        differs: what is not as in the paper, in one line.
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
    """A task's samples, and for each seed how every cell is trained."""
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
    """Some of the training samples, always the same ones, and all test samples."""
    chosen = np.random.default_rng(0).permutation(len(data.x_train))[:SHORT_SAMPLES]
    return replace(data, x_train=data.x_train[chosen], y_train=data.y_train[chosen])


def setting(data: Dataset, recipes: list[Recipe], *, short: bool) -> str:
    """How a table came about, in one line."""
    seeds = ", ".join(str(recipe.seed) for recipe in recipes)
    several = "s" if len(recipes) > 1 else ""
    text = (
        f"{len(data.x_train):,} training and {len(data.x_test):,} test samples, "
        f"at most {recipes[0].epochs} epochs, seed{several} {seeds}"
    )
    return f"SHORT SETTING, not the figures of the full one: {text}" if short else text


def table(name: str, runs: list[Run]) -> Table:
    """One task: for each cell its floats, its integers, and the paper's figures if it has any."""
    heads = ("cell", "parameters", "MACs/step", "time", "numbers", *MEASURES)
    result = console.table(*heads, texts=("numbers",), box=MARKDOWN)
    seconds = {cell: np.mean([r.seconds for r in group]) for cell, group in by_cell(runs)}
    for cell, group in by_cell(runs):
        time = f"{seconds[cell] / seconds[REFERENCE]:.2f}" if REFERENCE in seconds else "-"
        head = (cell, f"{group[0].parameters:,}", f"{group[0].macs:,}", time)
        for numbers in ("floats", "integers"):
            found = [getattr(run, numbers) for run in group]
            values = [[getattr(metrics, measure) for metrics in found] for measure in MEASURES]
            result.add_row(
                *(head if numbers == "floats" else ("", "", "", "")), numbers, *map(shown, values)
            )
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
    """A figure of the paper with two decimals, or three where it has three."""
    return f"{value:.3f}".removesuffix("0") + "%"


def of_paper(name: str) -> str:
    """The paper's table of a task in one line: its number, times, and contradictions."""
    if name not in TABLES:
        return "the paper has no such task"
    paper = TABLES[name]
    minutes = ", ".join(f"{cell} {figures.minutes:.2f}" for cell, figures in paper.cells.items())
    return " ".join(
        (f"the paper's Table {paper.number}: minutes of training {minutes}.", *paper.notes)
    )


def shown(values: list[float]) -> str:
    """The mean in percent and, of several seeds, the standard deviation."""
    mean = f"{np.mean(values):.2%}"
    return mean if len(values) == 1 else f"{mean} ± {100 * np.std(values):.2f}"


def by_cell(runs: list[Run]) -> list[tuple[str, list[Run]]]:
    """The runs of each cell."""
    cells = dict.fromkeys(run.cell for run in runs)
    return [(cell, [run for run in runs if run.cell == cell]) for cell in cells]


def show(name: str, args: argparse.Namespace) -> None:
    """Train and measure every cell on a task, and print its table."""
    experiment = EXPERIMENTS[name]
    data, recipes = plan(name, args)
    runs = [
        run(TASKS[name], data, cell, recipe, args.keep) for recipe in recipes for cell in args.cells
    ]
    out.print(f"{TASKS[name].title} ({name})")
    out.print(table(name, runs))
    out.print(setting(data, recipes, short=args.short))
    out.print(f"differs from the paper: {experiment.differs}")
    out.print(f"{of_paper(name)}\n")


def parse() -> argparse.Namespace:
    """The command line."""
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
    return parser.parse_args()


def main() -> None:
    """Train and print the tables."""
    args = parse()
    one_thread()
    files.make_folder(args.keep)
    with threadpool_limits(1):
        for name in args.tasks:
            show(name, args)
    out.print(
        "time: of training, LSTM = 1, ours CPU time of an epoch; "
        "precision, recall and F1: ours are macro"
    )


if __name__ == "__main__":
    sys.exit(status_of(main, "paper_tables"))
