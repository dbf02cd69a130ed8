"""Energies of the cells side by side, and of narrow weights against wide ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rich.table import Table

from golden.model import IntegerModel
from hdl import verilog
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.comparison import PAPER, REFERENCE, Layer
from litelstm.console import table
from litelstm.energy.model import Energy, shown
from sim.compiled.activity import measure

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows progress, like :func:`litelstm.console.progress`."""

SEQUENCES, STEPS = 4, 12
"""Random sequences of each run, and their steps."""

NARROW = 4
"""Bits of a weight in the further rows."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A cell with weights of some bits.

    Attributes:
        name: cell and width.
        energy: of a step.
        ratio: ratio to the first row, with its bounds.
    """

    name: str
    energy: Energy
    ratio: tuple[float, float, float]


def compare(layer: Layer, progress: Progress) -> list[Row]:
    """Measure the paper's cells, the LSTM first, then LSTM and LiteLSTM with narrow weights.

    Raises:
        InputError: a number is out of range.
        SimulationError: a model cannot be built.
    """
    narrow = replace(layer, settings=replace(layer.settings, weight_width=NARROW))
    cells = sorted(PAPER, key=lambda cell: cell != REFERENCE)
    cases = [(cell, layer) for cell in cells]
    if layer.settings.weight_width != NARROW:
        cases += [(cell, narrow) for cell in (REFERENCE, "litelstm")]
    found: dict[str, Energy] = {}
    with progress("switching activity of cores", len(cases)) as tell:
        for done, (cell, one) in enumerate(cases, start=1):
            found[f"{cell} W{one.settings.weight_width}"] = of_step(cell, one)
            tell(done)
    first = next(iter(found.values()))
    return [Row(name=name, energy=one, ratio=one.ratio(first)) for name, one in found.items()]


def of_step(cell: str, layer: Layer) -> Energy:
    """Measure the energy of a step on random inputs, with random weights."""
    network = layer.quantized(cell)
    plan = Plan(network=network, options=CoreOptions(lanes=layer.lanes))
    x = np.random.default_rng(1).uniform(-1, 1, size=(SEQUENCES, STEPS, layer.inputs))
    words = network.quantize_input(x)
    activity = measure(verilog.generated(plan), list(words), IntegerModel(network).forward(words))
    return Energy.of(activity, plan, per=activity.steps)


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Return JSON values."""
    return {
        "ratios_to": rows[0].name,
        "cells": [
            {
                "name": row.name,
                **row.energy.as_json(),
                **dict(zip(("ratio", "least_ratio", "most_ratio"), row.ratio, strict=True)),
            }
            for row in rows
        ],
    }


def as_table(rows: Sequence[Row], title: str) -> Table:
    """Return the comparison as a table."""
    made = table("", "nJ", "range", f"/ {rows[0].name}", "bounds", title=title)
    for row in rows:
        (low, high), (ratio, least, most) = row.energy.range, row.ratio
        made.add_row(
            row.name,
            shown(row.energy.nj),
            f"{shown(low)} to {shown(high)}",
            f"{ratio:.3f}",
            f"{least:.3f} to {most:.3f}",
        )
    return made
