"""``litelstm train``: samples to a float network, or with ``--qat`` to integers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden import files
from golden.errors import InputError
from golden.network import Network
from golden.quantize import Settings, quantize
from golden.quantized import QuantizedNetwork
from litelstm import metrics, outputs
from litelstm.architectures import CELLS, Architecture
from litelstm.console import err, out, progress
from litelstm.data.dataset import Dataset
from litelstm.tasks import TASKS, Task, find

if TYPE_CHECKING:
    from litelstm.torch.training import Recipe, Trainer

SHAPE = {
    "cell": "cell",
    "gate": "sigmoid",
    "units": "units",
    "layers": "layers",
    "dropout": "dropout",
}
"""Options that describe a new network, with their names in :func:`float_trainer`."""

BITS = {"weights": "weight_width", "activations": "activation_width", "state": "state_width"}
"""Options of quantization-aware training, and their names in the quantizer's settings."""

AWARE = {"epochs": 5, "lr": 5e-4, "c_penalty": 0.0, "weight_limit": 0.0, "weight_decay": 0.0}
"""Other defaults in quantization-aware training, which starts from a trained network."""


@click.command()
@click.option("--task", "task_name", required=True, help=f"One of {', '.join(TASKS)}.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="The task's public files, or .npz of x_train, y_train, x_test, y_test; "
    "the task digits needs none.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Network file to write."
)
@click.option("--cell", help=f"One of {', '.join(CELLS)}.  [default: litelstm]")
@click.option("--gate", help="hard or logistic.  [default: hard]")
@click.option("--units", type=int, help="Units of a layer.  [default: the task's]")
@click.option("--layers", type=int, help="Layers.  [default: the task's]")
@click.option("--epochs", type=int, help="Most epochs.  [default: the task's]")
@click.option(
    "--patience",
    type=int,
    help="Epochs without progress, at most.  [default: the task's]",
)
@click.option("--batch", type=int, help="Sequences per training step.  [default: the task's]")
@click.option("--lr", type=float, help="Learning rate at the start.  [default: the task's]")
@click.option("--dropout", type=float, help="Dropout between layers.  [default: 0]")
@click.option("--augment", help="none, images, spectra or features.  [default: the task's]")
@click.option(
    "--balance", type=float, help="Exponent of a class's rarity in its weight.  [default: 0]"
)
@click.option("--seed", default=1, show_default=True, help="Seed of all random numbers.")
@click.option("--restart", is_flag=True, help="Ignore an existing checkpoint.")
@click.option(
    "--qat",
    "start",
    type=click.Path(path_type=Path),
    help="Quantization-aware: continue training this float network, in integers.",
)
@click.option("--weights", type=int, help="With --qat: bits of a weight.  [default: 8]")
@click.option("--activations", type=int, help="With --qat: bits of x and h.  [default: 8]")
@click.option("--state", type=int, help="With --qat: bits of c.  [default: 12]")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the result here.")
def train(
    task_name: str,
    data: Path | None,
    output: Path,
    seed: int,
    restart: bool,
    start: Path | None,
    json_path: Path | None,
    **given: Any,
) -> None:
    """Train a network for a task; a repeated call continues an interrupted one."""
    task = find(task_name)
    checkpoint = output.with_name(f"{output.name}.checkpoint")
    for path in (output, checkpoint, json_path):
        outputs.check_file(path)
    from litelstm.torch.training import Recipe, one_thread

    one_thread()
    given = {name: value for name, value in given.items() if value is not None}
    shape, bits = (_take(given, names, start) for names in (SHAPE, BITS))
    settings = Settings(**bits)
    with progress("read samples"):
        dataset = task.load(data)
    if start is None:
        plan = Recipe(**{**task.recipe, **given, "seed": seed})
        trainer = float_trainer(task, dataset, plan, **shape)
    else:
        plan = Recipe(**{**task.recipe, **AWARE, **given, "seed": seed})
        trainer = aware_trainer(dataset, Network.load(start), settings, plan)
    _run(trainer, plan, checkpoint, restart=restart)
    network = trainer.model.export()  # pyright: ignore[reportCallIssue]
    network.save(output)
    checkpoint.unlink(missing_ok=True)
    _report(task, dataset, network, trainer, output, json_path)


