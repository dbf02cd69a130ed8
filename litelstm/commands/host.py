"""``litelstm host``: samples through a board, compared with the golden model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.interface import Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from litelstm import outputs, samples
from litelstm.console import out, progress
from litelstm.driver.host import DEFAULT_BAUD, DEFAULT_RETRIES, DEFAULT_TIMEOUT, Link
from litelstm.options import core_options, json_option

MISMATCH = 1


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--port", required=True, help="Serial device, for example /dev/ttyUSB1, or URL.")
@click.option(
    "--samples", "file", type=click.Path(path_type=Path), required=True, help=samples.HELP
)
@click.option("--count", type=int, help="Take this many samples.  [default: all]")
@core_options("classes")
@click.option("--baud", default=DEFAULT_BAUD, show_default=True, help="Bits per second.")
@click.option(
    "--timeout", default=DEFAULT_TIMEOUT, show_default=True, help="Seconds to wait for an answer."
)
@click.option(
    "--retries", default=DEFAULT_RETRIES, show_default=True, help="Tries after a failed one."
)
@json_option
def host(
    network: Path,
    port: str,
    file: Path,
    count: int | None,
    classes: bool,
    baud: int,
    timeout: float,
    retries: int,
    json_path: Path | None,
) -> int:
    """Run samples on a board that has the quantized NETWORK and compare every output word.

    \b
    litelstm host net.q.npz --port /dev/ttyUSB1 --samples digits.npz

    The board's bitstream comes from ``litelstm build``. The exit status is 1 if a word differs from
    the golden model, or the board does not answer.
    """
    quantized = QuantizedNetwork.load(network)
    data = samples.load(file, inputs=quantized.inputs, count=count)
    interface = Interface(classes=classes)
    x = quantized.quantize_input(data.x)
    with (
        Link.open(
            port, quantized, baud=baud, interface=interface, timeout=timeout, retries=retries
        ) as link,
        progress("board", len(x)) as tell,
    ):
        link.check()
        start = time.perf_counter()
        results = []
        for number, sequence in enumerate(x, 1):
            results.append(link.run(sequence))
            tell(number)
        seconds = time.perf_counter() - start
        retried = link.retried
    with progress("golden model"):
        expected = interface.answer(IntegerModel(quantized).forward(x))
    words = np.array(results)
    mismatched = int((words != expected).sum())
    report: dict[str, Any] = {
        "samples": len(x),
        "compared": words.size,
        "mismatched": mismatched,
        "first_mismatch": _first(words, expected),
        "retried": retried,
        "seconds": seconds,
        "accuracy": samples.accuracies(
            {"golden": expected, "board": words}, data.y, classes=classes
        ),
    }

    def show() -> None:
        for line in _lines(report):
            out.print(line)

    outputs.give(report, json_path, show)
    return MISMATCH if mismatched else 0


def _first(words: np.ndarray, expected: np.ndarray) -> str:
    """Where the first word is that differs, or nothing."""
    differ = np.argwhere(words != expected)
    if not len(differ):
        return ""
    sample, word = differ[0]
    return (
        f"sample {sample}, word {word}: expected {expected[sample, word]}, "
        f"got {words[sample, word]}"
    )


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [
        f"board: {report['samples']} samples, {report['compared']} output words compared, "
        f"{report['mismatched']} differ; {report['retried']} tried again"
    ]
    if report["first_mismatch"]:
        lines.append(report["first_mismatch"])
    rate = report["samples"] / report["seconds"]
    lines.append(f"{report['seconds']:.1f} s, {rate:,.0f} samples per second")
    if accuracy := report["accuracy"]:
        lines.append(f"accuracy: golden {accuracy['golden']:.2%}, board {accuracy['board']:.2%}")
    return lines
