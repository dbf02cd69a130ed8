"""Timing constraints of a core: clock and lines, in the files of the tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from golden.errors import InputError

CLOCK = 100_000_000
"""Default clock in Hz of a core without a serial line."""

MAX_CLOCK = 1_000_000_000
"""Hz; the period, in ps, must be exact to a thousandth."""


PINS: dict[str, dict[str, Any]] = {
    "axi": {"clock": "aclk", "reset": "aresetn"},
    "uart": {"clock": "clk", "reset": "rst", "into": ("rx",), "out_of": ("tx",)},
    "spi": {
        **{"clock": "clk", "reset": "rst"},
        **{"into": ("sck", "cs_n", "mosi"), "out_of": ("miso", "miso_enable")},
    },
}
"""Ports of :class:`Timing`, by the kind of a core's host."""

PLAIN: dict[str, Any] = {"clock": "clk", "reset": "rst"}
"""Ports of a core with plain streams."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Timing constraints of a core.

    Only ``into`` and ``out_of`` cross clock domains. All registers use the rising edge and a
    synchronous reset, and every path has one cycle.

    Attributes:
        name: of the top module.
        clock: the clock's port.
        reset: the synchronous reset's port.
        hertz: frequency of the clock.
        into, out_of: asynchronous ports; each of ``into`` passes two registers, ``stage0`` and
            ``stage1``.

    Raises:
        InputError: the clock is out of range.
    """

    name: str
    clock: str
    reset: str
    hertz: int
    into: tuple[str, ...] = ()
    out_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.hertz <= MAX_CLOCK:
            raise InputError(f"clock is {self.hertz} Hz, expected 1 to {MAX_CLOCK}")

    @property
    def megahertz(self) -> str:
        """Return the clock in MHz, exact."""
        return f"{self.hertz / 1e6:.6f}".rstrip("0").rstrip(".")

    @property
    def nanoseconds(self) -> str:
        """Return the clock's period, rounded down to a picosecond."""
        return f"{10**12 // self.hertz / 1000:.3f}"


def _xdc(of: Timing) -> str:
    """Write constraints for Vivado."""
    if not of.into:
        return _sdc(of)
    registers = "[get_cells -hierarchical {stage0_reg* stage1_reg*}]"
    return f"{_sdc(of)}set_property ASYNC_REG TRUE {registers}\n"


def _sdc(of: Timing) -> str:
    """Write constraints for Quartus and other tools that read Synopsys' format."""
    lines = [
        *_head(of),
        f"create_clock -name {of.clock} -period {of.nanoseconds} {_ports(of.clock)}",
    ]
    if of.into:
        lines += [
            f"# {', '.join(of.into)} come through two registers each.",
            f"set_false_path -from {_ports(*of.into)}",
            f"set_false_path -to {_ports(*of.out_of)}",
        ]
    return "\n".join(lines) + "\n"


def _lpf(of: Timing) -> str:
    """Write constraints for nextpnr-ecp5, which does not time inputs without a clock."""
    return "\n".join([*_head(of), f'FREQUENCY PORT "{of.clock}" {of.megahertz} MHZ;']) + "\n"


def _pcf(of: Timing) -> str:
    """Write constraints for nextpnr-ice40, which does not time inputs without a clock."""
    return "\n".join([*_head(of), f"set_frequency {of.clock} {of.megahertz}"]) + "\n"


def _head(of: Timing) -> list[str]:
    return [
        f"# Timing of {of.name}: all of it runs with {of.clock}, {of.megahertz} MHz.",
        f"# {of.reset} is synchronous to {of.clock}; there is no path of several cycles.",
    ]


def _ports(*names: str) -> str:
    return f"[get_ports {{{' '.join(names)}}}]"


FORMATS: dict[str, Callable[[Timing], str]] = {
    "xdc": _xdc,
    "sdc": _sdc,
    "lpf": _lpf,
    "pcf": _pcf,
}
"""Formats of constraint files, by the ends of their names."""
