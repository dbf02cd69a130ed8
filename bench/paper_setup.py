"""Table 2 of the LiteLSTM paper, with the network that matches its parameter counts.

    python -m bench.paper_setup --data mnist.npz [--samples 20000] [--keep FOLDER]

One layer of 100 units reads a picture pixel by pixel; a dense layer reads h of all steps. Training
follows the paper: Adam at a constant 1e-3, no clipping, batches of 128, 20 epochs, hard sigmoids. A
CPU cannot train 784 steps of five cells within an hour, so pictures are averaged to 7 x 7 pixels,
and only some training samples are used. Times are CPU times of a training step; the cells take
turns, so the machine's load does not change the ratios. After an interrupt, the same command
continues.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.box import MARKDOWN
from rich.table import Table
from threadpoolctl import threadpool_limits

try:
    import torch
except ImportError:
    print("paper_setup: torch is missing: pip install -e '.[train]'", file=sys.stderr)
    sys.exit(2)

from torch import Tensor, nn

from bench.paper_figures import CELLS, REFERENCE, TABLES
from bench.paper_runs import digest, status_of
from bench.paper_tables import KEEP, out, percent
from bench.train_speed import medians
from golden import files
from golden.errors import InputError
from litelstm import architectures, console
from litelstm.console import err
from litelstm.data.dataset import Array, Dataset, spread
from litelstm.tasks import TASKS
from litelstm.torch import Recurrent
from litelstm.torch.layer import Trace
from litelstm.torch.training import Recipe, Trainer, one_thread, predict, seed

UNITS, CLASSES = 100, 10
SIDE = 7
"""Pixels along an edge of an averaged picture."""

RECIPE = Recipe(
    epochs=20,
    patience=20,
    batch=128,
    lr=1e-3,
    lr_floor=1.0,
    weight_decay=0.0,
    clip_norm=math.inf,
    c_penalty=0.0,
)


class AllSteps(nn.Module):
    """A recurrent layer, and a dense layer that reads h of every step.

    Args:
        cell: a key of ``litelstm.architectures.CELLS``.
        steps: steps of every sequence.
    """

    def __init__(self, cell: str, steps: int) -> None:
        super().__init__()
        self.recurrent = Recurrent(architectures.CELLS[cell], 1, UNITS)
        self.head = nn.Linear(steps * UNITS, CLASSES)

    def forward(self, samples: Tensor) -> Tensor:
        """Compute the logits (batch, classes) of samples (batch, steps, 1)."""
        return self.run(samples)[0]

    def run(self, samples: Tensor) -> tuple[Tensor, list[Trace]]:
        """Compute the logits, and the state of every step."""
        traces = self.recurrent.trace(samples.transpose(0, 1))
        h = torch.stack(traces[-1]["h"], dim=1)
        return self.head(h.flatten(1)), traces


def averaged(images: Array, scale: float) -> Array:
    """Convert pictures (samples, 28, 28) to sequences (samples, SIDE * SIDE, 1) of averages."""
    count, rows, columns = images.shape
    blocks = images.reshape(count, SIDE, rows // SIDE, SIDE, columns // SIDE)
    return (blocks.mean(axis=(2, 4)) * scale).reshape(count, -1, 1).astype(np.float32)


def load(path: Path, samples: int) -> Dataset:
    """Load MNIST as short sequences of pixels, with ``samples`` evenly spread training samples."""
    data = TASKS["mnist"].load(path)
    total, shape = len(data.x_train), data.x_train.shape[1:]
    if shape[0] % SIDE or shape[1] % SIDE:
        raise InputError(f"{path}: pictures are {shape}, expected multiples of {SIDE}")
    if not 1 <= samples <= total:
        raise InputError(f"samples is {samples}, expected 1 to {total}")
    chosen = spread(total, samples)
    return replace(
        data,
        x_train=averaged(data.x_train[chosen], data.input_scale),
        y_train=data.y_train[chosen],
        x_test=averaged(data.x_test, data.input_scale),
        input_scale=1.0,
    )


def train(cell: str, data: Dataset, keep: Path) -> nn.Module:
    """Train a cell, or continue from its last checkpoint.

    Raises:
        InputError: the checkpoint is damaged.
    """
    seed(RECIPE.seed)
    model = AllSteps(cell, data.steps)
    trainer = Trainer(model, data.x_train, data.y_train, RECIPE, {"network": f"all steps, {cell}"})
    checkpoint = keep / f"setup-{cell}-{digest(trainer)}.checkpoint"
    if checkpoint.exists():
        trainer.load(checkpoint)
    for epoch in trainer.run(checkpoint):
        err.print(f"{cell}: epoch {epoch.number} of {RECIPE.epochs}, best {epoch.best:.2%}")
    return model


def measure(repetitions: int, steps: int) -> dict[str, float]:
    """Measure median CPU milliseconds of a training step by cell, without the optimizer."""
    seed(RECIPE.seed)
    x, y = torch.rand(RECIPE.batch, steps, 1), torch.randint(CLASSES, (RECIPE.batch,))

    def losses(model: nn.Module) -> Callable[[], Tensor]:
        return lambda: nn.functional.cross_entropy(model(x), y)

    return medians({cell: losses(AllSteps(cell, steps)) for cell in CELLS}, repetitions)


def table(data: Dataset, models: dict[str, nn.Module], times: dict[str, float]) -> Table:
    """Make the table of each cell's parameters, time and accuracy, beside the paper's."""
    x, y = torch.from_numpy(data.x_test), torch.from_numpy(data.y_test)
    paper = TABLES["mnist"]
    heads = ("cell", "parameters", "paper", "time", "paper", "accuracy", "paper")
    result = console.table(*heads, box=MARKDOWN)
    for cell, model in models.items():
        figures = paper.cells[cell]
        hits = (predict(model, x).argmax(1) == y).float().mean()
        result.add_row(
            cell,
            f"{sum(p.numel() for p in model.parameters()):,}",
            f"{figures.parameters:,}",
            f"{times[cell] / times[REFERENCE]:.2f}",
            f"{paper.time_ratio(cell):.2f}",
            f"{hits:.2%}",
            percent(figures.accuracy),
        )
    return result


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="paper_setup", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="MNIST: .npz or a folder")
    parser.add_argument(
        "--samples", type=int, default=20_000, help="training samples  [default: 20000]"
    )
    parser.add_argument(
        "--repetitions", type=int, default=30, help="training steps timed  [default: 30]"
    )
    parser.add_argument(
        "--keep", type=Path, default=KEEP, help=f"folder of checkpoints  [default: {KEEP}]"
    )
    return parser.parse_args()


def main() -> None:
    """Train, measure and print."""
    args = parse()
    if args.repetitions < 1:
        raise InputError(f"repetitions is {args.repetitions}, expected 1 or more")
    one_thread()
    data = load(args.data, args.samples)
    files.make_folder(args.keep)
    with threadpool_limits(1):
        models = {cell: train(cell, data, args.keep) for cell in CELLS}
        times = measure(args.repetitions, data.steps)
    out.print(table(data, models, times))
    out.print(
        f"SHORTENED: {data.steps} steps instead of 784, {len(data.x_train):,} training samples "
        f"instead of 60,000 (a tenth of them chooses the epoch); {len(data.x_test):,} test samples"
    )
    ratios = ", ".join(f"{paper.time_ratio('litelstm'):.2f}" for paper in TABLES.values())
    out.print(
        "training time of LiteLSTM over LSTM: "
        f"{times['litelstm'] / times[REFERENCE]:.2f} here; {ratios} in the paper's Tables 2 to 5"
    )


if __name__ == "__main__":
    sys.exit(status_of(main, "paper_setup"))
