"""Tables of docs/quantization.md: few bits, tanh tables, and the bounds of searches.

    python -m bench.quantization_tables --data-dir DIR [--table promise] [--quick] [--json PATH]

*rounding*: few bits, rounded to the nearest numbers and with compensation. *tanh*: nearest and
interpolated entries, mean of three seeds. *promise*: ``--auto --max-drop 0.1`` on ten networks,
each calibrated with 500 samples and judged on 2,000 others. DIR holds the data sets of
:mod:`bench.paper_tables`. Networks are trained once and kept; all else is measured anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.box import MARKDOWN
from rich.table import Table
from threadpoolctl import threadpool_limits

from bench.paper_runs import finished, trained
from bench.paper_tables import EXPERIMENTS, KEEP, SEEDS, out
from golden import files
from golden.calibration import Calibration
from golden.cells import Floats
from golden.losses import sqnr_db
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize, quantize_within
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from litelstm import outputs
from litelstm.commands.demo import FLOAT
from litelstm.commands.train import AWARE, aware_trainer
from litelstm.console import table
from litelstm.data.dataset import Array, Dataset, hold_out, spread
from litelstm.options import json_option
from litelstm.tasks import TASKS
from litelstm.torch.training import Recipe, one_thread

ROUNDED = (
    *((task, "litelstm") for task in ("mnist", "digits", "iot", "intrusion", "speech", "emotion")),
    ("iot", "lstm"),
    ("speech", "gru"),
)
"""Task and cell of each network of *rounding*; for MNIST, the network in ``models``."""

WIDTHS = (5, 4, 3)

INTERPOLATED = "speech"
"""Task whose networks have an interpolated tanh table, as the shipped one."""

TANH = ("iot", "intrusion", "speech", "emotion")
QAT_TASK, QAT_EPOCHS = "speech", 10
TRAINING_SAMPLES = 5_000
"""Most training samples for measuring a row of *tanh*."""

MAX_DROP, CALIBRATED, UNSEEN = 0.1, 500, 2_000
FAST = {"augment": "none", "lr": 5e-3}
"""Changes to a task's recipe for short training."""


@dataclass(frozen=True, kw_only=True)
class Small:
    """Description of a small network of *promise*, which trains in seconds."""

    task: str
    cell: str
    units: int
    layers: int = 1
    samples: int = 20_000
    epochs: int = 10

    def __str__(self) -> str:
        several = f"{self.layers} x " if self.layers > 1 else ""
        return f"{self.task} {self.cell} {several}{self.units}"


SMALL = (
    Small(task="mnist", cell="plstm", units=32),
    Small(task="iot", cell="litelstm", units=16, samples=3_752, epochs=30),
    Small(task="mnist", cell="rnn", units=48),
    Small(task="mnist", cell="gru", units=32),
    Small(task="mnist", cell="lstm", units=24),
    Small(task="mnist", cell="litelstm", units=64),
    Small(task="mnist", cell="litelstm", units=32, layers=2),
    Small(task="iot", cell="lstm", units=8, samples=3_752, epochs=30),
    Small(task="intrusion", cell="gru", units=16),
    Small(task="intrusion", cell="plstm", units=24),
)

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Folders of a run, data sets and kept networks, and whether it makes only two rows."""

    data: Path
    keep: Path
    quick: bool

    def dataset(self, task: str) -> Dataset:
        """Load a task's samples, from ``data`` or from a package."""
        here = EXPERIMENTS.get(task)
        return TASKS[task].load(self.data / here.file if here else None)

    def some(self, rows: Any) -> list[Any]:
        """Return all rows, or two of them."""
        return list(rows)[: 2 if self.quick else None]


def rounding(place: Place) -> list[Row]:
    """Measure SQNR and accuracy on test samples at few bits, for two ways of rounding."""
    rows = []
    for task, cell in place.some(ROUNDED):
        data = place.dataset(task)
        recipe = Recipe(**TASKS[task].recipe)
        floats = (
            Network.load(FLOAT)
            if task == "mnist"
            else trained(TASKS[task], data, cell, recipe, place.keep)[0]
        )
        exact, calibration = _outputs(floats, data.x_test), Calibration(floats, data.calibration)
        for width in WIDTHS:
            row: Row = {"network": f"{task} {cell}", "W": width}
            row["float"] = _accuracy(exact, data.y_test)
            settings = Settings(weight_width=width, interpolate=task == INTERPOLATED)
            for name, network in (
                ("nearest", calibration.nearest(settings)),
                ("compensated", calibration.quantize(settings, fit=True)),
            ):
                got = _outputs(network, data.x_test)
                row |= {f"{name}_db": sqnr_db(exact, got), name: _accuracy(got, data.y_test)}
            rows.append(row)
    return rows


def tanh(place: Place) -> list[Row]:
    """Measure the tanh table's rounding on training, held-out and test samples; mean of seeds."""
    rows = []
    for task in place.some(TANH):
        data, measured = place.dataset(task), {}
        for seed in SEEDS:
            recipe = Recipe(**{**TASKS[task].recipe, "seed": seed})
            floats, _ = trained(TASKS[task], data, "litelstm", recipe, place.keep)
            networks: dict[str, Network | QuantizedNetwork] = {"float": floats}
            for name, interpolate in (("nearest", False), ("interpolated", True)):
                settings = Settings(interpolate=interpolate)
                networks[name], _ = quantize(floats, data.calibration, settings)
            if task == QAT_TASK:
                networks["trained on"] = _trained_on(task, data, floats, seed, place.keep)
            for name, network in networks.items():
                measured.setdefault(name, []).append(_compared(floats, network, data, recipe))
        rows += [
            {"task": task, "numbers": name}
            | {key: float(np.mean([one[key] for one in found])) for key in found[0]}
            for name, found in measured.items()
        ]
    return rows


