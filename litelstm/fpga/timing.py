"""The router's worst path in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from litelstm.fpga.netlist import part_of

_MAPPED = re.compile(r"_(TRELLIS|FD1P3|LUT\d|SB_|CCU2|PFUMX|L6MUX|DFF|ALU|DP16KD|MULT|MUX2|RAM).*")
"""Where in a cell's name the mapping's own words begin."""

_KINDS = (
    (r"DP16KD|SB_RAM40|BSRAM|SDP|SPX9|DPX9|_RAM\b", "block RAM"),
    (r"MULT\d|SB_MAC16", "multiplier"),
    (r"DPR16X4|RAM16", "LUT RAM"),
)


@dataclass(frozen=True, kw_only=True)
class WorstPath:
    """A path from register to register.

    Attributes:
        start, end: what it leads from and to, with the part of the core.
        logic, routing: nanoseconds in cells, first and last included, and in wires.
        levels: cells between the two.
    """

    start: str
    end: str
    logic: float
    routing: float
    levels: int

    def __str__(self) -> str:
        total = self.logic + self.routing
        return (
            f"from {self.start} to {self.end}: {total:.1f} ns, {self.logic:.1f} ns of it in "
            f"{self.levels} cells and their ends, {self.routing:.1f} ns in wires"
        )


def worst_path(paths: list[dict[str, Any]]) -> WorstPath:
    """The first path between registers in nextpnr's report.

    Raises:
        ValueError: there is none.
    """
    for path in paths:
        if path["from"].startswith("posedge") and path["to"].startswith("posedge"):
            return _path(path["path"])
    raise ValueError("the router reports no path between registers")


def _path(parts: list[dict[str, Any]]) -> WorstPath:
    wires = [part for part in parts if part["type"] == "routing"]
    logic = [part for part in parts if part["type"] != "routing"]
    last = parts[-1]["to"]
    return WorstPath(
        start=_name(parts[0]["from"]["cell"]),
        end=_name(last["cell"]) + (" (enable)" if last["port"] in ("CE", "CEN") else ""),
        logic=sum(part["delay"] for part in logic),
        routing=sum(part["delay"] for part in wires),
        levels=sum(part["type"] == "logic" for part in logic),
    )


def _name(cell: str) -> str:
    """A register by its name in the core, for example ``walk.row of the sequencer``."""
    kind = next((f"{name} " for pattern, name in _KINDS if re.search(pattern, cell)), "")
    stem = _MAPPED.sub("", cell)
    words = [word for word in stem.split(".") if word != "core" and not word.isdigit()]
    return f"{kind}{'.'.join(words) or stem} ({part_of(cell)})"
