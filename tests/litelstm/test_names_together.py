"""Cores of any names in one folder and in one design: nothing of one replaces what is another's."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from golden.errors import InputError
from hdl.export.verilog_names import check_name, inner_prefix
from hdl.packaging.ipxact import NAMESPACE
from sim.tools import toolchain
from tests.litelstm.conftest import Call, Files

pytestmark = pytest.mark.simulator

NAMES = (
    *("lstm", "lstm_core", "lstm_core_core", "LSTM", "core", "core_core", "lstm_hw", "lstm_"),
    *("litelstm", "litelstm_registers"),
)
"""Names that begin or end as others, as inner modules or generated files could, or as ours."""

BUSES = (["--axi"], ["--axi", "--window"], ["--spi"], ["--uart", 1_000_000, "--clock", 16])

SHARED = {"litelstm.c", "litelstm.h", "litelstm_registers.h"}
"""Files that are the same for every core."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cores")


@pytest.fixture
def cores(folder: Path, files: Files, call: Call) -> Path:
    """Generate all cores into one folder, once in each process that runs tests.

    Cores in one folder only overwrite files that are equal for all of them.
    """
    if not any(folder.iterdir()):
        written = write_all(folder, files, call)
        assert {file for file, count in written.items() if count > 1} == SHARED
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their paths."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def write_all(folder: Path, files: Files, call: Call) -> Counter[str]:
    """Generate all cores; return how often each file was told."""
    written = Counter[str]()
    for number, name in enumerate(NAMES):
        before = contents(folder)
        options = ["--lanes", 1 + number % 4, "--name", name, *BUSES[number % len(BUSES)]]
        options += ["--memory-files"] if number % 2 else []
        done = call("generate", files.network, *options, "-o", folder)
        assert done.status == 0
        after = contents(folder)
        assert before.items() <= after.items(), name
        told = re.findall(rf"^{re.escape(str(folder))}/([^:]+): ", done.out, re.MULTILINE)
        assert set(told) <= set(after)
        written.update(told)
    return written


def test_in_one_folder(cores: Path) -> None:
    assert {file.stem for file in cores.glob("*.json")} == set(NAMES)


def in_one_design(folder: Path) -> list[str]:
    """The cores' Verilog, and a top with all of them, ``all.v``."""
    instances = "\n".join(f"  {name} i_{name}();" for name in NAMES)
    (folder / "all.v").write_text(f"module all;\n{instances}\nendmodule\n")
    return ["all.v", *(f"{name}.v" for name in NAMES)]


@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
def test_in_one_design(cores: Path, tool: str) -> None:
    sources = in_one_design(cores)
    texts = [(cores / source).read_text() for source in sources]
    modules = re.findall(r"^module ([\w$]+)", "\n".join(texts), re.MULTILINE)
    assert len(set(modules)) == len(modules) > 20 * len(NAMES)
    command = {
        "iverilog": ["-g2005", "-t", "null", "-s", "all"],
        "verilator": ["--lint-only", "-Wno-fatal", "--top-module", "all"],
    }[tool]
    done = subprocess.run(
        [toolchain.find_tool(tool), *command, *sources],
        cwd=cores,
        env=toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_benches_in_one_design(tmp_path: Path, files: Files, call: Call) -> None:
    """Cores with test benches share a folder, and their modules a design, likewise."""
    names = ("lstm", "lstm_tb", "lstm_core", "tb")
    for name in names:
        before = contents(tmp_path)
        options = ["--lanes", 2, "--name", name, "--testbench", "-o", tmp_path]
        assert call("generate", files.network, *options).status == 0
        assert before.items() <= contents(tmp_path).items(), name
    texts = [path.read_text() for path in tmp_path.rglob("*.v")]
    assert len(texts) == 2 * len(names)
    modules = re.findall(r"^module ([\w$]+)", "\n".join(texts), re.MULTILINE)
    assert len(set(modules)) == len(modules)


def test_in_one_program(cores: Path) -> None:
    """All headers go into one source, and all sources into one library."""
    headers = sorted(path.name for path in cores.glob("*.h"))
    guards = [re.findall(r"^#ifndef (\w+)", (cores / one).read_text(), re.M)[0] for one in headers]
    assert len(set(guards)) == len(guards)
    (cores / "all.c").write_text("".join(f'#include "{header}"\n' for header in headers * 2))
    sources = sorted(path.name for path in cores.glob("*.c"))
    command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([*command, *sources, "-o", "all.so"], cwd=cores, check=True)


def test_in_one_catalogue(cores: Path) -> None:
    """Components differ in what identifies them, and so do FuseSoC's cores."""
    found = [
        tuple(
            ElementTree.parse(path).getroot().findtext(f"{{{NAMESPACE}}}{part}")
            for part in ("vendor", "library", "name", "version")
        )
        for path in cores.rglob("component.xml")
    ]
    have_one = ["--axi" in BUSES[number % len(BUSES)] for number in range(len(NAMES))]
    assert len(set(found)) == len(found) == sum(have_one)
    lines = [re.findall("^name: .*", p.read_text(), re.MULTILINE) for p in cores.glob("*.core")]
    assert len({line for (line,) in lines}) == len(NAMES)


@pytest.mark.parametrize("end", ["", "_", "_core"])
def test_a_name_of_inner_modules_is_refused(end: str) -> None:
    """The one kind of name that could meet another core's inner modules."""
    name = inner_prefix("lstm").rstrip("_") + end
    with pytest.raises(InputError) as caught:
        check_name(name)
    assert str(caught.value) == (
        f"name is {name!r}, expected one that does not begin as the inner modules of a core named "
        "'lstm' do"
    )
