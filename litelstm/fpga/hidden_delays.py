"""Delays inside hard blocks that nextpnr does not time, and what they do to the clock.

nextpnr-ecp5 times no path between two registers inside a block. nextpnr-ice40 takes every SB_MAC16
as registered on both sides, with 0.1 ns, whatever registers it has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litelstm.fpga.delays import Delays
from litelstm.fpga.netlist_cells import Cell

ICESTORM = "IceStorm's icefuzz/timings_up5k.txt, which is iCEcube2's delays"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage between two registers of one block.

    Attributes:
        what: the stage in words.
        ns: its delay.
        source: where the figure comes from.
    """

    what: str
    ns: float
    source: str

    def __str__(self) -> str:
        return f"{self.what}: {self.ns} ns, {1000 / self.ns:.0f} MHz ({self.source})"


MULTIPLIER = Stage(
    what="multiplier from input to output register",
    ns=3.9,
    source="nextpnr's delay from input register to unregistered product",
)

BLOCK_RAM = Stage(
    what="block RAM to its output register",
    ns=4.9,
    source="difference of nextpnr's delays to the word without and with that register",
)

PARTIAL, THROUGH, SUM, OUT = 4600, 9000, 4000, 1600
"""Picoseconds of an SB_MAC16, longer than any of its kind in IceStorm's table: through an 8 x 8
product; from A or B through product and sum to O; from C or D through the sum to O; from the clock
to O with an output register. The table has no delay from or to the register between the products
and the rest. To it `PARTIAL` is enough; from it `THROUGH` is, for that is the whole way."""

_PINS = re.compile(r"([ABCDO])_\d+$")


@dataclass(frozen=True, kw_only=True)
class Multiplier:
    """Registers of an SB_MAC16.

    Attributes:
        inputs: names of inputs with a register, of ``ABCD``.
        between: there are registers behind the partial products.
        output: O comes from a register.
        small: products are of 8 x 8 bits.
        sums: the sum with C and D goes to O.
    """

    inputs: str
    between: bool
    output: bool
    small: bool
    sums: bool

    @classmethod
    def of(cls, cell: Cell) -> Multiplier:
        """Read a cell's parameters."""

        def value(name: str) -> int:
            return int(cell["parameters"].get(name, "0"), 2)

        small = bool(value("MODE_8x8"))
        selects = {value(f"{half}OUTPUT_SELECT") for half in ("TOP", "BOT")}
        register = "TOP_8x8_MULT_REG" if small else "PIPELINE_16x16_MULT_REG1"
        return cls(
            inputs="".join(name for name in "ABCD" if value(f"{name}_REG")),
            between=bool(value(register)),
            output=selects == {1},
            small=small,
            sums=bool(selects & {0, 1}),
        )

    @property
    def through(self) -> int:
        """Delay from A or B to O, or to the output register."""
        return PARTIAL if self.small and not self.sums else THROUGH

    def complete(self, delays: Delays, cell: str) -> None:
        """Replace the router's delays of this multiplier."""
        pins = [port for port in (*delays.setups, *delays.launches) if port[0] == cell]
        outputs = [port for port in pins if port[1].startswith("O_")]
        launch = OUT if self.output else self.through
        starts = self.between or "A" in self.inputs or "B" in self.inputs or self.output
        for output in outputs:
            delays.launches.pop(output)
            if starts:
                delays.launches[output] = launch
        for pin in pins:
            name = _PINS.match(pin[1])
            if name and name[1] in "ABCD" and name[1] not in self.inputs:
                self._input(delays, pin, outputs, factor=name[1] in "AB")

    def _input(
        self, delays: Delays, pin: tuple[str, str], outputs: list[tuple[str, str]], *, factor: bool
    ) -> None:
        """Delays from an input without a register."""
        if factor and self.between:
            delays.setups[pin] = PARTIAL
        elif factor or self.sums:
            delay = self.through if factor else SUM
            if self.output:
                delays.setups[pin] = delay
                return
            del delays.setups[pin]
            for output in outputs:
                delays.sources[output].append((pin, delay))


@dataclass(frozen=True, kw_only=True)
class HiddenDelays:
    """Delays that the router does not time in a netlist.

    Attributes:
        stages: stages inside blocks.
        multipliers: the iCE40's multipliers, by the router's names.
    """

    stages: tuple[Stage, ...] = ()
    multipliers: dict[str, Multiplier] = field(default_factory=dict)

    @classmethod
    def of(cls, module: dict[str, Any]) -> HiddenDelays:
        """Find the blocks of a netlist's module."""
        stages: dict[Stage, None] = {}
        multipliers = {}
        for name, cell in module["cells"].items():
            chosen = cell.get("parameters", {})
            if cell["type"] == "MULT18X18D" and {"REG_INPUTA_CLK", "REG_OUTPUT_CLK"} <= set(chosen):
                stages[MULTIPLIER] = None
            elif cell["type"] == "DP16KD" and "OUTREG" in (
                chosen.get("REGMODE_A"),
                chosen.get("REGMODE_B"),
            ):
                stages[BLOCK_RAM] = None
            elif cell["type"] == "SB_MAC16":
                multipliers[f"{name}_DSP"] = Multiplier.of(cell)
        return cls(stages=tuple(stages), multipliers=multipliers)

    def complete(self, delays: Delays) -> Delays:
        """Replace the router's delays where it has none of a block, in place."""
        for name, multiplier in self.multipliers.items():
            multiplier.complete(delays, name)
        return delays

    def mhz(self, routed: float, sdf: Path) -> float:
        """Return the clock that holds for the blocks, too; ``routed`` is the router's."""
        if self.multipliers:
            ends = self.complete(Delays.read(sdf)).ends()
            routed = min(routed, 1e6 / ends[0][0]) if ends else routed
        return min([routed, *(1000 / stage.ns for stage in self.stages)])

    def notes(self) -> list[str]:
        """Say in lines what was added to the router's delays."""
        lines = [f"not timed by the router, {stage}" for stage in self.stages]
        if self.multipliers:
            lines.append(
                "the router takes multipliers as registered; here they have "
                f"{PARTIAL / 1000} ns to their registers, {THROUGH / 1000} ns through product and "
                f"sum, {SUM / 1000} ns through the sum, {OUT / 1000} ns from an output register "
                f"({ICESTORM})"
            )
        return lines
