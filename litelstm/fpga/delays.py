"""Delays from a router's SDF file, and the latest arrival of the signal at each port.

nextpnr's own report has one path. Its SDF has every arc and wire, from which all other paths
follow; the longest one takes exactly as long as the one in the report.
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
"""Clock ports; an arc from one to an output begins a path."""


@dataclass(kw_only=True)
class Delays:
    """All delays of a routed design, in picoseconds: the slowest value of each in the file.

    Attributes:
        types: type of each cell.
        sources: for each port, the ports that drive it directly, with their delays.
        launches: clock-to-output time of each output of a register or memory.
        setups: setup time of each input of a register or memory.
        fanouts: number of inputs that each output drives.
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
        """Read a file that nextpnr wrote with ``--sdf``."""
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
        """Latest arrival after a clock edge at each port, and the port that it comes from."""
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
        """List each input of a register or memory with the time of its longest path, descending."""
        found = [
            (self.arrivals[port][0] + setup, port)
            for port, setup in self.setups.items()
            if port in self.arrivals
        ]
        return sorted(found, reverse=True)

    def way(self, end: Port) -> list[Port]:
        """List the ports of the longest path to an input, from the output that launches it."""
        ports, port = [], end
        while port:
            ports.append(port)
            port = self.arrivals[port][1]
        return ports[::-1]
