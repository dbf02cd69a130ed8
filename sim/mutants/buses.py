"""Cores with AXI buses whose mutants are made, and the random operations that judge a mutant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hdl.bus.top import AxiTop
from hdl.core import Core
from hdl.plan import Plan
from sim.bus.bench import BusBench, bus_library
from sim.bus.checked_bench import DifferentError
from sim.bus.cores import CORES, SoakCore
from sim.bus.episodes import Soak
from sim.mutants.netlist import Mutant
from sim.tools.errors import SimulationError

OPERATIONS = 4_000
"""Operations that a mutant must survive."""


@dataclass(frozen=True)
class BusCase:
    """One of the cores of :mod:`sim.bus.soak`; its buses are mutated, not the core itself."""

    SPARE: ClassVar = 6
    """Mutants to draw for each that is wanted: most are of the core itself."""

    number: int

    def __str__(self) -> str:
        return f"buses of {self.name}"

    @property
    def _core(self) -> SoakCore:
        return CORES[self.number]

    @property
    def name(self) -> str:
        """Name of the top module."""
        return self._core.name

    @property
    def plan(self) -> Plan:
        """The core's plan."""
        return self._core.plan(self._core.networks[0])

    @property
    def top(self) -> AxiTop:
        """Make the core's top."""
        return AxiTop(core=Core(plan=self.plan, watched=True), bus=self._core.bus)

    @staticmethod
    def is_judged(mutant: Mutant) -> bool:
        """Tell whether a mutant is one of the buses."""
        return mutant.room != "core" and all(
            line.startswith(("hdl/bus/", "hdl/parts/")) for line in mutant.lines
        )

    def finder(self, verilog: str, folder: Path) -> Callable[[], str]:
        """Return a function that runs a netlist until something is wrong, which it returns."""
        library = bus_library({self.name: verilog}, optimize=False, cache=folder)

        def problem() -> str:
            with BusBench(library, 0) as bench:
                try:
                    soak = Soak(self._core, bench, 1)
                    while soak.operations < OPERATIONS:
                        soak.episode()
                except (DifferentError, SimulationError, LookupError, ValueError) as error:
                    return str(error) or type(error).__name__
            return ""

        return problem


BUSES = tuple(map(BusCase, range(len(CORES))))
