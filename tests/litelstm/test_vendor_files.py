"""Constraints, scripts and drivers that ``generate`` writes for others' tools, as those read them.

There is neither a Vivado nor a Quartus here: their Tcl runs in a plain ``tclsh`` in which their
commands, and no others, are known by name and only print what they are called with.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hdl.packaging.ipxact import NAMESPACE, XILINX
from litelstm.fpga import tools
from tests.litelstm.conftest import Call, Files

pytestmark = pytest.mark.fpga

CLOCKS = {48_000_000: "20.833", 12_000_000: "83.333", 100_000_000: "10.000"}

BUSES = {
    "axi": (["--axi", "--clock", 48], 48_000_000),
    "everything": (
        ["--axi", "--state", "load", "--streams", 2, "--storage", "ram", "--target", "xilinx-a35t"],
        100_000_000,
    ),
    "window": (["--axi", "--window", "--memory-files"], 100_000_000),
    "spi": (["--spi", "--clock", 48], 48_000_000),
    "uart": (["--uart", 1_000_000, "--clock", 12], 12_000_000),
}
"""Options, and the clock that the files must be for."""

AXI = [name for name in BUSES if "--axi" in BUSES[name][0]]
LINES = {"spi": {"sck", "cs_n", "mosi", "miso", "miso_enable"}, "uart": {"rx", "tx"}}

COMMANDS = {
    "constraints": "create_clock get_ports set_false_path get_cells set_property",
    "vivado": "ipx::open_core ipx::check_integrity ipx::unload_core ipx::current_core "
    "create_project current_project set_property update_ip_catalog create_bd_design create_bd_cell "
    "make_bd_pins_external get_bd_pins make_bd_intf_pins_external get_bd_intf_pins get_bd_ports "
    "assign_bd_address validate_bd_design save_bd_design get_files make_wrapper",
    "quartus": "set_module_property add_fileset set_fileset_property add_fileset_file "
    "add_interface set_interface_property add_interface_port",
    "project": "set_global_assignment",
    "driver": "xdefine_include_file",
}

Calls = list[list[str]]


def run_tcl(script: Path, tool: str, *, before: str = "", after: str = "") -> Calls:
    """Run a script where only a tool's commands are known beside Tcl's; returns the calls."""
    stubs = "\n".join(
        f"proc {name} args {{ puts [join [list {name} {{*}}$args] \\t]; return <{name}> }}"
        for name in COMMANDS[tool].split()
    )
    spaces = "namespace eval ipx {}\n"
    text = f"{spaces}{stubs}\n{before}\nsource {{{script}}}\n{after}\n"
    done = subprocess.run(
        ["tclsh"], input=text, capture_output=True, text=True, check=False, cwd=script.parent
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def made(calls: Calls, command: str) -> Calls:
    """Arguments of all calls of a command."""
    return [call[1:] for call in calls if call[0] == command]


@pytest.fixture(scope="module")
def folders(files: Files, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders in which cores are, by the bus; filled when they are asked for."""
    return {}


