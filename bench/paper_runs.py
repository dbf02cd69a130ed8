"""Run for the paper's tables: train a cell on a task, measure it in floats and in integers.

Training takes minutes per run, an hour for all of MNIST. So a folder keeps every trained network,
and the checkpoint of an interrupted run. Measuring takes seconds and is always repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from golden import files
from golden.errors import InputError
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from litelstm import metrics
from litelstm.console import err
from litelstm.data.dataset import Dataset
from litelstm.metrics import Metrics
from litelstm.tasks import Task
from litelstm.torch.trainers import float_trainer
from litelstm.torch.training import Recipe, Trainer

Trained = TypeVar("Trained", Network, QuantizedNetwork)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Result of training one cell on one task with one seed.

    Attributes:
        cell: a key of ``litelstm.architectures.CELLS``.
        seed: seed of the training.
        parameters: number of weights and biases, with the head.
        macs: multiplications of weights in one step, without the head.
        seconds: CPU time of one epoch of training.
        floats, integers: measures on the test samples.
    """

    cell: str
    seed: int
    parameters: int
    macs: int
    seconds: float
    floats: Metrics
    integers: Metrics


def run(task: Task, data: Dataset, cell: str, recipe: Recipe, folder: Path) -> Run:
    """Train a cell, or load it from ``folder`` if it is there, and measure it.

    Raises:
        InputError: a file in the folder is damaged.
    """
    network, seconds = trained(task, data, cell, recipe, folder)
    integers, _ = quantize(network, data.calibration)
    return Run(
        cell=cell,
        seed=recipe.seed,
        parameters=network.parameters,
        macs=macs_per_step(network),
        seconds=seconds,
        floats=metrics.of_floats(network, data.x_test, data.y_test),
        integers=metrics.of_integers(integers, data.x_test, data.y_test),
    )


def trained(
    task: Task, data: Dataset, cell: str, recipe: Recipe, folder: Path, **shape: int
) -> tuple[Network, float]:
    """Return a trained network and the CPU time of one epoch, see :func:`finished`.

    ``shape`` gives units and layers if they differ from the task's.
    """
    trainer = float_trainer(task, data, recipe, cell=cell, **shape)
    label = f"{task.name}-{cell}-seed{recipe.seed}"
    return finished(trainer, label, folder, Network.load)


def finished(
    trainer: Trainer, label: str, folder: Path, load: Callable[[Path], Trained]
) -> tuple[Trained, float]:
    """Load a finished run or train it; return its network and the CPU seconds of one epoch.

    ``NAME.npz`` and ``NAME.json`` in the folder are a finished run. ``NAME.checkpoint`` is an
    interrupted run, which continues. A name has a digest of recipe, network and samples, so runs
    that train differently have different names.

    Raises:
        InputError: one of these files is damaged.
    """
    stem = folder / f"{label}-{digest(trainer)}"
    weights, record, checkpoint = (
        stem.with_name(stem.name + end) for end in (".npz", ".json", ".checkpoint")
    )
    if record.exists():
        return load(weights), _seconds(record)
    if checkpoint.exists():
        trainer.load(checkpoint)
    for epoch in trainer.run(checkpoint):
        err.print(
            f"{label}: epoch {epoch.number} of {trainer.recipe.epochs}, best {epoch.best:.2%}"
        )
    network: Trained = trainer.model.export()  # pyright: ignore[reportCallIssue]
    network.save(weights)
    text = json.dumps({"seconds": trainer.seconds / trainer.epoch, "epochs": trainer.epoch})
    files.replace(record, files.content(text + "\n"))
    checkpoint.unlink(missing_ok=True)
    return network, trainer.seconds / trainer.epoch


def macs_per_step(network: Network) -> int:
    """Count the multiplications of weights in one step, without the head."""
    return sum(
        weights.size
        for layer in network.body
        for name, weights in layer.weights.items()
        if not name.startswith("b_")
    )


def digest(trainer: Trainer) -> str:
    """Hash everything that decides the weights to eight hexadecimal digits."""
    text = json.dumps(trainer.identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _seconds(record: Path) -> float:
    try:
        return float(json.loads(record.read_text("utf-8"))["seconds"])
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError(
            f"{record}: is no record of a run; without it the run is done anew"
        ) from None


def status_of(main: Callable[[], None], name: str) -> int:
    """Run a benchmark that can be interrupted and continued; return its exit status."""
    try:
        main()
    except InputError as error:
        err.print(f"{name}: {error}")
        return 2
    except KeyboardInterrupt:
        err.print("interrupted: the same command continues from here")
        return 130
    return 0
