"""Quantize the MNIST network that ships with the project: W8 A8, 12-bit c, 256-entry tanh table.

    python -m models.quantize_mnist --data mnist.npz

Calibration samples are training images that are not among the demonstration's digits.
"""

from __future__ import annotations

from pathlib import Path

import click

from golden.network import Network
from golden.quantize import quantize
from litelstm.commands.demo import FLOAT, QUANTIZED
from models.mnist_data import demonstration_digits, load_mnist, unseen_by_demonstration

SAMPLES = 500


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=QUANTIZED)
def main(data: Path, output: Path) -> None:
    """Choose the formats and write the integers."""
    images = load_mnist(data)["x_train"]
    usable = unseen_by_demonstration(images, demonstration_digits()[0])
    network, report = quantize(Network.load(FLOAT), images[usable[:SAMPLES]])
    network.save(output)
    for row in report.tensors:
        click.echo(f"{row.name:12} {row.format!s:8} SQNR {row.sqnr_db:5.1f} dB")
    click.echo(f"wrote {output}: {network.accumulator_width}-bit accumulators")


if __name__ == "__main__":
    main()
