"""Buses and boards."""

from __future__ import annotations

from bench.figure import Command, Figure
from bench.figure_list.common import (
    AREA,
    BOARDS,
    BUS,
    FF,
    LC,
    LUT,
    MNIST,
    MULTIPLIERS,
    RAM,
    RESULTS,
)

BUS_AREA = Command(run="python -m bench.bus_area --seeds 0 --json -", seconds=100)
BUS_CLOCK = Command(run="python -m bench.bus_area --json -", seconds=1200)
SOAK = Command(
    run="python -m sim.bus.soak --operations 1000000 --seed 1",
    seconds=300,
    prints="{operations} operations, seed",
)


def _area(key: str) -> str:
    """Return the holes of a row of docs/bus.md for cells of :mod:`bench.bus_area`."""
    kinds = ("LUT", "FF", "block RAM", "multiplier")
    return " | ".join(f"{{{key}.used.{kind}}}" for kind in kinds)


def _clock(key: str) -> str:
    return f"{{{key}.mhz.least ~5%}} to {{{key}.mhz.most ~5%}}"


BUSES = [
    Figure(
        page=RESULTS,
        shows="16 lanes, 32-bit bus | {AXI adds.used.LUT} LUT4, {AXI adds.used.FF} FF, "
        "{AXI adds.used.block RAM} DP16KD;",
        command=BUS_AREA,
    ),
    Figure(
        page=RESULTS,
        shows="DP16KD; {with AXI.mhz.median ~5%} MHz, core alone {core alone.mhz.median ~5%} "
        "(medians of 5 seeds) |",
        command=BUS_CLOCK,
    ),
    *(
        Figure(page=BUS, shows=f"| {key} | {_area(key)} |", command=BUS_AREA)
        for key in ("core alone", "with AXI", "AXI adds")
    ),
    Figure(
        page=BUS,
        shows=f"{{core alone.mhz.median ~5%}} MHz alone ({_clock('core alone')}), "
        f"{{with AXI.mhz.median ~5%}} MHz with AXI ({_clock('with AXI')}).",
        command=BUS_CLOCK,
    ),
    Figure(page=RESULTS, shows="| {operations}, none different, 70 s of CPU time |", command=SOAK),
    Figure(page=BUS, shows="in a compiled bench, {operations} operations", command=SOAK),
]


def _board(
    network: str, board: str, options: str, samples: str, count: int, seconds: int
) -> Command:
    build = f"litelstm build {network} --board {board} {options} -o board"
    link = (
        f"python -m bench.board_link board {network} --samples digits.npz --count {count} --json -"
    )
    return Command(before=(samples, build), run=link, seconds=seconds)


_MNIST_DIGITS = (
    "python -c \"import numpy; d = numpy.load('{data}/mnist.npz'); "
    "numpy.savez('digits.npz', x=d['x_test'], y=d['y_test'])\""
)
ULX3S = _board(MNIST, "ulx3s-85f", "--lanes 16", _MNIST_DIGITS, 10, 300)
DIGITS = "models/digits_litelstm_w8a8.npz"
_DIGITS = "litelstm samples --task digits -o digits.npz"
ICEBREAKER = _board(DIGITS, "icebreaker", "--lanes 4 --clock 27", _DIGITS, 50, 300)

_WORDS = "{compared} of {samples} digits, {mismatched} | {ms_per_sample} ms |"
BOARD_FIGURES = [
    Figure(
        page=BOARDS,
        shows=f"| `ulx3s-85f` | 16 | {AREA} | {{mhz ~5%}}, of 25 | {{microseconds_per_step}} us | "
        f"{_WORDS}",
        command=ULX3S,
    ),
    Figure(
        page=BOARDS,
        shows=f"| `icebreaker` | 4 | {LUT} ({LC} logic cells) | {FF} | {RAM} | {MULTIPLIERS} "
        f"| {{mhz ~5%}}, of 27 | {{microseconds_per_step}} us | {_WORDS}",
        command=ICEBREAKER,
    ),
]
