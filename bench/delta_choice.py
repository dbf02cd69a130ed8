"""Chooses thresholds of the table's networks by training samples alone.

    python -m bench.delta_choice --data-dir DIR [--row NAME] [--count N]

Searches on some training samples with several bounds; others judge each result. The one counts that
saves most and loses at most ``LOST`` points there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from bench.delta import LOST, ROWS, Row, samples, score
from golden.model import IntegerModel
from golden.quality import Judge
from golden.quantized import Integers, QuantizedNetwork
from golden.threshold_search import ThresholdSearch, Trial
from litelstm.delta import typed

BOUNDS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Bounds of the searches, in percent of decisions."""

HELD = 10
"""Samples that judge a search for each that it sees, if there are as many."""


def recall(words: Integers, labels: NDArray[Any]) -> float:
    """Mean of the classes' recalls in percent: rare classes count as much as others."""
    right = words.argmax(axis=1) == labels
    return 100 * float(np.mean([np.mean(right[labels == label]) for label in np.unique(labels)]))


def choose(row: Row, folder: Path, count: int) -> Iterator[str]:
    """Choose thresholds by training samples alone: searches of several bounds, judged by others.

    The one counts that saves most and loses at most ``LOST`` points on ``HELD`` times as many.
    """
    x, labels = samples(row, folder, "train")
    chosen = np.random.default_rng(0).permutation(len(x))
    seen, held = np.split(chosen[: (1 + HELD) * count], [min(count, len(chosen) // 2)])
    dense = replace(row.networks()[0], thresholds=None)

    def words(of: QuantizedNetwork, at: NDArray[Any]) -> Integers:
        return IntegerModel(of).forward(of.quantize_input(x[at]))

    judge = Judge(dense.out.to_float(words(dense, seen)), labels[seen], classes=True)
    search = ThresholdSearch(dense, x[seen].astype(float), judge)
    whole = words(dense, held)
    before = score(row, dense, whole, labels[held])
    best: Trial | None = None
    for bound in BOUNDS:
        found = search.run(bound)
        output = words(found.network, held)
        after = score(row, found.network, output, labels[held])
        saves = best is None or found.saving.kept < best.saving.kept
        if saves and before - after <= LOST:
            best = found
        recalls = [f"{recall(one, labels[held]):.2f}" for one in (whole, output)]
        yield (
            f"{row.name}, bound {bound} %: {typed(found.network)}, "
            f"ideal {found.saving.speedup:.2f}; {len(held)} samples held out: "
            f"{before:.2f} -> {after:.2f}, mean of the classes' recalls {' -> '.join(recalls)}"
        )
    yield f"{row.name}: {typed(best.network) if best else 'none'}"


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), required=True, help="Data sets.")
@click.option("--row", "name", type=click.Choice([row.name for row in ROWS if row.data]))
@click.option("--count", default=1000, show_default=True, help="Samples to search on.")
def main(data_dir: Path, name: str | None, count: int) -> None:
    """Search, and print what each bound gives."""
    for row in ROWS:
        if row.data and name in (None, row.name):
            for line in choose(row, data_dir, count):
                print(line, flush=True)


if __name__ == "__main__":
    main()
