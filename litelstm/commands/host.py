"""``litelstm host``: run samples on a board and compare them with the golden model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.interface import Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from litelstm import core_options, options, outputs, samples
from litelstm.console import progress
from litelstm.driver.host import DEFAULT_TIMEOUT, Link
from litelstm.driver.serial_line import DEFAULT_BAUD, DEFAULT_RETRIES

MISMATCH = 1


@click.command()
@options.network_argument
@click.option("--port", required=True, help="Serial device, for example /dev/ttyUSB1, or URL.")
@options.samples_option
@options.count_option
@core_options.options("classes")
@click.option("--baud", default=DEFAULT_BAUD, help="Bits per second.")
@click.option("--timeout", default=DEFAULT_TIMEOUT, help="Seconds to wait for an answer.")
@click.option("--retries", default=DEFAULT_RETRIES, help="Times to repeat an unanswered request.")
@options.json_option
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
    """Run samples on a board and compare every word.

    \b
    litelstm host net.q.npz --port /dev/ttyUSB1 --samples digits.npz

    The board runs a bitstream of the quantized NETWORK from litelstm build. The exit status is 1 if
    a word differs from the golden model, or if the board does not answer.
    """
    quantized = QuantizedNetwork.load(network)
    data = samples.load(file, network=quantized, count=count)
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
    outputs.give(report, json_path, _lines(report))
    return MISMATCH if mismatched else 0


def _first(words: np.ndarray, expected: np.ndarray) -> str:
    """Describe the first word that differs; empty if none does."""
    differ = np.argwhere(words != expected)
    if not len(differ):
        return ""
    sample, word = differ[0]
    return (
        f"sample {sample}, word {word}: expected {expected[sample, word]}, "
        f"got {words[sample, word]}"
    )


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield (
        f"board: {report['samples']} samples, {report['compared']} output words compared, "
        f"{report['mismatched']} differ; {report['retried']} tried again"
    )
    if report["first_mismatch"]:
        yield report["first_mismatch"]
    rate = report["samples"] / report["seconds"]
    yield f"{report['seconds']:.1f} s, {rate:,.0f} samples per second"
    if accuracy := report["accuracy"]:
        yield f"accuracy: golden {accuracy['golden']:.2%}, board {accuracy['board']:.2%}"
