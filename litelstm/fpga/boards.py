"""The boards that ``litelstm build`` knows: one table."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from golden.errors import InputError
from hdl.board.plls.ice40 import Ice40PadPll
from hdl.board.plls.pll import MEGA, Pll
from litelstm.fpga.board_pins import FORMATS, Pin
from litelstm.fpga.targets import GW1NR_9, GW2AR_18, TARGETS, Target, ecp5_arguments


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board: its part, its clock, its serial line, and its definition.

    Attributes:
        name: value of ``--board``.
        title: the board's own name.
        platform: module and class of its definition; the module is one of amaranth-boards, or
            ``own`` for :mod:`litelstm.fpga.own_boards`.
        chip: its part.
        arguments: nextpnr's arguments, if they differ from the part's.
        pll: the part's PLL, if it is another than the family's.
        baud: bits per second of the serial line that its USB converter supports.
        high: pins that the top must drive high, as resource and subsignal.
    """

    name: str
    title: str
    platform: tuple[str, str]
    chip: Target
    arguments: tuple[str, ...] = ()
    pll: type[Pll] | None = None
    baud: int = 1_000_000
    high: tuple[tuple[str, str], ...] = ()

    @property
    def high_ports(self) -> tuple[str, ...]:
        """Names of the top's outputs that are constantly high."""
        return tuple("_".join(pin) for pin in self.high)

    @property
    def oscillator(self) -> int:
        """Frequency of the oscillator, in Hz."""
        return round(self.definition().default_clk_frequency)

    @property
    def part(self) -> Target:
        """The board's part."""
        return replace(self.chip, title=self.title, arguments=self.arguments or self.chip.arguments)

    def pll_for(self, mhz: float | None) -> Pll | None:
        """Choose the PLL's setting for a clock; ``None`` if the oscillator's is wanted.

        Raises:
            InputError: the PLL cannot make the clock.
        """
        oscillator = self.oscillator
        if mhz is None or mhz * MEGA == oscillator:
            return None
        if not math.isfinite(mhz):
            raise InputError(f"clock is {mhz} MHz, expected a number")
        pll = self.pll or self.chip.family.pll
        assert pll
        return pll.nearest(oscillator, round(mhz * MEGA))

    def pins(self) -> list[Pin]:
        """List every port of the top with its pin."""
        definition = self.definition()
        clock = definition.lookup(definition.default_clk)
        pins = [Pin(port="clk", site=_site(clock.ios[0]), attributes=_attributes(clock))]
        wanted = [(port, ("uart", port)) for port in ("rx", "tx")]
        wanted += zip(self.high_ports, self.high, strict=True)
        for port, (name, signal) in wanted:
            resource = definition.lookup(name)
            (found,) = (part for part in resource.ios if part.name == signal)
            attributes = _attributes(resource) | _attributes(found)
            pins.append(Pin(port=port, site=_site(found.ios[0]), attributes=attributes))
        return pins

    def constraints(self) -> str:
        """Format pins and oscillator for the part's tools."""
        lines = FORMATS[self.chip.family.pin_file](self.pins(), self.oscillator)
        return "".join(f"{line}\n" for line in lines)

    def definition(self) -> Any:
        """Make the board's platform from amaranth-boards."""
        module, name = self.platform
        place = "litelstm.fpga.own_boards" if module == "own" else f"amaranth_boards.{module}"
        return getattr(import_module(place), name)()


def _site(pins: Any) -> str:
    (name,) = pins.names
    return name


def _attributes(described: Any) -> dict[str, str]:
    return {name: str(value) for name, value in described.attrs.items()}


def _ulx3s(size: str) -> Board:
    return Board(
        name=f"ulx3s-{size}f",
        title=f"ULX3S with LFE5U-{size}F",
        platform=("ulx3s", f"ULX3S_{size}F_Platform"),
        chip=TARGETS[f"ecp5-{size}f"],
        # Boot pin of the ESP32 beside the FPGA: it must be high for a normal start.
        high=(("esp32", "gpio0"),),
    )


def _orangecrab(size: str) -> Board:
    return Board(
        name=f"orangecrab-{size}f",
        title=f"OrangeCrab r0.2 with LFE5U-{size}F",
        platform=("own", f"OrangeCrab{size}"),
        chip=TARGETS[f"ecp5-{size}f"],
        arguments=ecp5_arguments(f"{size}k", package="CSFBGA285", speed="8"),
    )


def _ecpix(size: str) -> Board:
    return Board(
        name=f"ecpix5-{size}f",
        title=f"ECPIX-5 with LFE5UM5G-{size}F",
        platform=("ecpix5", f"ECPIX5{size}Platform"),
        chip=TARGETS[f"ecp5-{size}f"],
        arguments=ecp5_arguments(f"um5g-{size}k", package="CABGA554", speed="8"),
    )


def _arty(size: str) -> Board:
    return Board(
        name=f"arty-a7-{size}t",
        title=f"Arty A7-{size}T",
        platform=("arty_a7", f"ArtyA7_{size}Platform"),
        chip=TARGETS[f"xilinx-a{size}t"],
    )


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        _ulx3s("25"),
        _ulx3s("45"),
        _ulx3s("85"),
        _orangecrab("25"),
        _orangecrab("85"),
        _ecpix("45"),
        _ecpix("85"),
        Board(
            name="colorlight-i5",
            title="Colorlight i5 with LFE5U-25F",
            platform=("own", "ColorlightI5"),
            chip=TARGETS["ecp5-25f"],
            baud=115_200,
        ),
        Board(
            name="colorlight-i9",
            title="Colorlight i9 with LFE5U-45F",
            platform=("own", "ColorlightI9"),
            chip=TARGETS["ecp5-45f"],
            baud=115_200,
        ),
        Board(
            name="icesugar-pro",
            title="iCESugar-pro with LFE5U-25F",
            platform=("icesugar_pro", "ICESugarProPlatform"),
            chip=TARGETS["ecp5-25f"],
            arguments=ecp5_arguments("25k", package="CABGA256"),
            baud=115_200,
        ),
        Board(
            name="icebreaker",
            title="iCEBreaker with iCE40 UP5K",
            platform=("icebreaker", "ICEBreakerPlatform"),
            chip=TARGETS["ice40-up5k"],
            pll=Ice40PadPll,
        ),
        Board(
            name="icesugar",
            title="iCESugar with iCE40 UP5K",
            platform=("icesugar", "ICESugarPlatform"),
            chip=TARGETS["ice40-up5k"],
            pll=Ice40PadPll,
            baud=115_200,
        ),
        Board(
            name="upduino3",
            title="UPduino 3 with iCE40 UP5K",
            platform=("own", "Upduino3"),
            chip=TARGETS["ice40-up5k"],
            high=(("flash", "cs_n"),),
        ),
        Board(
            name="ice40-hx8k-evn",
            title="Lattice iCE40-HX8K breakout board",
            platform=("ice40_hx8k_b_evn", "ICE40HX8KBEVNPlatform"),
            chip=TARGETS["ice40-hx8k"],
        ),
        Board(
            name="tang-nano-9k",
            title="Tang Nano 9K with GW1NR-9",
            platform=("tang_nano_9k", "TangNano9kPlatform"),
            chip=GW1NR_9,
            baud=115_200,
        ),
        Board(
            name="tang-nano-20k",
            title="Tang Nano 20K with GW2AR-18",
            platform=("own", "TangNano20k"),
            chip=GW2AR_18,
            baud=115_200,
        ),
        _arty("35"),
        _arty("100"),
    )
}
"""All boards by name."""
