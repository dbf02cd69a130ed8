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

from golden.errors import InputError
from litelstm.importers.files import import_network
from litelstm.importers.proof import Imported
from litelstm.options import PATH

LEAST = 1e-5
RESULTS = ("y", "out0")
OTHERS = (".npz", ".json", ".md")


def lengths(made: Imported) -> list[int] | None:
    """Read the number of steps of each sample from the notes, where a file fixes it."""
    for note in made.notes:
        if found := re.search(r"end after ([\d, ]+) steps", note):
            return [int(number) for number in found[1].split(",")]
    return None


def difference(file: Path) -> float | None:
    """Return the largest difference of a case; ``None`` where a state or lengths are inputs, too.

    Raises:
        InputError: the file is refused.
    """
    description = file.with_suffix(".json")
    made = import_network(file, description=description if description.exists() else None)
    assert made.run
    expected = np.load(file.with_name(f"{file.stem}.expected.npz"))
    (wanted,) = (name for name in RESULTS if name in expected)
    given = [name for name in expected if not name.startswith(("y", "out"))]
    if any(expected[name].any() for name in given[1:]):
        return None
    y = expected[wanted]
    x = expected["x" if "x" in expected else given[0]].astype(float)
    found = made.run(x, lengths=lengths(made))[0]
    if found.size != y.size and made.every_step:
        found = found[:, -1]
    return float(np.abs(found.reshape(y.shape) - y).max())


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
