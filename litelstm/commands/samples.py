"""``litelstm samples``: a task's samples as one file for the other commands."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from golden.errors import InputError
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.data import arrays
from litelstm.options import task_option
from litelstm.tasks import find


@click.command()
@task_option
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="The task's public files, or .npz; the task digits needs none.",
)
@click.option("--random", type=int, help="Number of samples to make up instead.")
@click.option("--seed", default=0, show_default=True, help="Seed of made-up samples.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="File to write."
)
def samples(task: str, data: Path | None, random: int | None, seed: int, output: Path) -> None:
    """Read a task's public files into one .npz, or make up samples of its shape.

    Made-up samples exercise a core; they have no labels.
    """
    chosen = find(task)
    outputs.check_file(output)
    if random is not None:
        if data is not None:
            raise click.BadParameter("needs no --data", param_hint="--random")
        for name, value, least in (("random", random, 1), ("seed", seed, 0)):
            if value < least:
                raise InputError(f"{name} is {value}, expected {least} or more")
        made = chosen.random(random, seed)
        arrays.save(output, {"x": made})
        out.print(f"{output}: {random} made-up samples of {chosen.steps} steps x {chosen.inputs}")
        return
    with progress("read samples"):
        found = chosen.load(data)
        parts = {
            "x_train": found.x_train,
            "y_train": found.y_train,
            "x_test": found.x_test,
            "y_test": found.y_test,
        }
        arrays.save(output, parts)
    counts = np.bincount(np.concatenate([found.y_train, found.y_test]))
    classes = ", ".join(f"{n} {c}" for n, c in zip(found.classes, counts, strict=True))
    out.print(
        f"{output}: {len(found.x_train)} training and {len(found.x_test)} test samples of "
        f"{found.steps} steps x {found.inputs}: {classes}"
    )
