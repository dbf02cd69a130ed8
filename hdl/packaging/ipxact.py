"""IP-XACT component (IEEE 1685-2009, which Vivado and Kactus2 read) of a core with a bus.

PeakRDL writes the memory map from the description of the registers; this module adds buses, ports
and files. Bus types, views, kinds of files and extensions are Vivado's, as far as public
documentation and packaged IP show them. Elements stand in the order of the schema.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from hdl.bus.register_map import elaborated

NAMESPACE = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
XILINX = "http://www.xilinx.com"
VENDOR, LIBRARY = "litelstm", "ip"
FILE = "component.xml"
"""The file's name: Vivado looks for it in the folders of a repository."""

_DESCRIPTION = "A recurrent network on one MAC array, with an AXI bus."
_RANGE = 4096
"""Bytes of the registers' address range: the smallest common one; the registers repeat in it."""

_FAMILIES = (
    *("artix7", "kintex7", "virtex7", "spartan7", "zynq", "kintexu", "virtexu"),
    *("artixuplus", "kintexuplus", "virtexuplus", "zynquplus", "versal"),
)

_VIEWS = {
    "xilinx_verilogsynthesis": ("Verilog synthesis", "verilogSource:vivado.xilinx.com:synthesis"),
    "xilinx_verilogbehavioralsimulation": (
        "Verilog simulation",
        "verilogSource:vivado.xilinx.com:simulation",
    ),
    "xilinx_softwaredriver": ("Software driver", ":vivado.xilinx.com:sw.driver"),
}
"""Title and environment of each view. Each view has its own file set."""

_DRIVER_KINDS = {
    "mdd": ("user:mdd", "user:driver_mdd"),
    "tcl": ("tclSource", "user:driver_tcl"),
    "Makefile": ("user:driver_src",),
    "c": ("cSource", "user:driver_src"),
    "h": ("cSource", "user:driver_src"),
}
"""Kinds of a driver's files, by the ends of their names; ``user:`` marks Vivado's own kinds."""

_AXI_LITE = "s_axil"
_BASE_AND_HIGH = {"BASE": "BASEADDR", "HIGH": "HIGHADDR"}
_CLOCK, _RESET, _INTERRUPT = "aclk", "aresetn", "irq"
_TYPES = {
    "aximm": "bus",
    "axis": "bus",
    "clock": "signal",
    "reset": "signal",
    "interrupt": "signal",
}
"""Kinds of the bus types of Vivado's own library."""


def interfaces(
    ports: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, list[Mapping[str, Any]]], list[str]]:
    """Sort ports into those of buses, by the bus's name, and names of the others."""
    buses: dict[str, list[Mapping[str, Any]]] = {}
    pins = []
    for port in ports:
        prefix, _, logical = port["name"].rpartition("_")
        if logical.startswith("t") or prefix == _AXI_LITE:
            buses.setdefault(prefix, []).append(port)
        else:
            pins.append(port["name"])
    return buses, pins


def component(
    *,
    name: str,
    version: str,
    ports: Sequence[Mapping[str, Any]],
    driver: Collection[str],
    memories: Collection[str] = (),
) -> str:
    """Write the component's XML, for a folder beside the files of the core.

    Args:
        name: of the top module.
        version: of the component.
        ports: of the top module, as in its description: ``name``, ``direction``, ``width``.
        driver: paths of the driver's files in the component's folder.
        memories: files beside the Verilog that it reads.
    """
    root = _with_memory_map(name, version)
    buses = _bus_interfaces(ports)
    places = [child.tag for child in root]
    root.insert(places.index(_tag("memoryMaps")), buses)
    root.append(_model(name, ports))
    root.append(_file_sets(name, driver, memories))
    _add(root, "description", _DESCRIPTION)
    _component_parameters(root, f"{name}_v{version.replace('.', '_')}")
    root.append(_extensions(name))
    # The prefixes can only be chosen for the whole process.
    ElementTree.register_namespace("spirit", NAMESPACE)
    ElementTree.register_namespace("xilinx", XILINX)
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
        root = ElementTree.parse(path).getroot()
    (block,) = root.iter(_tag("addressBlock"))
    (size,) = block.iter(_tag("range"))
    size.text = hex(_RANGE)
    places = [child.tag for child in block]
    # With these the address map sets the parameters that the driver's Tcl reads.
    parameters = Element(_tag("parameters"))
    for end, value in _BASE_AND_HIGH.items():
        _add_parameter(parameters, f"OFFSET_{end}_PARAM", f"C_S_AXIL_{value}")
    block.insert(places.index(_tag("register")), parameters)
    return root


