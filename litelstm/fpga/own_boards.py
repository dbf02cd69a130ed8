"""Boards that amaranth-boards lacks, or has without a serial line: only what a bitstream needs."""

from __future__ import annotations

from typing import ClassVar

from amaranth.build import Attrs, Clock, Pins, Resource, Subsignal
from amaranth.vendor import GowinPlatform, LatticeECP5Platform
from amaranth_boards.orangecrab_r0_2 import (
    OrangeCrabR0_2_25FPlatform,
    OrangeCrabR0_2_85FPlatform,
)
from amaranth_boards.resources import UARTResource
from amaranth_boards.upduino_v3 import UpduinoV3Platform

_LVCMOS33 = Attrs(IO_TYPE="LVCMOS33")


def _feather_serial() -> Resource:
    """Return the serial line of a Feather: pins 0 (RX) and 1 (TX) of the OrangeCrab's header."""
    return UARTResource(0, rx="N17", tx="M18", attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP"))


class OrangeCrab25(OrangeCrabR0_2_25FPlatform):
    """OrangeCrab r0.2 with an LFE5U-25F; a USB converter is at its header."""

    resources: ClassVar = [*OrangeCrabR0_2_25FPlatform.resources, _feather_serial()]


class OrangeCrab85(OrangeCrabR0_2_85FPlatform):
    """OrangeCrab r0.2 with an LFE5U-85F; a USB converter is at its header."""

    resources: ClassVar = [*OrangeCrabR0_2_85FPlatform.resources, _feather_serial()]


class ColorlightI5(LatticeECP5Platform):
    """Colorlight i5 v7.0 on Muse Lab's extension board, whose USB converter has a serial line.

    Source: github.com/wuxx/Colorlight-FPGA-Projects.
    """

    device = "LFE5U-25F"
    package = "BG381"
    speed = "6"
    default_clk = "clk25"
    resources: ClassVar = [
        Resource("clk25", 0, Pins("P3", dir="i"), Clock(25e6), _LVCMOS33),
        UARTResource(0, rx="H18", tx="J17", attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")),
    ]
    connectors: ClassVar = []


class ColorlightI9(ColorlightI5):
    """Colorlight i9 v7.2 on the same extension board."""

    device = "LFE5U-45F"


class Upduino3(UpduinoV3Platform):
    """UPduino 3 with its jumper OSC closed, so that the 12 MHz oscillator is at pin 20.

    The FPGA's own oscillator is too inexact for a serial line. The USB converter shares its pins
    with the flash memory, which must not be selected.
    """

    default_clk = "clk12"
    resources: ClassVar = [
        Resource("clk12", 0, Pins("20", dir="i"), Clock(12e6), Attrs(IO_STANDARD="SB_LVCMOS")),
        UARTResource(0, rx="15", tx="14", attrs=Attrs(IO_STANDARD="SB_LVCMOS", PULLUP=1)),
        Resource(
            "flash", 0, Subsignal("cs_n", Pins("16", dir="o")), Attrs(IO_STANDARD="SB_LVCMOS")
        ),
    ]


class TangNano20k(GowinPlatform):
    """Sipeed Tang Nano 20K; source: wiki.sipeed.com."""

    part = "GW2AR-LV18QN88C8/I7"
    family = "GW2AR-18C"
    default_clk = "clk27"
    resources: ClassVar = [
        Resource("clk27", 0, Pins("4", dir="i"), Clock(27e6), _LVCMOS33),
        UARTResource(0, rx="70", tx="69", attrs=Attrs(PULL_MODE="UP", IO_TYPE="LVCMOS33")),
    ]
    connectors: ClassVar = []
