"""Two steps of the schedule as text, from the cycle count.

python -m bench.timeline > docs/timeline.txt
python -m bench.timeline --cell lstm --inputs 8 --units 32 --lanes 8
"""

from __future__ import annotations

from collections.abc import Iterable

import click
import numpy as np

from hdl.cycles import steady_state
from hdl.cycles.spans import ARRAY, ENTER, READY, WAIT, Row, timeline
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.architectures import Architecture

MARGIN, WIDTH = 22, 96
"""Characters of the labels and of the picture."""

MARKS = {ARRAY: "#", WAIT: "w", ENTER: "=", READY: "-"}
"""Character of each kind of row."""

EXAMPLES = (
    (Architecture(cell="litelstm", inputs=28, units=64), 16),
    (Architecture(cell="gru", inputs=32, units=32), 8),
    (Architecture(cell="gru", inputs=8, units=16, layers=2), 8),
    (Architecture(cell="litelstm", inputs=1, units=16), 16),
)
"""Architectures and lanes in docs/timeline.txt; the array of the last one has to wait."""

HEAD = """\
Two steps of the schedule in the steady state: cycles from left to right. Made by
`python -m bench.timeline`; `docs/architecture.md` says why the schedule is as it is.

    #    the array runs columns of this operand
    =    units enter the state update, one every interval
    -    the units' new values become ready for the array
    w    the array waits
"""


def drawn(architecture: Architecture, lanes: int) -> str:
    """Draw two steps of a network in the steady state, as text."""
    plan = Plan(network=architecture.quantized(), options=CoreOptions(lanes=lanes))
    steady, shown = steady_state(plan), timeline(plan)
    scale = -(-shown.cycles // WIDTH)
    marks = [" "] * WIDTH
    for number, cycle in enumerate(shown.steps):
        text = f"|step {number}"
        marks[cycle // scale : cycle // scale + len(text)] = text
    return "\n".join(
        [
            f"{architecture}, {lanes} lanes: {steady.cycles_per_step} cycles per step, ideal "
            f"{steady.ideal_cycles_per_step:g}; a character is {scale} cycles",
            "",
            " " * MARGIN + "".join(marks).rstrip(),
            *(_line(row, shown.cycles, scale) for row in shown.rows),
        ]
    )


def _line(row: Row, cycles: int, scale: int) -> str:
    """Draw one row, with its mark wherever at least half of the cycles are busy."""
    busy = np.zeros(-(-cycles // scale) * scale, dtype=bool)
    for begin, after in row.spans:
        busy[begin:after] = True
    shares = busy.reshape(-1, scale).mean(axis=1)
    text = "".join(MARKS[row.kind] if share >= 0.5 else " " for share in shares)
    return f"{row.label:<{MARGIN}}{text}".rstrip()


@click.command()
@click.option("--cell", help="Show this cell in place of the examples.")
@click.option("--inputs", default=28, show_default=True)
@click.option("--units", default=64, show_default=True)
@click.option("--layers", default=1, show_default=True)
@click.option("--lanes", default=16, show_default=True)
def main(cell: str | None, inputs: int, units: int, layers: int, lanes: int) -> None:
    """Print the timelines."""
    shown = EXAMPLES
    if cell:
        one = Architecture(cell=cell, inputs=inputs, units=units, layers=layers)
        shown = ((one, lanes),)
    click.echo(text(shown), nl=False)


def text(shown: Iterable[tuple[Architecture, int]] = EXAMPLES) -> str:
    """Return the text that the command prints."""
    return "\n\n".join([HEAD.rstrip(), *(drawn(*each) for each in shown)]) + "\n"


if __name__ == "__main__":
    main()
