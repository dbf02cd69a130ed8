"""Files for AMD's tools beside IP-XACT: a script that instantiates the core, and driver data.

Written from public documentation (UG835, UG994, UG1118) and its examples of packaged IP, not run
with Vivado.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hdl.packaging.ipxact import LIBRARY, VENDOR, interfaces

PART = "xc7z020clg400-1"

_PROJECT = """\
# Puts {name} into a project of AMD Vivado, as an IP of the catalogue (folder {name}) in a block
# design whose ports are its own. Not run with Vivado, which was not at hand. PART is any that
# Vivado knows, FOLDER is the project's.
#
#     vivado -mode batch -source {script} [-tclargs PART [FOLDER]]
set part [expr {{$argc > 0 ? [lindex $argv 0] : "{part}"}}]
set folder [expr {{$argc > 1 ? [lindex $argv 1] : "{name}_project"}}]
set here [file dirname [file normalize [info script]]]

ipx::open_core [file join $here {name} component.xml]
ipx::check_integrity [ipx::current_core]
ipx::unload_core [ipx::current_core]

create_project {name} $folder -part $part
set_property ip_repo_paths [list [file join $here {name}]] [current_project]
update_ip_catalog

create_bd_design {name}_system
create_bd_cell -type ip -vlnv {vlnv} core
make_bd_pins_external [get_bd_pins {{{pins}}}]
make_bd_intf_pins_external [get_bd_intf_pins {{{buses}}}]
set_property CONFIG.FREQ_HZ {hertz} [get_bd_ports aclk_0]
assign_bd_address
validate_bd_design
save_bd_design
make_wrapper -files [get_files {name}_system.bd] -top -import
"""

_MDD = """\
OPTION psf_version = 2.1;

BEGIN DRIVER {name}
  OPTION supported_peripherals = ({name});
  OPTION copyfiles = all;
  OPTION VERSION = {version};
  OPTION NAME = {name};
END DRIVER
"""

_PARAMETERS = """\
proc generate {{drv_handle}} {{
    xdefine_include_file $drv_handle "xparameters.h" "{name}" \\
        "NUM_INSTANCES" "DEVICE_ID" "C_S_AXIL_BASEADDR" "C_S_AXIL_HIGHADDR"
}}
"""

_MAKEFILE = """\
# Called while a board support package is built, which gives all variables.
COMPILER =
ARCHIVER =
CP = cp
COMPILER_FLAGS =
EXTRA_COMPILER_FLAGS =
LIB = libxil.a
RELEASEDIR = ../../../lib
INCLUDEDIR = ../../../include

libs:
\t$(COMPILER) $(COMPILER_FLAGS) $(EXTRA_COMPILER_FLAGS) -I. -I$(INCLUDEDIR) -c *.c
\t$(ARCHIVER) -r $(RELEASEDIR)/$(LIB) *.o
\trm -f *.o

include:
\t$(CP) *.h $(INCLUDEDIR)

clean:
\trm -f *.o
"""


def script_name(name: str) -> str:
    """Return the script's file name."""
    return f"{name}.vivado.tcl"


def project_script(
    *, name: str, version: str, ports: Sequence[Mapping[str, Any]], hertz: int, part: str
) -> str:
    """Write a Tcl script that makes a project with the core in a block design.

    Args:
        name, version: of the component.
        ports: of the top module, as in its description.
        hertz: of its clock.
        part: Vivado's name of the part that is taken where none is given; "" for ``PART``.
    """
    buses, pins = interfaces(ports)
    return _PROJECT.format(
        name=name,
        script=script_name(name),
        vlnv=f"{VENDOR}:{LIBRARY}:{name}:{version}",
        pins=" ".join(f"core/{pin}" for pin in pins),
        buses=" ".join(f"core/{bus}" for bus in buses),
        hertz=hertz,
        part=part or PART,
    )


def driver_files(*, name: str, version: str, sources: Mapping[str, str]) -> dict[str, str]:
    """Write the driver's files, by their paths in the component's folder.

    Args:
        name, version: of the component.
        sources: C sources and headers, by name.
    """
    folder = f"drivers/{name}"
    texts = {"name": name, "version": version}
    return {
        f"{folder}/data/{name}.mdd": _MDD.format(**texts),
        f"{folder}/data/{name}.tcl": _PARAMETERS.format(**texts),
        f"{folder}/src/Makefile": _MAKEFILE,
        **{f"{folder}/src/{file}": text for file, text in sources.items()},
    }
