"""What ``litelstm synth`` prints and writes of a measured core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from golden import files
from litelstm.fpga.families import FF, LUT, MULTIPLIER, RAM

MARKDOWN_HEADER = (
    "| network | lanes | target | LUT | FF | block RAM | multipliers | MHz | cycles a step "
    "| steps/s | inferences/s |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def lines(report: dict[str, Any]) -> list[str]:
    """A measured core as text."""
    text = [f"{report['network']}, {report['lanes']} lanes on {report['part']}"]
    text += resource_lines(report["resources"])
    text += part_lines(report["parts"])
    cycles = f"{report['cycles_per_step']:,} cycles a step"
    clock = report["clock"]
    if clock is None:
        return [*text, f"{cycles}; {report['note']}"]
    spread = ""
    if len(clock["mhz_by_seed"]) > 1:
        spread = (
            f", median of {len(clock['mhz_by_seed'])} seeds "
            f"({clock['min_mhz']:.1f} to {clock['max_mhz']:.1f})"
        )
    text += [
        f"{clock['median_mhz']:.1f} MHz{spread}"
        + (f"; {report['note']}" if report["note"] else ""),
        f"  worst path {clock['worst_path']}",
    ]
    if bare := report["bare_array"]:
        text += [
            f"{report['clock_to_bare_array']:.1%} of the bare array's {bare['median_mhz']:.1f} MHz",
            f"  its worst path {bare['worst_path']}",
        ]
    text.append(
        f"{cycles}, {report['microseconds_per_step']:.2f} us; {report['steps_per_second']:,} steps "
        f"a second, {report['inferences_per_second']:,} inferences of "
        f"{report['steps_per_sequence']} steps a second, "
        f"{report['macs_per_second_per_multiplier'] / 1e6:.1f} M MACs a second and multiplier"
    )
    if clock["bitstream"]:
        text.append(f"bitstream: {clock['bitstream']}")
    return text


def resource_lines(resources: dict[str, dict[str, int]]) -> list[str]:
    """What is used of each resource, and what there is."""
    return [
        f"  {name:12} {have['used']:>7,} of {have['available']:,} "
        f"({have['used'] / have['available']:.0%})"
        for name, have in resources.items()
    ]


def part_lines(parts: dict[str, dict[str, Any]]) -> list[str]:
    """What each part takes."""
    return [
        f"  {part:12} {amounts[LUT]:>7,} LUT ({amounts['share_of_luts']:.0%}), {amounts[FF]:,} FF, "
        f"{amounts[RAM]} {RAM}, {amounts[MULTIPLIER]} {MULTIPLIER}s"
        for part, amounts in parts.items()
    ]


def markdown(report: dict[str, Any]) -> str:
    """One row of the table that ``MARKDOWN_HEADER`` begins."""
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
    """Bitstream, report and Markdown row into a folder, all or none of them.

    ``report`` names the bitstream there from then on.
    """
    contents = {}
    if report["clock"]:
        made = Path(report["clock"]["bitstream"])
        contents[folder / made.name] = files.content(made.read_bytes())
        report["clock"]["bitstream"] = str(folder / made.name)
    contents[folder / "report.json"] = files.content(json.dumps(report, indent=2) + "\n")
    contents[folder / "report.md"] = files.content(f"{MARKDOWN_HEADER}\n{markdown(report)}\n")
    files.replace_all(contents)
