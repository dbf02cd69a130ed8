"""Accuracy that it costs to leave out the most negative weight, on MNIST's test images.

    python -m bench.symmetric_weights --data mnist.npz [--bits 8 --bits 4]

Quantizes the shipped network as it is done, then once more with all weights of the format.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.formats import Format, WeightFormat
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.settings import Settings
from litelstm import outputs, samples
from litelstm.commands.demo import FLOAT
from litelstm.options import json_option

CALIBRATION, BATCH = 500, 1000


@contextmanager
def all_weights() -> Iterator[None]:
    """Let the quantizer use the most negative weight."""
    least = WeightFormat.least
    WeightFormat.least = Format.least  # type: ignore[method-assign]
    try:
        yield
    finally:
        WeightFormat.least = least  # type: ignore[method-assign]


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--bits", type=int, multiple=True, default=(8, 6, 5, 4, 3, 2), show_default=True)
@json_option
def main(data: Path, bits: tuple[int, ...], json_path: Path | None) -> None:
    """Print both accuracies for each width."""
    floats = Network.load(FLOAT)
    with np.load(data) as file:
        calibration = file["x_train"][:CALIBRATION].astype(float)
    images = samples.load(data, network=floats, count=None)

    def accuracy(width: int) -> float:
        network, _ = quantize(floats, calibration, Settings(weight_width=width))
        x, model = network.quantize_input(images.x), IntegerModel(network)
        words = [model.forward(x[at : at + BATCH]) for at in range(0, len(x), BATCH)]
        return float(np.mean(np.concatenate(words).argmax(axis=1) == images.y))

    report: dict[str, Any] = {}
    for width in bits:
        symmetric = accuracy(width)
        with all_weights():
            report[str(width)] = {"symmetric": symmetric, "all": accuracy(width)}
    lines = [
        f"{width} bits: {made['symmetric']:.2%} without the most negative weight, "
        f"{made['all']:.2%} with it"
        for width, made in report.items()
    ]
    outputs.give(report, json_path, lines)


if __name__ == "__main__":
    main()
