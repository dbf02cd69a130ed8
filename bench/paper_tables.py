"""Tables 2 to 5 of the LiteLSTM paper anew: five cells on each task, in floats and in integers.

    python -m bench.paper_tables --data-dir DIR [--short] [--tasks mnist iot] [--results runs.jsonl]

DIR holds mnist.npz, iotid20.npz, nsl_kdd.npz, speech_digits.npz and emodb.npz, each with x_train,
y_train, x_test and y_test. Every cell is trained with the same recipe and three seeds; the test
samples are looked at once, at the end of a run. Integers are W8 A8 with a c of 12 bits, quantized
after training. With ``--results`` finished runs are kept, and not done again by the next call.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from golden.errors import InputError
from golden.network import Network
from golden.quantize import quantize
from litelstm import metrics
from litelstm.commands.train import float_trainer
from litelstm.console import err
from litelstm.data.dataset import Dataset
from litelstm.tasks import TASKS, Task
from litelstm.torch.training import Recipe, one_thread

CELLS = ("rnn", "gru", "lstm", "plstm", "litelstm")
REFERENCE = "lstm"
SEEDS = (1, 2, 3)
MEASURES = ("accuracy", "precision", "recall", "f1")

out = Console(width=130, highlight=False, soft_wrap=True)
"""As wide as the tables, whatever the terminal."""

SHORT_EPOCHS, SHORT_SAMPLES = 5, 5000
"""With ``--short``: at most so many epochs, training samples and one seed."""


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
        differs="the paper's data; 2 x 64 units, rows as steps, images moved at random in training",
    ),
    "iot": Experiment(
        file="iotid20.npz",
        differs="a 1 % sample of IoTID20 instead of the IEEE IoT network intrusion data; 94 % of "
        "the flows are attacks, so F1 tells more than accuracy",
    ),
    "intrusion": Experiment(
        file="nsl_kdd.npz",
        differs="NSL-KDD, five classes, stands in for the paper's classes of attacks; its test "
        "part holds attacks that the training part has not",
    ),
    "speech": Experiment(
        file="speech_digits.npz",
        differs="spoken digits (FSDD), not in the paper; recordings 0 to 4 of each are the test",
    ),
    "emotion": Experiment(
        file="emodb.npz",
        differs="Berlin emotional speech, two unheard speakers as the test, stands in for TESS",
    ),
}

Run = dict[str, Any]


def run_once(task: Task, data: Dataset, cell: str, recipe: Recipe) -> Run:
    """Train a cell and measure it, in floats and in integers."""
    trainer = float_trainer(task, data, recipe, cell=cell)
    for epoch in trainer.run():
        err.print(
            f"{task.name} {cell} seed {recipe.seed}: epoch {epoch.number} of {recipe.epochs}, "
            f"validation {epoch.best:.2%}"
        )
    network: Network = trainer.model.export()  # pyright: ignore[reportCallIssue]
    integers, _ = quantize(network, data.calibration)
    return {
        "task": task.name,
        "cell": cell,
        "recipe": asdict(recipe),
        "samples": len(data.x_train),
        "parameters": network.parameters,
        "macs": macs_per_step(network),
        "seconds": trainer.seconds / trainer.epoch,
        "float": asdict(metrics.of_floats(network, data.x_test, data.y_test)),
        "fixed": asdict(metrics.of_integers(integers, data.x_test, data.y_test)),
    }


def macs_per_step(network: Network) -> int:
    """Multiplications of weights in one step, the head not included."""
    return sum(
        weights.size
        for layer in network.layers
        for name, weights in layer.weights.items()
        if not name.startswith("b_")
    )


def shortened(data: Dataset, seed: int) -> Dataset:
    """Some of the training samples, and all test samples."""
    chosen = np.random.default_rng(seed).permutation(len(data.x_train))[:SHORT_SAMPLES]
    return Dataset(
        x_train=data.x_train[chosen],
        y_train=data.y_train[chosen],
        x_test=data.x_test,
        y_test=data.y_test,
        classes=data.classes,
        input_scale=data.input_scale,
    )


def run_task(name: str, args: argparse.Namespace, known: list[Run]) -> list[Run]:
    """All runs of a task, those that are known taken as they are."""
    task = TASKS[name]
    data = task.load(args.data_dir / EXPERIMENTS[name].file)
    if args.short:
        data = shortened(data, 0)
    recipe = Recipe(**task.recipe)
    if args.short:
        recipe = replace(recipe, epochs=min(recipe.epochs, SHORT_EPOCHS))
    runs = []
    for seed in SEEDS[: 1 if args.short else args.seeds]:
        for cell in args.cells:
            plan = replace(recipe, seed=seed)
            what = {
                "task": name,
                "cell": cell,
                "recipe": asdict(plan),
                "samples": len(data.x_train),
            }
            run = next((r for r in known if all(r[k] == v for k, v in what.items())), None)
            if run is None:
                run = run_once(task, data, cell, plan)
                if args.results:
                    with args.results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(run) + "\n")
            runs.append(run)
    return runs


def load_runs(path: Path | None) -> list[Run]:
    """The runs that a file of results holds.

    Raises:
        InputError: it is no such file.
    """
    if path is None or not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: holds no runs: {error}") from None


def table(name: str, runs: list[Run]) -> Table:
    """One task: a row a cell, for each measure mean and deviation in floats and in integers."""
    result = Table(title=f"{TASKS[name].title} ({name})", title_justify="left")
    for column in ("cell", "parameters", "MACs/step", "time", "numbers"):
        result.add_column(column, justify="left" if column in ("cell", "numbers") else "right")
    for measure in MEASURES:
        result.add_column(measure, justify="right")
    seconds = {cell: np.mean([r["seconds"] for r in group]) for cell, group in by_cell(runs)}
    for cell, group in by_cell(runs):
        time = f"{seconds[cell] / seconds[REFERENCE]:.2f}" if REFERENCE in seconds else "-"
        head = (cell, f"{group[0]['parameters']:,}", f"{group[0]['macs']:,}", time)
        for numbers in ("float", "fixed"):
            values = [[run[numbers][measure] for run in group] for measure in MEASURES]
            shown = [f"{np.mean(v):.2%} ± {100 * np.std(v):.2f}" for v in values]
            result.add_row(*(head if numbers == "float" else ("", "", "", "")), numbers, *shown)
    return result


def by_cell(runs: list[Run]) -> list[tuple[str, list[Run]]]:
    """The runs of each cell."""
    cells = dict.fromkeys(run["cell"] for run in runs)
    return [(cell, [run for run in runs if run["cell"] == cell]) for cell in cells]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="paper_tables", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--short", action="store_true", help="one seed, few epochs: minutes")
    parser.add_argument("--tasks", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS))
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--seeds", type=int, choices=(1, 2, 3), default=len(SEEDS))
    parser.add_argument("--results", type=Path, help="JSON lines: runs that are done")
    return parser.parse_args()


def main() -> int:
    """Train and print the tables."""
    args = parse()
    one_thread()
    known = load_runs(args.results)
    for name in args.tasks:
        runs = run_task(name, args, known)
        out.print(table(name, runs))
        out.print(f"differs from the paper: {EXPERIMENTS[name].differs}\n")
    out.print("time: CPU time of training an epoch, LSTM = 1; precision, recall and F1: macro")
    out.print("the paper's own figures are not shown: its text was not at hand")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        print(f"paper_tables: {error}", file=sys.stderr)
        sys.exit(2)
