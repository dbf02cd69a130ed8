"""``litelstm compare``: the cells side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.table import Table

from golden.settings import Settings
from litelstm import outputs
from litelstm.comparison import REFERENCE, Layer, Row
from litelstm.comparison import compare as compare_cells
from litelstm.console import out, progress
from litelstm.gates import compare_gates
from litelstm.options import (
    LANES,
    bit_options,
    core_options,
    json_option,
    said,
    sigmoid_option,
    target_option,
)
from litelstm.paper import Paper, Printed


@click.command()
@click.option("--inputs", default=28, show_default=True, help="Elements of x.")
@click.option("--units", default=64, show_default=True, help="Units of the layer.")
@core_options("lanes")
@bit_options("weight_width")
@sigmoid_option()
@target_option("Compare area and clock on this FPGA, for example ecp5-85f.")
@click.option("--seeds", default=1, show_default=True, help="Runs of the router (with --target).")
@click.option("--chart", type=click.Path(path_type=Path), help="PNG to write (with --target).")
@click.option("--fresh", is_flag=True, help="Take nothing from the cache (with --target).")
@json_option
def compare(
    inputs: int,
    units: int,
    lanes: int | None,
    weight_width: int | None,
    sigmoid: str | None,
    target: str | None,
    seeds: int,
    chart: Path | None,
    fresh: bool,
    json_path: Path | None,
) -> None:
    """Compare RNN, GRU, LSTM, peephole LSTM and LiteLSTM: the paper's Table 1, and cycles.

    One layer, no head. Counted from the cells' descriptions; below each count stand that of the
    paper's equations and what its table prints. Weight bits do not include biases.

    With --target the paper's five cells are synthesized, placed and routed instead, as by litelstm
    synth: area, clock and speed, each in proportion to the LSTM's.
    """
    layer = Layer(
        inputs=inputs,
        units=units,
        lanes=min(LANES, units) if lanes is None else lanes,
        settings=Settings(**said({"weight_width": weight_width})),
        sigmoid=sigmoid or "hard",
    )
    if target is not None:
        compare_gates(
            layer, target=target, seeds=seeds, fresh=fresh, chart=chart, json_path=json_path
        )
        return
    if chart is not None:
        raise click.UsageError("--chart goes with --target")
    with progress("compare"):
        rows = compare_cells(layer)
    report = {
        **layer.as_json(),
        "ratios_to": REFERENCE,
        "cells": [_report(row, inputs=inputs, units=units) for row in rows],
    }

    def show() -> None:
        out.print(_table(rows, title=layer.title, inputs=inputs, units=units))
        notes = [note for row in rows if row.paper for note in row.paper.notes]
        for number, note in enumerate(notes, start=1):
            out.print(f"({number}) {note}")

    outputs.give(report, json_path, show)


def _report(row: Row, *, inputs: int, units: int) -> dict[str, Any]:
    report = asdict(row)
    if row.paper:
        report["paper"]["matrices"] = row.paper.matrices
        report["paper"]["parameters"] = row.paper.parameters(inputs, units)
    return report


def _table(rows: list[Row], *, title: str, inputs: int, units: int) -> Table:
    """Cells from left to right, so that 80 columns are enough."""
    table = Table(
        title=title, title_justify="left", box=SIMPLE, collapse_padding=True, pad_edge=False
    )
    table.add_column("", no_wrap=True)
    noted = 0
    for row in rows:
        notes = row.paper.notes if row.paper else ()
        marks = [f"({noted + n})" for n in range(1, len(notes) + 1)]
        noted += len(notes)
        table.add_column("\n".join([*row.cell.split("-"), " ".join(marks)]), justify="right")

    def equations(count: Callable[[Paper], int | str]) -> tuple[str, list[Any]]:
        return " equations", [count(row.paper) if row.paper else "-" for row in rows]

    def table_1(count: Callable[[Printed], int | str]) -> tuple[str, list[Any]]:
        return " Table 1", [count(row.table) if row.table else "-" for row in rows]

    lines: list[tuple[str, list[Any]]] = [
        ("gates", [row.gates for row in rows]),
        equations(lambda paper: paper.sigmoids),
        table_1(lambda cell: cell.gates),
        ("sigmoid+tanh", ["{sigmoid}+{tanh}".format(**row.activations) for row in rows]),
        equations(lambda paper: f"{paper.sigmoids}+{paper.tanhs}"),
        table_1(lambda cell: f"{cell.gates}+{cell.activations}"),
        ("memory c", [_yes(row.memory) for row in rows]),
        table_1(lambda cell: _yes(cell.memory)),
        ("peephole", [_yes(row.peephole) for row in rows]),
        table_1(lambda cell: _yes(cell.peephole)),
        ("matrices", [row.matrices for row in rows]),
        equations(lambda paper: paper.matrices),
        table_1(lambda cell: cell.matrices),
        ("diagonals", [row.vectors for row in rows]),
        equations(lambda paper: paper.vectors),
        ("products", [row.products for row in rows]),
        equations(lambda paper: paper.products),
        table_1(lambda cell: cell.products),
        ("biases", [row.biases for row in rows]),
        equations(lambda paper: paper.biases),
        table_1(lambda cell: cell.biases),
        ("shares", [_yes(row.paper.shares) if row.paper else "-" for row in rows]),
        table_1(lambda cell: _yes(cell.shares)),
        ("parameters", [f"{row.parameters:,}" for row in rows]),
        equations(lambda paper: f"{paper.parameters(inputs, units):,}"),
        (f" / {REFERENCE}", [f"{row.parameters_ratio:.3f}" for row in rows]),
        ("weight bits", [f"{row.weight_bits:,}" for row in rows]),
        ("cycles/step", [f"{row.cycles_per_step:,}" for row in rows]),
        (f" / {REFERENCE}", [f"{row.cycles_ratio:.3f}" for row in rows]),
    ]
    for name, values in lines:
        table.add_row(name, *map(str, values))
    return table


def _yes(value: bool) -> str:
    return "yes" if value else "no"
