"""``litelstm samples``: write a task's samples to one file for the other commands."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from litelstm import outputs
from litelstm.console import out, progress
from litelstm.data import arrays
from litelstm.options import POSITIVE, SEED, data_option, output_option, task_option
from litelstm.tasks import TASKS


@click.command()
@task_option
@data_option
@click.option("--random", type=POSITIVE, help="Make this many random samples instead.")
@click.option("--seed", type=SEED, default=0, help="Seed of the random samples.")
@output_option("File of the samples, .npz.")
def samples(task: str, data: Path | None, random: int | None, seed: int, output: Path) -> None:
    """Convert a task's public files to one .npz.

    \b
    litelstm samples --task mnist --data DIR -o mnist.npz
    litelstm samples --task iot --random 100 -o random.npz

    With --random, the samples are random numbers of the task's shape, without labels: enough to
    exercise a core.
    """
    chosen = TASKS[task]
    outputs.check_file(output)
    if random is not None:
        if data is not None:
            raise click.BadParameter("needs no --data", param_hint="--random")
        arrays.save(output, {"x": chosen.random(random, seed)})
        out.print(f"{output}: {random} random samples of {chosen.steps} steps x {chosen.inputs}")
        return
    with progress("read samples"):
        found = chosen.load(data)
        parts = ("x_train", "y_train", "x_test", "y_test")
        arrays.save(output, {part: getattr(found, part) for part in parts})
    counts = np.bincount(np.concatenate([found.y_train, found.y_test]))
    classes = ", ".join(f"{n} {c}" for n, c in zip(found.classes, counts, strict=True))
    out.print(
        f"{output}: {len(found.x_train)} training and {len(found.x_test)} test samples of "
        f"{found.steps} steps x {found.inputs}: {classes}"
    )
