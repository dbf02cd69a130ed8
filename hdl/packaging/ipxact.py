"""The IP-XACT component (IEEE 1685-2009, which Vivado and Kactus2 read) of a core with a bus.

PeakRDL writes the memory map from the registers' description; the buses, ports and files are
added here. Bus types are the ones that Vivado knows. Elements stand in the order of the schema.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from hdl.bus.register_map import elaborated

NAMESPACE = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
VENDOR, LIBRARY = "litelstm", "ip"

_AXI_LITE = ("aximm", "s_axil_")
_CLOCK, _RESET, _INTERRUPT = "aclk", "aresetn", "irq"
_TYPES = {
    "aximm": "bus",
    "axis": "bus",
    "clock": "signal",
    "reset": "signal",
    "interrupt": "signal",
}
"""Bus types in the library of interfaces that Vivado comes with, and their kind."""


def component(
    *, name: str, version: str, ports: Sequence[Mapping[str, Any]], files: Mapping[str, str]
) -> str:
    """The component's XML.

    Args:
        name: of the top module.
        version: of the component.
        ports: of the top module, as in its description: ``name``, ``direction``, ``width``.
        files: the IP-XACT type of each file, by its name beside the component.
    """
    root = _with_memory_map(name, version)
    buses = _bus_interfaces(ports)
    places = [child.tag for child in root]
    root.insert(places.index(_tag("memoryMaps")), buses)
    root.append(_model(name, ports))
    root.append(_file_sets(files))
    _add(root, "description", "A recurrent network on one MAC array, with an AXI bus.")
    # The prefix can only be chosen for the whole process.
    ElementTree.register_namespace("spirit", NAMESPACE)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _with_memory_map(name: str, version: str) -> Element:
    from peakrdl_ipxact.exporter import IPXACTExporter, Standard

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "component.xml"
        exporter = IPXACTExporter(
            vendor=VENDOR, library=LIBRARY, version=version, standard=Standard.IEEE_1685_2009
        )
        exporter.export(elaborated(), str(path), component_name=name)
        return ElementTree.parse(path).getroot()


def _bus_interfaces(ports: Sequence[Mapping[str, Any]]) -> Element:
    buses = Element(_tag("busInterfaces"))
    by_prefix: dict[str, list[Mapping[str, Any]]] = {}
    for port in ports:
        prefix, _, logical = port["name"].rpartition("_")
        if logical.startswith("t") or prefix == _AXI_LITE[1].rstrip("_"):
            by_prefix.setdefault(prefix, []).append(port)
    for prefix, signals in by_prefix.items():
        kind = "aximm" if prefix + "_" == _AXI_LITE[1] else "axis"
        names = {port["name"].removeprefix(f"{prefix}_").upper(): port["name"] for port in signals}
        bus = _interface(buses, prefix, kind, master=prefix.startswith("m_"), names=names)
        if kind == "aximm":
            _parameters(bus, PROTOCOL="AXI4LITE")
    streams = ":".join(by_prefix)
    clock = _interface(buses, _CLOCK, "clock", names={"CLK": _CLOCK})
    _parameters(clock, ASSOCIATED_BUSIF=streams, ASSOCIATED_RESET=_RESET)
    reset = _interface(buses, _RESET, "reset", names={"RST": _RESET})
    _parameters(reset, POLARITY="ACTIVE_LOW")
    interrupt = _interface(
        buses, _INTERRUPT, "interrupt", master=True, names={"INTERRUPT": _INTERRUPT}
    )
    _parameters(interrupt, SENSITIVITY="LEVEL_HIGH")
    return buses


def _interface(
    buses: Element, name: str, kind: str, *, names: Mapping[str, str], master: bool = False
) -> Element:
    """One bus; ``names`` are the module's ports by the bus type's names."""
    bus = _add(buses, "busInterface")
    _add(bus, "name", name)
    library = "interface" if _TYPES[kind] == "bus" else "signal"
    for element, type_name in (("busType", kind), ("abstractionType", f"{kind}_rtl")):
        attributes = {"vendor": "xilinx.com", "library": library, "name": type_name}
        reference = _add(bus, element)
        for attribute, value in {**attributes, "version": "1.0"}.items():
            reference.set(_tag(attribute), value)
    side = _add(bus, "master" if master else "slave")
    if kind == "aximm":
        _add(side, "memoryMapRef").set(_tag("memoryMapRef"), "litelstm_mmap")
    maps = _add(bus, "portMaps")
    for logical, physical in names.items():
        one = _add(maps, "portMap")
        _add(_add(one, "logicalPort"), "name", logical)
        _add(_add(one, "physicalPort"), "name", physical)
    return bus


def _parameters(bus: Element, **values: str) -> None:
    parameters = _add(bus, "parameters")
    for name, value in values.items():
        parameter = _add(parameters, "parameter")
        _add(parameter, "name", name)
        _add(parameter, "value", value)


def _model(name: str, ports: Sequence[Mapping[str, Any]]) -> Element:
    model = Element(_tag("model"))
    views = _add(model, "views")
    for view_name, environment in (
        ("synthesis", "verilogSource:vivado.xilinx.com:synthesis"),
        ("simulation", "verilogSource:vivado.xilinx.com:simulation"),
    ):
        view = _add(views, "view")
        _add(view, "name", view_name)
        _add(view, "envIdentifier", environment)
        _add(view, "language", "verilog")
        _add(view, "modelName", name)
        _add(_add(view, "fileSetRef"), "localName", "rtl")
    listed = _add(model, "ports")
    for port in ports:
        one = _add(listed, "port")
        _add(one, "name", port["name"])
        wire = _add(one, "wire")
        _add(wire, "direction", {"input": "in", "output": "out"}[port["direction"]])
        if port["width"] > 1:
            vector = _add(wire, "vector")
            _add(vector, "left", str(port["width"] - 1))
            _add(vector, "right", "0")
    return model


def _file_sets(files: Mapping[str, str]) -> Element:
    """Verilog for synthesis and simulation, and the rest for software."""
    sets = Element(_tag("fileSets"))
    for set_name, in_rtl in (("rtl", True), ("software", False)):
        chosen = {name: kind for name, kind in files.items() if (kind == "verilogSource") is in_rtl}
        if not chosen:
            continue
        one = _add(sets, "fileSet")
        _add(one, "name", set_name)
        for name, kind in chosen.items():
            file = _add(one, "file")
            _add(file, "name", name)
            _add(file, "fileType", kind)
    return sets


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    child = SubElement(parent, _tag(name))
    child.text = text
    return child
