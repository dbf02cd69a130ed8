"""The paper's claim in gates: the five cells on one part, each with its ratio to the LSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.table import Table

from golden.quantized import QuantizedNetwork
from hdl.spec.multipliers import Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm.comparison import PAPER, REFERENCE, Layer, sizes
from litelstm.console import table
from litelstm.fpga.families import LUT, MULTIPLIER, RAM
from litelstm.fpga.flow import Flow
from litelstm.fpga.measure import Progress, measure
from litelstm.picture import png, pyplot

QUANTITIES = {
    "parameters": "parameters",
    "weight_bits": "weight bits",
    "block_rams": "block RAMs",
    "luts": "LUTs",
    "multipliers": "multipliers",
    "mhz": "MHz",
    "cycles_per_step": "cycles per step",
    "steps_per_second": "steps per second",
}
"""Compared quantities, with their headings in the table."""


@dataclass(frozen=True, kw_only=True)
class Gates:
    """One cell on the part: one layer, no head.

    Attributes:
        cell: its name in :mod:`litelstm.architectures`.
        values: values of ``QUANTITIES``, without those of the clock if the target is not routed.
        ratios: ratio of each value to ``REFERENCE``'s.
    """

    cell: str
    values: dict[str, float]
    ratios: dict[str, float]


def compare(
    flow: Flow,
    *,
    layer: Layer,
    seeds: int,
    progress: Progress,
) -> list[Gates]:
    """Synthesize, place and route the paper's five cells.

    Raises:
        InputError: a number is out of range, or a core does not fit.
        SynthesisError: a tool failed.
    """
    values: dict[str, dict[str, float]] = {}
    for cell in PAPER:
        network = layer.quantized(cell)

        def tell(what: str, total: int | None, cell: str = cell) -> Any:
            return progress(f"{cell}: {what}", total)

        values[cell] = _values(network, flow, lanes=layer.lanes, seeds=seeds, progress=tell)
    reference = values[REFERENCE]
    return [
        Gates(
            cell=cell,
            values=found,
            ratios={name: value / reference[name] for name, value in found.items()},
        )
        for cell, found in values.items()
    ]


def _values(
    network: QuantizedNetwork, flow: Flow, *, lanes: int, seeds: int, progress: Progress
) -> dict[str, float]:
    measured = measure(
        network,
        flow,
        options=CoreOptions(
            lanes=lanes,
            storage=Storage(sums=flow.target.family.sums),
            multipliers=Multipliers(**flow.target.multipliers),
        ),
        seeds=seeds,
        steps=1,
        bare_array=False,
        bitstream=False,
        progress=progress,
    )
    used = measured.netlist.used
    found: dict[str, float] = {
        **sizes(network),
        "block_rams": used.get(RAM, 0),
        "luts": used.get(LUT, 0),
        "multipliers": used.get(MULTIPLIER, 0),
        "cycles_per_step": measured.cycles_per_step,
    }
    if measured.clock:
        found["mhz"] = measured.clock.median
        found["steps_per_second"] = measured.clock.median * 1e6 / measured.cycles_per_step
    return found


def as_table(cells: list[Gates], *, title: str) -> Table:
    """Make a table with one column per cell, each quantity with its ratio below."""
    made = table("", *(cell.cell for cell in cells), title=title)
    for name, words in QUANTITIES.items():
        if name not in cells[0].values:
            continue
        made.add_row(words, *(_number(cell.values[name]) for cell in cells))
        made.add_row(f"/ {REFERENCE}", *(f"{cell.ratios[name]:.3f}" for cell in cells))
    return made


def _number(value: float) -> str:
    return f"{value:,.1f}" if value < 1000 and value != int(value) else f"{round(value):,}"


def chart(cells: list[Gates], *, title: str) -> bytes:
    """Draw a PNG: per quantity one bar per cell, its ratio to ``REFERENCE`` on a logarithmic scale.

    Raises:
        MissingToolError: matplotlib is not installed.
    """
    names = [name for name in QUANTITIES if name in cells[0].ratios]
    width = 0.8 / len(cells)
    figure, axes = pyplot().subplots(figsize=(11, 4.5), layout="constrained")
    for number, cell in enumerate(cells):
        places = [place + (number - (len(cells) - 1) / 2) * width for place in range(len(names))]
        heights = [cell.ratios[name] - 1 for name in names]
        axes.bar(places, heights, width, bottom=1, label=cell.cell)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(axis="y", linewidth=0.4)
    axes.set_axisbelow(True)
    axes.set_xticks(range(len(names)), [QUANTITIES[name] for name in names])
    axes.set_ylabel(f"in proportion to {REFERENCE}")
    axes.set_title(title)
    axes.legend(ncols=len(cells), loc="upper left")
    return png(figure, dpi=120)
