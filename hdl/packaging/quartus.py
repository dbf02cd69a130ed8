"""Files for Altera's tools: a component of Platform Designer, and assignments of a project.

Written from public documentation ("Component Interface Tcl Reference"), not run with Quartus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hdl.packaging.ipxact import interfaces

_QSF = """\
# To add to a project's .qsf, for {name} as its top; in a system leave the first and the last line
# out. Not run with Quartus, which was not at hand.
set_global_assignment -name TOP_LEVEL_ENTITY {name}
set_global_assignment -name VERILOG_FILE {name}.v
set_global_assignment -name SDC_FILE {name}.sdc
{memories}"""

_MODULE = """\
# {name} as a component of Platform Designer: this folder belongs to its search path. Not run with
# Quartus, which was not at hand.
package require -exact qsys 19.1

set_module_property NAME {name}
set_module_property DISPLAY_NAME {name}
set_module_property DESCRIPTION "A recurrent network on one MAC array, with an AXI bus."
set_module_property VERSION {version}
set_module_property GROUP litelstm
set_module_property EDITABLE false

foreach fileset {{QUARTUS_SYNTH SIM_VERILOG}} {{
    add_fileset $fileset $fileset ""
    set_fileset_property $fileset TOP_LEVEL {name}
    add_fileset_file {name}.v VERILOG PATH {name}.v TOP_LEVEL_FILE
{memories}}}

add_interface aclk clock end
add_interface_port aclk aclk clk Input 1

add_interface aresetn reset end
set_interface_property aresetn associatedClock aclk
set_interface_property aresetn synchronousEdges BOTH
add_interface_port aresetn aresetn reset_n Input 1
"""


def project_lines(*, name: str, memories: Sequence[str] = ()) -> str:
    """Write the assignments of a project with the core.

    Args:
        name: of the core.
        memories: files that its Verilog reads.
    """
    lines = "".join(f"set_global_assignment -name MISC_FILE {file}\n" for file in memories)
    return _QSF.format(name=name, memories=lines)


def component(
    *,
    name: str,
    version: str,
    ports: Sequence[Mapping[str, Any]],
    memories: Sequence[str] = (),
) -> str:
    """Write the component's Tcl, for ``NAME_hw.tcl``: Platform Designer looks for this end.

    Args:
        name, version: of the component.
        ports: of the top module, as in its description.
        memories: files that its Verilog reads.
    """
    files = "".join(f"    add_fileset_file {file} OTHER PATH {file}\n" for file in memories)
    lines = [_MODULE.format(name=name, version=version, memories=files)]
    for bus, signals in interfaces(ports)[0].items():
        kind = "axi4lite" if bus == "s_axil" else "axi4stream"
        lines += _interface(bus, f"{kind} {'start' if bus.startswith('m_') else 'end'}")
        lines += [_port(bus, port, port["name"].removeprefix(f"{bus}_")) for port in signals]
        lines.append("")
    (irq,) = (port for port in ports if port["name"] == "irq")
    lines += _interface("irq", "interrupt end")
    lines += ["set_interface_property irq associatedAddressablePoint s_axil"]
    lines += [_port("irq", irq, "irq")]
    return "\n".join(lines) + "\n"


def _interface(name: str, kind: str) -> Iterator[str]:
    yield f"add_interface {name} {kind}"
    yield f"set_interface_property {name} associatedClock aclk"
    yield f"set_interface_property {name} associatedReset aresetn"


def _port(interface: str, port: Mapping[str, Any], role: str) -> str:
    direction = port["direction"].capitalize()
    return f"add_interface_port {interface} {port['name']} {role} {direction} {port['width']}"
