"""Draws which columns a delta core runs for one digit, step by step: docs/delta.svg.

    python -m bench.delta_picture -o docs/delta.svg [--sample N] [--delta THRESHOLDS]

A dot is a column that runs. One panel has thresholds 0, the other those of ``--delta``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from bench.delta import MODELS, ROWS
from golden import files
from golden.changes import watched
from golden.quantized import QuantizedNetwork
from golden.savings import saving
from litelstm import digits
from litelstm.delta import thresholds
from litelstm.options import output_option

STEP, ELEMENT, GAP, LEFT, TOP = 11, 2, 14, 92, 56
"""Sizes in pixels: of a step, of an element, between vectors, and of the margins."""

TITLES = {"x": "x: 28 pixels", "layer0": "layer 0", "layer1": "layer 1"}


def panel(network: QuantizedNetwork, x: NDArray[np.int64], left: int) -> Iterator[str]:
    """Draw one panel: a row of dots for each element of each vector."""
    run, changes = watched(network, x)
    saved, steps, top = saving(network, changes), x.shape[1], TOP
    shares = {one.vector: one.skipped for one in saved.vectors}
    largest = network.thresholds.largest if network.thresholds else 0
    title = "with thresholds" if largest else "thresholds 0"
    told = f"{title}: {saved.kept / saved.dense:.0%} of the products, class {run.output.argmax()}"
    yield f'<text x="{left}" y="18">{told}</text>'
    yield f'<text x="{left}" y="{TOP - 10}" class="s">step 1</text>'
    yield f'<text x="{left + steps * STEP}" y="{TOP - 10}" class="s e">step {steps}</text>'
    for name, mask in changes.masks():
        if name not in shares:
            continue
        height = mask.shape[2] * ELEMENT
        yield f'<rect x="{left}" y="{top}" width="{steps * STEP}" height="{height}" class="b"/>'
        # One line per element: a dash for each step in which its column runs.
        lines = "".join(
            f"M{step * STEP + 1} {element * ELEMENT + 1}h{STEP - 2}"
            for step, element in np.argwhere(mask[0])
        )
        yield f'<path transform="translate({left} {top})" d="{lines}"/>'
        label = f"{shares[name]:.0%} skipped"
        yield f'<text x="{left + steps * STEP}" y="{top + height + 10}" class="s e">{label}</text>'
        if left == LEFT:
            layer, _, vector = name.partition(".")
            text = TITLES[layer] if not vector else f"{vector} of {TITLES[layer]}"
            yield f'<text x="{left - 8}" y="{top + height // 2 + 4}" class="e">{text}</text>'
        top += height + GAP


def picture(sample: int, typed: str) -> str:
    """Make the SVG of one of the package's digits."""
    row = next(row for row in ROWS if row.name == "mnist")
    network = QuantizedNetwork.load(MODELS / row.lossless)
    x = network.quantize_input(digits.load().x[sample : sample + 1])
    far = replace(network, thresholds=thresholds(typed, network))
    steps = x.shape[1]
    second = LEFT + steps * STEP + 24
    width = second + steps * STEP + 8
    parts = [*panel(network, x, LEFT), *panel(far, x, second)]
    rows = sum(network.sizes[:3]) + sum(layer.units for layer in network.layers[:2])
    height = TOP + rows * ELEMENT + 5 * GAP + 4
    style = (
        "text{font:12px sans-serif;fill:#345}.s{font-size:10px}.e{text-anchor:end}"
        ".b{fill:#eef1f4}path{stroke:#1f6f8b;stroke-width:1.6}"
        "@media(prefers-color-scheme:dark)"
        "{text{fill:#c8d1da}.b{fill:#262d36}path{stroke:#5cb8d6}}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
    return "\n".join([head, f"<style>{style}</style>", *parts, "</svg>\n"])


@click.command()
@output_option("File of the picture, .svg.")
@click.option("--sample", default=3, show_default=True, help="Number of the digit.")
@click.option("--delta", default=ROWS[0].typed, show_default=True, help="Thresholds.")
def main(output: Path, sample: int, delta: str) -> None:
    """Draw one sample with thresholds 0 and with others."""
    files.replace(output, files.content(picture(sample, delta)))


if __name__ == "__main__":
    main()
