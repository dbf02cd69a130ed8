"""The parts that ``litelstm synth`` knows: one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from litelstm.fpga.families import (
    ECP5,
    FF,
    GOWIN,
    GOWIN_9C,
    GOWIN_18C,
    ICE40,
    LOGIC_CELL,
    LUT,
    LUT_RAM,
    MULTIPLIER,
    NEXUS,
    PIN,
    RAM,
    SPRAM,
    SRL,
    XILINX7,
    Family,
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One part.

    Attributes:
        name: value of ``--target``.
        title: part, package and speed grade.
        family: its family.
        available: amount of each resource.
        options: options for its family's ``synth``.
        delays: picoseconds for Yosys' abc9, by name in its scratchpad: ``W`` is the delay of a
            wire, ``D`` the allowed delay of a path; abc9 saves area on shorter paths.
        mhz: clock requested from the router; 0 if the part is not routed.
        arguments: nextpnr's arguments for part, package and speed.
        pins: names of pins, the clock's first, if the router needs a place for every port.
        vivado: Vivado's name of the part.
        note: limits of the figures for this part.
    """

    name: str
    title: str
    family: Family
    available: dict[str, int]
    options: str = ""
    delays: tuple[tuple[str, int], ...] = ()
    mhz: float = 0
    arguments: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    vivado: str = ""
    note: str = ""

    @property
    def multipliers(self) -> dict[str, Any]:
        """Fields of :class:`hdl.spec.multipliers.Multipliers`; none without multipliers."""
        available = self.available.get(MULTIPLIER, 0)
        return {"multiplier": self.family.multiplier, "available": available} if available else {}

    @property
    def routes(self) -> bool:
        """Whether cores are placed and routed; otherwise only their cells are counted."""
        return self.family.router is not None


_GOWIN_PINS = (
    "H11 A2 A3 A4 A5 A10 A11 A12 A15 B1 B3 B4 B6 B7 B9 B11 B14 C1 C2 C5 C7 C11 C16 D1 D2 D3 D6 D7 "
    "D8 D9 D10 D11 D14 D15 D16 E1 E2 E3 E6 E7 E9 E10 E11 E14 E15 E16 F1 F2 F3 F4 F5 F8 F9 F10 F12 "
    "F13 F14 F15 F16 G1 G2 G3 G4 G5"
)

_NEXUS_PINS = (
    "L13 N14 M14 M16 M15 N15 N16 M17 M18 E17 F13 G13 F14 L16 L15 L20 L19 R17 R18 U20 T20 W20 V20 "
    "D10 D9 D7 D8 D6 D5 D4 D3 E10 E9 E7 E8 E4 E3 E2 F1 J2 J1 K2 K1 K3 K4 D17 E18 F16 F18 G14 G15"
)
"""Pins on the connectors of Lattice's evaluation board; L13 leads to a clock network."""


_TIMING = ("--placer-heap-timingweight", "20")
"""Twice nextpnr's default weight of critical wires. A netlist of 16 lanes reaches 152 MHz, 150 with
the default, 147 with three times the default (medians of 5 seeds)."""


def ecp5_arguments(size: str, *, package: str = "CABGA381", speed: str = "6") -> tuple[str, ...]:
    """Return nextpnr's arguments for an ECP5, of a ``size`` such as ``25k`` or ``um5g-85k``."""
    return (f"--{size}", "--package", package, "--speed", speed, *_TIMING)


def _ecp5(size: str, **available: int) -> Target:
    return Target(
        name=f"ecp5-{size}f",
        title=f"Lattice ECP5 LFE5U-{size}F, CABGA381, speed grade 6",
        family=ECP5,
        available={
            LUT: available["luts"],
            FF: available["luts"],
            RAM: available["rams"],
            MULTIPLIER: available["multipliers"],
            LUT_RAM: available["luts"] // 8,
            PIN: available["pins"],
        },
        delays=(("abc9.D", 4000),),
        mhz=150,
        arguments=ecp5_arguments(f"{size}k"),
    )


_ENABLES = ("-dffe_min_ce_use", "7")
"""Fewest registers that share a clock-enable; fewer use their LUTs instead. An enable that also
includes the reset costs one more LUT and wire."""


