"""``litelstm compare --target``: the cells on an FPGA."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from golden import files
from litelstm import outputs
from litelstm.comparison import REFERENCE, Layer
from litelstm.console import out, progress
from litelstm.extras import require_fpga


def compare_gates(
    layer: Layer,
    *,
    target: str,
    seeds: int,
    fresh: bool,
    chart: Path | None,
    json_path: Path | None,
) -> None:
    """Print the table of :mod:`litelstm.fpga.comparison`, and write its bar chart.

    Raises:
        InputError: a number is out of range, a core does not fit, or the chart cannot be written.
        SynthesisError: a tool failed.
    """
    require_fpga()
    from litelstm.fpga import comparison, targets
    from litelstm.fpga.flow import Flow

    if seeds < 1:
        raise click.BadParameter(f"{seeds} is not 1 or more", param_hint="--seeds")
    part = targets.find(target)
    outputs.check_file(chart)
    cells = comparison.compare(
        Flow(target=part, fresh=fresh),
        layer=layer,
        seeds=seeds,
        progress=progress,
    )
    title = f"{layer.title}, {part.title}"
    if chart is not None:
        files.replace(chart, files.content(comparison.chart(cells, title=title)))
    report = {
        "target": part.name,
        **layer.as_json(),
        "seeds": seeds,
        "note": part.note,
        "ratios_to": REFERENCE,
        "cells": [asdict(cell) for cell in cells],
    }

    def show() -> None:
        out.print(comparison.table(cells, title=title))
        if part.note:
            out.print(part.note)
        if chart is not None:
            out.print(f"bar chart: {chart}")

    outputs.give(report, json_path, show)