def _bus_interfaces(ports: Sequence[Mapping[str, Any]]) -> Element:
    buses = Element(_tag("busInterfaces"))
    by_prefix, _ = interfaces(ports)
    for prefix, signals in by_prefix.items():
        kind = "aximm" if prefix == _AXI_LITE else "axis"
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
    """Add a bus; ``names`` are the module's ports by the bus type's names."""
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
        _add_parameter(parameters, name, value)


def _add_parameter(parameters: Element, name: str, value: str) -> Element:
    """Add a parameter; return its value element, for attributes."""
    parameter = _add(parameters, "parameter")
    _add(parameter, "name", name)
    return _add(parameter, "value", value)


def _component_parameters(root: Element, title: str) -> None:
    """Add the parameters that Vivado needs: title, and address range of the registers."""
    parameters = _add(root, "parameters")
    values = {"Component_Name": title}
    values |= {"C_S_AXIL_BASEADDR": "0xFFFFFFFF", "C_S_AXIL_HIGHADDR": "0x00000000"}
    for name, text in values.items():
        value = _add_parameter(parameters, name, text)
        value.set(_tag("resolve"), "user")
        value.set(_tag("id"), f"PARAM_VALUE.{name}")


def _extensions(name: str) -> Element:
    """Make the entry of Vivado's catalogue, with the families that it offers the core for."""
    extensions = Element(_tag("vendorExtensions"))

    def add(parent: Element, tag: str, text: str | None = None) -> Element:
        child = SubElement(parent, f"{{{XILINX}}}{tag}")
        child.text = text
        return child

    core = add(extensions, "coreExtensions")
    families = add(core, "supportedFamilies")
    for family in _FAMILIES:
        add(families, "family", family).set(f"{{{XILINX}}}lifeCycle", "Production")
    add(add(core, "taxonomies"), "taxonomy", "/UserIP")
    add(core, "displayName", f"{name} (litelstm)")
    add(core, "vendorDisplayName", VENDOR)
    add(core, "definitionSource", "package_project")
    add(core, "coreRevision", "1")
    return extensions


def _model(name: str, ports: Sequence[Mapping[str, Any]]) -> Element:
    model = Element(_tag("model"))
    views = _add(model, "views")
    for view_name, (title, environment) in _VIEWS.items():
        view = _add(views, "view")
        _add(view, "name", view_name)
        _add(view, "displayName", title)
        _add(view, "envIdentifier", environment)
        if environment.startswith("verilog"):
            _add(view, "language", "verilog")
            _add(view, "modelName", name)
        _add(_add(view, "fileSetRef"), "localName", f"{view_name}_view_fileset")
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


def _file_sets(name: str, driver: Collection[str], memories: Collection[str]) -> Element:
    """Make a file set for each view. The constraints are for synthesis of the core alone."""
    verilog = {f"../{name}.v": ("verilogSource",)}
    verilog |= {f"../{file}": ("user:mem",) for file in memories}
    xdc = {f"../{name}.xdc": ("user:xdc", "user:USED_IN_out_of_context")}
    ends = {file: file.rpartition("/")[2].rpartition(".")[2] for file in driver}
    software = {file: _DRIVER_KINDS[end] for file, end in ends.items()}
    sets = Element(_tag("fileSets"))
    for view, kinds in zip(_VIEWS, ({**verilog, **xdc}, verilog, software), strict=True):
        one = _add(sets, "fileSet")
        _add(one, "name", f"{view}_view_fileset")
        for path, types in kinds.items():
            file = _add(one, "file")
            _add(file, "name", path)
            for kind in types:
                plain = kind.removeprefix("user:")
                _add(file, "fileType" if plain == kind else "userFileType", plain)
    return sets


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    child = SubElement(parent, _tag(name))
    child.text = text
    return child
