"""The longest paths of a routed core, stage by stage, in the names of the design."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from litelstm.fpga.delays import Delays, Port
from litelstm.fpga.families import LUT, LUT_RAM, MULTIPLIER, RAM, SPRAM
from litelstm.fpga.netlist import part_of

CARRY, REGISTER = "carry", "register"

_MAPPED = re.compile(
    r"_(TRELLIS|FD1P3|LUT\d|SB_|CCU2|PFUMX|L6MUX|DFF|ALU|DP16KD|MULT|MUX2|RAM).*|\$.*|\.\d+\b.*"
    r"|\.\d+_.*"
)
"""Start of the suffix that the mapping adds to a name; cells of a memory have numbers."""

_TYPES = (
    (r"SPRAM", SPRAM),
    (r"RAMW|RAM16", LUT_RAM),
    (r"DP16KD|_RAM$|EBR|BSRAM|^S?DPX?B|^SPX?9?$|ROM", RAM),
    (r"MULT|DSP", MULTIPLIER),
    (r"^MUX", "multiplexer"),
)
"""Words for the router's cells, by patterns of their types."""

_CONTROLS = {"CE": "enable", "CEN": "enable", "LSR": "reset", "SR": "reset"}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A cell on a path, with the wire that leads to it.

    Attributes:
        kind: register, LUT, carry, ...; ``count`` carries in a row are one stage.
        name: the design's name of the net that the cell drives, or of the cell's neighbour.
        part: part of the core.
        cell_ns: delay of the cell: clock-to-output in the first stage, setup in the last.
        at_ns: delay of this stage and all before it.
        wire_ns, fanout: delay of the wire, and the number of inputs that it drives.
    """

    kind: str
    name: str
    part: str
    cell_ns: float
    at_ns: float
    wire_ns: float = 0
    fanout: int = 0
    count: int = 1

    def words(self) -> str:
        """The cell in words, for example ``12 carries``."""
        return self.kind if self.count == 1 else _many(self.kind, self.count)


@dataclass(frozen=True, kw_only=True)
class TimingPath:
    """A path from register to register.

    Attributes:
        stages: its cells, first and last register included.
    """

    stages: tuple[Stage, ...]

    @property
    def ns(self) -> float:
        return self.stages[-1].at_ns

    @property
    def cells_ns(self) -> float:
        return round(sum(stage.cell_ns for stage in self.stages), 3)

    @property
    def wires_ns(self) -> float:
        return round(sum(stage.wire_ns for stage in self.stages), 3)

    @property
    def ends(self) -> tuple[str, str]:
        """First and last register or memory, without the number of a bit."""
        first, last = (re.sub(r"\[\d+\]", "", self.stages[end].name) for end in (0, -1))
        return first, last

    def __str__(self) -> str:
        first, *between, last = self.stages
        kinds: Counter[str] = Counter()
        for stage in between:
            kinds[stage.kind] += stage.count
        through = ", ".join(_many(kind, count) for kind, count in kinds.items())
        return (
            f"{self.ns:.2f} ns from {first.kind} {first.name} to {last.kind} {last.name}: "
            f"{self.cells_ns:.2f} ns in cells ({through or 'no logic between'}), "
            f"{self.wires_ns:.2f} ns in wires"
        )

    def as_json(self) -> dict[str, Any]:
        """The path as JSON values."""
        return {
            "from": self.stages[0].name,
            "to": self.stages[-1].name,
            "ns": self.ns,
            "cells_ns": self.cells_ns,
            "wires_ns": self.wires_ns,
            "stages": [{"cell": stage.words(), **asdict(stage)} for stage in self.stages],
        }


def longest_paths(delays: Delays, report: Path, *, count: int) -> list[TimingPath]:
    """Find the longest paths between registers, one for each pair of ends; longest first.

    Args:
        delays: the router's, and what it leaves out.
        report: the router's report, with the nets' names.
        count: most paths to return.

    Raises:
        ValueError: there is no path.
    """
    walk = _Walk(
        delays=delays,
        nets={
            (net["driver"], net["port"]): net["net"]
            for net in json.loads(report.read_text())["detailed_net_timings"]
        },
    )
    found: dict[tuple[str, str], TimingPath] = {}
    for _, end in walk.delays.ends():
        path = TimingPath(stages=tuple(_joined(walk.stages(end))))
        found.setdefault(path.ends, path)
        if len(found) == count:
            break
    if not found:
        raise ValueError("the router reports no path between registers")
    return list(found.values())


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """Makes the stages of a path from delays and the net that each output drives."""

    delays: Delays
    nets: Mapping[Port, str]

    def stages(self, end: Port) -> Iterator[Stage]:
        """Yield every cell of the longest path to an input."""
        driver, *rest = self.delays.way(end)
        at = self.delays.arrivals[driver][0]
        yield self._stage(None, driver, cell=at, at=at)
        for enters, leaves in zip(rest[::2], [*rest[1::2], None], strict=True):
            arrived = self.delays.arrivals[enters][0]
            left = self.delays.arrivals[leaves][0] if leaves else None
            cell = self.delays.setups[enters] if left is None else left - arrived
            stage = self._stage(enters, leaves, cell=cell, at=arrived + cell)
            fanout = self.delays.fanouts[driver]
            yield replace(stage, wire_ns=(arrived - at) / 1000, fanout=fanout)
            driver, at = leaves or driver, arrived + cell

    def _stage(self, enters: Port | None, leaves: Port | None, *, cell: int, at: int) -> Stage:
        """Make the stage of a cell that a path enters and leaves at these ports, without wire."""
        name, port = enters or leaves or ("", "")
        control = f" ({_CONTROLS[port]})" if not leaves and port in _CONTROLS else ""
        return Stage(
            kind=_kind(self.delays.types.get(name, ""), enters, leaves),
            name=readable(self._net(leaves or (name, "Q")) or name) + control,
            part=part_of(name),
            cell_ns=cell / 1000,
            at_ns=at / 1000,
        )

    def _net(self, port: Port) -> str:
        """Return the design's name of the net at an output, if any; iCE40 registers use port O."""
        net = self.nets.get(port) or self.nets.get((port[0], "O"), "")
        return "" if _MAPPED.search(net) else net