@pytest.fixture
def written(
    request: pytest.FixtureRequest,
    files: Files,
    call: Call,
    folders: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with a core of a bus."""
    name = request.param
    if name not in folders:
        folders[name] = tmp_path_factory.mktemp(name)
        options = ["--lanes", 2, "--name", "tiny", *BUSES[name][0], "-o", folders[name]]
        assert call("generate", files.network, *options).status == 0
    return folders[name]


def description(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "tiny.json").read_text())


@pytest.mark.parametrize("end", ["xdc", "sdc"])
@pytest.mark.parametrize("written", BUSES, indirect=True)
def test_constraints(written: Path, end: str, request: pytest.FixtureRequest) -> None:
    """The clock that was asked for, on the core's port; lines without relation to it, no others."""
    bus = request.node.callspec.params["written"]
    values = description(written)
    ports = {port["name"]: port["direction"] for port in values["ports"]}
    calls = run_tcl(written / f"tiny.{end}", "constraints")
    clock = "aclk" if bus in AXI else "clk"
    hertz = BUSES[bus][1]
    assert values["bus"]["clock"] == hertz
    assert made(calls, "create_clock") == [
        ["-name", clock, "-period", CLOCKS[hertz], "<get_ports>"]
    ]
    named = [argument.split() for (argument,) in made(calls, "get_ports")]
    assert named[0] == [clock]
    assert ports[clock] == "input"
    assert {name for names in named[1:] for name in names} == LINES.get(bus, set())
    assert {
        name for name in ports if re.fullmatch("rx|tx|sck|cs_n|mosi|miso.*", name)
    } == LINES.get(bus, set())
    directions = [{ports[name] for name in names} for names in named[1:]]
    expected = [{"input"}, {"output"}] if bus in LINES else []
    assert directions == expected
    assert [call[0] for call in made(calls, "set_false_path")] == ["-from", "-to"][: len(expected)]
    if end == "xdc" and bus in LINES:
        check_synchronizers(calls, (written / "tiny.v").read_text(), inputs=len(named[1]))


def check_synchronizers(calls: Calls, verilog: str, *, inputs: int) -> None:
    """The registers that become ASYNC_REG are there: two for each input, and no others."""
    (pattern,) = [call[-1] for call in made(calls, "get_cells")]
    assert made(calls, "set_property") == [["ASYNC_REG", "TRUE", "<get_cells>"]]
    stems = [part.removesuffix("_reg*") for part in pattern.split()]
    found = re.findall(r"^  reg .*?(\w+)(?: =.*)?;", verilog, re.MULTILINE)
    matched = sorted(name for name in found if name.startswith(tuple(stems)))
    assert matched == sorted(stems * inputs)


NETLIST = """\
module tiny({ports});
{declared}
  reg [1:0] q;
  always @(posedge {clock}) q <= {{q[0], ^{{{into}}}}};
  assign {{{out_of}}} = {{128{{q[1]}}}};
endmodule
"""


def stand_in(folder: Path, synth: str) -> None:
    """A netlist of something small with the core's ports, ``tiny.nl.json``."""
    ports = description(folder)["ports"]
    sides = {"input": [], "output": []}
    for port in ports:
        sides[port["direction"]].append(port["name"])
    clock = next(name for name in sides["input"] if name.endswith("clk"))
    text = NETLIST.format(
        ports=", ".join(port["name"] for port in ports),
        declared="\n".join(
            f"  {port['direction']} [{port['width'] - 1}:0] {port['name']};" for port in ports
        ),
        clock=clock,
        into=", ".join(name for name in sides["input"] if name != clock),
        out_of=", ".join(sides["output"]),
    )
    (folder / "stand_in.v").write_text(text)
    tools.yosys(f"read_verilog stand_in.v\n{synth} -top tiny -json tiny.nl.json\n", folder)


@pytest.mark.parametrize(
    ("target", "end", "synth", "command"),
    [
        ("ecp5-25f", "lpf", "synth_ecp5", "ecp5 --25k --package CABGA381"),
        ("ice40-up5k", "pcf", "synth_ice40", "ice40 --up5k --package sg48"),
    ],
)
@pytest.mark.parametrize("bus", ["uart", "axi"])
def test_nextpnr_takes_them(
    target: str,
    end: str,
    synth: str,
    command: str,
    bus: str,
    files: Files,
    call: Call,
    tmp_path: Path,
) -> None:
    """The file of a named part sets the clock; so does the .sdc of a core without lines."""
    options, hertz = BUSES[bus]
    arguments = ["--lanes", 2, "--name", "tiny", *options, "--target", target, "-o", tmp_path]
    assert call("generate", files.network, *arguments).status == 0
    assert {path.suffix for path in tmp_path.iterdir()} & {".lpf", ".pcf"} == {f".{end}"}
    stand_in(tmp_path, synth)
    router, *options = command.split()
    free = ["--lpf-allow-unconstrained" if end == "lpf" else "--pcf-allow-unconstrained"]
    ways = [[f"--{end}", f"tiny.{end}"], *([["--sdc", "tiny.sdc"]] if bus == "axi" else [])]
    for way in ways:
        given = [*options, "--json", "tiny.nl.json", *way, *free, "--pack-only"]
        tools.run(f"yowasp-nextpnr-{router}", given, tmp_path, log="nextpnr.log")
        said = (tmp_path / "nextpnr.log").read_text()
        clock = "aclk" if bus == "axi" else "clk"
        assert f"constraining clock net '{clock}' to {hertz / 1e6:.2f} MHz" in said


@pytest.mark.parametrize("written", AXI, indirect=True)
def test_vivado_script(written: Path, request: pytest.FixtureRequest) -> None:
    """It checks and finds the component, and leads every pin and bus of it out of the design."""
    calls = run_tcl(written / "tiny.vivado.tcl", "vivado", before="set argc 0; set argv {}")
    component = written / "tiny" / "component.xml"
    root = ElementTree.parse(component).getroot()
    ns = {"s": NAMESPACE}
    ((opened,),) = made(calls, "ipx::open_core")
    assert (written / opened).samefile(component)
    properties = {call[0]: call[1] for call in made(calls, "set_property")}
    assert (written / properties["ip_repo_paths"]).samefile(component.parent)
    assert int(properties["CONFIG.FREQ_HZ"]) == description(written)["bus"]["clock"]
    parts = ("vendor", "library", "name", "version")
    vlnv = ":".join(root.findtext(f"s:{part}", "", ns) for part in parts)
    assert made(calls, "create_bd_cell") == [["-type", "ip", "-vlnv", vlnv, "core"]]
    (pins,) = (call[0].split() for call in made(calls, "get_bd_pins"))
    (buses,) = (call[0].split() for call in made(calls, "get_bd_intf_pins"))
    listed = [bus.text for bus in root.iterfind("s:busInterfaces/s:busInterface/s:name", ns)]
    assert sorted([*pins, *buses]) == sorted(f"core/{name}" for name in listed)


@pytest.mark.parametrize(
    ("written", "part"),
    [("axi", "xc7z020clg400-1"), ("everything", "xc7a35tcsg324-1")],
    indirect=["written"],
)
def test_vivado_script_is_for_the_target(written: Path, part: str) -> None:
    calls = run_tcl(written / "tiny.vivado.tcl", "vivado", before="set argc 0; set argv {}")
    assert made(calls, "create_project") == [["tiny", "tiny_project", "-part", part]]


@pytest.mark.parametrize("written", ["axi"], indirect=True)
def test_vivado_script_takes_part_and_folder(written: Path) -> None:
    before = "set argc 2; set argv {xc7a35tcpg236-1 elsewhere}"
    calls = run_tcl(written / "tiny.vivado.tcl", "vivado", before=before)
    assert made(calls, "create_project") == [["tiny", "elsewhere", "-part", "xc7a35tcpg236-1"]]


@pytest.mark.parametrize("written", AXI, indirect=True)
def test_component_says_what_vivado_looks_for(written: Path) -> None:
    """Views with file sets of files that are there, families, names; a range that decodes."""
    path = written / "tiny" / "component.xml"
    root = ElementTree.parse(path).getroot()
    ns = {"s": NAMESPACE, "x": XILINX}
    views = {
        view.findtext("s:envIdentifier", "", ns): view.findtext("s:fileSetRef/s:localName", "", ns)
        for view in root.iterfind("s:model/s:views/s:view", ns)
    }
    sets = {
        one.findtext("s:name", "", ns): {
            file.findtext("s:name", "", ns): {
                kind.text for kind in file if kind.tag.lower().endswith("filetype")
            }
            for file in one.iterfind("s:file", ns)
        }
        for one in root.iterfind("s:fileSets/s:fileSet", ns)
    }
    assert set(views.values()) == set(sets)
    assert all((path.parent / file).is_file() for files in sets.values() for file in files)
    software = sets[views[":vivado.xilinx.com:sw.driver"]]
    assert {Path(file).name for file in software} == {
        "tiny.mdd", "tiny.tcl", "Makefile", "litelstm.c", "litelstm.h", "litelstm_registers.h",
        "tiny_network.h",
    }  # fmt: skip
    for end, kinds in ((".mdd", {"mdd", "driver_mdd"}), (".c", {"cSource", "driver_src"})):
        assert next(kind for file, kind in software.items() if file.endswith(end)) == kinds
    synthesis = sets[views["verilogSource:vivado.xilinx.com:synthesis"]]
    simulation = sets[views["verilogSource:vivado.xilinx.com:simulation"]]
    memories = {f"../{file}": {"mem"} for file in description(written)["memory_files"]}
    assert simulation == {"../tiny.v": {"verilogSource"}, **memories}
    assert simulation.items() <= synthesis.items()
    assert synthesis["../tiny.xdc"] == {"xdc", "USED_IN_out_of_context"}
    core = root.find("s:vendorExtensions/x:coreExtensions", ns)
    assert core is not None
    families = [family.text for family in core.iterfind("x:supportedFamilies/x:family", ns)]
    assert {"zynq", "artix7", "zynquplus", "kintexuplus"} <= set(families)
    assert core.findtext("x:displayName", "", ns) == "tiny (litelstm)"
    assert core.findtext("x:taxonomies/x:taxonomy", "", ns) == "/UserIP"
    size = int(root.findtext(".//s:addressBlock/s:range", "", ns), 0)
    assert size >= 4096
    assert size & (size - 1) == 0


@pytest.mark.parametrize("written", ["axi"], indirect=True)
def test_driver_of_the_component(written: Path, tmp_path: Path) -> None:
    """Its data name the component, its Makefile builds the library from the C driver beside it."""
    driver = written / "tiny" / "drivers" / "tiny"
    assert "supported_peripherals = (tiny);" in (driver / "data" / "tiny.mdd").read_text()
    calls = run_tcl(driver / "data" / "tiny.tcl", "driver", after="generate handle")
    assert made(calls, "xdefine_include_file")[0][:3] == ["handle", "xparameters.h", "tiny"]
    include = tmp_path / "include"
    include.mkdir()
    variables = {"COMPILER": "gcc", "ARCHIVER": "ar", "RELEASEDIR": tmp_path, "INCLUDEDIR": include}
    given = [f"{name}={value}" for name, value in variables.items()]
    for goal in ("include", "libs", "clean"):
        subprocess.run(["make", "-s", "-C", driver / "src", goal, *given], check=True)
    symbols = subprocess.run(
        ["nm", tmp_path / "libxil.a"], capture_output=True, text=True, check=True
    ).stdout
    assert " T litelstm_run\n" in symbols
    headers = {"litelstm.h", "litelstm_registers.h", "tiny_network.h"}
    assert {path.name for path in include.iterdir()} == headers
    for file in ("litelstm.c", "litelstm.h", "litelstm_registers.h"):
        assert (driver / "src" / file).read_bytes() == (written / file).read_bytes()


@pytest.mark.parametrize("written", AXI, indirect=True)
def test_platform_designer_component(written: Path) -> None:
    """Every port is in an interface, with its direction and width, each of which has a clock."""
    before = "package provide qsys 19.1"
    calls = run_tcl(written / "tiny_hw.tcl", "quartus", before=before)
    ports = {
        port["name"]: (port["direction"], port["width"]) for port in description(written)["ports"]
    }
    added = made(calls, "add_interface_port")
    assert {name: (way.lower(), int(width)) for _, name, _, way, width in added} == ports
    assert len(added) == len(ports)
    kinds = {name: (kind, side) for name, kind, side in made(calls, "add_interface")}
    assert {interface for interface, *_ in added} == set(kinds)
    assert kinds["s_axil"] == ("axi4lite", "end")
    for name, (kind, side) in kinds.items():
        if kind == "axi4stream":
            assert side == ("start" if name.startswith("m_") else "end")
            assert {role for one, _, role, _, _ in added if one == name} >= {"tvalid", "tready"}
    clocked = {name for name, key, _ in made(calls, "set_interface_property") if "Clock" in key}
    assert clocked == set(kinds) - {"aclk"}
    listed = [file[3] for file in made(calls, "add_fileset_file")]
    assert all((written / file).is_file() for file in listed)
    files = ["tiny.v", *description(written)["memory_files"]]
    assert sorted(listed) == sorted(2 * files)  # for synthesis and for simulation


@pytest.mark.parametrize("written", BUSES, indirect=True)
def test_quartus_project(written: Path) -> None:
    calls = run_tcl(written / "tiny.qsf", "project")
    given = [(name, value) for _, name, value in made(calls, "set_global_assignment")]
    memories = description(written)["memory_files"]
    assert given == [
        ("TOP_LEVEL_ENTITY", "tiny"),
        ("VERILOG_FILE", "tiny.v"),
        ("SDC_FILE", "tiny.sdc"),
        *(("MISC_FILE", file) for file in memories),
    ]
    assert all((written / file).is_file() for _, file in given[1:])