def _ice40(
    name: str,
    title: str,
    package: str,
    mhz: int,
    *,
    cells: int,
    rams: int,
    pins: int,
    dsps: int = 0,
    sprams: int = 0,
) -> Target:
    special = {MULTIPLIER: dsps, SPRAM: sprams}
    options = {MULTIPLIER: "-dsp", SPRAM: "-spram"}
    chosen = [options[resource] for resource, amount in special.items() if amount]
    device, wire = ("u", 1760) if name.startswith("up") else ("hx", 590)
    return Target(
        name=f"ice40-{name}",
        title=title,
        family=ICE40,
        available={
            LOGIC_CELL: cells,
            LUT: cells,
            FF: cells,
            RAM: rams,
            **{name: amount for name, amount in special.items() if amount},
            PIN: pins,
        },
        options=" ".join([*chosen, "-abc9", "-device", device, *_ENABLES]),
        delays=(("synth_ice40.abc9.W", wire),),
        mhz=mhz,
        arguments=(f"--{name}", "--package", package),
    )


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        _ecp5("25", luts=24288, rams=56, multipliers=28, pins=197),
        _ecp5("45", luts=43848, rams=108, multipliers=72, pins=203),
        _ecp5("85", luts=83640, rams=208, multipliers=156, pins=205),
        _ice40(
            "up5k",
            "Lattice iCE40 UP5K, SG48",
            "sg48",
            mhz=40,
            cells=5280,
            rams=30,
            dsps=8,
            sprams=4,
            pins=39,
        ),
        _ice40(
            "hx8k",
            "Lattice iCE40 HX8K, CT256",
            "ct256",
            mhz=80,
            cells=7680,
            rams=32,
            pins=206,
        ),
        Target(
            name="gowin-gw2a-18",
            title="Gowin GW2A-LV18PG256C8/I7",
            family=GOWIN,
            available={LUT: 20736, FF: 15552, RAM: 46, MULTIPLIER: 48, LUT_RAM: 648, PIN: 64},
            mhz=100,
            arguments=("--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18"),
            pins=tuple(_GOWIN_PINS.split()),
            note="the clock is not to be relied on: the router's timing of this family is no model "
            "of the part",
        ),
        Target(
            name="nexus-lifcl-40",
            title="Lattice Nexus LIFCL-40, CABGA400",
            family=NEXUS,
            available={LUT: 32256, FF: 32256, RAM: 84, MULTIPLIER: 56, PIN: 51},
            mhz=150,
            # nextpnr's default router finds no route from the clock's pin to the clock network.
            arguments=("--device", "LIFCL-40-9BG400C", "--router", "router1"),
            pins=tuple(_NEXUS_PINS.split()),
            note="the clock is not to be relied on: the router does not time what passes through a "
            "multiplier",
        ),
        Target(
            name="xilinx-a35t",
            title="Xilinx 7-series XC7A35T",
            family=XILINX7,
            vivado="xc7a35tcsg324-1",
            available={
                LUT: 20800,
                FF: 41600,
                RAM: 50,
                MULTIPLIER: 90,
                LUT_RAM: 9600,
                SRL: 9600,
                PIN: 250,
            },
            note="cells only: no place and route",
        ),
        Target(
            name="xilinx-a100t",
            title="Xilinx 7-series XC7A100T",
            family=XILINX7,
            vivado="xc7a100tcsg324-1",
            available={
                LUT: 63400,
                FF: 126800,
                RAM: 135,
                MULTIPLIER: 240,
                LUT_RAM: 19000,
                SRL: 19000,
                PIN: 300,
            },
            note="cells only: no place and route",
        ),
    )
}
"""All targets by name, the parts of a family from small to large."""


GW1NR_9 = Target(
    name="gowin-gw1nr-9",
    title="Gowin GW1NR-LV9QN88PC6/I5",
    family=GOWIN_9C,
    available={LUT: 8640, FF: 6480, RAM: 26, MULTIPLIER: 20, LUT_RAM: 270, PIN: 71},
    mhz=27,
    arguments=("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"),
    note=TARGETS["gowin-gw2a-18"].note,
)
GW2AR_18 = replace(
    TARGETS["gowin-gw2a-18"],
    name="gowin-gw2ar-18",
    title="Gowin GW2AR-LV18QN88C8/I7",
    family=GOWIN_18C,
    arguments=("--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C"),
    pins=(),
)
"""Parts of boards only: their packages have too few pins for a core without a board's link."""


def larger(target: Target) -> list[Target]:
    """List the other parts of a target's family, from small to large."""
    family = [other for other in TARGETS.values() if other.family is target.family]
    return [other for other in family if other is not target]
