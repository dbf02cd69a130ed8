"""A board's pins, and the constraints of each family's tools for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


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


def _lpf(pins: Sequence[Pin], clock: int) -> Iterator[str]:
    """Format pins for the ECP5, in Lattice's LPF."""
    for pin in pins:
        yield f'LOCATE COMP "{pin.port}" SITE "{pin.site}";'
        attributes = " ".join(f"{name}={value}" for name, value in pin.attributes.items())
        yield f'IOBUF PORT "{pin.port}" {attributes};'
    yield f'FREQUENCY PORT "clk" {clock / 1e6:g} MHZ;'


def _pcf(pins: Sequence[Pin], clock: int) -> Iterator[str]:
    """Format pins for nextpnr-ice40; the only attribute that it supports is an input's pull-up."""
    for pin in pins:
        pull = "-pullup yes " if pin.port == "rx" and pin.attributes.get("PULLUP") == "1" else ""
        yield f"set_io {pull}{pin.port} {pin.site}"
    yield f"set_frequency clk {clock / 1e6:g}"


def _cst(pins: Sequence[Pin], clock: int) -> Iterator[str]:
    """Format pins for Gowin parts; nextpnr takes no clock from this file."""
    for pin in pins:
        yield f'IO_LOC "{pin.port}" {pin.site};'
        attributes = " ".join(f"{name}={value}" for name, value in pin.attributes.items())
        yield f'IO_PORT "{pin.port}" {attributes};'


def _xdc(pins: Sequence[Pin], clock: int) -> Iterator[str]:
    """Format pins for Vivado, which derives the clock of a PLL from that of its input."""
    for pin in pins:
        yield f"set_property PACKAGE_PIN {pin.site} [get_ports {{{pin.port}}}]"
        for name, value in pin.attributes.items():
            yield f"set_property {name} {value} [get_ports {{{pin.port}}}]"
    yield f"create_clock -name clk -period {10**12 // clock / 1000:.3f} [get_ports {{clk}}]"


FORMATS: dict[str, Callable[[Sequence[Pin], int], Iterator[str]]] = {
    "pins.lpf": _lpf,
    "pins.pcf": _pcf,
    "pins.cst": _cst,
    "pins.xdc": _xdc,
}
"""Lines of a file of pins, from the pins and the oscillator's Hz, by the file's name."""
