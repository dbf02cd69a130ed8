"""Resources of a mapped netlist in Yosys' JSON: of the whole core, and of each part."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from litelstm.fpga.families import FF, ICE40, LOGIC_CELL, LUT, PIN, RAM, Family
from litelstm.fpga.netlist_cells import uses_of

PARTS = {
    "array": r"(core\.array|lanes)\b",
    "weights": r"core\.weights\b",
    "activations": r"core\.update\.(tanh\d|\w+_hard|\w+_logistic)",
    "state update": r"core\.update\b",
    "host link": r"(link|receiver|transmitter)\b",
    "control": "",
}
"""Parts of a core, with the pattern that their cells' names begin with; the first match counts.

Control is everything else: the sequencer, the operand store and the streams. Only boards have a
host link. A LUT's name comes from the register or output that it drives, so it counts for the part
that uses its result.
"""


_WHOLE = (PIN, LOGIC_CELL)
"""Resources that are counted for the whole core, not for its parts."""


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """Cells and resources of a mapped core.

    Attributes:
        cells: number of cells of each type.
        used: amount of each resource.
        parts: amount of each resource by part of the core; half a block RAM is 0.5.
        registers: number of registers of each type.
        memories: block RAMs of each memory, by its name.
    """

    cells: dict[str, int]
    used: dict[str, int]
    parts: dict[str, dict[str, float]]
    registers: dict[str, int]
    memories: dict[str, int]

    def as_json(self, available: Mapping[str, int]) -> dict[str, Any]:
        """Return the resources of the core and of each part, cells and registers as JSON values.

        Args:
            available: amount of each resource that the FPGA has.
        """
        luts = max(1, self.used.get(LUT, 0))
        divided = [name for name in available if name not in _WHOLE]
        return {
            "resources": {
                name: {"used": self.used.get(name, 0), "available": have}
                for name, have in available.items()
            },
            "cells": self.cells,
            "parts": {
                part: {
                    **{name: amounts.get(name, 0) for name in divided},
                    "share_of_luts": round(amounts.get(LUT, 0) / luts, 3),
                }
                for part, amounts in self.parts.items()
            },
            "registers": self.registers,
        }


def read(path: Path, *, top: str, family: Family) -> Netlist:
    """Count the cells and resources of a netlist file."""
    module = json.loads(path.read_text())["modules"][top]
    cells: Counter[str] = Counter()
    used: dict[str, float] = defaultdict(float)
    memories: dict[str, float] = defaultdict(float)
    parts: dict[str, dict[str, float]] = {part: defaultdict(float) for part in PARTS}
    for name, cell in module["cells"].items():
        cells[cell["type"]] += 1
        plain = name.removeprefix("$flatten\\").replace("\\", "")
        part = part_of(plain)
        for resource, amount in _cost(family, cell["type"]).items():
            used[resource] += amount
            parts[part][resource] += amount
            if resource == RAM:
                memories[re.sub(r"\.\d.*", "", plain)] += amount
    if family is ICE40:
        used[LOGIC_CELL] = _logic_cells(module)
    used[PIN] = sum(len(port["bits"]) for port in module["ports"].values())
    return Netlist(
        cells=dict(sorted(cells.items())),
        used=_whole(used),
        parts={part: _plain(amounts) for part, amounts in parts.items() if amounts},
        registers={kind: n for kind, n in sorted(cells.items()) if FF in _cost(family, kind)},
        memories=_whole(memories),
    )


def part_of(cell: str) -> str:
    """Find the part of the core that a cell belongs to, by its name."""
    return next(part for part, start in PARTS.items() if re.match(start, cell))


def _whole(amounts: dict[str, float]) -> dict[str, int]:
    return {resource: math.ceil(amount) for resource, amount in amounts.items()}


def _plain(amounts: dict[str, float]) -> dict[str, float]:
    return {name: int(x) if x == int(x) else x for name, x in amounts.items()}


def _cost(family: Family, kind: str) -> dict[str, float]:
    return next((cost for pattern, cost in family.costs if fnmatchcase(kind, pattern)), {})


def _logic_cells(module: dict[str, Any]) -> int:
    """Count an iCE40's logic cells; a LUT that drives only a flip-flop shares its cell."""
    cells, uses = module["cells"].values(), uses_of(module)
    luts = {c["connections"]["O"][0] for c in cells if c["type"] == "SB_LUT4"}
    registers = [c["connections"]["D"][0] for c in cells if c["type"].startswith("SB_DFF")]
    paired = sum(data in luts and uses[data] == 1 for data in registers)
    return len(luts) + len(registers) - paired
