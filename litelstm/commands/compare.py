"""``litelstm compare``: compare the cells, in numbers or on an FPGA."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType
from rich.table import Table

from golden import files
from golden.settings import Settings
from litelstm import core_options, options, outputs
from litelstm.comparison import REFERENCE, Layer, Row
from litelstm.comparison import compare as compare_cells
from litelstm.console import progress, table
from litelstm.extras import require_for
from litelstm.fpga.targets import TARGETS
from litelstm.paper import Paper, Printed


@click.command()
@click.option("--inputs", default=28, help="Elements of the input x.")
@click.option("--units", default=64, help="Units of the layer.")
@core_options.options("lanes")
@options.bit_options("weight_width")
@options.sigmoid_option()
@options.target_option("Compare area and clock on this part instead.")
@options.seeds_option
@click.option(
    "--energy",
    is_flag=True,
    help="Compare energies by a model instead: docs/energy.md. Takes a minute or two.",
)
@click.option(
    "--chart", type=options.PATH, help="Draw a bar chart in this file, .png (with --target)."
)
@options.fresh_option
@options.json_option
def compare(
    inputs: int,
    units: int,
    lanes: int | None,
    weight_width: int | None,
    sigmoid: str | None,
    target: str | None,
    seeds: int,
    energy: bool,
    chart: Path | None,
    fresh: bool,
    json_path: Path | None,
) -> None:
    """Compare the five cells: Table 1 of the paper, or area and clock.

    \b
    litelstm compare --inputs 28 --units 64
    litelstm compare --target ecp5-85f --seeds 5 --chart cells.png
    litelstm compare --energy

    Every cell is one layer without a head. Numbers follow from the cell's description; the lines
    below each show those of the paper's equations and of its Table 1. Weight bits leave out biases.
    With --target the cells are synthesized, placed and routed like in litelstm synth. With --energy
    they run in the RTL, LSTM and LiteLSTM also with weights of 4 bits.
    """
    layer = Layer(
        inputs=inputs,
        units=units,
        lanes=min(core_options.LANES, units) if lanes is None else lanes,
        settings=Settings(**options.said({"weight_width": weight_width})),
        sigmoid=sigmoid or "hard",
    )
    if energy and target is not None:
        raise click.UsageError("--energy goes without --target")
    if energy:
        report, lines = _of_energy(layer)
    elif target is not None:
        report, lines = _on_fpga(layer, target, seeds=seeds, fresh=fresh, chart=chart)
    elif chart is not None:
        raise click.UsageError("--chart goes with --target")
    else:
        report, lines = _in_numbers(layer)
    outputs.give(report, json_path, lines)


Result = tuple[dict[str, Any], Iterable[RenderableType]]
"""A report as JSON values, and as text."""


def _in_numbers(layer: Layer) -> Result:
    """Compare the numbers that follow from the cells' descriptions."""
    with progress("compare"):
        rows = compare_cells(layer)
    cells = [_report(row, inputs=layer.inputs, units=layer.units) for row in rows]
    notes = [note for row in rows if row.paper for note in row.paper.notes]
    lines: list[RenderableType] = [_table(rows, layer)]
    lines += [f"({number}) {note}" for number, note in enumerate(notes, start=1)]
    return {**layer.as_json(), "ratios_to": REFERENCE, "cells": cells}, lines


def _on_fpga(layer: Layer, target: str, *, seeds: int, fresh: bool, chart: Path | None) -> Result:
    """Compare area and clock, and draw the chart.

    Raises:
        InputError: a number is out of range, a core does not fit, or the chart cannot be written.
        SynthesisError: a tool failed.
    """
    require_for("synthesis")
    from litelstm.fpga import comparison
    from litelstm.fpga.flow import Flow

    part = TARGETS[target]
    outputs.check_file(chart)
    flow = Flow(target=part, fresh=fresh)
    cells = comparison.compare(flow, layer=layer, seeds=seeds, progress=progress)
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
    notes = [part.note, f"bar chart: {chart}" if chart else ""]
    return report, [comparison.as_table(cells, title=title), *filter(None, notes)]


def _of_energy(layer: Layer) -> Result:
    """Compare energies per step, in the RTL on random inputs."""
    require_for("benches")
    from litelstm.energy import comparison
    from sim.tools.toolchain import check_simulator, require

    require(check_simulator("verilator"))
    rows = comparison.compare(layer, progress)
    notes = [
        f"nJ per step by the model of docs/energy.md, with its range; ratios to {rows[0].name}, "
        "between the bounds whatever an event takes"
    ]
    return {**layer.as_json(), **comparison.as_json(rows)}, [
        comparison.as_table(rows, layer.title),
        *notes,
    ]


def _report(row: Row, *, inputs: int, units: int) -> dict[str, Any]:
    report = asdict(row)
    if row.paper:
        report["paper"]["matrices"] = row.paper.matrices
        report["paper"]["parameters"] = row.paper.parameters(inputs, units)
    return report


def _table(rows: list[Row], layer: Layer) -> Table:
    """Make a table with one column per cell, so that 80 columns are enough."""
    heads = []
    noted = 0
    for row in rows:
        notes = row.paper.notes if row.paper else ()
        marks = [f"({noted + n})" for n in range(1, len(notes) + 1)]
        noted += len(notes)
        heads.append("\n".join([*row.cell.split("-"), " ".join(marks)]))
    made = table("", *heads, title=layer.title)
    for name, ours, equations, printed in _quantities(layer):
        made.add_row(name, *(_shown(ours(row)) for row in rows))
        if equations:
            values = (equations(row.paper) if row.paper else "-" for row in rows)
            made.add_row(" equations", *map(_shown, values))
        if printed:
            values = (printed(row.table) if row.table else "-" for row in rows)
            made.add_row(" Table 1", *map(_shown, values))
    return made


Quantity = tuple[
    str, Callable[[Row], Any], Callable[[Paper], Any] | None, Callable[[Printed], Any] | None
]
"""Name, and the value of the core, of the paper's equations, and of its table."""


def _quantities(layer: Layer) -> list[Quantity]:
    """List the compared quantities, in the order of the table."""
    return [
        ("gates", lambda r: r.gates, lambda p: p.sigmoids, lambda t: t.gates),
        (
            "sigmoid+tanh",
            lambda r: "{sigmoid}+{tanh}".format(**r.activations),
            lambda p: f"{p.sigmoids}+{p.tanhs}",
            lambda t: f"{t.gates}+{t.activations}",
        ),
        ("memory c", lambda r: r.memory, None, lambda t: t.memory),
        ("peephole", lambda r: r.peephole, None, lambda t: t.peephole),
        ("matrices", lambda r: r.matrices, lambda p: p.matrices, lambda t: t.matrices),
        ("diagonals", lambda r: r.vectors, lambda p: p.vectors, None),
        ("products", lambda r: r.products, lambda p: p.products, lambda t: t.products),
        ("biases", lambda r: r.biases, lambda p: p.biases, lambda t: t.biases),
        ("shares", lambda r: r.paper.shares if r.paper else "-", None, lambda t: t.shares),
        (
            "parameters",
            lambda r: r.parameters,
            lambda p: p.parameters(layer.inputs, layer.units),
            None,
        ),
        (f" / {REFERENCE}", lambda r: f"{r.parameters_ratio:.3f}", None, None),
        ("weight bits", lambda r: r.weight_bits, None, None),
        ("cycles/step", lambda r: r.cycles_per_step, None, None),
        (f" / {REFERENCE}", lambda r: f"{r.cycles_ratio:.3f}", None, None),
    ]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
