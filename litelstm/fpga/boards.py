"""The boards that ``litelstm build`` knows: one table over amaranth-boards' definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from litelstm.fpga.families import ICE40
from litelstm.fpga.targets import TARGETS, Target


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A port of the board's top, and its place.

    Attributes:
        port: name of the port.
        site: pin of the package.
        attributes: attributes of its buffer, with amaranth-boards' names.
    """

    port: str
    site: str
    attributes: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board: its part, its serial line, and its definition in amaranth-boards.

    Attributes:
        name: value of ``--board``.
        title: the board's own name.
        platform: module and class in amaranth-boards.
        target: the part's name.
        package: nextpnr's name of the part's package, if it differs from the target's.
        baud: bits per second of the serial line that its USB converter supports.
        high: pins that the top must drive high, as resource and subsignal.
    """

    name: str
    title: str
    platform: tuple[str, str]
    target: str
    package: str = ""
    baud: int = 1_000_000
    high: tuple[tuple[str, str], ...] = ()

    @property
    def high_ports(self) -> tuple[str, ...]:
        """Names of the top's outputs that are constantly high."""
        return tuple("_".join(pin) for pin in self.high)

    @property
    def clock(self) -> int:
        """Frequency of the oscillator, in Hz."""
        return round(self.definition().default_clk_frequency)

    @property
    def part(self) -> Target:
        """The board's part, with the oscillator's frequency as the wanted clock."""
        target = TARGETS[self.target]
        arguments = list(target.arguments)
        if self.package:
            arguments[arguments.index("--package") + 1] = self.package
        mhz = -(-self.clock // 1_000_000)
        return replace(target, title=self.title, mhz=mhz, arguments=tuple(arguments))

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
        """Format the pins for the part's router."""
        lines = _pcf_lines if TARGETS[self.target].family is ICE40 else _lpf_lines
        text = "".join(f"{line}\n" for line in lines(self.pins()))
        if lines is _lpf_lines:
            text += f'FREQUENCY PORT "clk" {self.clock / 1e6:g} MHZ;\n'
        return text

    def definition(self) -> Any:
        """Make the board's platform from amaranth-boards."""
        module, name = self.platform
        return getattr(import_module(f"amaranth_boards.{module}"), name)()


def _site(pins: Any) -> str:
    (name,) = pins.names
    return name


def _attributes(described: Any) -> dict[str, str]:
    return {name: str(value) for name, value in described.attrs.items()}


def _lpf_lines(pins: list[Pin]) -> Iterator[str]:
    """Format pins for the ECP5, in Lattice's LPF."""
    for pin in pins:
        yield f'LOCATE COMP "{pin.port}" SITE "{pin.site}";'
        attributes = " ".join(f"{name}={value}" for name, value in pin.attributes.items())
        yield f'IOBUF PORT "{pin.port}" {attributes};'


def _pcf_lines(pins: list[Pin]) -> Iterator[str]:
    """Format pins for nextpnr-ice40; the only attribute that it supports is an input's pull-up."""
    for pin in pins:
        pull = "-pullup yes " if pin.port == "rx" and pin.attributes.get("PULLUP") == "1" else ""
        yield f"set_io {pull}{pin.port} {pin.site}"


def _ulx3s(size: str) -> Board:
    return Board(
        name=f"ulx3s-{size}f",
        title=f"ULX3S with LFE5U-{size}F",
        platform=("ulx3s", f"ULX3S_{size}F_Platform"),
        target=f"ecp5-{size}f",
        # Boot pin of the ESP32 beside the FPGA: it must be high for a normal start.
        high=(("esp32", "gpio0"),),
    )


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        _ulx3s("25"),
        _ulx3s("45"),
        _ulx3s("85"),
        Board(
            name="icesugar-pro",
            title="iCESugar-pro with LFE5U-25F",
            platform=("icesugar_pro", "ICESugarProPlatform"),
            target="ecp5-25f",
            package="CABGA256",
            baud=115_200,
        ),
        Board(
            name="icebreaker",
            title="iCEBreaker with iCE40 UP5K",
            platform=("icebreaker", "ICEBreakerPlatform"),
            target="ice40-up5k",
        ),
        Board(
            name="icesugar",
            title="iCESugar with iCE40 UP5K",
            platform=("icesugar", "ICESugarPlatform"),
            target="ice40-up5k",
            baud=115_200,
        ),
        Board(
            name="ice40-hx8k-evn",
            title="Lattice iCE40-HX8K breakout board",
            platform=("ice40_hx8k_b_evn", "ICE40HX8KBEVNPlatform"),
            target="ice40-hx8k",
        ),
    )
}
"""All boards by name."""