def _trained_on(task: str, data: Dataset, floats: Network, seed: int, keep: Path) -> Any:
    """Continue a network's training in integers."""
    own = {**TASKS[task].recipe, **AWARE, "epochs": QAT_EPOCHS, "seed": seed}
    trainer = aware_trainer(data, floats, Settings(), Recipe(**own))
    return finished(trainer, f"{task}-qat-seed{seed}", keep, QuantizedNetwork.load)[0]


def _compared(
    floats: Network, network: Network | QuantizedNetwork, data: Dataset, recipe: Recipe
) -> Row:
    """Measure a network of *tanh*: its distance from the float network, and its accuracies."""
    x = data.x_train[spread(len(data.x_train), min(TRAINING_SAMPLES, len(data.x_train)))]
    _, held = hold_out(data.y_train, recipe.validation, recipe.seed)
    row: Row = {}
    if isinstance(network, QuantizedNetwork):
        exact, got = _outputs(floats, x), _outputs(network, x)
        row = {"db": sqnr_db(exact, got), "changed": _changed(exact, got)}
    return row | {
        "held": _accuracy(_outputs(network, data.x_train[held]), data.y_train[held]),
        "test": _accuracy(_outputs(network, data.x_test), data.y_test),
    }


def promise(place: Place) -> list[Row]:
    """Search within ``MAX_DROP`` on some samples, and judge the result on others."""
    rows = [_searched(small, place) for small in place.some(SMALL)]
    columns = ("drop", "changed", "promised", "cost")
    for name, of in (("mean", np.mean), ("worst", np.max)):
        rows.append({"network": name} | {key: float(of([r[key] for r in rows])) for key in columns})
    return rows


def _searched(small: Small, place: Place) -> Row:
    task = TASKS[small.task]
    data, x, y = _split(place.dataset(small.task), small.samples)
    recipe = Recipe(**{**task.recipe, **FAST, "epochs": small.epochs})
    shape = {"units": small.units, "layers": small.layers}
    floats, _ = trained(task, data, small.cell, recipe, place.keep, **shape)
    start = time.process_time()
    outcome, _, promised = quantize_within(
        floats, x[:CALIBRATED], labels=y[:CALIBRATED], max_drop=MAX_DROP
    )
    seconds = time.process_time() - start
    x, y = x[CALIBRATED:], y[CALIBRATED:]
    exact, got = _outputs(floats, x), _outputs(outcome.best.network, x)
    return {
        "network": str(small),
        "float": _accuracy(exact, y),
        "drop": _accuracy(exact, y) - _accuracy(got, y),
        "changed": _changed(exact, got),
        "promised": promised.promised,
        "cost": outcome.best.relative,
        "seconds": seconds,
    }


def _split(data: Dataset, samples: int) -> tuple[Dataset, Array, Array]:
    """Split samples into training ones, and ``CALIBRATED + UNSEEN`` others with their labels.

    The others are test samples. If there are too few, both parts come from all samples.
    """
    rng, others = np.random.default_rng(0), CALIBRATED + UNSEEN
    x, y = data.x_train, data.y_train
    x_others, y_others = data.x_test, data.y_test
    if len(x_others) < others:
        x_all, y_all = np.concatenate([x, x_others]), np.concatenate([y, y_others])
        order = rng.permutation(len(x_all))
        x, y = x_all[order[others:]], y_all[order[others:]]
        x_others, y_others = x_all[order[:others]], y_all[order[:others]]
    chosen = rng.permutation(len(x))[:samples]
    held = rng.permutation(len(x_others))[:others]
    return replace(data, x_train=x[chosen], y_train=y[chosen]), x_others[held], y_others[held]


def _outputs(network: Network | QuantizedNetwork, x: Array) -> Floats:
    if isinstance(network, Network):
        return network.forward(x)
    return network.out.to_float(IntegerModel(network).forward(network.quantize_input(x)))


def _accuracy(output: Floats, y: Array) -> float:
    return 100 * float(np.mean(output.argmax(axis=1) == y))


def _changed(exact: Floats, got: Floats) -> float:
    return 100 * float(np.mean(exact.argmax(axis=1) != got.argmax(axis=1)))


TABLES: dict[str, Callable[[Place], list[Row]]] = {
    "rounding": rounding,
    "tanh": tanh,
    "promise": promise,
}

DIGITS = {"W": 0, "seconds": 0, "nearest_db": 1, "compensated_db": 1, "db": 1}
"""Digits after the decimal point; other columns have two."""


def shown(rows: list[Row]) -> Table:
    """Format rows as a Markdown table."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    made = table(*columns, texts=("numbers",), box=MARKDOWN)
    for row in rows:
        made.add_row(
            *(
                f"{row[key]:.{DIGITS.get(key, 2)}f}"
                if isinstance(row.get(key), int | float)
                else row.get(key, "")
                for key in columns
            )
        )
    return made


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--table", "only", type=click.Choice([*TABLES]), help="One table.  [default: all]")
@click.option("--quick", is_flag=True, help="Only two rows of each table.")
@click.option("--keep", type=click.Path(path_type=Path), default=KEEP, show_default=True)
@json_option
def main(data_dir: Path, only: str | None, quick: bool, keep: Path, json_path: Path | None) -> None:
    """Train the networks that are not kept, measure all, and print the tables."""
    one_thread()
    files.make_folder(keep)
    place = Place(data=data_dir, keep=keep, quick=quick)
    with threadpool_limits(1):
        report = {name: make(place) for name, make in TABLES.items() if only in (None, name)}
    lines = (line for name, rows in report.items() for line in (name, shown(rows)))
    outputs.give(report, json_path, lines, out)


if __name__ == "__main__":
    main()
