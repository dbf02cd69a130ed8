"""Accuracy of the shipped MNIST network on the official test images, in floats, integers and RTL.

    python -m bench.mnist_accuracy --data mnist.npz [--rtl] [--json PATH]

``--data`` is a file with x_test (10000, 28, 28) and y_test. With ``--rtl``, all images run through
the RTL in the compiled bench, and every output word is compared with the golden model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.model import IntegerModel
from golden.network import Network
from golden.quantized import QuantizedNetwork
from hdl import verilog
from litelstm import outputs, samples
from litelstm.commands.demo import FLOAT, QUANTIZED
from litelstm.console import progress
from litelstm.options import json_option
from sim.samples import run_compiled

BATCH = 500


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--count", type=int, help="Number of images.  [default: all]")
@click.option("--rtl", is_flag=True, help="Run all images through the RTL, too.")
@click.option("--jobs", default=2, show_default=True, help="Number of parallel models of the RTL.")
@click.option("--lanes", default=16, show_default=True)
@json_option
def main(
    data: Path, count: int | None, rtl: bool, jobs: int, lanes: int, json_path: Path | None
) -> None:
    """Print the accuracy of the float network, the golden model and the RTL."""
    floats, network = Network.load(FLOAT), QuantizedNetwork.load(QUANTIZED)
    images = samples.load(data, network=network, count=count)
    assert images.y is not None, "the data has no labels"
    x = network.quantize_input(images.x)
    model = IntegerModel(network)
    logits, words = [], []
    with progress("float and golden", len(x)) as done:
        for start in range(0, len(x), BATCH):
            logits.append(floats.forward(images.x[start : start + BATCH]))
            words.append(model.forward(x[start : start + BATCH]))
            done(start + BATCH)
    expected = np.concatenate(words)
    report: dict[str, Any] = {
        "images": len(x),
        "float": float(np.mean(np.concatenate(logits).argmax(axis=1) == images.y)),
        "golden": float(np.mean(expected.argmax(axis=1) == images.y)),
    }
    if rtl:
        core = verilog.generate(network, lanes=lanes)
        with progress("RTL", len(x)) as done:
            run = run_compiled(core, list(x), expected, jobs=jobs, progress=done)
        report |= {
            "rtl": float(np.mean(run.words.argmax(axis=1) == images.y)),
            "compared": run.compared,
            "mismatched": run.mismatched,
            "wrong_cycle": run.wrong_cycle,
            "seconds": run.seconds,
        }
    percents = ("float", "golden", "rtl")
    lines = [f"{key:12} {f'{v:.2%}' if key in percents else v}" for key, v in report.items()]
    outputs.give(report, json_path, lines)


if __name__ == "__main__":
    main()
