"""Compare imported files with the results that their frameworks gave.

    python -m bench.cases DIR

A case is a file that ``litelstm import`` reads, with ``NAME.expected.npz`` beside it: the samples
(``x``, or the array that comes first) of shape (samples, steps, inputs), and the framework's result
(``y`` or ``out0``). A state dict has a description, ``NAME.json``. The command prints each case
with the largest difference, or with the reason why it is refused. The exit status is 1 if a result
differs by more than 1e-5. Where a file fixes the number of steps of each sample, the network gets
so many.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
import numpy as np

from golden.cells import Floats
from golden.errors import InputError
from litelstm.importers.files import import_network
from litelstm.importers.proof import Imported
from litelstm.options import PATH

LEAST = 1e-5
RESULTS = ("y", "out0")
OTHERS = (".npz", ".json", ".md")


def results(made: Imported, x: Floats, shape: tuple[int, ...]) -> Floats:
    """Compute a network's first output, in the shape of the framework's."""
    told = [
        found for note in made.notes if (found := re.search(r"end after ([\d, ]+) steps", note))
    ]
    if not told:
        return result(made, x, shape)
    steps = [int(number) for number in told[0][1].split(",")]
    rows = [
        result(made, x[n : n + 1, :count], (1, *shape[1:]))
        for n, count in enumerate(np.resize(steps, len(x)))
    ]
    return np.concatenate(rows)


def result(made: Imported, x: Floats, shape: tuple[int, ...]) -> Floats:
    """Compute the output for sequences that have all steps."""
    network = made.network
    run = network.run(network.feed(x))
    every_step = made.every_step and run.steps[..., 0].size * shape[-1] == np.prod(shape)
    found = run.steps if every_step else run.output
    ends = np.cumsum([network.sizes[vector] for vector in network.results or ()])
    found = np.split(found, ends[:-1], axis=-1)[made.order[0]]
    if any(note.startswith("Softmax") for note in made.notes):
        found = np.exp(found - found.max(axis=-1, keepdims=True))
        found = found / found.sum(axis=-1, keepdims=True)
    return found.reshape(shape)


def difference(file: Path) -> float | None:
    """Return the largest difference of a case; ``None`` where a state or lengths are inputs, too.

    Raises:
        InputError: the file is refused.
    """
    description = file.with_suffix(".json")
    made = import_network(file, description=description if description.exists() else None)
    expected = np.load(file.with_name(f"{file.stem}.expected.npz"))
    (wanted,) = (name for name in RESULTS if name in expected)
    given = [name for name in expected if not name.startswith(("y", "out"))]
    if any(expected[name].any() for name in given[1:]):
        return None
    y = expected[wanted]
    x = expected["x" if "x" in expected else given[0]].astype(float)
    return float(np.abs(results(made, x, y.shape) - y).max())


@click.command()
@click.argument("folder", type=PATH)
def main(folder: Path) -> None:
    """Import all cases in FOLDER."""
    wrong = 0
    for file in sorted(folder.iterdir()):
        expected = file.with_name(f"{file.stem}.expected.npz")
        if file.suffix in OTHERS or not expected.exists():
            continue
        try:
            found = difference(file)
        except InputError as error:
            text = f"refused: {str(error).removeprefix(f'{file}: ')}"
        else:
            text = "imported, its other inputs not compared" if found is None else f"{found:.0e}"
            wrong += found is not None and found > LEAST
        click.echo(f"{file.name:42} {text}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
