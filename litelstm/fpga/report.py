"""Report of a measured core, as ``litelstm synth`` prints and writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from golden import files
from litelstm.console import table
from litelstm.fpga.families import FF, LUT, MULTIPLIER, RAM

_ALWAYS = (LUT, FF, RAM, MULTIPLIER)
"""Resources that always have a column, even if unused."""

MARKDOWN_HEADER = (
    "| network | lanes | target | LUT | FF | block RAM | multipliers | MHz | cycles per step "
    "| steps/s | inferences/s |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def lines(report: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield a measured core as text and tables."""
    joint = report.get("joint")
    shared = f", {joint['count']} per multiplier," if joint else ""
    yield f"{report['network']}, {report['lanes']} lanes{shared} on {report['part']}"
    yield from area(report)
    cycles = f"{report['cycles_per_step']:,} cycles per step"
    clock, wanted = report["clock"], report["wanted"]
    if clock is None:
        yield f"{cycles}; {report['note']}"
        return
    seeds = len(clock["mhz_by_seed"])
    spread = f", median of {seeds} seeds ({clock['min_mhz']:.1f} to {clock['max_mhz']:.1f})"
    note = f"; {report['note']}" if report["note"] else ""
    yield f"{clock['median_mhz']:.1f} MHz{spread if seeds > 1 else ''}{note}"
    yield from (f"  {note}" for note in clock["hidden"])
    if wanted:
        yield _verdict(wanted, seeds=seeds)
    if bare := report["bare_array"]:
        share = f"{report['clock_to_bare_array']:.1%}"
        yield f"{share} of the bare array's {bare['median_mhz']:.1f} MHz"
        yield f"  its worst path: {bare['worst_path']}"
    yield (
        f"{cycles}, {report['microseconds_per_step']:.2f} us; {report['steps_per_second']:,} steps "
        f"per second, {report['inferences_per_second']:,} inferences of "
        f"{report['steps_per_sequence']} steps per second, "
        f"{report['macs_per_second_per_multiplier'] / 1e6:.1f} M MACs per second per multiplier"
    )
    if clock["bitstream"]:
        yield f"bitstream: {clock['bitstream']}"
    yield ""
    for number, path in enumerate(clock["paths"]):
        yield _path(number, path, wanted and wanted["mhz"])


def _verdict(wanted: dict[str, Any], *, seeds: int) -> str:
    """Say whether the core meets the wanted clock."""
    met = "met" if wanted["met"] else "NOT met"
    told = f"{wanted['mhz']:g} MHz {met}, slack {wanted['slack_ns']:+.2f} ns"
    several = f" with the fastest seed; {wanted['seeds_that_meet_it']} of {seeds} seeds meet it"
    return told + (several if seeds > 1 else "")


def area(report: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield a table of resources (of each block, of the whole core and of the part), and a line."""
    resources, parts = report["resources"], report["parts"]
    shown = [name for name, have in resources.items() if have["used"] or name in _ALWAYS]
    heads = [name.replace(" ", "\n").replace(MULTIPLIER, "multi-\nplier") for name in shown]
    made = table("part", *heads, "of all\nLUTs")
    for part, amounts in parts.items():
        counts = [f"{amounts[name]:,}" if name in amounts else "" for name in shown]
        made.add_row(part, *counts, f"{amounts['share_of_luts']:.0%}")
    made.add_section()
    made.add_row("all", *(f"{resources[name]['used']:,}" for name in shown), "")
    made.add_row("available", *(f"{resources[name]['available']:,}" for name in shown), "")
    shares = (resources[name]["used"] / resources[name]["available"] for name in shown)
    made.add_row("", *(f"{share:.0%}" for share in shares), "")
    yield made
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in report["registers"].items())
    yield f"registers: {kinds}"


def _path(number: int, path: dict[str, Any], wanted: float | None) -> Table:
    """Make a table of a path: per stage the delay of wire and cell, and the sum so far."""
    name = "worst path" if number == 0 else f"path {number + 1}"
    slack = f", slack {1000 / wanted - path['ns']:+.2f} ns at {wanted:g} MHz" if wanted else ""
    made = table(
        *("cell", "wire", "fanout", "in cell", "ns", ""),
        texts=("",),
        title=f"{name}: {path['ns']:.2f} ns, {path['cells_ns']:.2f} in cells and "
        f"{path['wires_ns']:.2f} in wires{slack}",
    )
    for place, stage in enumerate(path["stages"]):
        made.add_row(
            f"{stage['cell']} {stage['name']}",
            f"{stage['wire_ns']:.2f}" if place else "",
            f"{stage['fanout']:,}" if place else "",
            f"{stage['cell_ns']:.2f}",
            f"{stage['at_ns']:.2f}",
            stage["part"],
        )
    return made


def markdown(report: dict[str, Any]) -> str:
    """Format one row of the table that ``MARKDOWN_HEADER`` begins."""
    resources = report["resources"]
    clock = report["clock"]
    cells = [report["network"], str(report["lanes"]), report["target"]]
    cells += [
        f"{resources[name]['used']:,} / {resources[name]['available']:,}"
        if name in resources
        else "-"
        for name in (LUT, FF, RAM, MULTIPLIER)
    ]
    cells += [
        f"{clock['median_mhz']:.1f}" if clock else "-",
        f"{report['cycles_per_step']:,}",
        f"{report['steps_per_second']:,}" if clock else "-",
        f"{report['inferences_per_second']:,}" if clock else "-",
    ]
    return "| " + " | ".join(cells) + " |"


def write(folder: Path, report: dict[str, Any]) -> None:
    """Write bitstream, report and Markdown row into a folder, all or none of them.

    This changes the bitstream's path in ``report`` to the one in the folder.
    """
    contents = {}
    if report["clock"]:
        made = Path(report["clock"]["bitstream"])
        contents[folder / made.name] = files.content(made.read_bytes())
        report["clock"]["bitstream"] = str(folder / made.name)
    contents[folder / "report.json"] = files.content(json.dumps(report, indent=2) + "\n")
    contents[folder / "report.md"] = files.content(f"{MARKDOWN_HEADER}\n{markdown(report)}\n")
    files.replace_all(contents)
