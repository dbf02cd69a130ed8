"""Results of a search: the front as text, JSON and CSV, and the networks of its points."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from golden import files
from litelstm import core_options
from litelstm.architectures import CELLS
from litelstm.console import table
from litelstm.energy.model import shown
from litelstm.explore.finalists import Measured
from litelstm.explore.front import better, front
from litelstm.explore.source import Source
from litelstm.explore.space import Choice
from litelstm.explore.study import USUAL, Point


@dataclass(frozen=True, kw_only=True)
class Row:
    """A point of the front.

    Attributes:
        number: of the point.
        choice: what was chosen.
        values: objectives: measured ones, or estimates.
        cycles: of an inference.
        mhz: measured clock, ``None`` for an estimate.
        command: command that makes the core.
    """

    number: int
    choice: Choice
    values: dict[str, float]
    cycles: int
    mhz: float | None
    measured: bool
    command: str


def rows(
    points: Sequence[Point],
    measured: Mapping[int, Measured],
    source: Source,
    folder: Path,
    target: str,
) -> list[Row]:
    """Make the rows of the front, and write the networks of its points.

    Measured rows come first; accuracy falls.
    Points that turned out not to fit are left out. Measured points are compared with each other,
    and so are estimates: an estimate cannot push a measured core off the front.
    """
    good = [p for p in points if p.number in measured and not measured[p.number].problem]
    real = front(good, [measured[point.number].values for point in good])
    rest = [point for point in points if point.number not in measured]
    made = [_row(p, measured.get(p.number), source, folder, target) for p in (*real, *rest)]
    return sorted(made, key=lambda row: (not row.measured, -row.values["accuracy"], row.number))


def _row(point: Point, found: Measured | None, source: Source, folder: Path, target: str) -> Row:
    path = files.make_folder(folder / "networks") / f"point{point.number}.q.npz"
    network = point.choice.with_thresholds(source.integers(point.choice))
    network.save(path)
    typed = core_options.typed(point.choice.core(network))
    return Row(
        number=point.number,
        choice=point.choice,
        values=found.values if found else point.values,
        cycles=point.cycles,
        mhz=found.mhz if found else None,
        measured=found is not None,
        command=f"litelstm generate {path} --target {target} {typed} "
        f"-o {folder / f'point{point.number}'}",
    )


def described(choice: Choice) -> str:
    """Describe a network's shape and widths in a few words."""
    shape = f"{choice.cell} {choice.layers}x{choice.units} " if choice.cell else ""
    shape += f"{choice.sigmoid} " if choice.sigmoid not in (None, "hard") else ""
    state = f" C{choice.state_width}" if not choice.cell or "c" in CELLS[choice.cell].state else ""
    core = "" if choice.weights == "rom" else f" {choice.weights}"
    if choice.delta:
        core = f" delta {choice.delta_x}/{choice.delta_h}/{choice.delta_c}"
    return f"{shape}W{choice.weight_width} A{choice.activation_width}{state}{core}"


def compared(measured: Mapping[int, Measured]) -> list[str]:
    """Say which measured cores are better than the usual one, if that was measured."""
    good = {number: made.values for number, made in measured.items() if not made.problem}
    if not (usual := good.pop(USUAL, None)) or not good:
        return []
    every, none_worse = (", ".join(map(str, found)) for found in better(good, usual))
    luts, multipliers, rams = usual["luts"], usual["multipliers"], usual["rams"]
    return [
        f"Point {USUAL} is the usual core (W8 A8 C12, 4 units per lane): {usual['accuracy']:.2%}, "
        f"{usual['rate']:,.0f} per second, {luts:,.0f} LUTs, {multipliers:.0f} multipliers, "
        f"{rams:.0f} block RAMs, {shown(usual['nj'])} nJ. Measured cores that are better in every "
        f"objective: {every or 'none'}; others that are worse in none: {none_worse or 'none'}."
    ]


def as_table(found: Sequence[Row]) -> Table:
    """Return the front as a table."""
    heads = ("accuracy", "per second", "LUT", "mult.", "RAM", "nJ", "MHz")
    made = table("point", "network", *heads, texts=("network",))
    for row in found:
        values = row.values
        made.add_row(
            f"{row.number}",
            described(row.choice),
            f"{values['accuracy']:.2%}",
            f"{values['rate']:,.0f}",
            f"{values['luts']:,.0f}",
            f"{values['multipliers']:.0f}",
            f"{values['rams']:.0f}",
            shown(values["nj"]),
            f"{row.mhz:.1f}" if row.mhz else "estimate",
        )
    return made


def as_json(found: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the front as JSON values."""
    return [{**asdict(row), "choice": row.choice.parameters} for row in found]


def as_csv(found: Sequence[Row]) -> str:
    """Return the front as CSV."""
    buffer = io.StringIO()
    lines = [
        {
            "number": row.number,
            "measured": int(row.measured),
            **row.values,
            "cycles": row.cycles,
            "mhz": row.mhz or "",
            **asdict(row.choice),
            "command": row.command,
        }
        for row in found
    ]
    writer = csv.DictWriter(buffer, list(lines[0]) if lines else ["number"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()
