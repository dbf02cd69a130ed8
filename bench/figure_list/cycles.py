"""Cycles, counted and simulated, and figures that follow from them."""

from __future__ import annotations

from bench.cycles import ROWS
from bench.figure import Command, Figure
from bench.figure_list.common import ARCHITECTURE, FPGA, LOADING, MNIST, RESULTS

COUNTED = Command(run="python -m bench.cycles --count --json -")
SIMULATED = Command(run="python -m bench.cycles --json -", seconds=120)
CYCLES_TABLE = RESULTS


def _cycles() -> list[Figure]:
    """List each row of the table of cycles twice: by the formula and by simulation."""
    found: list[Figure] = []
    for number, row in enumerate(ROWS):
        label = "the same, 2 interleaved streams" if row.streams > 1 else row.title
        for command, key in ((COUNTED, "formula"), (SIMULATED, "measured")):
            shows = f"\n| {label} | {{{key}}} | {{ideal}} |"
            figure = Figure(page=CYCLES_TABLE, shows=shows, command=command, at=f"rows.{number}")
            found.append(figure)
    return found


MNIST_CYCLES = Command(run=f"litelstm cycles {MNIST} --lanes 16 --json -")
RELOADED = Command(run=f"litelstm cycles {MNIST} --lanes 16 --storage ram --json -")
IMAGE = Command(
    run=f"litelstm generate {MNIST} --lanes 16 --storage ram -o build",
    seconds=5,
    prints="weights.bin: {words} words for i_weights",
)
COMPARED = Command(run="litelstm compare --inputs 28 --units 64 --lanes 16 --json -")

COUNTS = [
    *_cycles(),
    Figure(
        page=RESULTS,
        shows="| cycles per step, LiteLSTM, 28 in, 64 units, 16 lanes | {formula}, ideal {ideal} |",
        command=COUNTED,
        at="rows.4",
    ),
    Figure(
        page=RESULTS,
        shows="the MNIST network with head, 16 lanes | {cycles_per_sequence / steps}, ideal ...|",
        command=MNIST_CYCLES,
    ),
    Figure(page=RESULTS, shows="of 32 bits | {load} cycles", command=RELOADED),
    Figure(page=RESULTS, shows="reload of the MNIST network, {words} words", command=IMAGE),
    Figure(page=LOADING, shows="has an image of {words} words", command=IMAGE),
    Figure(page=FPGA, shows="An image has {words} words", command=IMAGE),
    Figure(page=LOADING, shows="until `i` is ready, {load} cycles", command=RELOADED),
    Figure(
        page=FPGA,
        shows="| parameters | {0.parameters_ratio} | {1.parameters_ratio} | 1 ({2.parameters}) | "
        "{3.parameters_ratio} | {4.parameters_ratio} |",
        command=COMPARED,
        at="cells",
    ),
    Figure(
        page=FPGA,
        shows="| cycles per step | {0.cycles_ratio} | {1.cycles_ratio} | 1 ({2.cycles_per_step}) | "
        "{3.cycles_ratio} | {4.cycles_ratio} |",
        command=COMPARED,
        at="cells",
    ),
    Figure(
        page=ARCHITECTURE,
        shows="the array works in all {4.formula} cycles",
        command=COUNTED,
        at="rows",
    ),
    Figure(
        page=ARCHITECTURE,
        shows="{10.formula} cycles per step alone, {11.formula} with two",
        command=COUNTED,
        at="rows",
    ),
]
