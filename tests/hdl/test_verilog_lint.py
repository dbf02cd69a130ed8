"""Linters have nothing to say about the Verilog of any kind of top but what is waived by reason."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hdl.export.verilog_header import MODULES, waivers
from sim.tools import toolchain
from tests.hdl import tops

pytestmark = pytest.mark.simulator

SLANG = """
import sys
from pyslang import driver

slang = driver.Driver()
slang.addStandardArgs()
assert slang.parseCommandLine("slang --std 1364-2005 top.v")
assert slang.processOptions() and slang.parseAllSources()
sys.exit(not slang.runFullCompilation(True))
"""

kinds = pytest.mark.parametrize("kind", tops.NAMES)


def lines_of(folder: Path, text: str, *command: str) -> tuple[int, list[str]]:
    """Exit status and lines of a tool that reads ``top.v``, and perhaps ``top.vlt``."""
    (folder / "top.v").write_text(text)
    (folder / "top.vlt").write_text(waivers("top.v"))
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": toolchain.search_path()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def verilator(folder: Path, text: str) -> list[str]:
    """Warnings that the waivers leave."""
    _, lines = lines_of(folder, text, "verilator", "--lint-only", "-Wall", "top.vlt", "top.v")
    return [line for line in lines if line.startswith("%")]


@kinds
def test_verilator_has_nothing_but_what_is_waived(kind: str, tmp_path: Path) -> None:
    assert verilator(tmp_path, tops.verilog(kind)) == []


@kinds
def test_icarus_has_nothing(kind: str, tmp_path: Path) -> None:
    command = "iverilog", "-g2005", "-Wall", "-o", "top.vvp", "top.v"
    assert lines_of(tmp_path, tops.verilog(kind), *command) == (0, [])


@kinds
def test_slang_has_nothing(kind: str, tmp_path: Path) -> None:
    assert lines_of(tmp_path, tops.verilog(kind), sys.executable, "-c", SLANG) == (0, [])


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        ("WIDTHEXPAND", "wire [3:0] w = 4'h1 + {2{clk}};"),
        ("WIDTHTRUNC", "wire w = {2{clk}};"),
        ("CASEINCOMPLETE", "reg w; always @* begin w = 0; case (clk) 1'b1: w = 1; endcase end"),
        ("PINMISSING", "tanh_ t ();"),
    ],
)
def test_the_waivers_hide_nothing_else(rule: str, planted: str, tmp_path: Path) -> None:
    text = tops.verilog("one_of_everything")
    tanh = re.findall(r"^module (\w+_tanh0)\(", text, re.MULTILINE)[0]
    broken = text.replace("\nendmodule", f"\n  {planted.replace('tanh_', tanh)}\nendmodule", 1)
    lines = verilator(tmp_path, broken)
    assert any(line.startswith(f"%Warning-{rule}") for line in lines), lines


def test_every_waiver_has_its_reason() -> None:
    lines = waivers("x.v").splitlines()
    rules = {number: line.split()[2] for number, line in enumerate(lines) if "lint_off" in line}
    assert set(rules.values()) == {"DECLFILENAME", "PROCASSINIT", "UNUSEDSIGNAL"}
    assert all(lines[number - 1].startswith("// ") for number in rules)
    assert all(lines[number].endswith('-file "*x.v"') for number in rules)


@kinds
def test_every_module_says_what_it_is(kind: str) -> None:
    modules = re.findall(r"^(?:// (.*)\n)?module (\w+)", tops.verilog(kind), re.MULTILINE)
    assert modules
    assert [name for line, name in modules if line not in MODULES.values()] == []


def test_no_line_is_for_a_component_that_is_in_no_core() -> None:
    text = "".join(map(tops.verilog, tops.NAMES))
    assert [name for name, line in MODULES.items() if f"\n// {line}\nmodule " not in text] == []


@kinds
def test_every_port_has_a_name(kind: str) -> None:
    """None after the number of a cell, as ``port_838_0``."""
    ports = re.findall(r"^  (?:input|output) (?:\[.*\] )?(\w+);", tops.verilog(kind), re.MULTILINE)
    assert len(ports) > 20
    assert [name for name in ports if re.match(r"(port_)?\d|port_\d|n\d", name)] == []
