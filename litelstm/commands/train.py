"""``litelstm train``: train a float network, or with ``--qat`` a quantized one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden.errors import InputError
from golden.network import Network
from golden.quantize import Settings, quantize
from golden.quantized import QuantizedNetwork
from litelstm import metrics, options, outputs
from litelstm.console import err, progress
from litelstm.data.dataset import Dataset
from litelstm.delta import delta_option, thresholds
from litelstm.tasks import TASKS, Task

if TYPE_CHECKING:
    from litelstm.torch.training import Recipe, Trainer

SHAPE = ("cell", "sigmoid", "units", "layers", "dropout")
"""Options that describe a new network; :func:`litelstm.torch.trainers.float_trainer` takes them."""

WIDTHS = ("weight_width", "activation_width", "state_width")
"""Options of quantization-aware training: fields of the quantizer's settings."""

AWARE = {"epochs": 5, "lr": 5e-4, "c_penalty": 0.0, "weight_limit": 0.0, "weight_decay": 0.0}
"""Differences in quantization-aware training, which starts from a trained network."""


@click.command()
@options.task_option
@options.data_option
@options.output_option("File of the network, .npz.")
@options.cell_option("Cell of every layer.  [default: litelstm]")
@options.sigmoid_option()
@click.option("--units", type=int, help="Units of each layer.  [default: the task's]")
@click.option("--layers", type=int, help="Number of layers.  [default: the task's]")
@click.option("--epochs", type=int, help="Most epochs to train.  [default: the task's]")
@click.option(
    "--patience", type=int, help="Epochs without progress before it stops.  [default: the task's]"
)
@click.option(
    "--batch-size", "batch", type=int, help="Sequences per training step.  [default: the task's]"
)
@click.option("--lr", type=float, help="Learning rate at the start.  [default: the task's]")
@click.option("--dropout", type=float, help="Dropout between layers.  [default: 0]")
@click.option(
    "--augment",
    help="Random changes of the samples: none, images, spectra or features.  [default: the task's]",
)
@click.option(
    "--balance",
    type=float,
    help="Weight of rare classes: 0 counts samples alike, 1 counts classes alike.  [default: 0]",
)
@click.option("--seed", type=options.SEED, default=1, help="Seed of all randomness.")
@click.option("--restart", is_flag=True, help="Start anew even if there is a checkpoint.")
@click.option(
    "--qat",
    "start",
    type=options.PATH,
    help="Float network to train further with rounding in the loop; writes a quantized network.",
)
@options.bit_options(*WIDTHS)
@delta_option("Train a delta network (with --qat): thresholds are in the loop.")
@options.json_option
def train(
    task: str,
    data: Path | None,
    output: Path,
    seed: int,
    restart: bool,
    start: Path | None,
    delta: str | None,
    json_path: Path | None,
    **given: Any,
) -> None:
    """Train a network on a task.

    \b
    litelstm train --task mnist --data DIR -o net.npz
    litelstm train --task mnist --data DIR --qat net.npz -o net.q.npz

    After every epoch it saves a checkpoint beside the output. After an interrupt, the same command
    continues from there.
    """
    chosen = TASKS[task]
    checkpoint = output.with_name(f"{output.name}.checkpoint")
    for path in (output, checkpoint):
        outputs.check_file(path)
    from litelstm.torch.trainers import float_trainer
    from litelstm.torch.training import Recipe, one_thread

    one_thread()
    given = options.said(given)
    shape, bits = (_take(given, names, start) for names in (SHAPE, WIDTHS))
    if start is None and delta is not None:
        raise click.BadParameter("needs --qat", param_hint="--delta")
    settings = Settings(**bits)
    if not 0 <= (dropout := shape.get("dropout", 0.0)) < 1:
        raise InputError(f"dropout is {dropout}, expected 0 or more, less than 1")
    plan = Recipe(**{**chosen.recipe, **(AWARE if start else {}), **given, "seed": seed})
    with progress("read samples"):
        dataset = chosen.load(data)
    if start is None:
        trainer = float_trainer(chosen, dataset, plan, **shape)
    else:
        trainer = aware_trainer(dataset, Network.load(start), settings, plan, delta)
    _run(trainer, plan, checkpoint, restart=restart)
    network = trainer.model.export()  # pyright: ignore[reportCallIssue]
    network.save(output)
    checkpoint.unlink(missing_ok=True)
    _report(chosen, dataset, network, trainer, output, json_path)


def _take(given: dict[str, Any], names: Sequence[str], start: Path | None) -> dict[str, Any]:
    """Take out the options that describe a network; with ``--qat`` these are its widths."""
    taken = {name: given.pop(name) for name in names if name in given}
    if taken and (start is None) != (names is SHAPE):
        name = next(iter(taken))
        why = "needs --qat" if start is None else f"is what {start} has"
        typed = options.BITS[name][0] if name in options.BITS else f"--{name}"
        raise click.BadParameter(why, param_hint=typed)
    return taken


def aware_trainer(
    data: Dataset,
    network: Network,
    settings: Settings,
    recipe: Recipe,
    delta: str | None = None,
) -> Trainer:
    """Make a trainer that rounds to integers, in formats chosen from training samples.

    Args:
        data: training samples.
        network: the float network to start from.
        settings: widths of the integers.
        recipe: settings of the training.
        delta: thresholds of a delta network, as typed.

    Raises:
        InputError: the network does not fit the samples, or the thresholds the network.
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
    identity = {"network": repr(settings)}
    if delta is not None:
        quantized = replace(quantized, thresholds=thresholds(delta, quantized))
        identity["delta"] = repr(quantized.thresholds)
    model = QuantizationAware(network, quantized)
    return Trainer(model, data.x_train, data.y_train, recipe, identity)


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
    report = {
        "task": task.name,
        "epochs": trainer.epoch,
        "validation": trainer.best,
        "test": asdict(test),
        "cpu_seconds": trainer.seconds,
    }

    kind = "float" if isinstance(network, Network) else "integer"
    outputs.give(
        report,
        json_path,
        [
            f"{task.title}: {len(data.x_train)} training samples of {data.steps} steps x "
            f"{data.inputs}, {trainer.epoch} epochs, {trainer.seconds:.0f} s CPU",
            f"validation {trainer.best:.2%}; {len(data.x_test)} test samples: {test}",
            f"{output}: {kind} network, {len(network.layers)} layers",
        ],
    )
