"""Core with a bus: its Verilog, and the files for other tools and software."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from golden.errors import InputError
from hdl.board.board_top import Line
from hdl.bus.identity import core_hash
from hdl.bus.options import Bus
from hdl.bus.top import BUS, AxiTop
from hdl.export.description import describe
from hdl.export.fusesoc import core_file, release
from hdl.export.verilog_header import header, waivers
from hdl.export.verilog_names import check_name
from hdl.packaging import c_header, c_network, ipxact, quartus, vivado
from hdl.packaging.bus_description import bus_section, register_list
from hdl.packaging.constraints import CLOCK, FORMATS, PINS, Timing
from hdl.plan import Plan
from hdl.sequence.sequence_core import Cores, core_of
from hdl.serial.spi_access import SpiAccess
from hdl.serial.top import WINDOW, SerialTop
from hdl.serial.uart_access import UartAccess
from hdl.verilog import NAME, Generated, convert_apart


@dataclass(frozen=True, kw_only=True)
class Host:
    """Interface through which a host reaches a core's registers.

    Attributes:
        kind: ``axi``, ``spi`` or ``uart``.
        bus: buses of a core with AXI.
        line: clock and rate of a serial line.
        clock: Hz, of a core without a serial line.

    Raises:
        InputError: the kind is not one of these, or ``uart`` has no line.
    """

    kind: str = "axi"
    bus: Bus = BUS
    line: Line | None = None
    clock: int = CLOCK

    def __post_init__(self) -> None:
        if self.kind not in PINS:
            raise InputError(f"kind is {self.kind!r}, expected {' or '.join(sorted(PINS))}")
        if self.kind == "uart" and self.line is None:
            raise InputError("a serial line needs its rate and the clock")

    def timing(self, name: str) -> Timing:
        """Return the timing constraints of a core of this name.

        Raises:
            InputError: the clock is out of range.
        """
        hertz = self.line.clock if self.line else self.clock
        return Timing(name=name, hertz=hertz, **PINS[self.kind])

    def top(self, core: Cores) -> AxiTop | SerialTop:
        """Make the top module around a core."""
        if self.kind == "axi":
            return AxiTop(core=core, bus=self.bus)
        front_end = UartAccess(divisor=self.line.divisor) if self.line else SpiAccess()
        return SerialTop(core=core, front_end=front_end)

    @property
    def ports(self) -> str:
        """Describe the ports in words."""
        if self.line:
            return f"registers over a serial line, {self.line.baud} baud at {self.line.clock} Hz"
        if self.kind == "spi":
            return "registers over SPI"
        data = f"AXI4-Stream data of {self.bus.width} bits, {self.bus.packing}"
        return f"AXI4-Lite registers, {'data registers' if self.bus.window else data}"


AXI = Host()


@dataclass(frozen=True, kw_only=True)
class System(Generated):
    """A generated core with a bus, and its timing."""

    timing: Timing = field(kw_only=True)

    def files(
        self,
        *,
        sources: Mapping[str, str],
        formats: Sequence[str] = ("xdc", "sdc"),
        part: str = "",
    ) -> Mapping[str, str]:
        """Write all files, by their paths: Verilog, JSON, and files for other tools and software.

        No file of one core replaces a different file of another: names of cores have no dot, and a
        file's name is the core's with a dot behind, NAME_hw.tcl, or NAME_network.h, or the file
        lies in a folder of the core's name.

        Args:
            sources: the driver in C, by file.
            formats: of constraints, see :data:`hdl.packaging.constraints.FORMATS`.
            part: for :func:`hdl.packaging.vivado.project_script`.
        """
        name, ports = self.description["name"], self.description["ports"]
        memories = list(self.memory_files)
        software = {
            c_header.NAME: c_header.register_header(),
            c_network.file_name(name): c_network.network_header(self.description),
            **sources,
        }
        found = {
            f"{name}.v": self.verilog,
            f"{name}.json": json.dumps(self.description, indent=2) + "\n",
            **software,
            f"{name}.vlt": waivers(f"{name}.v"),
            f"{name}.core": core_file(name=name, lanes=self.plan.options.lanes, memories=memories),
            **self.memory_files,
            **{f"{name}.{end}": FORMATS[end](self.timing) for end in formats},
            f"{name}.qsf": quartus.project_lines(name=name, memories=memories),
        }
        if self.description["bus"]["kind"] == "axi":
            of: dict[str, Any] = {"name": name, "version": release(2)}
            driver = vivado.driver_files(**of, sources=software)
            component = ipxact.component(**of, ports=ports, driver=driver, memories=memories)
            own = {**of, "ports": ports, "hertz": self.timing.hertz, "part": part}
            found |= {
                f"{name}_hw.tcl": quartus.component(**of, ports=ports, memories=memories),
                vivado.script_name(name): vivado.project_script(**own),
                f"{name}/{ipxact.FILE}": component,
                **{f"{name}/{file}": text for file, text in driver.items()},
            }
        return found


def generate_system(
    plan: Plan,
    *,
    host: Host = Host(),
    name: str = NAME,
    network_name: str = "",
    memory_files: bool = False,
) -> System:
    """Generate a core with a bus; arguments as of :func:`hdl.verilog.generate`.

    Raises:
        InputError: see :func:`hdl.verilog.generate`.
    """
    check_name(name)
    description = describe_system(plan, name=name, host=host)
    top = host.top(core_of(plan, watched=True))
    description["ports"] = [port.as_json() for port in top.ports]
    comments = header(plan, description, host=host.ports, network_name=network_name)
    text, files = convert_apart(top, name=name, header=comments, memory_files=memory_files)
    description["memory_files"] = list(files)
    return System(text, description, plan, files, timing=host.timing(name))


def describe_system(plan: Plan, *, name: str, host: Host) -> dict[str, Any]:
    """Describe a core with a bus, its buses and its registers, as JSON values without ports."""
    bus = host.bus if host.kind == "axi" else WINDOW
    return {
        **describe(plan, name=name),
        "ports": [],
        "bus": {
            **bus_section(plan, kind=host.kind, bus=bus, core=core_hash(plan)),
            "clock": host.timing(name).hertz,
            "line": asdict(host.line) if host.line else None,
            "cycles_of_a_bit": host.line.divisor if host.line else 0,
        },
        "registers": register_list(),
    }
