"""A core with a bus: its Verilog, and all that is written beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from golden.errors import InputError
from golden.interface import DEFAULT, Interface
from golden.quantized import QuantizedNetwork
from hdl.bus.axi_ports import AxiPort
from hdl.bus.identity import core_hash
from hdl.bus.options import Bus
from hdl.bus.top import BUS, AxiTop
from hdl.core import Core
from hdl.description import describe
from hdl.fusesoc import core_file
from hdl.link.board_top import Line
from hdl.packaging import c_header
from hdl.packaging.bus_description import bus_section, register_list
from hdl.packaging.constraints import constraints
from hdl.packaging.ipxact import component
from hdl.plan import Plan
from hdl.serial.spi_access import SpiAccess
from hdl.serial.top import WINDOW, SerialTop
from hdl.serial.uart_access import UartAccess
from hdl.storage import BUILT_IN, Storage
from hdl.verilog import check_name, convert

KINDS = ("axi", "spi", "uart")


@dataclass(frozen=True, kw_only=True)
class Host:
    """What reaches a core's registers.

    Attributes:
        kind: ``axi``, ``spi`` or ``uart``.
        bus: buses of a core with AXI.
        line: clock and rate of a serial line.

    Raises:
        InputError: the kind is not one of these, or a serial line's is missing.
    """

    kind: str = "axi"
    bus: Bus = BUS
    line: Line | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind is {self.kind!r}, expected {' or '.join(KINDS)}")
        if self.kind == "uart" and self.line is None:
            raise InputError("a serial line needs its rate and the clock")

    def top(self, core: Core) -> AxiTop | SerialTop:
        """The top module around a core."""
        if self.kind == "axi":
            return AxiTop(core=core, bus=self.bus)
        front_end = UartAccess(divisor=self.line.divisor) if self.line else SpiAccess()
        return SerialTop(core=core, front_end=front_end)


AXI = Host()


@dataclass(frozen=True)
class System:
    """A generated core with a bus: Verilog text, its description (JSON values), and the plan."""

    verilog: str
    description: dict[str, Any]
    plan: Plan

    @property
    def files(self) -> Mapping[str, str]:
        """All files by name: Verilog, JSON, and those for other tools and for software."""
        name, ports = self.description["name"], self.description["ports"]
        beside = {
            f"{name}.v": ("verilogSource", self.verilog),
            f"{name}.json": ("unknown", json.dumps(self.description, indent=2) + "\n"),
            c_header.NAME: ("cSource", c_header.register_header()),
        }
        found = {file: text for file, (_, text) in beside.items()}
        found[f"{name}.core"] = core_file(name=name, lanes=self.plan.lanes)
        found[f"{name}_constraints.txt"] = constraints(
            name=name, kind=self.description["bus"]["kind"]
        )
        if self.description["bus"]["kind"] == "axi":
            number = re.match(r"\d+\.\d+", version("litelstm"))
            found["component.xml"] = component(
                name=name,
                version=number[0] if number else "0.0",
                ports=ports,
                files={file: kind for file, (kind, _) in beside.items()},
            )
        return found


def generate_system(
    network: QuantizedNetwork,
    *,
    lanes: int,
    tail_multipliers: int = 2,
    interface: Interface = DEFAULT,
    storage: Storage = BUILT_IN,
    others: Sequence[QuantizedNetwork] = (),
    host: Host = Host(),
    name: str = "litelstm_core",
) -> System:
    """Verilog and description of a core with a bus; arguments as :func:`hdl.verilog.generate`.

    Raises:
        InputError: see :class:`hdl.plan.Plan`; or ``name`` is no Verilog identifier.
    """
    check_name(name)
    core = Core(
        network=network,
        lanes=lanes,
        tail_multipliers=tail_multipliers,
        interface=interface,
        storage=storage,
        others=others,
        watched=True,
    )
    top = host.top(core)
    description = describe_system(core.plan, name=name, host=host, ports=top.ports)
    return System(convert(top, name=name), description, core.plan)


def describe_system(
    plan: Plan, *, name: str, host: Host, ports: Sequence[AxiPort] = ()
) -> dict[str, Any]:
    """The JSON of a core with a bus: that of the core, its bus, and its registers."""
    listed = [asdict(port) for port in ports]
    for port in listed:
        del port["inner"]
    bus = host.bus if host.kind == "axi" else WINDOW
    return {
        **describe(plan, name=name),
        "ports": listed,
        "bus": {
            **bus_section(plan, kind=host.kind, bus=bus, core=core_hash(plan)),
            "line": asdict(host.line) if host.line else None,
            "cycles_of_a_bit": host.line.divisor if host.line else 0,
        },
        "registers": register_list(),
    }
