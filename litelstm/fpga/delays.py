"""Delays that a router writes as SDF, and when the signal at each port arrives at the latest.

nextpnr's own report has one path. Its SDF has every arc and wire, so all others can be found; the
worst of them takes exactly as long as the one in the report.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

Port = tuple[str, str]
"""A cell and its port."""

_TRIPLE = r"\([-\d]+:[-\d]+:([-\d]+)\)"
_TYPE = re.compile(r'\(CELLTYPE "(\S+)"\)')
_INSTANCE = re.compile(r"\(INSTANCE (\S+)\)")
_WIRE = re.compile(rf"\(INTERCONNECT (\S+)/(\S+) (\S+)/(\S+) {_TRIPLE} {_TRIPLE}\)")
_ARC = re.compile(rf"\(IOPATH (\S+) (\S+) {_TRIPLE} {_TRIPLE}\)")
_SETUP = re.compile(rf"\(SETUPHOLD \(\w+ (\S+)\) \(\w+ (\S+)\) {_TRIPLE} ")
_CLOCK = re.compile(r"CLK|^W?CK\d*$|^CLOCK$")
"""Ports whose arcs to an output begin a path."""


@dataclass(kw_only=True)
class Delays:
    """All delays of a routed design, in picoseconds, each the slowest that the file gives.

    Attributes:
        types: the type of each cell.
        sources: for each port the ports that reach it directly, each with its delay.
        launches: for each output of a register or memory the time from the clock's edge.
        setups: for each input of one the time that its data must be there before the edge.
        fanouts: how many inputs each output drives.
    """

    types: dict[str, str] = field(default_factory=dict)
    sources: defaultdict[Port, list[tuple[Port, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    launches: dict[Port, int] = field(default_factory=dict)
    setups: dict[Port, int] = field(default_factory=dict)
    fanouts: Counter[Port] = field(default_factory=Counter)

    @classmethod
    def read(cls, path: Path) -> Delays:
        """The delays of a file that nextpnr wrote with ``--sdf``."""
        made, kind, cell = cls(), "", ""
        for line in path.read_text().replace("\\", "").splitlines():
            if found := _WIRE.search(line):
                *names, rise, fall = found.groups()
                made._wire((names[0], names[1]), (names[2], names[3]), max(int(rise), int(fall)))
            elif found := _ARC.search(line):
                start, end, rise, fall = found.groups()
                made._arc(cell, start, end, max(int(rise), int(fall)))
            elif found := _SETUP.search(line):
                port, setup = (cell, found[1]), int(found[3])
                made.setups[port] = max(made.setups.get(port, setup), setup)
            elif found := _TYPE.search(line):
                kind = found[1]
            elif found := _INSTANCE.search(line):
                cell = found[1]
                made.types[cell] = kind
        return made

    def _wire(self, driver: Port, sink: Port, delay: int) -> None:
        self.sources[sink].append((driver, delay))
        self.fanouts[driver] += 1

    def _arc(self, cell: str, start: str, end: str, delay: int) -> None:
        if _CLOCK.search(start):
            self.launches[cell, end] = delay
        else:
            self.sources[cell, end].append(((cell, start), delay))

    @cached_property
    def arrivals(self) -> dict[Port, tuple[int, Port | None]]:
        """The latest arrival after a clock edge at each port, and by which port it comes."""
        reached: dict[Port, tuple[int, Port | None]] = {}
        before = {port: [source for source, _ in found] for port, found in self.sources.items()}
        for port in TopologicalSorter(before).static_order():
            ways: list[tuple[int, Port | None]] = [
                (reached[source][0] + delay, source)
                for source, delay in self.sources.get(port, ())
                if source in reached
            ]
            if port in self.launches:
                ways.append((self.launches[port], None))
            if ways:
                reached[port] = max(ways, key=lambda way: way[0])
        return reached

    def ends(self) -> list[tuple[int, Port]]:
        """Every input of a register or memory with the time of its longest path, longest first."""
        found = [
            (self.arrivals[port][0] + setup, port)
            for port, setup in self.setups.items()
            if port in self.arrivals
        ]
        return sorted(found, reverse=True)

    def way(self, end: Port) -> list[Port]:
        """The ports of the longest path to an input, the output that launches it first."""
        ports, port = [], end
        while port:
            ports.append(port)
            port = self.arrivals[port][1]
        return ports[::-1]