def _take(given: dict[str, Any], names: Mapping[str, str], start: Path | None) -> dict[str, Any]:
    """Remove the options that describe a network; refuse them if a start network has them."""
    taken = {names[option]: given.pop(option) for option in names if option in given}
    if taken and (start is None) != (names is SHAPE):
        option = next(option for option in names if names[option] in taken)
        why = "needs --qat" if start is None else f"is what {start} has"
        raise click.BadParameter(why, param_hint=f"--{option}")
    return taken


def float_trainer(
    task: Task, data: Dataset, recipe: Recipe, *, dropout: float = 0.0, **shape: Any
) -> Trainer:
    """Make a trainer of new weights.

    Args:
        task: gives the sizes that ``shape`` does not.
        data: training samples.
        recipe: training parameters.
        dropout: dropout between layers.
        shape: fields of :class:`Architecture`.
    """
    from litelstm.torch.classifier import Classifier
    from litelstm.torch.training import Trainer, seed

    if not 0 <= dropout < 1:
        raise InputError(f"dropout is {dropout}, expected 0 or more, less than 1")
    sizes = {"cell": "litelstm", "units": task.units, "layers": task.layers, **shape}
    network = Architecture(inputs=data.inputs, head=len(data.classes), **sizes)
    seed(recipe.seed)
    model = Classifier.of(network, dropout=dropout, input_scale=data.input_scale)
    identity = {"network": f"{network}, {network.sigmoid}", "dropout": dropout}
    return Trainer(model, data.x_train, data.y_train, recipe, identity)


def aware_trainer(data: Dataset, network: Network, settings: Settings, recipe: Recipe) -> Trainer:
    """Make a trainer in integers, with formats chosen on training samples.

    Raises:
        InputError: the network does not fit the samples.
    """
    from litelstm.torch.qat import QuantizationAware
    from litelstm.torch.training import Trainer

    for name, found, expected in (
        ("inputs", network.inputs, data.inputs),
        ("outputs", network.outputs, len(data.classes)),
        ("input_scale", network.input_scale, data.input_scale),
    ):
        if found != expected:
            raise InputError(f"the network's {name} is {found}, expected {expected} (the task's)")
    quantized, _ = quantize(network, data.calibration, settings)
    model = QuantizationAware(network, quantized)
    return Trainer(model, data.x_train, data.y_train, recipe, {"network": repr(settings)})


def _run(trainer: Trainer, recipe: Recipe, checkpoint: Path, *, restart: bool) -> None:
    if checkpoint.exists() and not restart:
        trainer.load(checkpoint)
        err.print(f"{checkpoint}: goes on after epoch {trainer.epoch}")
    with progress("train", recipe.epochs) as done:
        for epoch in trainer.run(checkpoint):
            done(epoch.number)
            err.print(
                f"epoch {epoch.number:3d}  loss {epoch.loss:.4f}  "
                f"validation {epoch.score:.2%}  best {epoch.best:.2%}"
            )


def _report(
    task: Task,
    data: Dataset,
    network: Network | QuantizedNetwork,
    trainer: Trainer,
    output: Path,
    json_path: Path | None,
) -> None:
    of = metrics.of_floats if isinstance(network, Network) else metrics.of_integers
    with progress("test"):
        test = of(network, data.x_test, data.y_test)  # pyright: ignore[reportArgumentType]
    if json_path:
        report = {
            "task": task.name,
            "epochs": trainer.epoch,
            "validation": trainer.best,
            "test": asdict(test),
            "cpu_seconds": trainer.seconds,
        }
        files.replace(json_path, files.content(json.dumps(report, indent=2) + "\n"))
    out.print(
        f"{task.title}: {len(data.x_train)} training samples of {data.steps} steps x "
        f"{data.inputs}, {trainer.epoch} epochs, {trainer.seconds:.0f} s CPU"
    )
    out.print(f"validation {trainer.best:.2%}; {len(data.x_test)} test samples: {test}")
    kind = "float" if isinstance(network, Network) else "integer"
    out.print(f"{output}: {kind} network, {len(network.layers)} layers")