def _kind(kind: str, enters: Port | None, leaves: Port | None) -> str:
    cell, _ = enters or leaves or ("", "")
    known = next((word for pattern, word in _TYPES if re.search(pattern, kind)), None)
    if known or "$DPRAM" in cell:
        return known or LUT_RAM
    if not enters or not leaves:
        return REGISTER
    carries = ("FCI", "FCO", "CIN", "COUT")
    return CARRY if enters[1] in carries or leaves[1] in carries else LUT


def _joined(stages: Iterator[Stage]) -> Iterator[Stage]:
    """Join stages that the router splits: carries in a row, and a LUT RAM with its write port.

    A cell that the router added has no name; it gets the name of the stage before.
    """
    held = next(stages)
    for stage in stages:
        name, part = (stage.name, stage.part) if stage.name else (held.name, held.part)
        carries = held.kind == stage.kind == CARRY and not stage.wire_ns
        if carries or (held.kind == stage.kind == LUT_RAM and held.name == name):
            held = replace(
                held,
                cell_ns=round(held.cell_ns + stage.cell_ns, 3),
                wire_ns=round(held.wire_ns + stage.wire_ns, 3),
                at_ns=stage.at_ns,
                count=held.count + carries,
            )
        else:
            yield held
            held = replace(stage, name=name, part=part)
    yield held


def _many(kind: str, count: int) -> str:
    plural = kind.removesuffix("y") + "ies" if kind.endswith("y") else f"{kind}s"
    return f"{count} {kind if count == 1 else plural}"


def readable(name: str) -> str:
    """Shorten a cell's or net's name to that in the core, for example ``array.shadow.lane13``.

    This removes the mapping's suffix; the name of a cell that the router added becomes empty.
    """
    words = _MAPPED.sub("", name).split(".")
    return ".".join(word for word in words if word != "core" and not word.isdigit())
